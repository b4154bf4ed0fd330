"""What came of a run as one plain object, the reason for its stop and what it fell short by included."""

from __future__ import annotations

from p2m_agent.agent.missed_target import shortfall_of
from p2m_agent.agent.stopping import why_stopped
from p2m_agent.run.result import result_of
from p2m_agent.run.state import RunState


def outcome_of(state: RunState, run: str) -> dict[str, object]:
    """What `p2m show --json` prints and scripts read; None where a run has not come that far."""
    stop, shortfall = why_stopped(state), shortfall_of(state, run)
    return {
        **result_of(state, run),
        "stop": stop.model_dump() if stop else None,
        "shortfall": shortfall.model_dump(mode="json") if shortfall else None,
    }
