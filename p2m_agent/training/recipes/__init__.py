"""Recipes, one file each, found by scanning this folder."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from p2m_agent.errors import ToolError
from p2m_agent.scanning import members
from p2m_agent.training.recipe_kind import RecipeKind

if TYPE_CHECKING:
    from p2m_agent.types.task import Kind


@cache
def load_recipes() -> dict[str, RecipeKind[Any]]:
    """Every recipe by method, in the order in which they are tried.

    Raises:
        RuntimeError: a file holds no recipe, or one of another method.
    """
    found = members(__name__, "RECIPE", RecipeKind, lambda recipe: recipe.method)
    return {recipe.method: recipe for recipe in sorted(found, key=lambda recipe: (recipe.order, recipe.method))}


def recipe_named(method: str) -> RecipeKind[Any]:
    """A recipe.

    Raises:
        ToolError: there is none of that method.
    """
    recipe = load_recipes().get(method)
    if recipe is None:
        raise ToolError(f"there is no recipe {method!r}", f"Use one of {', '.join(load_recipes())}.")
    return recipe


def recipes_of(kind: Kind) -> tuple[RecipeKind[Any], ...]:
    """Those that train a kind of task, in the order in which they are tried."""
    return tuple(recipe for recipe in load_recipes().values() if kind in recipe.kinds)


def tried_unasked(kind: Kind, rows_a_label: float | None = None) -> tuple[RecipeKind[Any], ...]:
    """Those that are tried where nobody names one, the quickest first.

    Args:
        kind: of the task.
        rows_a_label: training rows of a label on average; None leaves those out that are for few.
    """
    found = (recipe for recipe in recipes_of(kind) if recipe.why)
    few = float("inf") if rows_a_label is None else rows_a_label
    return tuple(recipe for recipe in found if recipe.rows_a_label is None or few <= recipe.rows_a_label)


def has_network(method: str) -> bool:
    """Whether a network answers for its students; taken for granted of one whose file is gone."""
    known = load_recipes().get(method)
    return known is None or known.network


def recipe_title(method: str) -> str:
    """What a recipe is called in a table; also one whose file is gone."""
    known = load_recipes().get(method)
    return known.title if known else method.replace("_", " ")


def recipes_in_words() -> str:
    """Every recipe with what it is for, for who has to choose one."""
    return "; ".join(f"{recipe.method} {recipe.purpose}" for recipe in load_recipes().values())
