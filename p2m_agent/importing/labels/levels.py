"""Columns that hold one category in several grains: `level_1` to `level_3`, a main and a sub-category."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from p2m_agent.importing.column_names import leaves_out, output_score, words_of
from p2m_agent.importing.labels.columns_alike import OF_LABELS
from p2m_agent.importing.labels.missing import is_null_word
from p2m_agent.importing.labels.separators import LONGEST_LABEL
from p2m_agent.importing.labels.spelling import form
from p2m_agent.languages import bare
from p2m_agent.rows.column_profile import columns_of, text_of
from p2m_agent.rows.reading import Row
from p2m_agent.rows.tables.column_words import in_english
from p2m_agent.types.doubts import Doubt

FIXES = 0.98
"""Share of the rows in which a finer value tells the coarser one."""
NAMED = 0.5
"""Share of a column's labels that are named where it is meant."""
_COARSE = re.compile(
    r"\b(?:top|main|broad\w*|coars\w*|general|parent|major|root|first|upper|high\w*|primary"
    r"|haupt\w*|ober\w*|übergeordnet\w*|grob\w*|erste\w*"
    r"|principa\w*|primer\w*|primir\w*|premi[eè]r\w*|général\w*|superior|supérieur\w*|hoofd\w*|główn\w*|основн\w*|верхн\w*)\b|大类|一级|上位|대분류",
    re.IGNORECASE,
)
_FINE = re.compile(
    r"\b(?:sub\w*|fine\w*|detail\w*|specific|leaf|lowest|deepest|last|child|narrow\w*|unter\w*|fein\w*|genau\w*|letzte\w*"
    r"|détaill\w*|spécifi\w*|sous\w*|fin[ae]?s?|detall\w*|específic\w*|dettagli\w*|sotto\w*|pod\w*|onder\w*|подкатегор\w*)\b"
    r"|小类|三级|下位|소분류",
    re.IGNORECASE,
)
_AFFIXES = re.compile(r"^(?:sub|super|main|haupt|unter|ober|sous|sotto|onder|hoofd|pod)(?=\w{3})")
_NUMBER = re.compile(r"(?<!\d)(\d)(?!\d)")


@dataclass(frozen=True)
class Levels:
    """Columns of one category, the coarsest first, and the one that is wanted."""

    columns: tuple[str, ...]
    wanted: str
    said: bool
    """Whether the request says which."""

    @property
    def doubt(self) -> Doubt:
        """What was seen and which was taken."""
        why = "as the request asks for it" if self.said else "the finest level, as the request names none"
        others = [name for name in self.columns if name != self.wanted]
        return Doubt(
            kind="columns",
            text=f"The columns {', '.join(self.columns)} hold one category at {len(self.columns)} levels.",
            where=self.wanted,
            done=f"{self.wanted} is the output, {why}; {', '.join(others)} tell it and are no inputs.",
            settle=f"Another level: --output {others[-1]}.",
            grave=not self.said,
        )


def levels_in(rows: Sequence[Row], request: str, known: Sequence[str] = ()) -> Levels | None:
    """Find columns of which each finer one tells the coarser; None where there are none.

    Args:
        rows: the source's.
        request: may say which level, also by naming its labels.
        known: labels of the task.
    """
    cells = {name: [_label(row.get(name)) for row in rows] for name in columns_of(rows)}
    labels = {name: found for name, found in cells.items() if _are_labels(found) and not _is_aside(name)}
    for group in _groups(list(labels)):
        chain = sorted(group, key=lambda name: len(set(labels[name])))
        if all(_finer(labels[fine], labels[coarse]) for coarse, fine in pairwise(chain)):
            wanted = _wanted(chain, request) or _by_values({name: labels[name] for name in chain}, request, known)
            return Levels(tuple(chain), wanted or chain[-1], bool(wanted))
    return None


def _label(value: object) -> str:
    text = "" if isinstance(value, dict | list) else text_of(value)
    return "" if is_null_word(text) else form(text)


def _are_labels(cells: Sequence[str]) -> bool:
    counts = Counter(cell for cell in cells if cell)
    recurring = sum(rows for rows in counts.values() if rows > 1)
    return (
        len(counts) > 1
        and recurring >= 0.8 * counts.total()
        and counts.total() >= 0.5 * len(cells)
        and all(len(cell) <= LONGEST_LABEL for cell in counts)
    )


def _is_aside(name: str) -> bool:
    return leaves_out(name) and not output_score(name) and "level" not in in_english(name)


def _groups(columns: Sequence[str]) -> list[list[str]]:
    """Columns whose names say one thing: the same but for a number, or with the same word for labels."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for name in columns:
        for core in _cores(name):
            groups[core].append(name)
    return [group for group in groups.values() if len(group) > 1]


def _cores(name: str) -> set[str]:
    stem = re.sub(r"[\W_]*\d+$", "", bare(name))
    words = {_AFFIXES.sub("", word) for word in words_of(in_english(name))}
    return ({stem} if stem != bare(name) else set()) | {word for word in words if output_score(word) >= OF_LABELS}


def _finer(fine: Sequence[str], coarse: Sequence[str]) -> bool:
    """Whether values of the one have always the same value of the other, and more of them."""
    told: Mapping[str, Counter[str]] = defaultdict(Counter)
    for one, other in zip(fine, coarse, strict=True):
        if one and other:
            told[one][other] += 1
    rows = sum(counts.total() for counts in told.values())
    right = sum(max(counts.values()) for counts in told.values())
    return bool(rows) and right >= FIXES * rows and len(set(fine)) > len(set(coarse))


def _wanted(chain: Sequence[str], request: str) -> str:
    """The level that a request names: by its column, its number, or a word for coarse or fine; empty for none."""
    said = _spoken(request)
    named = [name for name in chain if _spoken(name) in said]
    if len(named) == 1:
        return named[0]
    asked = re.search(
        r"(?:level|ebene|stufe|nivel|nível|livello|niveau|poziom|уров\w+|レベル|级|level-?)\W{0,2}(\d)", request, re.I
    )
    numbers = {found[1]: name for name in chain if (found := _NUMBER.search(name))}
    if asked and asked[1] in numbers:
        return numbers[asked[1]]
    if bool(_COARSE.search(request)) == bool(_FINE.search(request)):
        return ""
    return chain[0] if _COARSE.search(request) else chain[-1]


def _by_values(columns: Mapping[str, Sequence[str]], request: str, known: Sequence[str]) -> str:
    """The one level whose labels the task or its request names; empty where none or several are named."""
    said = _spoken(" . ".join((request, *known)))
    named = []
    for name, cells in columns.items():
        values = {_spoken(cell) for cell in cells if cell}
        if sum(value in said for value in values) >= NAMED * len(values):
            named.append(name)
    return named[0] if len(named) == 1 else ""


def _spoken(text: str) -> str:
    """Words with a blank around each."""
    words = re.findall(r"[^\W_]+", bare(text))
    return f" {' '.join(words)} "
