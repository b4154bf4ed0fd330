"""What the rules share: how a move is written down, and what they ask of the facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import sqrt

from p2m_agent.agent.planner.choice import Choice, Move
from p2m_agent.run.state import Decision, RunState
from p2m_agent.types.candidates import DatasetCandidate, DatasetSearch
from p2m_agent.types.rows import Dataset, Holdout

FEW_ROWS = 100
"""Training rows below which more are looked for."""
FEW_ROWS_A_LABEL = 8

Rule = Callable[[RunState], Choice | None]


def move(tool: str, why: str, expected: str = "", **args: object) -> Move:
    """A call of a tool, with why and what is expected of it."""
    return Move(tool=tool, args=args, why=why, expected=expected, by="rules")


def tried(state: RunState, tool: str, **args: object) -> bool:
    """Whether a tool was called with these arguments, whatever its others, here or with success in the parent run."""
    return any(_is(d, tool, args) for d in state.tries)


def tried_here(state: RunState, tool: str, **args: object) -> bool:
    """The same of this run alone, for what the person brought to it."""
    return any(_is(d, tool, args) for d in state.own_decisions)


def _is(decision: Decision, tool: str, args: Mapping[str, object]) -> bool:
    return decision.tool == tool and all(decision.args.get(name) == value for name, value in args.items())


def failed_since(state: RunState, made: Move, call_id: str) -> bool:
    """Whether a call failed or was refused after an earlier one of the same arguments."""
    same = [d for d in state.own_decisions if d.tool == made.tool and d.args == made.args]
    return any(d.ok is False for d in same if d.call_id > call_id)


def repeats_failure(state: RunState, made: Move) -> bool:
    """Whether exactly this was refused or failed before: the rules do not insist."""
    return any(d.ok is False and d.tool == made.tool and d.args == made.args for d in state.own_decisions)


def next_found(state: RunState, searches: Iterable[DatasetSearch], most: int) -> DatasetCandidate | None:
    """The best found dataset that was not imported yet; none once so many were tried."""
    tries = [d for d in state.own_decisions if d.tool == "import_rows" and d.args.get("source") != "user"]
    if len(tries) >= most:
        return None
    found = (candidate for search in searches for candidate in search.candidates if candidate.reachable)
    return next((each for each in found if not tried(state, "import_rows", source=each.repo)), None)


def has_rows(state: RunState) -> bool:
    """Whether there is something to train on and something to test on."""
    return state.latest(Dataset) is not None and state.latest(Holdout) is not None


def needs_rows(state: RunState) -> bool:
    """Whether what there is to train on is little; rows that the gate has left out do not count."""
    data = state.chosen_datasets()
    rows = sum(d.rows for d in data)
    labels = {label: n for d in data for label, n in d.labels.items()}
    thin = bool(labels) and rows < FEW_ROWS_A_LABEL * len(labels)
    return rows < FEW_ROWS or thin


def rows_a_label(state: RunState) -> float | None:
    """Training rows of a label on average; None where there are no labels."""
    data = state.chosen_datasets()
    labels = {label for each in data for label in each.labels}
    return sum(each.rows for each in data) / len(labels) if labels else None


def comfortably_met(state: RunState) -> bool:
    """Whether the best dev score is a standard error above the target, so that the locked test should confirm it."""
    best, spec, holdout = state.best(), state.spec, state.latest(Holdout)
    if best is None or spec is None or spec.target is None or holdout is None:
        return False
    return best.dev >= spec.target + sqrt(best.dev * (1 - best.dev) / max(1, holdout.dev_rows))
