"""A promise about errors: of what a student answers at all, at most a given share is wrong.

Learn then test: each threshold of confidence is a hypothesis ("more than `max_error` of the answers above it are
wrong"), tested on dev rows by the exact binomial tail, in an order that does not look at which answers are right.
What is rejected is promised, and all of it holds together at the level asked for.

Source: Angelopoulos, Bates, Candès, Jordan and Lei 2021, Learn then Test (arXiv 2110.01052); the sequence has several
starts, and what a start has left goes on to the next test, as in the fallback procedure (Wiens 2003, Pharmaceutical
Statistics 2, 211). For selective prediction see Geifman and El-Yaniv 2017 (arXiv 1705.08500).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate

from p2m_agent.types.scores import ErrorPromise, EvalReport, PromiseCheck

ROWS_A_START = 1_000
"""Dev rows for which one more start of the sequence is worth its part of the allowance."""
MOST_STARTS = 4
SUREST, STEP = 0.2, 0.02
"""Share of the rows, the surest, at which the sequence begins, and by how much it goes on."""
_MOST_ROWS, _MORE = 100_000, 1.05
"""Rows up to which it is looked for how many more would do, and in which steps."""


def promise_of(
    confidences: Sequence[float], right: Sequence[bool], max_error: float, *, level: float = 0.95
) -> ErrorPromise:
    """The lowest threshold at which the rows show that no more than `max_error` of the answers are wrong.

    Args:
        confidences: of the answer to each dev row, 0 to 1.
        right: whether it was right, in the same order.
        max_error: share of wrong answers among those given, above 0.
        level: probability with which the promise holds, over draws of the dev rows.
    """
    ranked, allowance = _Ranked(confidences, right), 1 - level
    count = ranked.longest(max_error, allowance)
    if not count:
        needed = ranked.rows_needed(max_error, allowance)
        return ErrorPromise(max_error=max_error, level=level, rows=len(right), rows_needed=needed)
    return ErrorPromise(
        max_error=max_error,
        level=level,
        rows=len(right),
        threshold=ranked.confidences[count - 1],
        answered=count / len(right),
        error=ranked.wrong[count] / count,
    )


def check_promise(promise: ErrorPromise, confidences: Sequence[float], right: Sequence[bool]) -> PromiseCheck:
    """What became of it on other rows, one of each a row."""
    from scipy.stats import binom, binomtest

    given = [good for sure, good in zip(confidences, right, strict=True) if not promise.abstains(sure)]
    wrong = len(given) - sum(given)
    interval = binomtest(len(given), len(right)).proportion_ci(method="exact")
    return PromiseCheck(
        answered=len(given) / len(right),
        answered_ci95=(float(interval.low), float(interval.high)),
        rows=len(given),
        wrong=wrong,
        kept=wrong <= promise.max_error * len(given),
        refuted=bool(wrong and binom.sf(wrong - 1, len(given), promise.max_error) < 1 - promise.level),
    )


def said_of(promise: ErrorPromise) -> str:
    """A promise in a sentence."""
    if not promise.rows:
        return "It does not say how sure it is of an answer, so nothing can be promised of its errors."
    most = f"{promise.max_error:.1%}"
    sure = f"{promise.level:.0%} confidence, by {promise.rows} dev rows"
    if promise.threshold is not None:
        share = f"{promise.answered:.0%} of the inputs"
        return f"It answers {share} with at most {most} error ({sure}); the rest it passes on."
    more = "no number of dev rows would: its surest answers are wrong as often"
    if promise.rows_needed:
        more = f"about {promise.rows_needed:,} labelled dev rows would do"
    return f"No confidence keeps its errors at {most} or less ({sure}); {more}."


def said_of_check(check: PromiseCheck, max_error: float, where: str = "the locked test") -> str:
    """What became of a promise on some rows, in a sentence."""
    low, high = check.answered_ci95
    broken = "broken, by more than chance explains" if check.refuted else "broken, by no more than chance explains"
    return (
        f"On {where} it answered {check.answered:.0%} [{low:.0%}, {high:.0%}], {check.error:.1%} of them wrong "
        f"({check.wrong} of {check.rows}): the promise of at most {max_error:.1%} was "
        f"{'kept' if check.kept else broken}."
    )


def promise_lines(report: EvalReport) -> list[str]:
    """What a report has on a promise, a sentence each."""
    if report.promise is None:
        return []
    checked = [said_of_check(report.promise_check, report.promise.max_error)] if report.promise_check else []
    return [said_of(report.promise), *checked]


class _Ranked:
    """Dev rows, the surest first."""

    def __init__(self, confidences: Sequence[float], right: Sequence[bool]) -> None:
        rows = sorted(zip(confidences, right, strict=True), key=lambda row: -row[0])
        self.confidences = [sure for sure, _ in rows]
        self.wrong = [0, *accumulate(not good for _, good in rows)]
        """Among the first n, by n."""

    def longest(self, max_error: float, allowance: float, times: float = 1.0) -> int:
        """The largest number of first rows for which the hypothesis of more errors is rejected; 0 for none.

        Args:
            max_error: share of errors.
            allowance: probability of a wrong rejection, over all that are tested.
            times: how often each row counts, to see what so many more rows like these would show.
        """
        from scipy.stats import binom

        counts, longest, carried = self._tested(_fewest(max_error, allowance) / times), 0, 0.0
        starts = min(MOST_STARTS, 1 + int(len(self.confidences) * times) // ROWS_A_START)
        begins = Counter(start * len(counts) // starts for start in range(starts))
        wrong = [math.ceil(self.wrong[count] * times) for count in counts]
        by_chance = binom.cdf(wrong, [math.floor(count * times) for count in counts], max_error)
        for place, (count, tail) in enumerate(zip(counts, by_chance, strict=True)):
            carried += begins[place] * allowance / starts
            longest, carried = (count, carried) if tail <= carried else (longest, 0.0)
        return longest

    def _tested(self, fewest: float) -> list[int]:
        """Numbers of first rows in steps from the fewest on, all rows of a confidence or none; labels have no part."""
        most = len(self.confidences)
        first = max(math.ceil(fewest), math.ceil(SUREST * most))
        return sorted({self._whole(count) for count in range(most, first - 1, -max(1, round(STEP * most)))})

    def _whole(self, count: int) -> int:
        """The same with all the rows that are as sure as its last."""
        while count < len(self.confidences) and self.confidences[count] == self.confidences[count - 1]:
            count += 1
        return count

    def rows_needed(self, max_error: float, allowance: float) -> int | None:
        """Rows like these by which some threshold would keep the promise, were errors as frequent as here."""
        times = 1.0
        while len(self.confidences) * times < _MOST_ROWS:
            if self.longest(max_error, allowance, times):
                return math.ceil(len(self.confidences) * times)
            times *= _MORE
        return None


def _fewest(max_error: float, allowance: float) -> int:
    """Answers without an error by which a share of them is shown at all."""
    return math.ceil(math.log(allowance) / math.log(1 - max_error))
