"""Round by round: the errors of the best student on dev decide what is tried next, until the target is met.

It ends where the target is met on dev, rounds or time are over, three rounds in a row brought nothing that the
interval calls better, or nothing worth its cost is left. The locked test is looked at once, after that.
"""

from __future__ import annotations

from collections.abc import Callable

from p2m_agent.agent.planner.choice import Move
from p2m_agent.agent.planner.moves import has_rows, move, next_found, repeats_failure, tried
from p2m_agent.evaluation.suggest_recipes import FEWEST_TRIALS, trials_in
from p2m_agent.run.state import RunState
from p2m_agent.types.analysis import ErrorAnalysis, Suggestion
from p2m_agent.types.candidates import DatasetSearch
from p2m_agent.types.scores import EvalReport
from p2m_agent.types.student import TrainingRun

PLATEAU = 3
"""Rounds in a row without a clear gain, after which it is over."""
IMPORTS = 6
"""Found datasets that are tried in a run, those before the first round included."""
ROW_S, SHARE_OF_TIME, FEWEST_ROWS = 1.5, 0.4, 20
"""Generated rows: seconds each, share of the time left that they may take, and how many are worth beginning."""
ENOUGH = 0.5
"""Of the time that a training should take: with less it is not begun."""
RETRAIN_S = 60.0
"""Time that has to be left for the training that follows, besides what is held in reserve."""


def analyse(state: RunState) -> Move | None:
    """What the best student gets wrong, and what should help most."""
    best = state.best()
    if best and wanted(state) and state.report_on(best.id, "dev") and state.analysis_of(best.id) is None:
        return move("analyse_errors", "the target is not met: what would help most?", training_run=best.id)
    return None


def improve(state: RunState) -> Move | None:
    """The first suggestion that was not tried yet and that time and rounds allow."""
    best = state.best()
    analysis = state.analysis_of(best.id) if best else None
    if best is None or analysis is None or not wanted(state):
        return None
    for suggestion in analysis.suggestions:
        if suggestion.kind == "stop":
            return None
        made = MOVES.get(suggestion.kind, _nothing)(suggestion, best, state) if _fits(suggestion, state) else None
        if made and not repeats_failure(state, made) and not tried(state, made.tool, **made.args):
            return made
    return None


def _fits(suggestion: Suggestion, state: RunState) -> bool:
    """Whether another training has time enough to come to something; rows and trials are cut to the time anyway."""
    if suggestion.kind not in ("other_recipe", "other_base", "drop_source"):
        return True
    return suggestion.cost_s * ENOUGH <= state.free_s


def wanted(state: RunState) -> bool:
    """Whether another round is wanted and possible."""
    spec, best = state.spec, state.best()
    if spec is None or spec.target is None or best is None or not has_rows(state) or best.dev >= spec.target:
        return False
    if state.rounds_over or state.free_s <= RETRAIN_S:
        return False
    return not any(report.split == "test" for report in state.own(EvalReport)) and not on_plateau(state)


def on_plateau(state: RunState) -> bool:
    """Whether the last rounds brought nothing that is clearly better than what was there before them."""
    since: list[TrainingRun] = []
    for run in rounds(state):
        report = state.report_on(run.id, "dev")
        gained = report is not None and report.against_minus is not None and report.against_minus.verdict == "better"
        since = [] if gained else [*since, run]
    return len(since) >= PLATEAU


def rounds(state: RunState) -> list[TrainingRun]:
    """This run's students since errors were first analysed: what came before is the ladder."""
    kinds = [type(artifact) for artifact in state.artifacts]
    first = kinds.index(ErrorAnalysis) if ErrorAnalysis in kinds else len(kinds)
    first = max(first, state.parent.artifacts) if state.parent else first
    return [artifact for artifact in state.artifacts[first:] if isinstance(artifact, TrainingRun)]


def _more_data(suggestion: Suggestion, _best: TrainingRun, state: RunState) -> Move | None:
    """Rows that somebody has labelled come before rows that are made."""
    return _import(suggestion, state) or _search(suggestion, state) or _generate(suggestion, state)


