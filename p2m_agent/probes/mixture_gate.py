"""The gate before training: probe the mixtures in the time there is, choose one, and say why."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from p2m_agent.errors import ToolError
from p2m_agent.probes.mixture_answers import Answers, MixtureProbe, accuracy_of, statistics_of
from p2m_agent.probes.mixture_parts import ProbedPart, unions
from p2m_agent.rows.duplicates import drop_duplicates
from p2m_agent.run.seams import Clock
from p2m_agent.scoring.intervals import difference, estimated, standard_error
from p2m_agent.scoring.metric import RowStatistics
from p2m_agent.training.progress import Progress
from p2m_agent.types.mixture import MixtureScore
from p2m_agent.types.rows import Example

_KEPT_FOR_PROBES = 0.4
"""Share of the time that preparing rows leaves to the probes themselves."""
_MARGIN = 1.2
"""How much longer a probe may take than the rate of the last ones says."""


@dataclass(frozen=True)
class _Result:
    """A mixture with its probe's answers, where there was time for one."""

    parts: tuple[int, ...]
    rows: list[Example]
    key: str
    """Changes with anything that the answers depend on."""
    answers: Answers | None

    @property
    def trainable(self) -> bool:
        """Whether there are two outputs to tell apart."""
        return len({row.output for row in self.rows}) > 1


@dataclass(frozen=True)
class Compared:
    """What came of a comparison."""

    scores: tuple[MixtureScore, ...]
    """Of all mixtures, in the order of `unions`."""
    chosen: tuple[int, ...]
    """Indexes of the chosen mixture's parts."""
    choice: MixtureScore
    """Its score."""
    sampled: tuple[int, ...]
    """Rows of each part that were used."""
    answers: dict[str, Answers]
    """By fingerprint, for later comparisons."""
    reused: int
    """Mixtures whose answers an earlier comparison had."""


@dataclass(frozen=True)
class Gate:
    """One comparison of the mixtures of some parts."""

    parts: Sequence[ProbedPart]
    """With rows each; the first is what dev is nearest to."""
    dev: Sequence[Example]
    probe: MixtureProbe
    seconds_left: Callable[[], float]
    limit_s: float
    progress: Progress
    known: Mapping[str, Answers]
    """Answers of earlier probes, by fingerprint."""
    clock: Clock = time.monotonic

    def compare(self) -> Compared:
        """Probe what there is time for, the likeliest mixtures first, and choose.

        Raises:
            ToolError: no mixture has two outputs to tell apart.
        """
        self.progress("preparing rows for the probes", 0.0)
        kept_s = _KEPT_FOR_PROBES * self.limit_s
        ready = self.probe.prepare([part.rows for part in self.parts], lambda: self.seconds_left() - kept_s)
        results = self._probe_all(ready)
        scored = [Probed(r.parts, self._statistics(r.answers), r.trainable) for r in results if r.answers is not None]
        if not any(each.trainable for each in scored):
            raise ToolError(
                "The rows of every mixture have the same output, so there is nothing to learn from them.",
                "Import another dataset or generate examples.",
            )
        chosen = choose(scored).parts
        scores = {result.parts: self._score(result, results[0]) for result in results}
        return Compared(
            scores=tuple(scores.values()),
            chosen=chosen,
            choice=scores[chosen],
            sampled=tuple(ready),
            answers={r.key: r.answers for r in results if r.answers is not None},
            reused=sum(r.key in self.known for r in results),
        )

    def _probe_all(self, ready: Sequence[int]) -> list[_Result]:
        results: list[_Result] = []
        seconds_a_unit = 0.0
        mixtures = unions(len(self.parts))
        for number, parts in enumerate(mixtures):
            rows, _ = drop_duplicates(row for i in parts for row in self.parts[i].rows[: ready[i]])
            key = self._fingerprint(rows)
            answers = self.known.get(key)
            if answers is None and rows and (number == 0 or self._fits(seconds_a_unit * self.probe.work(len(rows)))):
                self.progress(f"probing {self._name(parts)}", 0.6 + 0.4 * number / len(mixtures))
                began = self.clock()
                answers = self.probe.answers(rows)
                seconds_a_unit = max(seconds_a_unit, (self.clock() - began) / self.probe.work(len(rows)))
            results.append(_Result(parts, rows, key, answers))
        return results

    def _fits(self, seconds: float) -> bool:
        return _MARGIN * seconds < self.seconds_left()

    def _fingerprint(self, rows: Sequence[Example]) -> str:
        told = [self.probe.basis, *(row.id for row in self.dev), "", *sorted(row.id for row in rows)]
        return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]

    def _statistics(self, answers: Answers) -> RowStatistics:
        return statistics_of(self.probe.measure, self.dev, answers)

    def _score(self, result: _Result, first: _Result) -> MixtureScore:
        names = tuple(self.parts[i].name for i in result.parts)
        if result.answers is None:
            return MixtureScore(parts=names, rows=len(result.rows), note="not probed: the time was over")
        value, interval = estimated(self._statistics(result.answers))
        gain = None
        if result is not first and first.answers is not None:
            gain = difference(self._statistics(result.answers), self._statistics(first.answers))
        return MixtureScore(
            parts=names,
            rows=len(result.rows),
            score=value,
            accuracy=accuracy_of(self.dev, result.answers),
            ci95=interval,
            gain=gain.value if gain else None,
            gain_ci95=gain.ci95 if gain else None,
            trainable=result.trainable,
            note="" if result.trainable else "cannot be chosen: all its rows have the same output",
        )

    def _name(self, parts: Sequence[int]) -> str:
        return " + ".join(self.parts[i].name for i in parts)


_ERRORS = 1.1
"""Standard errors by which the best has to be ahead; a little above one, so that a single dev row decides nothing."""


@dataclass(frozen=True)
class Probed:
    """A mixture with its probe's result."""

    parts: tuple[int, ...]
    """Indexes of its parts; 0 is the part that dev is nearest to."""
    statistics: RowStatistics
    trainable: bool
    """Whether a student can learn from it at all."""

    @property
    def score(self) -> float:
        """On all dev rows."""
        return float(self.statistics.value_of(self.statistics.rows.sum(axis=0)))


def choose(probed: Sequence[Probed], seed: int = 0) -> Probed:
    """The least risky mixture that scores within about one standard error of the best.

    Least risky is what has the first part, then what adds the fewest parts, then what scores highest. Several
    mixtures are compared on one small dev set, so the highest score is partly luck; and rows that only seem to help
    are no reason to train on them. The standard error is that of the paired difference to the best.

    Source: Breiman et al. 1984, Classification and Regression Trees, the 1-SE rule.
    """
    able = [each for each in probed if each.trainable]
    best = max(able, key=lambda each: each.score)
    for each in sorted(able, key=_risk):
        if best.score - each.score <= _ERRORS * standard_error(best.statistics, each.statistics, seed):
            return each
    return best


def _risk(each: Probed) -> tuple[bool, int, float]:
    return 0 not in each.parts, len(each.parts), -each.score
