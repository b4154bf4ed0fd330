"""Columns that hold labels of one kind: one for each label of a row, or one for each person who said it."""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from p2m_agent.importing import column_names as names
from p2m_agent.importing.labels.missing import is_null_word
from p2m_agent.importing.labels.separators import LONGEST_LABEL
from p2m_agent.importing.labels.spelling import form
from p2m_agent.rows.column_profile import columns_of, text_of
from p2m_agent.rows.reading import Row

PEOPLE = re.compile(
    r"(?:.*[\W_])?(?:\w*annotat\w*|annotierer\w*|anotador\w*|annotatore\w*|annotateur\w*|raters?|coders?|codeurs?|codificador\w*"
    r"|codificatore|evaluador\w*|evaluators?|évaluateur\w*|judges?|juge|juez|jueces|workers?|labell?ers?|reviewers?|beurteiler\w*"
    r"|bewerter\w*|kodierer\w*|gutachter\w*|beoordelaar\w*|valutatore\w*|avaliador\w*|anotator\w*|experts?|user|turker|completed_by"
    r"|разметчик\w*|аннотатор\w*|оценщик\w*|标注者|标注员|標註者|評価者|アノテーター)(?:[\W_]*(?:id|name|nr|no|\w?\d*))?",
    re.IGNORECASE,
)
"""Names of columns that say who labelled a row, or what that person said."""
_GOLD = re.compile(
    r"(?:.*[\W_])?(?:gold\w*|consensus|final\w*|majority\w*|adjudicat\w*|agreed|resolved|truth|true|label|labels|class|category)(?:[\W_].*)?",
    re.IGNORECASE,
)
_MODEL = re.compile(
    r"(?:.*[\W_])?(?:pred\w*|model\w*|guess\w*|score\w*|prob\w*|confidence|old|previous|suggest\w*)(?:[\W_].*)?", re.I
)
AGREE = 0.15
"""Share of rows with several filled cells in which two say the same, from which people said them."""
SHARED = 0.5
"""Share of a column's cells whose values the other columns have too."""
MOST_VALUES = 300
OF_LABELS = 3.8
"""Points of `column_names` from which a word is one for labels."""


@dataclass(frozen=True)
class Alike:
    """Columns with the same labels."""

    columns: tuple[str, ...]
    people: bool
    """Whether each is what one person said; else each is one more label of the row."""
    gold: str = ""
    """A column beside them with what was settled on; empty where there is none."""


def columns_alike(rows: Sequence[Row], leave: Collection[str] = ()) -> Alike | None:
    """Find columns that hold the same labels, by their names and cells.

    Args:
        rows: Of the source.
        leave: Columns that are something else.
    """
    columns = [name for name in columns_of(rows) if name not in leave]
    cells = {name: _cells(rows, name) for name in columns}
    labels = {name: found for name, found in cells.items() if _are_labels(found)}
    for group in _groups(list(labels)):
        alike = _sharing(group, labels)
        if len(alike) < 2 or len({cell for name in alike for cell in labels[name]} - {""}) < 2:
            continue
        agree = _agreement([labels[name] for name in alike])
        by_people = all(PEOPLE.fullmatch(name) for name in alike)
        if not by_people and len({_stem(name) for name in alike}) > 1 and _are_numbers(alike, labels):
            continue  # a number for each label
        people = by_people or agree >= AGREE
        if _nameless(group) and not people:
            continue
        return Alike(tuple(alike), people, _gold(labels, alike) if people else "")
    return None


def _are_numbers(group: Sequence[str], cells: dict[str, list[str]]) -> bool:
    values = {cell for name in group for cell in cells[name]} - {""}
    return len(values) > 2 and all(re.fullmatch(r"\d+(?:\.\d+)?", value) for value in values)


def _cells(rows: Sequence[Row], name: str) -> list[str]:
    """The column's labels in one form; empty for nothing."""
    found = []
    for row in rows:
        value = row.get(name)
        text = "" if isinstance(value, dict) else text_of(value)
        found.append("" if is_null_word(text) else form(text))
    return found


def _are_labels(cells: Sequence[str]) -> bool:
    """Whether the filled cells of a column are few short texts that recur."""
    counts = Counter(cell for cell in cells if cell)
    few = 1 <= len(counts) <= MOST_VALUES and counts.total() >= 2 * len(counts)
    return few and all(len(cell) <= LONGEST_LABEL for cell in counts)