def _import(suggestion: Suggestion, state: RunState) -> Move | None:
    candidate = next_found(state, state.all(DatasetSearch), IMPORTS)
    if candidate is None:
        return None
    why = f"{suggestion.why}; {candidate.repo} may have such rows"
    return move("import_rows", why, _expected(suggestion), source=candidate.repo)


def _search(suggestion: Suggestion, state: RunState) -> Move | None:
    if not state.all(DatasetSearch):
        return move("search_datasets", f"{suggestion.why}; somebody may have labelled such rows")
    return None


def _generate(suggestion: Suggestion, state: RunState) -> Move | None:
    rows = min(suggestion.rows, int(min(SHARE_OF_TIME * (state.free_s - RETRAIN_S) / ROW_S, 1e6)))
    if rows < FEWEST_ROWS:
        return None
    aim: dict[str, object] = {"labels": list(suggestion.labels)} if suggestion.labels else {}
    if suggestion.clusters:
        aim = {"errors": True, "clusters": list(suggestion.clusters)}
    if tried(state, "generate_examples", **aim):  # with another number of rows it would be the same again
        return None
    return move("generate_examples", suggestion.why, _expected(suggestion), rows=rows, **aim)


def _clean_labels(suggestion: Suggestion, _best: TrainingRun, _state: RunState) -> Move | None:
    return move("clean_labels", suggestion.why, _expected(suggestion))


def _drop_source(suggestion: Suggestion, best: TrainingRun, _state: RunState) -> Move | None:
    kept = [each for each in best.datasets if each != suggestion.source]
    args: dict[str, object] = {"method": best.recipe.method, "base": best.recipe.base, "datasets": kept}
    return move("fine_tune", suggestion.why, _expected(suggestion), **args) if kept else None


def _other_base(suggestion: Suggestion, best: TrainingRun, _state: RunState) -> Move | None:
    args = {"method": best.recipe.method, "base": suggestion.base}
    return move("fine_tune", suggestion.why, _expected(suggestion), **args, datasets=list(best.datasets))


def _other_recipe(suggestion: Suggestion, best: TrainingRun, _state: RunState) -> Move | None:
    args = {"method": suggestion.method, "datasets": list(best.datasets)}
    return move("fine_tune", suggestion.why, _expected(suggestion), **args)


def _hyperparameters(suggestion: Suggestion, best: TrainingRun, state: RunState) -> Move | None:
    """As many trials as the time allows by now; once for a recipe on the same rows."""
    args = {"method": best.recipe.method, "base": best.recipe.base, "datasets": list(best.datasets)}
    before = [d for d in state.tries if d.tool == "fine_tune" and args.items() <= d.args.items() and "trials" in d.args]
    trials = min(suggestion.trials, trials_in(state.free_s, suggestion.cost_s / max(1, suggestion.trials)))
    if before or trials < FEWEST_TRIALS:
        return None
    return move("fine_tune", suggestion.why, _expected(suggestion), **args, trials=trials)


def _refine(suggestion: Suggestion, _best: TrainingRun, state: RunState) -> Move | None:
    """A changed instruction needs a yes, which nobody gives where nobody is."""
    return (
        move("refine_prompt", suggestion.why, _expected(suggestion), remarks=suggestion.why) if state.attended else None
    )


def _ask(suggestion: Suggestion, _best: TrainingRun, state: RunState) -> Move | None:
    if not state.attended:
        return None
    return move("ask_person", "only you can know", _expected(suggestion), question=suggestion.why)


def _nothing(_suggestion: Suggestion, _best: TrainingRun, _state: RunState) -> Move | None:
    return None


def _expected(suggestion: Suggestion) -> str:
    return f"{100 * suggestion.gain:+.1f} points on dev ({suggestion.basis})"


MOVES: dict[str, Callable[[Suggestion, TrainingRun, RunState], Move | None]] = {
    "more_data": _more_data,
    "clean_labels": _clean_labels,
    "drop_source": _drop_source,
    "other_base": _other_base,
    "other_recipe": _other_recipe,
    "hyperparameters": _hyperparameters,
    "refine_instruction": _refine,
    "ask_person": _ask,
}
