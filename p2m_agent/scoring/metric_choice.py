"""Which metric a task is scored by, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from p2m_agent.scoring.metric import Evidence
from p2m_agent.scoring.metrics import load_metrics

if TYPE_CHECKING:
    from p2m_agent.types.task import Kind


def choose_metric(
    kind: Kind, *, request: str = "", outputs: Sequence[str] = (), inputs: Sequence[str] = ()
) -> tuple[str, str]:
    """The metric for a task nobody chose one for, with the reason as half a sentence.

    Args:
        kind: of the task.
        request: the person's words.
        outputs: outputs of rows or demonstrations, as far as they are known.
        inputs: theirs, in the same order.
    """
    evidence = Evidence(kind, request, outputs, inputs)
    for metric in load_metrics().values():
        if kind in metric.kinds and (why := metric.default_for(evidence)):
            return metric.name, why
    raise RuntimeError(f"no metric is the default of {kind}")


def metrics_in_words() -> str:
    """Every metric with what it is for, for who has to choose one."""
    return "; ".join(f"{metric.name} {metric.purpose}" for metric in load_metrics().values())
