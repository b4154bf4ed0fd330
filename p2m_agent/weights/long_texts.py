"""Texts that are longer than an encoder reads: both ends of them, without the middle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

HEAD_SHARE = 0.25
"""Of the tokens that are read, those at the beginning; the rest stand at the end.

Source: Sun et al. 2019, How to Fine-Tune BERT for Text Classification (arXiv 1905.05583): 128 and 382 of 510.
"""


def without_middle(texts: Sequence[str], tokenizer: Any, most: int) -> list[str]:
    """Texts of more than `most` tokens with their middle left out; the others as they are.

    Args:
        texts: as a person wrote them.
        tokenizer: of the encoder.
        most: tokens of a text, those that the encoder puts around it not counted.
    """
    found = list(texts)
    long = [place for place, text in enumerate(found) if len(text.encode()) > most]  # a token is a byte or more
    if not long or most < 2:
        return found
    fast = tokenizer.is_fast
    told = tokenizer(
        [found[place] for place in long], add_special_tokens=False, return_offsets_mapping=fast, verbose=False
    )
    head = max(1, round(HEAD_SHARE * most))
    for number, place in enumerate(long):
        ids = told["input_ids"][number]
        if len(ids) <= most:
            continue
        tail = len(ids) - (most - head)
        if fast:
            spans = told["offset_mapping"][number]
            found[place] = f"{found[place][: spans[head - 1][1]]} {found[place][spans[tail][0] :]}"
        else:
            found[place] = f"{tokenizer.decode(ids[:head])} {tokenizer.decode(ids[tail:])}"
    return found
