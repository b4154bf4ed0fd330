"""Whether a base model may be probed at all, and what to say of one that does not load."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from p2m_agent.errors import ToolError
from p2m_agent.search.licences import forbidden
from p2m_agent.settings import Settings
from p2m_agent.training.base_check import locate_base
from p2m_agent.types.candidates import ARCHITECTURES
from p2m_agent.types.task import TaskSpec
from p2m_agent.weights.locate import Weights, locate

_LONGEST_REASON = 160


def usable(model: str, spec: TaskSpec, settings: Settings) -> Weights:
    """A candidate's facts, read without loading it.

    Raises:
        ToolError: it cannot be had, is incomplete or of another architecture, or the task's constraints forbid it.
    """
    with loading(model):
        found, fitting = locate(model, settings).architecture, ARCHITECTURES[spec.kind]
        base = locate_base(model, found if found in fitting else fitting[0], spec.kind.replace("_", " "), settings)
    limits = spec.constraints
    if limits.max_params is not None and base.params > limits.max_params:
        raise ToolError(f"it has {base.params:,} parameters and at most {limits.max_params:,} are allowed")
    if forbidden(base.licence, limits.licences, settings.refuse_licences):
        raise ToolError(f"its licence, {base.licence or 'unknown'}, is not allowed")
    return base


@contextmanager
def loading(name: str) -> Iterator[None]:
    """Turns what damaged or foreign files raise into a reason; a fault of ours elsewhere still stops the run.

    Raises:
        ToolError: the model does not load.
    """
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, LookupError, TypeError, RuntimeError, ImportError, SafetensorError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ToolError(f"{name} does not load: {reason[:_LONGEST_REASON]}") from error
