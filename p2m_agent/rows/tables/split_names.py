"""Which split a name says: of a file, a folder, a sheet, a key."""

from __future__ import annotations

import re

SPLIT_WORDS = {
    "train": ("train", "training", "trn"),
    "validation": ("validation", "valid", "val", "dev", "development", "devel"),
    "test": ("test", "testing", "tst", "eval", "evaluation", "heldout", "holdout"),
}
_OF_WORD = {word: split for split, words in SPLIT_WORDS.items() for word in words}


def split_of(name: str) -> str:
    """`train`, `validation` or `test` where one word of the name says so; else empty.

    >>> split_of("train-00000-of-00002"), split_of("en_dev"), split_of("contest"), split_of("testset")
    ('train', 'validation', '', 'test')
    """
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())
    said = {_OF_WORD.get(word) or _OF_WORD.get(re.sub(r"(set|data|split)$", "", word), "") for word in words} - {""}
    return said.pop() if len(said) == 1 else ""
