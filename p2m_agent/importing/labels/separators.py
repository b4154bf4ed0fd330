"""What stands between several labels in one text, judged over the whole column."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from p2m_agent.importing.labels.spelling import cleaned, form
from p2m_agent.types.doubts import Doubt

MARKS = ("\n", ";#", ";", "|", "\t", "；", "、", "，", "#", "and", ",", "·", "•", "~", "+", "&", "/", "\\", ":", " ")
"""In the order in which they are tried: a comma, a slash and a blank also stand within labels."""
_WEAK = {"and", "+", "&", "/", "\\", ":", " ", "·"}
"""Marks that stand within labels so often that parts must be seen alone."""
_SURE = {"\n", ";#", ";", "|", "；", "、", "#"}
"""Marks that hardly ever stand within a label."""
_AND = re.compile(r"\s*,?\s+(?:and|und|et|y|e|en|og|och|i|и|ve|ja|és|și)\s+|\s*,\s*", re.IGNORECASE)
"""What the mark `and` stands for: the word in any language, and the commas of `noise, dirt and bills`."""
RECURRING = 0.8
"""Share of the combinations that must be made of parts which are labels elsewhere too."""
LONGEST_LABEL = 80
"""Characters. What is longer is an answer."""


@dataclass(frozen=True)
class Separator:
    """How a text is parted into labels."""

    mark: str = ""
    """Empty where a text is one label."""
    glued: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    """Neighbours that are one label which holds the mark, by their forms."""
    doubts: tuple[Doubt, ...] = ()

    def parts(self, text: str) -> list[str]:
        """The labels in a text, in its order."""
        if not self.mark:
            return [text] if text else []
        return _glue(_pieces(text, self.mark), self.glued, _between(self.mark))


def separator_of(
    texts: Sequence[str], *, labels: Collection[str] = (), asked: bool = True, where: str = ""
) -> Separator:
    """Find what stands between the labels in a column of texts.

    Args:
        texts: The cells with something in them.
        labels: Those of the task, which are never parted.
        asked: Whether the task has several labels. Else a mark counts only where each part is a label by itself too.
        where: The column.
    """
    known = {form(label) for label in labels}
    left = [text for text in texts if form(text) not in known]
    if not left or max(map(len, left)) > 20 * LONGEST_LABEL:
        return Separator()
    for mark in MARKS:
        if (
            any(_holds(text, mark) for text in left)
            and (found := _evidence(left, mark, known, asked=asked)) is not None
        ):
            return Separator(mark, found, tuple(_doubts(left, mark, found, where)))
    return Separator()


def _pieces(text: str, mark: str) -> list[str]:
    """A text at its marks; a leading mark of a hashtag begins a label."""
    cut = _AND.split(text) if mark == "and" else text.split(mark)
    return [piece for each in cut if (piece := each.strip())]


def _holds(text: str, mark: str) -> bool:
    if mark != "and":
        return mark in text
    return any(match[0].strip(" ,") for match in _AND.finditer(text))


def _between(mark: str) -> str:
    return f"{mark} " if mark in ",;" else f" {mark} " if mark == "and" else mark


def _evidence(
    texts: Sequence[str], mark: str, known: Collection[str], *, asked: bool
) -> frozenset[tuple[str, str]] | None:
    """The neighbours that are one label, where the mark parts labels; None where it does not."""
    cells = Counter(tuple(form(piece) for piece in _pieces(text, mark)) for text in texts)
    combined = {cell: rows for cell, rows in cells.items() if len(cell) > 1}
    if not combined or any(len(piece) > LONGEST_LABEL for cell in cells for piece in cell):
        return None
    glued = _always_together(cells, known)
    merged: Counter[tuple[str, ...]] = Counter()
    for cell, rows in cells.items():
        merged[tuple(_glue(cell, glued))] += rows
    several = {cell: rows for cell, rows in merged.items() if len(cell) > 1}
    strong = asked and mark not in _WEAK
    right = _made_of_labels(merged, several, known, strong=strong)
    known_alone = all(part in known for cell in several for part in cell)
    enough = right >= (RECURRING if asked else 0.95) and (known_alone or _reuse(merged) >= 2)
    more = strong and _reuse(merged) >= 1.5 * merged.total() / len(merged)
    more = more or (asked and mark in _SURE and _touch_labels(merged, several, known) >= RECURRING)
    return frozenset(glued) if several and (enough or more) else None


def _made_of_labels(
    cells: Counter[tuple[str, ...]], several: dict[tuple[str, ...], int], known: Collection[str], *, strong: bool
) -> float:
    """Share of the combinations whose parts are all labels elsewhere: by themselves, or in another combination."""
    alone = {cell[0] for cell in cells if len(cell) == 1} | set(known)
    partners = Counter(part for cell in several for part in set(cell))
    right = sum(
        rows for cell, rows in several.items() if all(part in alone or (strong and partners[part] > 1) for part in cell)
    )
    return right / max(1, sum(several.values()))


def _touch_labels(
    cells: Counter[tuple[str, ...]], several: dict[tuple[str, ...], int], known: Collection[str]
) -> float:
    """Share of the combinations of which a part is a label by itself too."""
    alone = {cell[0] for cell in cells if len(cell) == 1} | set(known)
    return sum(rows for cell, rows in several.items() if alone & {*cell}) / max(1, sum(several.values()))


def _reuse(cells: Counter[tuple[str, ...]]) -> float:
    """How often a part stands in the column, in the mean."""
    return sum(rows * len(cell) for cell, rows in cells.items()) / max(
        1, len({part for cell in cells for part in cell})
    )


def _always_together(cells: Counter[tuple[str, ...]], known: Collection[str]) -> set[tuple[str, str]]:
    """Neighbours that are one label: none of them is seen without the others, and they make up a cell by themselves."""
    rows: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for cell, count in cells.items():
        rows.update(dict.fromkeys(cell, count))
        for pair in set(itertools.pairwise(cell)):
            pairs[pair] += count
    inseparable = {
        (a, b)
        for (a, b), count in pairs.items()
        if count == rows[a] == rows[b] and count >= 3 and not {a, b} & set(known)
    }
    whole = [list(itertools.pairwise(cell)) for cell in cells if len(cell) > 1]
    return {pair for chain in whole if all(each in inseparable for each in chain) for pair in chain}


def _glue(cell: Sequence[str], glued: Collection[tuple[str, str]], between: str = "\0") -> list[str]:
    whole: list[str] = []
    for place, part in enumerate(cell):
        if place and (form(cell[place - 1]), form(part)) in glued:
            whole[-1] = f"{whole[-1]}{between}{part}"
        else:
            whole.append(part)
    return whole


def _doubts(texts: Sequence[str], mark: str, glued: Collection[tuple[str, str]], where: str) -> list[Doubt]:
    rows = sum(len(_pieces(text, mark)) > 1 for text in texts)
    shown = next(cleaned(text) for text in texts if len(_pieces(text, mark)) > 1)
    found = [
        Doubt(
            kind="label_names",
            text=f"{rows:,} of {len(texts):,} cells hold several labels with {mark!r} between them, such as {shown!r}.",
            where=where,
            rows=rows,
            done="Each part is a label.",
            settle="If such a text is one label, list the labels under `labels` in the task file.",
        )
    ]
    if glued:
        listed = ", ".join(f"{a}{_between(mark)}{b}" for a, b in sorted(glued)[:5])
        done = "They are taken as one label each, since the parts never stand apart."
        settle = "List the labels under `labels` in the task file."
        text = f"{mark!r} also stands within what look like labels: {listed}."
        found.append(Doubt(kind="label_names", text=text, where=where, done=done, settle=settle))
    return found
