"""The commands that are worth most after a target was missed, each with what it should bring and take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import ceil

from p2m_agent.agent.planner import improving
from p2m_agent.agent.planner.moves import tried
from p2m_agent.agent.stopping import continued, why_stopped
from p2m_agent.evaluation.suggest import BELIEVED
from p2m_agent.run.result import delivered
from p2m_agent.run.state import Parent, RunState
from p2m_agent.types.analysis import ErrorAnalysis, Suggestion, SuggestionKind
from p2m_agent.types.shortfall import MoreRows, NextStep

SHOWN = 3
OWN_ROWS, OWN_INPUTS = "rows.jsonl", "inputs.jsonl"
"""How commands name a file that the person has yet to bring."""
ENDING_S = 300.0
"""For the errors of a new student, its locked test and the delivery, besides what a suggestion takes."""
LEAST_MINUTES = 10
AIM_HIGHER = 0.99
"""The highest target on dev that is proposed where dev had promised more than the locked test kept."""
FOR_A_PERSON: tuple[SuggestionKind, ...] = ("refine_instruction", "ask_person")


def next_steps(state: RunState, run: str, target: float, more: MoreRows | None) -> tuple[NextStep, ...]:
    """The three that should bring most, the cheaper first on a tie; those of unknown gain last."""
    made = [*_go_on(state, run, target), *_own_rows(state, run, more), *_say_more(state, run)]
    known = {step.args for step in made}
    made += [step for step in _fillers(run) if step.args not in known]
    made.sort(key=lambda step: (-_believed(step), step.cost_s or 0.0))
    return tuple(made[:SHOWN])


def _believed(step: NextStep) -> float:
    return -1.0 if step.gain is None else step.gain * BELIEVED[step.basis]


def _suggestions(state: RunState) -> tuple[Suggestion, ...]:
    best = state.best()
    analysis = state.analysis_of(best.id) if best else None
    analysis = analysis or state.latest(ErrorAnalysis)
    return analysis.suggestions if analysis else ()


def _child(state: RunState, run: str) -> RunState:
    """As a run that is started from this one would find it: nothing of its own was tried or has failed."""
    ended = continued(state)
    kept, decisions = len(ended.artifacts), len(ended.decisions)
    parent = Parent(run=run, path="", artifacts=kept, decisions=decisions, looks=1)
    return replace(ended, parent=parent, attended=False)


def _go_on(state: RunState, run: str, target: float) -> Iterator[NextStep]:
    """What a further unattended run would do first, with the limits that it needs."""
    child, best = _child(state, run), state.best()
    if best is None:
        return
    found = ((s, improving.MOVES[s.kind](s, best, child)) for s in _suggestions(state) if s.kind in improving.MOVES)
    for suggestion, move in found:
        if move and not tried(child, move.tool, **move.args):
            args = ("auto", "--from", run, *_aim(state, target), *_limits(state, suggestion))
            yield NextStep(
                args=args,
                why=f"go on by itself with {move.tool}: {suggestion.why}",
                gain=suggestion.gain,
                basis=suggestion.basis,
                cost_s=suggestion.cost_s,
                usd=suggestion.usd,
            )
            return


def _aim(state: RunState, target: float) -> tuple[str, ...]:
    """A run that met its target on dev has nothing left to do unless dev is to reach more."""
    student, report = delivered(state)
    if student is None or report is None or student.dev < target:
        return ()
    return ("--target", f"{min(AIM_HIGHER, target + student.dev - report.score.value):.2f}")


def _limits(state: RunState, suggestion: Suggestion) -> tuple[str, ...]:
    """Limits are each run's own: those that stopped this one are given with room for what comes next."""
    stop, budget = why_stopped(state), state.budget
    needed = ceil((1.5 * suggestion.cost_s + ENDING_S) / 60)
    minutes = max(LEAST_MINUTES, needed, ceil((budget.wall_s or 0) / 60))
    limits: tuple[str, ...] = ("--max-minutes", str(minutes))
    if stop and stop.kind == "rounds" and budget.rounds is not None:
        limits += ("--max-rounds", str(max(improving.PLATEAU, budget.rounds)))
    if suggestion.usd or (stop and stop.kind == "money" and budget.usd):
        limits += ("--budget-usd", f"{max(budget.usd or 0.0, 2 * (suggestion.usd or 0.0), 0.01):.2f}")
    return limits


def _own_rows(state: RunState, run: str, more: MoreRows | None) -> list[NextStep]:
    """Rows that a person has labelled, about those that the errors ask for."""
    asked = next((s for s in _suggestions(state) if s.kind == "more_data"), None)
    if asked is None and more is None:
        return []
    gain = max(asked.gain if asked else 0.0, more.doubled - more.value if more else 0.0)
    rows = asked.rows if asked and asked.rows else (more.rows if more else 0)
    about = f" about {', '.join(asked.labels[:4])}" if asked and asked.labels else ""
    trained = state.best()
    return [
        NextStep(
            args=("auto", "--from", run, "--data", OWN_ROWS),
            why=f"rows with the right answer teach most{about}",
            gain=gain,
            basis="extrapolated" if more else "guess",
            cost_s=(trained.wall_s if trained and trained.wall_s else 0.0) + ENDING_S,
            needs=f"{rows:,} labelled rows in {OWN_ROWS}",
        )
    ]


def _say_more(state: RunState, run: str) -> list[NextStep]:
    """What only a person can settle: which of two labels is when, what form an answer takes."""
    asked = next((s for s in _suggestions(state) if s.kind in FOR_A_PERSON), None)
    if asked is None:
        return []
    step = NextStep(
        args=("chat", "--from", run),
        why=asked.why,
        gain=asked.gain,
        basis=asked.basis,
        cost_s=asked.cost_s + ENDING_S,
        needs="a few words of yours",
    )
    return [step]


def _fillers(run: str) -> list[NextStep]:
    """Ways whose gain nothing in the record tells; the first two teach something new in any case."""
    return [
        NextStep(
            args=("auto", "--from", run, "--unlabelled", OWN_INPUTS),
            why="inputs as they really come in, labelled by the teacher",
            gain=None,
            basis="guess",
            cost_s=None,
            usd=None,
            needs=f"inputs without answers in {OWN_INPUTS}",
        ),
        NextStep(
            args=("auto", "--from", run, "--hub", "huggingface"),
            why="search the Hugging Face Hub for labelled rows (needs the network)",
            gain=None,
            basis="guess",
            cost_s=None,
        ),
        NextStep(
            args=("chat", "--from", run),
            why="put the task in other words: what belongs where, and why",
            gain=None,
            basis="guess",
            cost_s=None,
            needs="a few words of yours",
        ),
    ]
