"""Several rows in one sequence, behind the prompt prefix that they share.

A row sees the prefix and itself, never another row, and its positions go on from the prefix. So the loss
and its gradients are those of the rows one by one, while the prefix is computed once and nothing is padded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Packed:
    """One sequence; tensors on the CPU."""

    tokens: Any
    """(1, length) token ids."""
    positions: Any
    """(1, length) position of each token in its own row."""
    mask: Any
    """(1, 1, length, length), True where the token of that line may see the token of that column."""
    asked: Any
    """Places whose next token is part of an answer."""
    wanted: Any
    """That token, per place."""


def pack(prefix: Sequence[int], rows: Sequence[tuple[Sequence[int], Sequence[int]]]) -> Packed:
    """Pack rows of (prompt without the prefix, at least one token; answer, at least one token)."""
    import torch

    tokens, positions, owner = list(prefix), list(range(len(prefix))), [0] * len(prefix)
    asked: list[int] = []
    wanted: list[int] = []
    for number, (prompt, answer) in enumerate(rows, start=1):
        # The last answer token is only ever predicted, so it is not part of the input.
        inputs = [*prompt, *answer[:-1]]
        asked.extend(range(len(tokens) + len(prompt) - 1, len(tokens) + len(inputs)))
        wanted.extend(answer)
        positions.extend(range(len(prefix), len(prefix) + len(inputs)))
        owner.extend([number] * len(inputs))
        tokens.extend(inputs)
    whose = torch.tensor(owner)
    visible = (whose[None, :] == whose[:, None]) | (whose[None, :] == 0)
    mask = visible & torch.ones_like(visible).tril()
    return Packed(
        torch.tensor([tokens]), torch.tensor([positions]), mask[None, None], torch.tensor(asked), torch.tensor(wanted)
    )


def packed_loss(model: Any, packed: Packed, *, states: Any = None, reduction: str = "sum") -> Any:
    """Cross-entropy of the answer tokens, summed. Only their places get logits, which are the widest tensor.

    Args:
        model: a causal LM.
        packed: the rows.
        states: what the model's first layer reads instead of the embeddings of the tokens, (1, length, width).
        reduction: `none` gives the loss of each answer token, row by row.
    """
    import torch

    where = model.device
    read = {"input_ids": packed.tokens.to(where)} if states is None else {"inputs_embeds": states}
    logits = model(
        **read,
        position_ids=packed.positions.to(where),
        attention_mask=packed.mask.to(where),
        logits_to_keep=packed.asked.to(where),
        use_cache=False,
    ).logits[0]
    return torch.nn.functional.cross_entropy(logits.float(), packed.wanted.to(where), reduction=reduction)
