"""The score on parts of the dev rows: by length, by language, by the source of the nearest training rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from p2m_agent.languages import foreign
from p2m_agent.scoring.intervals import bootstrap
from p2m_agent.types.analysis import Slice

if TYPE_CHECKING:
    from p2m_agent.evaluation.study import Study

FEWEST_ROWS = 8
"""A part with fewer says nothing."""
NEIGHBOURS = 5

By = Literal["length", "language", "source"]


def slices(study: Study, names: Mapping[str, str]) -> tuple[Slice, ...]:
    """Every part with enough rows, where there are at least two of its kind.

    Args:
        study: dev rows with answers.
        names: dataset id to the name it is shown under.
    """
    parts: dict[By, Sequence[Hashable]] = {
        "length": _lengths(study),
        "language": [foreign(row.text) or "English or unclear" for row in study.dev],
        "source": [names.get(source, source) for source in _nearest_sources(study)],
    }
    return tuple(found for by, keys in parts.items() for found in _slices(study, by, keys))


def _slices(study: Study, by: By, keys: Sequence[Hashable]) -> list[Slice]:
    members: dict[Hashable, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        members[key].append(place)
    large = {key: rows for key, rows in members.items() if len(rows) >= FEWEST_ROWS}
    if len(large) < 2:
        return []
    found = []
    for key, rows in large.items():
        expected, answers = [study.expected[i] for i in rows], [study.answers[i] for i in rows]
        score = bootstrap(study.spec.metric, expected, answers, seed=study.seed)
        assert score is not None, "a part has rows"
        found.append(Slice(by=by, name=str(key), rows=len(rows), value=score.value, ci95=score.ci95))
    return sorted(found, key=lambda part: part.value)


def _lengths(study: Study) -> list[str]:
    """Which third of the dev rows each belongs to by its number of characters."""
    sizes = [len(row.text) for row in study.dev]
    ordered = sorted(sizes)
    low, high = ordered[len(ordered) // 3], ordered[2 * len(ordered) // 3]
    short, long = f"up to {low} characters", f"over {high} characters"
    between = f"{low + 1} to {high} characters"
    return [short if size <= low else between if size <= high else long for size in sizes]


def _nearest_sources(study: Study) -> list[str]:
    """The dataset that most of a dev row's nearest training rows come from."""
    import numpy as np

    train, dev = study.vectors
    sources = [study.sources[i] for i in study.kept]
    if len(set(sources)) < 2:
        return sources[:1] * len(study.dev)
    found = []
    for start in range(0, len(dev), 256):
        near = np.argsort(-(dev[start : start + 256] @ train.T), axis=1, kind="stable")[:, :NEIGHBOURS]
        for row in near:
            own = [sources[i] for i in row]
            found.append(max(sorted(set(own)), key=own.count))
    return found
