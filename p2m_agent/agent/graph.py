"""think → gate → act: the whole agent is these three nodes, whatever the tools."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from p2m_agent import events
from p2m_agent.agent.planner.choice import Choice, Words
from p2m_agent.agent.planner.legality import check
from p2m_agent.agent.policy import Policy, decide
from p2m_agent.errors import P2MError, ToolError, UsageError, mask
from p2m_agent.run.seams import Clock
from p2m_agent.run.state import Call, Decision, Ended, Failure, Message, RunState
from p2m_agent.run.store import RunFolder
from p2m_agent.run.tooling import Context, Effect, NotYet, Outcome, Tool, Tools
from p2m_agent.types.budget import Cost
from p2m_agent.types.questions import Answer, Question
from p2m_agent.types.student import Delivery

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph
    from langgraph.types import Command

RECURSION_LIMIT = 2000
"""Steps of the graph in one go; three make a call. Budget and rounds end a run long before."""
MOST_REFUSALS = 8
"""Refusals in a row after which a run ends: neither the model nor the rules find a way."""


@dataclass(frozen=True)
class Machine:
    """What the nodes need and the state does not hold."""

    tools: Tools
    policy: Policy
    choose: Callable[[RunState], Choice]
    context: Callable[[Call], Context]
    folder: RunFolder
    emit: events.Emit
    spent_usd: Callable[[], float]
    """Money this run has paid in all, read from the record of LLM answers: true after any crash."""
    spent_tokens: Callable[[], int]
    clock: Clock = time.monotonic
    """Seconds, by which the time is counted."""


def build_graph(machine: Machine, checkpointer: Any) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Wire the three nodes."""
    from langgraph.graph import END, START, StateGraph

    graph = StateGraph(RunState)
    graph.add_node("think", lambda state: think(machine, state))
    graph.add_node("gate", lambda state: gate(machine, state), destinations=("think", "act"))
    graph.add_node("act", lambda state: act(machine, state))
    graph.add_edge(START, "think")
    graph.add_conditional_edges("think", lambda state: "gate" if state.pending else END, ["gate", END])
    graph.add_conditional_edges("act", lambda state: END if state.ended or state.resting else "think", ["think", END])
    return graph.compile(checkpointer=checkpointer)


_TIME_IS_OVER = (
    "The time was over before there was a model to deliver. Give it more, or none at all, with --max-minutes."
)


def think(machine: Machine, state: RunState) -> dict[str, object]:
    """Let the controller choose one call, or say something."""
    if state.refusals >= MOST_REFUSALS:
        reason = f"Nothing more could be done. {state.messages[-1].text}"
        return {"pending": None, "ended": Ended(why="gave_up", reason=reason)}
    if state.budget.left_s(state.spent) <= 0 and state.best() is None:  # with a student, the finishing tools go on
        return {
            "pending": None,
            "ended": Ended(why="budget", reason=f"{_TIME_IS_OVER} {state.none_fast_enough()}".strip()),
        }
    began = machine.clock()
    choice = machine.choose(state)
    took = Cost(wall_s=machine.clock() - began)
    over = _delivered(machine, state)
    if isinstance(choice, Words):
        said = [Message(role="agent", text=choice.text)] if choice.text else []
        for message in said:
            machine.emit(events.AgentSaid(text=message.text))
        return {"messages": said, "resting": True, "pending": None, "spent": took, "ended": over}
    if over and choice.tool == "give_up":  # there is nothing more to do, and the model was handed over long ago
        return {"pending": None, "spent": took, "ended": over}
    call = Call(id=f"{len(state.decisions) + 1:03d}-{choice.tool}", tool=choice.tool, args=choice.args)
    free_s = None if state.budget.wall_s is None else state.free_s
    decision = Decision(call_id=call.id, free_s=free_s, **choice.model_dump())
    machine.emit(events.CallDecided(call=call.id, **choice.model_dump()))
    return {"pending": call, "decisions": [decision], "resting": False, "spent": took}


def _delivered(machine: Machine, state: RunState) -> Ended | None:
    """How the run ended when its best student, as the task stands now, was handed over; None where it was not."""
    delivery, best = state.latest(Delivery), state.best()
    if delivery is None or best is None or delivery.training_run != best.id or delivery not in state.since_redefined():
        return None
    outcome = machine.folder.finished(delivery.made_by)
    return outcome.ended if outcome else None


def gate(machine: Machine, state: RunState) -> Command[Literal["think", "act"]]:
    """Check the pending call and let it through, put it before a person, or refuse it. No side effects."""
    from langgraph.types import Command, interrupt

    call = state.pending
    assert call is not None
    while True:
        checked = check(machine.tools, state, call.tool, call.args)
        if isinstance(checked, Failure):
            return refuse(machine, state, call, checked)
        tool, args, inputs, estimate = checked
        verdict = decide(machine.policy, tool.name, tool.effect, estimate, paid=state.paid_teacher)
        if verdict == "refuse":
            why = "it publishes, and nobody said yes to that when the run was started"
            return refuse(machine, state, call, Failure(kind="unallowed", message=why))
        if verdict == "allow":
            answer = Answer(verdict="accept", by="policy") if tool.effect is Effect.ASK else None
            return Command(goto="act", update={"pending": call.model_copy(update={"answer": answer})})
        question = tool.question(args, inputs, call.id) or consent(call, tool, estimate, state)
        answer = Answer.model_validate(interrupt(question.model_dump(mode="json")))
        if tool.effect is Effect.ASK or answer.verdict == "accept":
            return Command(goto="act", update={"pending": call.model_copy(update={"answer": answer})})
        if answer.verdict == "reject":
            declined = Failure(kind="declined", message=f"the person said no. {answer.remarks}".strip())
            return refuse(machine, state, call, declined, remarks=answer.remarks)
        call = call.model_copy(update={"args": {**call.args, **answer.edits}})  # edited arguments pass the gate again


