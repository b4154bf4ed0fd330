"""Which cards name which: what others build on, or compare with, is known, and fits what they fit."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

_WORD = re.compile(r"[^\W_]+")
_ADDRESS = re.compile(r"\]\([^)\s]*\)|https?://\S+|www\.\S+")
_LONGEST, _SHORTEST = 6, 3
"""Words of a name, and characters of one that is a single word."""
_EVERYDAY = 3
"""Cards that write a word in small letters, from which on it may be an everyday word."""
_OWNERS = 3
"""A name that more cards have tells nothing."""
Cards = Callable[[], Iterable[tuple[Sequence[str], str]]]
_Name = tuple[str, ...]


def links(cards: Cards) -> list[list[int]]:
    """For each card the numbers (0, 1, ...) of the cards that name it, lowest first.

    A name counts where it is written with its own capitals; one that is an everyday word does not count.

    Args:
        cards: Gives names and text of each card; it is called twice and has to give them in the same order.
    """
    names: dict[_Name, list[int]] = defaultdict(list)
    small: Counter[str] = Counter()
    capital: Counter[str] = Counter()
    size = 0
    for number, (called, text) in enumerate(cards()):
        size = number + 1
        for name in {_words(each) for each in called}:
            names[name].append(number)
        for word in set(_words(text)):
            (small if word.islower() else capital)[word.lower()] += 1
    known = {n: owners for n, owners in names.items() if len(owners) <= _OWNERS and _telling(n, small, capital)}
    found: list[list[int]] = [[] for _ in range(size)]
    lengths = _lengths(known)
    for number, (_, text) in enumerate(cards()):
        for named in {owner for name in _named(_words(text), lengths, known) for owner in known[name]} - {number}:
            found[named].append(number)
    return found


def _telling(name: _Name, small: Counter[str], capital: Counter[str]) -> bool:
    """Whether a text in which these words stand together means the dataset."""
    joined = "".join(name)
    if len(name) > _LONGEST or len(joined) < _SHORTEST or joined.islower() or joined.isdigit():
        return False
    if len(name) > 1:
        return True
    often = small[joined.lower()] >= _EVERYDAY
    return not often or not (joined[1:].islower() or small[joined.lower()] >= capital[joined.lower()])


def _lengths(names: Iterable[_Name]) -> dict[str, list[int]]:
    """How many words the names have that begin with a word, most first."""
    found: dict[str, set[int]] = defaultdict(set)
    for name in names:
        found[name[0]].add(len(name))
    return {first: sorted(lengths, reverse=True) for first, lengths in found.items()}


def _named(words: _Name, lengths: dict[str, list[int]], names: dict[_Name, list[int]]) -> Iterable[_Name]:
    """The names in a text from left to right, the longest where one holds another."""
    at = 0
    while at < len(words):
        runs = (words[at : at + length] for length in lengths.get(words[at], ()))
        name = next((run for run in runs if run in names), None)
        if name:
            yield name
        at += len(name) if name else 1


def _words(text: str) -> _Name:
    return tuple(_WORD.findall(_ADDRESS.sub(" ", text)))
