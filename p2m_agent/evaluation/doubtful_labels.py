"""Labels that look wrong, in the training rows and in dev, and sources that do harm: measured by a probe on dev."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from p2m_agent.evaluation.learning_curve import head_answers, head_value
from p2m_agent.rows.label_noise import FEWEST_ROWS, SuspectLabel, suspects
from p2m_agent.scoring.intervals import difference
from p2m_agent.scoring.metrics import row_statistics
from p2m_agent.types.analysis import LabelNoise
from p2m_agent.types.scores import Difference

if TYPE_CHECKING:
    from p2m_agent.evaluation.study import Study

SHOWN = 50
_METHOD = "confident learning with out-of-fold probabilities of a linear head (Northcutt et al. 2021)"


@dataclass(frozen=True)
class WithoutSource:
    """What leaving a source out does to the probe's dev score."""

    dataset: str
    gain: Difference


def label_noise(study: Study) -> LabelNoise | None:
    """Suspected training rows, and the probe's score with and without them; None where there are too few rows."""
    if not study.sorting or len(study.kept) < FEWEST_ROWS:
        return None
    train, _ = study.vectors
    found = suspects(train, study.labels, study.seed)
    doubted = {doubt.row for doubt in found}
    everything = range(len(study.kept))
    by_source = Counter(study.sources[study.kept[row]] for row in doubted)
    return LabelNoise(
        rows=len(study.kept),
        suspected=len(found),
        by_source=dict(by_source.most_common()),
        example_ids=tuple(study.train[study.kept[doubt.row]].id for doubt in found[:SHOWN]),
        score_with=head_value(study, everything),
        score_without=head_value(study, [i for i in everything if i not in doubted]) if found else None,
        method=_METHOD,
    )


def doubtful_dev(study: Study) -> list[SuspectLabel]:
    """Dev rows whose own label looks wrong beside the training rows; the student's answer agrees with the doubt."""
    import numpy as np

    if not study.sorting or len(study.kept) < FEWEST_ROWS:
        return []
    train, dev = study.vectors
    first = len(study.kept)
    found = suspects(np.concatenate([train, dev]), [*study.labels, *study.expected], study.seed)
    on_dev = [SuspectLabel(doubt.row - first, doubt.label, doubt.margin) for doubt in found if doubt.row >= first]
    return [doubt for doubt in on_dev if study.answers[doubt.row] == doubt.label]


def harmful_sources(study: Study) -> list[WithoutSource]:
    """Each source with the probe's paired gain on dev without it, the largest first."""
    sources = [study.sources[i] for i in study.kept]
    there = dict.fromkeys(sources)
    if not study.sorting or len(there) < 2:
        return []
    whole = head_answers(study, range(len(sources)))
    found = []
    for source in there:
        without = head_answers(study, [i for i, own in enumerate(sources) if own != source])
        if without and whole:
            found.append(WithoutSource(source, _difference(study, without, whole)))
    return sorted(found, key=lambda each: -each.gain.value)


def _difference(study: Study, ours: Sequence[str], theirs: Sequence[str]) -> Difference:
    metric, expected = study.spec.metric, study.expected
    return difference(row_statistics(metric, expected, ours), row_statistics(metric, expected, theirs), study.seed)
