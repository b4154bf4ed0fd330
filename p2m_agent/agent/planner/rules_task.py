"""Rules about what the task is: understood, put right, confirmed."""

from __future__ import annotations

from p2m_agent.agent.planner.choice import Choice, Move, Words
from p2m_agent.agent.planner.moves import move
from p2m_agent.run.state import RunState, tool_of
from p2m_agent.types.rows import Holdout


def define(state: RunState) -> Move | None:
    """The task comes first."""
    if state.spec is None:
        return move("define_task", "everything else depends on what the task is")
    return None


def mend_spec(state: RunState) -> Choice | None:
    """A task that was misunderstood is put right in the person's words before anything is done about it."""
    spec = state.spec
    review = state.review_of(spec.id) if spec else None
    if spec is None or review is None or review.answer.verdict != "reject":
        return None
    said = state.messages[-1] if state.messages else None
    words = review.answer.remarks or (said.text if said and said.role == "person" else "")
    if not words:
        return Words(text="What did I get wrong? Say it in your words.")
    return move("define_task", "you put the task right", instruction=f"{spec.instruction} {words}")


def take_up_remarks(state: RunState) -> Move | None:
    """What the person just said goes into the instruction."""
    if state.spec and state.messages and state.messages[-1].role == "person":
        return move("refine_prompt", "you said something new about the task", remarks=state.messages[-1].text)
    return None


def confirm_spec(state: RunState) -> Move | None:
    """A person who is there sees how the task was understood."""
    spec = state.spec
    if state.attended and spec and not state.all(Holdout) and not state.review_of(spec.id):
        asked = [r for r in state.decisions if r.tool == "ask_person" and r.args.get("about") == spec.id]
        if not asked and tool_of(spec.made_by) == "define_task":
            return move("ask_person", "so that we work on the task you mean", about=spec.id)
    return None


def confirm_prompt(state: RunState) -> Move | None:
    """A proposed instruction gets its verdict."""
    change = state.open_prompt_change()
    return move("ask_person", "a changed instruction needs a yes", about=change.id) if change else None
