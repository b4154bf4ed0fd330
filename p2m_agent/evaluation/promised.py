"""The promise about errors that a task asks for: set by a student's dev answers, checked by its locked-test ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from p2m_agent.evaluation.report import sureness
from p2m_agent.scoring.promise import check_promise, promise_of
from p2m_agent.types.scores import ErrorPromise, PromiseCheck

if TYPE_CHECKING:
    from p2m_agent.types.rows import Example
    from p2m_agent.types.student import Prediction
    from p2m_agent.types.task import TaskSpec


def promised(spec: TaskSpec, rows: Sequence[Example], predictions: Sequence[Prediction | None]) -> ErrorPromise | None:
    """What can be promised by these rows; None where the task asks for nothing."""
    return None if spec.max_error is None else promise_of(*sureness(spec, rows, predictions), spec.max_error)


def checked(
    promise: ErrorPromise | None, spec: TaskSpec, rows: Sequence[Example], predictions: Sequence[Prediction | None]
) -> PromiseCheck | None:
    """What became of it on these rows; None where there is none."""
    if promise is None or promise.threshold is None:
        return None
    return check_promise(promise, *sureness(spec, rows, predictions))