def _groups(columns: Sequence[str]) -> list[list[str]]:
    """Columns with the same name but for its number, letter or person; those that share a word; and at last all."""
    named = [name for name in columns if not names.is_choices(name) and not _MODEL.fullmatch(name)]
    by_stem: defaultdict[str, list[str]] = defaultdict(list)
    by_word: defaultdict[str, list[str]] = defaultdict(list)
    for name in named:
        by_stem[_stem(name)].append(name)
        for word in dict.fromkeys(re.findall(r"[^\W\d_]{2,}", name.casefold())):
            by_word[word].append(name)
    said = [name for name in columns if PEOPLE.fullmatch(name)]
    free = [name for name in named if not names.output_score(name) and not names.leaves_out(name)]
    stems = [group for stem, group in by_stem.items() if stem]
    found = [group for group in (*stems, *by_word.values(), said) if len(group) > 1]
    return [*found, *([free] if len(free) > 2 else [])]


def _stem(name: str) -> str:
    """A name without its number or single letter at the end; the first of several may have none."""
    bare = re.sub(r"[\W_]*(?:\d{1,2}|(?<=[\W_])[a-dA-D])$", "", name.strip())
    return re.sub(r"[\W_]+", "", bare).casefold()


def _nameless(group: Sequence[str]) -> bool:
    """Whether nothing in the names of columns says that they belong together: a number, or a word for labels."""
    words = [{*re.findall(r"[^\W\d_]{2,}", name.casefold())} for name in group]
    shared = set.intersection(*words)
    return len({_stem(name) for name in group}) == len(group) and not any(map(_names_labels, shared))


def _names_labels(word: str) -> bool:
    return names.output_score(word) >= OF_LABELS


def _sharing(group: Sequence[str], cells: dict[str, list[str]]) -> list[str]:
    """The columns of a group most of whose cells have values that others have; the fullest may have more."""
    alike = list(group)
    fullest = max(group, key=lambda name: sum(map(bool, cells[name])))
    while len(alike) > 1:
        odd = next((name for name in alike if name != fullest and not _shares(name, alike, cells)), None)
        if odd is None:
            break
        alike.remove(odd)
    return alike


def _shares(name: str, group: Sequence[str], cells: dict[str, list[str]]) -> bool:
    others = {cell for other in group if other != name for cell in cells[other]}
    mine = [cell for cell in cells[name] if cell]
    return sum(cell in others for cell in mine) >= SHARED * len(mine)


def _agreement(columns: Sequence[Sequence[str]]) -> float:
    """Share of the rows with several filled cells in which two of them say the same, 0 to 1."""
    several = [filled for cells in zip(*columns, strict=True) if len(filled := [cell for cell in cells if cell]) > 1]
    return sum(len(set(filled)) < len(filled) for filled in several) / max(1, len(several))


def _gold(cells: dict[str, list[str]], people: Sequence[str]) -> str:
    """A column that says, nearly always, what most people said."""
    said = zip(*(cells[name] for name in people), strict=True)
    most = [ranked[0][0] if (ranked := Counter(filter(None, row)).most_common(1)) else "" for row in said]
    return _agreeing({name: own for name, own in cells.items() if name not in people}, most)


def gold_column(rows: Sequence[Row], most: Sequence[object], leave: Collection[str]) -> str:
    """The same for what most people said of each row, wherever they said it; empty where there is none."""
    columns = [name for name in columns_of(rows) if name not in leave]
    return _agreeing({name: _cells(rows, name) for name in columns}, [form(text_of(each)) for each in most])


def _agreeing(cells: dict[str, list[str]], most: Sequence[str]) -> str:
    for name, own in cells.items():
        if not _GOLD.fullmatch(name) or _MODEL.fullmatch(name):
            continue
        pairs = [(mine, usual) for mine, usual in zip(own, most, strict=True) if mine and usual]
        if pairs and sum(mine == usual for mine, usual in pairs) >= 0.7 * len(pairs):
            return name
    return ""


def repeated_items(rows: Sequence[Row]) -> tuple[tuple[str, ...], str] | None:
    """Columns that say which item a row is about, and the one that says who labelled it, where items recur.

    None where each item stands there once, or nothing names who labelled it.
    """
    columns = columns_of(rows)
    for who in (name for name in columns if PEOPLE.fullmatch(name)):
        people = [text_of(row.get(who)) for row in rows]
        if not 1 < len(set(people)) <= len(rows) / 2:
            continue
        texts = [name for name in columns if name != who and _wordy(rows, name)]
        keys = [tuple(text_of(row.get(name)) for name in texts) for row in rows]
        several = Counter(keys)
        once = len(set(zip(keys, people, strict=True))) >= 0.9 * len(rows)
        if texts and once and len(several) * 1.2 <= len(rows):
            return tuple(texts), who
    return None


def _wordy(rows: Sequence[Row], name: str) -> bool:
    """Whether a column has texts, each of them the same in all rows of its item."""
    cells = [text_of(row.get(name)) for row in itertools.islice(rows, 500)]
    filled = [cell for cell in cells if cell]
    long = sum(len(cell.split()) > 2 or (len(cell) > 8 and not cell.isascii()) for cell in filled)
    return bool(filled) and long * 2 > len(filled)
