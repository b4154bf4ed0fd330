"""Rules about students: which base, which recipe, how good, and handing the best one over."""

from __future__ import annotations

from p2m_agent.agent.planner.choice import Move
from p2m_agent.agent.planner.moves import comfortably_met, has_rows, move, rows_a_label, tried
from p2m_agent.run.state import RunState
from p2m_agent.training.recipes import has_network, recipes_of, tried_unasked
from p2m_agent.types.analysis import ErrorAnalysis
from p2m_agent.types.candidates import ModelSearch
from p2m_agent.types.probe import ModelProbe, at_hand
from p2m_agent.types.student import Delivery, TrainingRun
from p2m_agent.types.task import TaskSpec

PROBE_S = 300
"""Time below which no race of base models is begun, besides what is held in reserve."""

Rung = tuple[str, str, dict[str, object]]
"""Why, what is expected, and the arguments of `fine_tune`."""


def search_bases(state: RunState) -> Move | None:
    """Know the base models before training one."""
    if has_rows(state) and not state.all(ModelSearch):
        return move("search_models", "the base model decides size, speed and most of the quality")
    return None


def probe_bases(state: RunState) -> Move | None:
    """Race the base models at hand before one is paid for; fine_tune takes the winner."""
    spec = state.spec
    several = spec is not None and has_rows(state) and len(at_hand(state.latest(ModelSearch), spec.kind)) > 1
    if several and not state.all(ModelProbe) and state.free_s > PROBE_S:
        return move("probe_models", "several base models are at hand", "the one that teaches most on these rows")
    return None


def take_smaller(state: RunState) -> Move | None:
    """Where every student is too slow, the largest base model that is smaller than all of theirs."""
    spec, slow = state.spec, _too_slow(state)
    if spec is None or not slow or state.rounds_over or not has_rows(state):
        return None
    least = min(run.params for run in slow)
    search = state.latest(ModelSearch)
    fitting = at_hand(search, spec.kind)
    found = [c for c in search.candidates if c.repo in fitting] if search else []
    untried = [c for c in found if c.params < least and not tried(state, "fine_tune", base=c.repo)]
    smaller = max(untried, key=lambda c: c.params, default=None)
    if smaller is None:
        return None
    methods = (recipe.method for recipe in recipes_of(spec.kind) if recipe.architecture == smaller.architecture)
    args: dict[str, object] = {"method": next(methods), "base": smaller.repo}
    return move("fine_tune", state.none_fast_enough(), "an answer within the limit", **on_all_rows(state, args))


def take_no_network(state: RunState) -> Move | None:
    """Where every student is too slow and no smaller base is left, one that answers without a network."""
    spec = state.spec
    if spec is None or not _too_slow(state) or state.rounds_over or not has_rows(state):
        return None
    for recipe in recipes_of(spec.kind):
        if not recipe.network and not tried(state, "fine_tune", method=recipe.method):
            args = on_all_rows(state, {"method": recipe.method})
            return move("fine_tune", state.none_fast_enough(), "an answer in microseconds", **args)
    return None


def train(state: RunState) -> Move | None:
    """Climb the ladder of recipes, cheap ones first, while the target is not comfortably met."""
    if state.spec is None or not has_rows(state) or state.rounds_over or comfortably_met(state):
        return None
    if _too_slow(state):  # the other recipes train the same base
        return None
    for why, expected, args in _rungs(state, state.spec):
        if not _trained(state, args):
            return move("fine_tune", why, expected, **args)
    return None


def look_at_errors(state: RunState) -> Move | None:
    """Dev errors of the best student: they go into the card and into the next round's thinking."""
    best = state.best()
    if best and not state.report_on(best.id, "dev"):
        return move("evaluate", "what does it still get wrong?", training_run=best.id)
    return None


def look_at_test(state: RunState) -> Move | None:
    """One look at the locked test, for the student that is going to be delivered."""
    best = state.best()
    if best and not state.report_on(best.id, "test"):
        why = "one look at the locked test, beside teacher and baselines"
        return move("evaluate", why, f"about the dev score, {best.dev:.3f}", training_run=best.id, final=True)
    return None


def deliver(state: RunState) -> Move | None:
    """Hand over the best student."""
    best = state.best()
    if best and not any(d.training_run == best.id for d in state.all(Delivery)):
        return move("deliver", "this is the best model of the run", training_run=best.id)
    return None


def _too_slow(state: RunState) -> list[TrainingRun]:
    """The students that were timed, where none of all is fast enough."""
    return [run for run in state.all(TrainingRun) if run.p95_ms is not None] if state.none_fast_enough() else []


def _rungs(state: RunState, spec: TaskSpec) -> list[Rung]:
    """The ladder, on the mixture that was chosen; on all rows, and said so, where the gate could not choose.

    Once errors were analysed it is the best student's recipe alone: the analysis says when another is worth it.
    """
    best, recipes = state.best(), tried_unasked(spec.kind, rows_a_label(state))
    rungs: list[Rung] = [(recipe.why, recipe.expected, {"method": recipe.method}) for recipe in recipes]
    if best and any(map(state.is_too_slow, state.all(TrainingRun))):  # other bases, or networks at all, are too slow
        alike = [recipe for recipe in recipes if recipe.network and has_network(best.recipe.method)]
        rungs = [(each.why, each.expected, {"method": each.method, "base": best.recipe.base}) for each in alike]
    if best and state.all(ErrorAnalysis):
        args: dict[str, object] = {"method": best.recipe.method, "base": best.recipe.base}
        rungs = [("the best recipe so far, on the rows as they are now", "what the change of rows brings", args)]
    return [(why, expected, on_all_rows(state, args)) for why, expected, args in rungs]


def on_all_rows(state: RunState, args: dict[str, object]) -> dict[str, object]:
    """Arguments of `fine_tune`, with all datasets named where the gate did not choose among several."""
    ids = [dataset.id for dataset in state.datasets()]
    return args if len(ids) < 2 or state.mixture() is not None else {**args, "datasets": ids}


def _trained(state: RunState, args: dict[str, object]) -> bool:
    """Whether a recipe was tried on these rows for the task as it stands now (a new instruction makes it a new try).

    Where a base is named, with that base.
    """
    rows = [dataset.id for dataset in state.chosen_datasets()]
    runs = [a for a in state.since_redefined() if isinstance(a, TrainingRun)]
    base = args.get("base")
    alike = [run for run in runs if run.recipe.method == args["method"] and base in (None, run.recipe.base)]
    return any(list(run.datasets) == rows for run in alike)
