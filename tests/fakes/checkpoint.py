"""A run's state on disk, as a session leaves it."""

from __future__ import annotations

from pathlib import Path

from p2m_agent.run.checkpoints import CHECKPOINTS, open_checkpoints
from p2m_agent.run.state import RunState


def save_state(root: Path, state: RunState) -> None:
    """Make it the run's only checkpoint."""
    from langgraph.graph import START, StateGraph

    (root / CHECKPOINTS).unlink(missing_ok=True)
    graph = StateGraph(RunState)
    graph.add_node("stop", lambda _state: {})
    graph.add_edge(START, "stop")
    saver = open_checkpoints(root)
    try:
        graph.compile(checkpointer=saver).update_state({"configurable": {"thread_id": root.name}}, vars(state))
    finally:
        saver.conn.close()
