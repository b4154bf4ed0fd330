"""Suggestions about how to train: another base, another recipe, other hyperparameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from p2m_agent.evaluation.findings import Findings
from p2m_agent.training.recipe_kind import RecipeKind
from p2m_agent.training.recipes import recipes_of
from p2m_agent.types.analysis import Suggestion

RECIPE_CUT, RECIPE_CUT_OVERFIT = 0.15, 0.05
"""Share of the error that another recipe is guessed to remove; less where the student learned its rows by heart."""
OVERFIT = 0.1
"""Train score above dev score from which on that is assumed."""
FEW_ROWS_CUT = 0.2
"""The same of a recipe for few rows a label where they are few: a guess."""
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
    left = [recipe for recipe in recipes_of(found.study.spec.kind) if recipe.method not in found.tried]
    return [_recipe(found, recipe) for recipe in left]


def _recipe(found: Findings, recipe: RecipeKind[Any]) -> Suggestion:
    run, each, method, most = found.study.run, found.rows_a_label, recipe.method, recipe.rows_a_label
    overfit = run.train is not None and run.train - run.dev > OVERFIT
    cut = RECIPE_CUT_OVERFIT if overfit or most is not None else RECIPE_CUT
    train = "" if run.train is None else f" (train {run.train:.3f}, dev {run.dev:.3f})"
    said = "learned its rows by heart" if overfit else "may not be able to learn more"
    why = f"{run.recipe.method} {said}{train}; {method} was not tried"
    if most is not None and each is not None and each <= most:
        cut, why = FEW_ROWS_CUT, f"there are {each:.0f} rows a label: {recipe.why.rpartition(': ')[2]}"
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
