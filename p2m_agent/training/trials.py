"""Hyperparameter search: trainings of one recipe with other rates and batch sizes, the best on dev kept."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from p2m_agent.errors import ToolError
from p2m_agent.run.seams import Clock
from p2m_agent.training.job import Trained, TrainEnv, TrainRows, fingerprint
from p2m_agent.training.recipe_kind import Space
from p2m_agent.training.recipes import recipe_named
from p2m_agent.training.student_card import CARD
from p2m_agent.training.trainer import train
from p2m_agent.types.recipe import Recipe
from p2m_agent.types.student import CurvePoint

_TRIALS, _RESULT, _FAULT = "trials.log", "trained", "fault"
_WARM_UP = 2
"""Whole trials before one may be stopped early."""


@dataclass(frozen=True)
class BestTrial:
    """The recipe that did best on dev, and its student."""

    recipe: Recipe
    trained: Trained


def search(recipe: Recipe, trials: int, rows: TrainRows, folder: Path, run: TrainEnv) -> BestTrial:
    """Train `trials` variants and leave the best student in `folder`. The first is the recipe as it is.

    Optuna's TPE chooses (Bergstra et al. 2011); a trial that is below the median of the others after the same epoch is
    stopped. Each trial gets an even share of the time that is left; where there is none, fewer are run, and a note says
    how many. A search that was killed goes on with the trial it was at.

    Raises:
        ToolError: optuna is missing, or no trial came to an end.
    """
    work = run.keeps(folder)
    study = _study(work, f"{fingerprint(recipe, rows)[:16]}-{trials}", recipe)
    longest_s = 0.0
    while len(_ended(study)) < trials:
        number = len(_ended(study))
        share_s = run.seconds_left() / (trials - number)
        if number and (run.seconds_left() <= 0 or share_s < 0.3 * longest_s):
            break
        began = run.clock()
        _one(study, recipe, (rows, work), replace(run, seconds_left=_until(share_s, run.clock), checkpoint=None))
        longest_s = max(longest_s, run.clock() - began)
    found = _best(study, recipe, trials)
    _move(work / f"trial-{_winner(study).number}", folder)
    shutil.rmtree(work)
    return found


def variant(trial: Any, recipe: Recipe) -> Recipe:
    """The recipe of a trial, drawn around the one asked for."""
    drawn = {name: each.drawn(trial, name) for name, each in _space(recipe).items()}
    found: Recipe = recipe_named(recipe.method).settings.model_validate(recipe.model_dump() | drawn)
    return found


def _space(recipe: Recipe) -> Space:
    """What is searched.

    Raises:
        ToolError: the recipe names nothing.
    """
    kind = recipe_named(recipe.method)
    if kind.space is None:
        raise ToolError(f"{recipe.method} has nothing to search", "Leave trials out.")
    found: Space = kind.space(kind.settings.of(recipe))
    return found


def _study(folder: Path, name: str, recipe: Recipe) -> Any:
    try:
        import optuna
    except ImportError as error:
        raise ToolError("a search needs optuna", "pip install 'p2m_agent[search]', or leave trials out.") from error
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    folder.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(folder / _TRIALS))),
        study_name=name,
        direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=_WARM_UP),
        load_if_exists=True,
    )
    if not study.trials:
        study.enqueue_trial({name: each.start for name, each in _space(recipe).items()})
    return study


def _one(study: Any, recipe: Recipe, where: tuple[TrainRows, Path], run: TrainEnv) -> None:
    import optuna

    rows, folder = where
    trial = _next(study, recipe.seed)
    pruned = []

    def hopeless(epochs: int, dev: float) -> bool:
        trial.report(dev, epochs)
        if trial.should_prune():
            pruned.append(epochs)
        return bool(pruned)

    try:
        trained = train(variant(trial, recipe), rows, folder / f"trial-{trial.number}", replace(run, hopeless=hopeless))
    except ToolError as error:
        trial.set_user_attr(_FAULT, error.message)
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
        return
    trial.set_user_attr(_RESULT, json.dumps(asdict(trained), default=lambda point: point.model_dump()))
    if pruned:
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    else:
        study.tell(trial, trained.dev)
    _drop_losers(study, folder)


def _next(study: Any, seed: int) -> Any:
    """The trial that a killed search was at, or a new one; the draw depends on seed and the trials before alone."""
    import optuna

    number = len(_ended(study))
    study.sampler = optuna.samplers.TPESampler(seed=seed + number, n_startup_trials=4)
    running = [one for one in study.trials if one.state == optuna.trial.TrialState.RUNNING]
    return optuna.trial.Trial(study, running[0]._trial_id) if running else study.ask()


def _ended(study: Any) -> list[Any]:
    return [trial for trial in study.trials if trial.state.is_finished()]


def _drop_losers(study: Any, folder: Path) -> None:
    best = _winner(study)
    for trial in _ended(study):
        if best is not None and trial.number != best.number:
            shutil.rmtree(folder / f"trial-{trial.number}", ignore_errors=True)


def _winner(study: Any) -> Any:
    whole = [trial for trial in _ended(study) if trial.value is not None and _RESULT in trial.user_attrs]
    return max(whole, key=lambda trial: (trial.value, -trial.number), default=None)


def _best(study: Any, recipe: Recipe, asked: int) -> BestTrial:
    import optuna

    best, ended = _winner(study), _ended(study)
    if best is None:
        faults = [trial.user_attrs[_FAULT] for trial in ended if _FAULT in trial.user_attrs]
        raise ToolError(f"no trial came to an end: {faults[-1] if faults else 'no time'}", "Leave trials out.")
    trained = json.loads(best.user_attrs[_RESULT])
    curve = tuple(CurvePoint.model_validate(point) for point in trained["curve"])
    notes = (*trained["notes"], *_notes(ended, best, asked))
    found = variant(optuna.trial.FixedTrial(best.params), recipe)
    return BestTrial(found, Trained(**{**trained, "curve": curve, "notes": notes}))


def _notes(ended: Sequence[Any], best: Any, asked: int) -> list[str]:
    pruned = sum(trial.state.name == "PRUNED" for trial in ended)
    failed = sum(trial.state.name == "FAIL" for trial in ended)
    first = ended[0].value
    said = ", ".join(f"{name} {value:.3g}" for name, value in best.params.items())
    text = f"{len(ended)} of {asked} trials were run ({pruned} stopped early, {failed} failed); best is number "
    text += f"{best.number + 1}: {said}; dev {best.value:.3f}"
    if first is not None and best.number:
        text += f", and {first:.3f} with the recipe as it was asked for"
    short = [] if len(ended) == asked else ["There was no time for the other trials."]
    return [f"{text}.", *short]


def _move(source: Path, target: Path) -> None:
    """The student's files, its card last, so that a folder with a card is complete."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.iterdir(), key=lambda path: path.name == CARD):
        place = target / path.name
        if place.is_dir():
            shutil.rmtree(place)
        path.replace(place)


def _until(seconds: float, clock: Clock) -> Callable[[], float]:
    """Counts down from now."""
    if math.isinf(seconds):
        return lambda: seconds
    over = clock() + seconds
    return lambda: over - clock()
