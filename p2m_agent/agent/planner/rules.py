"""The controller without an LLM: a pure function from what is known to the next call.

It is the fallback for models that cannot choose, and the reproducible baseline that the LLM controller has to beat. The
rules stand in modules by what they are about; here is their order.
"""

from __future__ import annotations

from p2m_agent.agent.planner import improving, rules_data, rules_task, rules_training
from p2m_agent.agent.planner.choice import Choice, Words
from p2m_agent.agent.planner.moves import Rule, move, repeats_failure
from p2m_agent.run.state import RunState

RULES: tuple[Rule, ...] = (
    rules_task.define,
    rules_task.mend_spec,
    rules_task.take_up_remarks,
    rules_task.confirm_prompt,
    rules_data.confirm_plan,
    rules_task.confirm_spec,
    rules_data.confirm_columns,
    rules_data.import_confirmed,
    rules_data.import_own,
    rules_data.search_data,
    rules_data.import_found,
    rules_data.generate,
    rules_data.transform,
    rules_data.confirm_rows,
    rules_data.mix,
    rules_training.search_bases,
    rules_training.probe_bases,
    rules_training.train,
    rules_training.look_at_errors,
    improving.analyse,
    improving.improve,
    rules_training.look_at_test,
    rules_training.deliver,
)


def next_move(state: RunState) -> Choice:
    """The first rule that has something to say decides. With nothing left, a person is told, or the run is ended."""
    for rule in RULES:
        choice = rule(state)
        if isinstance(choice, Words) or (choice is not None and not repeats_failure(state, choice)):
            return choice
    failed = [decision for decision in state.own_decisions if decision.ok is False]
    reason = f"{failed[-1].tool} {failed[-1].outcome}" if failed else "there is no further move"
    if state.attended:
        return Words(text=f"I have nothing left to try: {reason}. Tell me what to change, or /quit.")
    last = failed[-1].failure if failed else None
    short = last is not None and last.kind == "over_budget"
    return move("give_up", "nothing that is left to try has worked", reason=reason, budget=short)
