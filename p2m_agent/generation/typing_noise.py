"""Haste in a share of the inputs, as people type: deterministic, marked on the row, never in an output."""

from __future__ import annotations

import random
from collections.abc import Callable

from p2m_agent.types.rows import Example

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEIGHBOURS = {
    letter: row[max(0, at - 1) : at] + row[at + 1 : at + 2] for row in _ROWS for at, letter in enumerate(row)
}
"""Keys beside each other."""


def hasten(example: Example, share: float, seed: int) -> Example:
    """The row with a hastily typed input, in a `share` of all rows (0 to 1); the others as they are.

    Which rows and how follows from the row and the seed alone. One field is touched, the longest.
    """
    rng = random.Random(f"{seed}/{example.id}/noise")  # noqa: S311 (reproducible, no secret)
    if rng.random() >= share:
        return example
    field = max(example.input, key=lambda name: len(example.input[name]))
    name = rng.choice(list(_WAYS))
    text = _WAYS[name](example.input[field], rng)
    if text == example.input[field]:
        return example
    source = example.source.model_copy(update={"noise": name})
    return example.model_copy(update={"input": {**example.input, field: text}, "source": source})


def _swap(text: str, rng: random.Random) -> str:
    return _at_a_word(text, rng, lambda word, at: word[:at] + word[at + 1] + word[at] + word[at + 2 :])


def _drop(text: str, rng: random.Random) -> str:
    return _at_a_word(text, rng, lambda word, at: word[:at] + word[at + 1 :])


def _double(text: str, rng: random.Random) -> str:
    return _at_a_word(text, rng, lambda word, at: word[: at + 1] + word[at:])


def _slip(text: str, rng: random.Random) -> str:
    return _at_a_word(
        text, rng, lambda word, at: word[:at] + rng.choice(_NEIGHBOURS.get(word[at], word[at])) + word[at + 1 :]
    )


def _lower(text: str, _rng: random.Random) -> str:
    return text.lower()


def _bare(text: str, _rng: random.Random) -> str:
    return text.rstrip(".!?。！？ ")


_WAYS: dict[str, Callable[[str, random.Random], str]] = {
    "swapped letters": _swap,
    "dropped letter": _drop,
    "doubled letter": _double,
    "neighbouring key": _slip,
    "lower case": _lower,
    "no final punctuation": _bare,
}


def _at_a_word(text: str, rng: random.Random, change: Callable[[str, int], str]) -> str:
    """Change one long word inside; figures, names of things in capitals and addresses stay."""
    words = text.split(" ")
    fitting = [at for at, word in enumerate(words) if len(word) >= 5 and word.isalpha() and word[1:].islower()]
    if not fitting:
        return text
    at = rng.choice(fitting)
    words[at] = change(words[at], rng.randrange(1, len(words[at]) - 2))
    return " ".join(words)
