"""Successive halving: every candidate on few rows, the better half on twice as many, until one is left.

Source: Jamieson and Talwalkar 2016, Non-stochastic Best Arm Identification and Hyperparameter Optimization
(arXiv 1502.07943); the resource is training rows.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from p2m_agent.errors import ToolError
from p2m_agent.run.seams import Clock
from p2m_agent.run.store import write_whole
from p2m_agent.scoring.intervals import estimated
from p2m_agent.scoring.metric import RowStatistics
from p2m_agent.training.progress import Progress
from p2m_agent.types.probe import ProbedModel

LEAST_ROWS = 64
_MARGIN = 1.3
"""A round is begun where this many times its expected length is left."""

Scores = list[tuple[float, float]]
"""For each scored row its log-likelihood and what to divide by: 1, or the characters of the answer."""


class BaseProbe(Protocol):
    """Scores base models on the first of its rows."""

    basis: str
    """All that a score depends on besides the model and the number of rows."""

    def params(self, model: str) -> int:
        """Parameters of a candidate.

        Raises:
            ToolError: it cannot be had, may not be used, or is of the wrong kind.
        """
        ...

    def scores(self, model: str, rows: int) -> Scores:
        """What it is worth on so many rows.

        Raises:
            ToolError: it cannot be loaded, or not in this memory.
        """
        ...


@dataclass
class RaceEntry:
    """A candidate in the race."""

    model: str
    params: int | None = None
    scores: Scores = field(default_factory=list)
    rows: int = 0
    round: int = 0
    """The last one that it took part in, from 1."""
    seconds: float = 0.0
    late: bool = False
    note: str = ""

    @property
    def value(self) -> float:
        """Score of its last round; the lowest there is where it was not probed."""
        if not self.scores:
            return float("-inf")
        return float(self.statistics.value_of(self.statistics.rows.sum(axis=0)))

    @property
    def statistics(self) -> RowStatistics:
        """Its scores by row."""
        import numpy as np

        return RowStatistics(np.asarray(self.scores, float), lambda sums: sums[..., 0] / sums[..., 1])

    def record(self, best: RaceEntry) -> ProbedModel:
        """For the record."""
        value, interval = estimated(self.statistics) if self.scores else (None, None)
        return ProbedModel(
            model=self.model,
            params=self.params,
            score=value,
            ci95=interval,
            rows=self.rows,
            seconds=round(self.seconds, 1),
            eliminated=self.round if self.scores and self is not best else None,
            late=self.late,
            note=self.note,
        )


class KeptScores:
    """Scores by fingerprint in a file that outlives a kill, so that no probe is paid for twice."""

    def __init__(self, path: Path, earlier: Sequence[Path] = ()) -> None:
        """Read what an interrupted try, and earlier races, left."""
        self.path = path
        self._known: dict[str, tuple[Scores, float]] = {}
        for each in (*earlier, path):
            if each.is_file():
                self._known |= json.loads(each.read_text(encoding="utf-8"))
        self.reused = 0

    def get(self, key: str) -> tuple[Scores, float] | None:
        """Scores and the seconds that they took."""
        found = self._known.get(key)
        self.reused += found is not None
        return found

    def put(self, key: str, scores: Scores, seconds: float) -> None:
        """Keep, on disk at once."""
        self._known[key] = (scores, seconds)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.path, json.dumps(self._known))


def rounds_of(candidates: int, most: int) -> tuple[int, ...]:
    """Rows of each round: doubling up to `most`, so many rounds that halving leaves one candidate."""
    count = max(1, math.ceil(math.log2(max(1, candidates))))
    least = min(most, LEAST_ROWS)
    return tuple(max(least, most >> (count - 1 - number)) for number in range(count))


@dataclass
class Race:
    """One race among base models."""

    probe: BaseProbe
    rounds: Sequence[int]
    kept: KeptScores
    seconds_left: Callable[[], float]
    progress: Progress
    clock: Clock = time.monotonic
    slowest_s: float = 0.0
    """The longest probe so far; none is begun in the first round with less time left."""

    def run(self, candidates: Sequence[str]) -> list[RaceEntry]:
        """All candidates: the winner first, then those that went furthest, the best of a round first."""
        everyone = [RaceEntry(model) for model in candidates]
        alive = everyone
        for number, rows in enumerate(self.rounds, 1):
            if number > 1 and (len(alive) < 2 or not self._fits(alive, rows)):
                break
            for standing in alive:
                self._probe(standing, number, rows)
            alive = sorted((one for one in alive if one.round == number), key=lambda one: -one.value)
            alive = alive[: math.ceil(len(everyone) / 2**number)]  # what failed leaves its place to another
        return sorted(everyone, key=lambda one: (-one.round, -one.value))

    def _fits(self, alive: Sequence[RaceEntry], rows: int) -> bool:
        """Whether a whole round fits into the time left: half a round would be no comparison."""
        expected = sum(one.seconds * rows / one.rows for one in alive)
        if self.seconds_left() >= _MARGIN * expected:
            return True
        for one in alive:
            one.late, one.note = True, f"the time was over before round {one.round + 1}"
        return False

    def _probe(self, standing: RaceEntry, number: int, rows: int) -> None:
        if number == 1 and self.seconds_left() <= self.slowest_s:
            standing.late, standing.note = True, "the time was over"
            return
        self.progress(f"round {number}: probing {standing.model} on {rows} rows", (number - 1) / len(self.rounds))
        began = self.clock()
        try:
            standing.params = self.probe.params(standing.model)
            key = self._fingerprint(standing.model, rows)
            known = self.kept.get(key)
            scores, seconds = known or (self.probe.scores(standing.model, rows), self.clock() - began)
        except ToolError as error:
            standing.note = error.message
            return
        if known is None:
            self.kept.put(key, scores, seconds)
        standing.scores, standing.rows, standing.round = scores, rows, number
        standing.seconds += seconds
        self.slowest_s = max(self.slowest_s, seconds)

    def _fingerprint(self, model: str, rows: int) -> str:
        return hashlib.sha256(f"{self.probe.basis}\n{model}\n{rows}".encode()).hexdigest()[:16]