def consent(call: Call, tool: Tool[Any, Any], estimate: Cost, state: RunState) -> Question:
    """The question before a call that costs or delivers."""
    about: Literal["delivery", "spend"] = "delivery" if tool.effect is Effect.DELIVER else "spend"
    left = state.budget.left_s(state.spent)
    preview: dict[str, object] = {"tool": tool.name, "args": call.args, "estimate": estimate.model_dump()}
    if left != float("inf"):
        preview["left_s"] = left
    if state.budget.usd is not None:
        preview["left_usd"] = state.budget.left_usd(state.spent)
    text = "Deliver this model?" if about == "delivery" else f"Run {tool.name}?"
    return Question(id=call.id, about=about, text=text, preview=preview)


def refuse(
    machine: Machine, state: RunState, call: Call, failure: Failure, *, remarks: str = ""
) -> Command[Literal["think", "act"]]:
    """Send the controller back with the reason."""
    from langgraph.types import Command

    reason = failure.message
    machine.emit(events.CallRefused(call=call.id, tool=call.tool, reason=reason, kind=failure.kind))
    said = [Message(role="person", text=remarks)] if remarks else []
    refusal = Message(role="refusal", text=f"{call.tool} was refused: {reason}", tool=call.tool)
    update = {
        "pending": None,
        "refusals": state.refusals + 1,
        "messages": [*said, refusal],
        "decisions": [_decision(state, call, f"refused: {reason}", failure)],
    }
    return Command(goto="think", update=update)


def act(machine: Machine, state: RunState) -> dict[str, object]:
    """Run the pending call once, or take over what an earlier try of it finished."""
    call = state.pending
    assert call is not None
    began = machine.clock()
    outcome = machine.folder.finished(call.id)
    if outcome is None:
        try:
            outcome = _run_tool(machine, state, call)
        except P2MError as error:
            return _failed(machine, state, call, error, machine.clock() - began)
        except Exception as error:
            # Our own fault, whatever it is: on record with its traceback, and the run stops where it can be resumed.
            mask(error)
            trace = traceback.format_exc()
            machine.emit(events.Failed(call=call.id, message=f"{type(error).__name__}: {error}", traceback=trace))
            raise
        outcome = outcome.model_copy(update={"cost": _cost(machine, state, outcome, machine.clock() - began)})
        machine.folder.finish(call.id, outcome)
    finished = events.CallFinished(
        call=call.id,
        tool=call.tool,
        summary=outcome.summary,
        headline=outcome.headline,
        artifacts=outcome.artifacts,
        cost=outcome.cost,
    )
    machine.emit(finished)
    return {
        "pending": None,
        "refusals": 0,
        "artifacts": list(outcome.artifacts),
        "messages": [Message(role="tool", text=f"{call.tool}: {outcome.summary}", tool=call.tool)],
        "decisions": [_decision(state, call, outcome.summary)],
        "spent": outcome.cost,
        "ended": outcome.ended,
    }


def _run_tool(machine: Machine, state: RunState, call: Call) -> Outcome:
    tool = machine.tools[call.tool]
    args = tool.args.model_validate(call.args)
    inputs = tool.needs(args, state)
    if isinstance(inputs, NotYet):  # the gate let it pass: only another version of the program sees it otherwise
        raise ToolError(inputs.reason)
    machine.folder.prepare(call.id)
    machine.emit(events.CallStarted(call=call.id, tool=call.tool, estimate=tool.estimate(args, state)))
    return tool.run(args, inputs, machine.context(call))


def _cost(machine: Machine, state: RunState, outcome: Outcome, wall_s: float) -> Cost:
    """What a call took. Money and tokens are what the ledger holds beyond what the state has counted."""
    return Cost(
        usd=max(0.0, machine.spent_usd() - state.spent.usd),
        tokens=max(0, machine.spent_tokens() - state.spent.tokens),
        wall_s=wall_s,
        gpu_s=outcome.cost.gpu_s,
    )


def _failed(machine: Machine, state: RunState, call: Call, error: P2MError, wall_s: float) -> dict[str, object]:
    """Back to the controller; but a fault in what the person gave is theirs to mend, not to be worked around."""
    theirs = isinstance(error, UsageError)
    failure = Failure.of(error)
    failed = events.CallFailed(call=call.id, tool=call.tool, message=error.message, hint=error.hint, kind=failure.kind)
    machine.emit(failed)
    return {
        "pending": None,
        "refusals": state.refusals + 1,
        "messages": [Message(role="refusal", text=f"{call.tool} could not do it: {error}", tool=call.tool)],
        "decisions": [_decision(state, call, f"failed: {error}", failure)],
        "spent": _cost(machine, state, Outcome(summary=""), wall_s),
        "resting": theirs and state.attended,
        "ended": Ended(why="bad_input", reason=str(error)) if theirs and not state.attended else None,
    }


def _decision(state: RunState, call: Call, outcome: str, failure: Failure | None = None) -> Decision:
    decision = next(d for d in reversed(state.decisions) if d.call_id == call.id)
    known = {"outcome": outcome, "ok": failure is None, "failure": failure, "args": call.args}
    return decision.model_copy(update=known)
