"""Decoding by transformers' own `generate`: beams and drawing for any model, and all there is for encoder-decoders."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from p2m_agent.training.texts.greedy import Decoded
from p2m_agent.types.recipe import Decoding

_BATCH = 32


def generate(
    model: Any,
    prompts: Sequence[Sequence[int]],
    how: Decoding,
    *,
    ends: Collection[int],
    max_new_tokens: int,
    on_rows: Callable[[int], None] = lambda _done: None,
) -> list[Decoded]:
    """One answer to each prompt (or input of an encoder-decoder), in their order.

    Rows of like length go together. Drawing depends on `how.seed` and the prompts alone.
    """
    import torch

    found = [Decoded() for _ in prompts]
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    with torch.inference_mode(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(how.seed)
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            said = _batch(model, [prompts[i] for i in rows], how, frozenset(ends), max_new_tokens)
            for i, one in zip(rows, said, strict=True):
                found[i] = one
            on_rows(start + len(rows))
    return found


def _batch(
    model: Any, prompts: list[Sequence[int]], how: Decoding, ends: frozenset[int], max_new_tokens: int
) -> list[Decoded]:
    import torch

    two_sided = bool(model.config.is_encoder_decoder)
    width, pad = max(map(len, prompts)), min(ends)
    padded = [_padded(list(prompt), width, pad, left=not two_sided) for prompt in prompts]
    tokens = torch.tensor([ids for ids, _mask in padded], device=model.device)
    mask = torch.tensor([shown for _ids, shown in padded], device=model.device)
    made = model.generate(
        input_ids=tokens,
        attention_mask=mask,
        generation_config=_settings(model, how, ends, pad, max_new_tokens),
    )
    skipped = 1 if two_sided else width  # a decoder begins with its start token
    scores = model.compute_transition_scores(
        made.sequences, made.scores, getattr(made, "beam_indices", None), normalize_logits=how.beams == 1
    )
    answers = made.sequences[:, skipped:].tolist()
    return [_decoded(ids, row, ends) for ids, row in zip(answers, scores.tolist(), strict=True)]


def _padded(ids: list[int], width: int, pad: int, *, left: bool) -> tuple[list[int], list[int]]:
    filler = width - len(ids)
    if left:
        return [pad] * filler + ids, [0] * filler + [1] * len(ids)
    return ids + [pad] * filler, [1] * len(ids) + [0] * filler


def _settings(model: Any, how: Decoding, ends: frozenset[int], pad: int, max_new_tokens: int) -> Any:
    from transformers import GenerationConfig

    drawn = {"do_sample": True, "temperature": how.temperature, "top_p": how.top_p, "top_k": 0}
    return GenerationConfig(
        max_new_tokens=max_new_tokens,
        num_beams=how.beams,
        eos_token_id=sorted(ends),
        pad_token_id=pad,
        decoder_start_token_id=getattr(model.config, "decoder_start_token_id", None),
        output_scores=True,
        return_dict_in_generate=True,
        **(drawn if how.temperature > 0 else {"do_sample": False}),
    )


def _decoded(ids: list[int], scores: list[float], ends: frozenset[int]) -> Decoded:
    length = next((i for i, token in enumerate(ids) if token in ends), len(ids))
    ended = length < len(ids)
    said = [score for score in scores[: length + ended] if score > float("-inf")]
    return Decoded(ids=ids[:length], log_probability=sum(said), ended=ended)
