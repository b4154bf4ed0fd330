"""The controller without an LLM: a pure function from what is known to the next call.

It is the fallback for models that cannot choose, and the reproducible baseline that the LLM controller has to beat.
Here are the rules about what the task is, and the order of all: `collecting` has those about rows, `climbing` those
about the first students, `improving` those about the rounds after them.
"""

from __future__ import annotations

from p2m_agent.agent.planner import climbing, collecting, improving
from p2m_agent.agent.planner.choice import Choice, Move, Words
from p2m_agent.agent.planner.moves import Rule, move, repeats_failure
from p2m_agent.run.state import RunState, tool_of
from p2m_agent.types.rows import Dataset, Holdout
from p2m_agent.types.student import TrainingRun


def next_move(state: RunState) -> Choice:
    """The first rule that has something to say decides. With nothing left, a person is told, or the run is ended."""
    for rule in RULES:
        choice = rule(state)
        if isinstance(choice, Words) or (choice is not None and not repeats_failure(state, choice)):
            return choice
    failed = [decision for decision in state.own_decisions if decision.ok is False]
    reason = f"{failed[-1].tool} {failed[-1].outcome}" if failed else "there is no further move"
    reason = state.none_fast_enough() or reason
    if state.attended:
        return Words(text=f"I have nothing left to try: {reason}. Tell me what to change, or /quit.")
    last = failed[-1].failure if failed else None
    short = last is not None and last.kind == "over_budget"
    return move("give_up", "nothing that is left to try has worked", reason=reason, budget=short)


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
    """What the person said that is new about the task goes into the instruction."""
    last = max((i for i, m in enumerate(state.messages) if m.role == "tool" and m.tool in _HEARD), default=-1)
    new = [m.text for m in state.messages[last + 1 :] if m.role == "person" and m.fact and m.text != state.task.request]
    if state.spec is None or not new:
        return None
    return move("refine_prompt", "you said something new about the task", remarks=" ".join(new))


_HEARD = ("define_task", "refine_prompt")
"""Tools that have taken up what was said before them."""


def confirm_spec(state: RunState) -> Move | None:
    """A person who is there sees how the task was understood; with rows of theirs, once those were read."""
    spec, own = state.spec, bool(state.task.data)
    if not state.attended or spec is None or state.review_of(spec.id) or (own and not _read_own(state)):
        return None
    makers = ("define_task", "import_rows") if own and not state.all(TrainingRun) else ("define_task",)
    fixed = bool(state.all(Holdout)) and "import_rows" not in makers
    asked = [r for r in state.decisions if r.tool == "ask_person" and r.args.get("about") == spec.id]
    if not asked and not fixed and tool_of(spec.made_by) in makers:
        return move("ask_person", "so that we work on the task you mean", about=spec.id)
    return None


def _read_own(state: RunState) -> bool:
    """Whether the person's rows were read, or could not be."""
    tried_own = [d for d in state.own_decisions if d.tool == "import_rows" and d.args.get("source") == "user"]
    waits = state.open_column_choice() is not None
    return bool(tried_own) and not waits and (bool(state.all(Dataset)) or tried_own[-1].ok is False)


def confirm_prompt(state: RunState) -> Move | None:
    """A proposed instruction gets its verdict."""
    change = state.open_prompt_change()
    return move("ask_person", "a changed instruction needs a yes", about=change.id) if change else None


RULES: tuple[Rule, ...] = (
    define,
    mend_spec,
    take_up_remarks,
    confirm_prompt,
    collecting.confirm_plan,
    collecting.confirm_columns,
    collecting.import_confirmed,
    collecting.import_own,
    confirm_spec,
    collecting.search_data,
    collecting.import_found,
    collecting.generate,
    collecting.transform,
    collecting.confirm_rows,
    collecting.mix,
    climbing.search_bases,
    climbing.probe_bases,
    climbing.take_smaller,
    climbing.take_no_network,
    climbing.train,
    climbing.look_at_errors,
    improving.analyse,
    improving.improve,
    climbing.look_at_test,
    climbing.deliver,
)
"""In the order in which they are asked."""
