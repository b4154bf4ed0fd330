"""Suggestions about how to train: another base, another recipe, other hyperparameters."""

from __future__ import annotations

from collections.abc import Callable

from p2m_agent.evaluation.findings import Findings
from p2m_agent.types.analysis import Suggestion
from p2m_agent.types.recipe import FEW_FOR_SETFIT, METHODS, Method

RECIPE_CUT, RECIPE_CUT_OVERFIT = 0.15, 0.05
"""Share of the error that another recipe is guessed to remove; less where the student learned its rows by heart."""
OVERFIT = 0.1
"""Train score above dev score from which on that is assumed."""
SETFIT_CUT = 0.2
"""The same of SetFit where there are few rows a label, which is what it is for: a guess."""
SEARCH_CUT = 0.08
"""The same of a search over rates and batch sizes: a guess."""
MOST_TRIALS, FEWEST_TRIALS, SEARCH_SHARE = 8, 3, 0.5
"""Trainings of a search, and the share of the time left that they may take together."""


def _other_base(found: Findings) -> list[Suggestion]:
    """The best of the race that was not trained yet, where it went as far as the base in use."""
    race, used = found.race, found.study.run.recipe.base
    scored = [one for one in race.results if one.score is not None] if race else []
    own = next((one for one in scored if one.model == used), None)
    rivals = [one for one in scored if own and one.model != used and one.rows == own.rows]
    if own is None or not rivals:
        return []
    best = max(rivals, key=lambda one: one.score or 0.0)
    gain = min(found.error, (best.score or 0.0) - (own.score or 0.0))
    why = f"in the race of base models {best.model} scored {best.score:.3f} and {used} {own.score:.3f}"
    cost_s = found.train_s()
    return [Suggestion(kind="other_base", why=why, gain=gain, basis="measured", cost_s=cost_s, base=best.model)]


def _other_recipe(found: Findings) -> list[Suggestion]:
    left = [method for method in METHODS[found.study.spec.kind] if method not in found.tried]
    return [_recipe(found, method) for method in left]


def _recipe(found: Findings, method: Method) -> Suggestion:
    run, each = found.study.run, found.rows_a_label
    overfit = run.train is not None and run.train - run.dev > OVERFIT
    cut = RECIPE_CUT_OVERFIT if overfit or method == "setfit" else RECIPE_CUT
    train = "" if run.train is None else f" (train {run.train:.3f}, dev {run.dev:.3f})"
    said = "learned its rows by heart" if overfit else "may not be able to learn more"
    why = f"{run.recipe.method} {said}{train}; {method} was not tried"
    if method == "setfit" and each is not None and each <= FEW_FOR_SETFIT:
        cut, why = SETFIT_CUT, f"there are {each:.0f} rows a label: pairs of rows teach more than rows alone"
    facts = {"kind": "other_recipe", "why": why, "gain": cut * found.error, "basis": "guess", "method": method}
    return Suggestion.model_validate({**facts, "cost_s": found.train_s(method)})


def _hyperparameters(found: Findings) -> list[Suggestion]:
    """Where more rows would bring nothing, and there is time for several trainings."""
    trials = trials_in(found.left_s, found.train_s())
    if not found.flat or trials < FEWEST_TRIALS:
        return []
    method = found.study.run.recipe.method
    facts = {"kind": "hyperparameters", "gain": SEARCH_CUT * found.error, "basis": "guess", "trials": trials}
    why = f"more rows would bring little; {method} was trained with one rate and batch size"
    return [Suggestion.model_validate({**facts, "why": why, "cost_s": trials * found.train_s()})]


def trials_in(left_s: float, each_s: float) -> int:
    """How many trainings of so long a search may make in the time left."""
    return int(min(MOST_TRIALS, SEARCH_SHARE * max(0.0, left_s) / max(1.0, each_s)))


RULES: tuple[Callable[[Findings], list[Suggestion]], ...] = (_other_base, _other_recipe, _hyperparameters)
