"""Several annotators of one item: what most of them say, ties, and how well they agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from p2m_agent.importing.schema.cells import is_absent, text_of
from p2m_agent.importing.schema.shaped import Row
from p2m_agent.rows.rejected import Rejected
from p2m_agent.types.doubts import Doubt

Answer = str | tuple[str, ...]
"""One label, or a set of labels in alphabetical order."""

TIE = "annotators disagree without a majority"
UNLABELLED = "no label"
MOST_ANSWERS = 300
"""So many different answers are compared with one another for alpha."""


@dataclass(frozen=True)
class Agreement:
    """How well annotators agree."""

    items: int
    """Items that at least two people labelled."""
    alpha: float | None
    """Krippendorff's alpha, 1 at most, 0 for chance; None where it is not defined."""
    disagreements: int = 0
    """Items on which not all said the same."""
    ties: int = 0
    """Items without a majority."""

    def doubts(self) -> tuple[Doubt, ...]:
        """What a person should know of it; nothing where no item was labelled twice."""
        if not self.items:
            return ()
        alpha = "not defined" if self.alpha is None else f"{self.alpha:.2f}"
        return (
            Doubt(
                kind="annotators",
                text=f"Several annotators labelled {self.items} items; on {self.disagreements} they disagree "
                f"(Krippendorff's alpha {alpha}).",
                rows=self.disagreements,
                done=f"The majority is the label; {self.ties} items without one are left out.",
                settle="Settle the items on which they differ in the file, or keep one annotator's labels.",
                grave=self.disagreements > 0,
            ),
        )


@dataclass(frozen=True)
class Consensus:
    """Rows with one answer each, and the items that have none."""

    rows: list[Row]
    rejected: list[Rejected]
    agreement: Agreement


def majority(answers: Sequence[Answer]) -> Answer | None:
    """The answer of most annotators; None for a tie or no answer.

    Where no set of labels leads, each label counts that more than half of the annotators gave, unless one has exactly
    half.
    """
    ranked = Counter(answers).most_common(2)
    if not ranked:
        return None
    if len(ranked) == 1 or ranked[0][1] > ranked[1][1]:
        return ranked[0][0]
    sets = [answer for answer in answers if isinstance(answer, tuple)]
    if len(sets) < max(3, len(answers)):
        return None
    counts = Counter(label for labels in sets for label in labels)
    if any(2 * count == len(sets) for count in counts.values()):
        return None
    return tuple(sorted(label for label, count in counts.items() if 2 * count > len(sets)))


def alpha(units: Iterable[Sequence[Answer]]) -> float | None:
    """Krippendorff's alpha of units with the answers that each has; sets of labels by Jaccard distance.

    Source: K. Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011.
    """
    observed, total = 0.0, Counter[Answer]()
    for unit in units:
        if len(unit) < 2:
            continue
        counts = Counter(unit)
        total.update(counts)
        observed += _spread(counts) / (len(unit) - 1)
    count = total.total()
    if count < 2 or len(total) > MOST_ANSWERS:
        return None
    expected = _spread(total) / (count - 1)
    return 1 - observed / expected if expected else None


def agreement(units: Sequence[Sequence[Answer]]) -> Agreement:
    """How well the annotators of some units agree."""
    several = [unit for unit in units if len(unit) > 1]
    return Agreement(
        items=len(several),
        alpha=alpha(several),
        disagreements=sum(len(set(unit)) > 1 for unit in several),
        ties=sum(majority(unit) is None for unit in several),
    )


def settle_wide(
    rows: Sequence[Row], columns: Sequence[str], output: str, missing: Callable[[object], bool] = is_absent
) -> Consensus:
    """One column an annotator, `annotator_1` … `annotator_n`: their majority in a column `output` in place of them."""
    units = [[text_of(row.get(name)) for name in columns if not missing(row.get(name))] for row in rows]
    kept: list[Row] = []
    rejected: list[Rejected] = []
    for row, unit in zip(rows, units, strict=True):
        answer = majority(unit)
        if answer is None:
            rejected.append(Rejected(row, TIE if unit else UNLABELLED, ", ".join(unit)))
        else:
            kept.append({name: value for name, value in row.items() if name not in columns} | {output: answer})
    return Consensus(kept, rejected, agreement(units))


def settle_long(
    rows: Iterable[Row],
    item: Sequence[str],
    annotator: str,
    output: str,
    missing: Callable[[object], bool] = is_absent,
) -> Consensus:
    """One row an item and annotator: one row an item with their majority.

    Args:
        rows: In the order in which people annotated; the last answer of a person counts.
        item: Columns that say which item it is, such as the text.
        annotator: Column that says who.
        output: Column of the label.
        missing: What is no label.
    """
    firsts: dict[tuple[str, ...], Row] = {}
    votes: dict[tuple[str, ...], dict[str, str]] = {}
    for row in rows:
        key = tuple(text_of(row.get(name)) for name in item)
        firsts.setdefault(key, row)
        said = votes.setdefault(key, {})
        if not missing(row.get(output)):
            said[text_of(row.get(annotator))] = text_of(row.get(output))
    kept: list[Row] = []
    rejected: list[Rejected] = []
    for key, said in votes.items():
        answer = majority(list(said.values()))
        if answer is None:
            rejected.append(Rejected(firsts[key], TIE if said else UNLABELLED, ", ".join(said.values())))
        else:
            kept.append({name: value for name, value in firsts[key].items() if name != annotator} | {output: answer})
    return Consensus(kept, rejected, agreement([list(said.values()) for said in votes.values()]))


def _spread(counts: Counter[Answer]) -> float:
    """Sum of the distances of all ordered pairs."""
    return sum(n * m * _distance(a, b) for a, n in counts.items() for b, m in counts.items() if a != b)


def _distance(one: Answer, other: Answer) -> float:
    if isinstance(one, str) or isinstance(other, str):
        return 1.0
    return 1 - len(set(one) & set(other)) / len(set(one) | set(other))
