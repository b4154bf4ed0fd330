"""Several tables in one file: sheets of a workbook, tables of a database, files of an archive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from p2m_agent.errors import UsageError
from p2m_agent.types.doubts import Doubt, DoubtChoice
from p2m_agent.types.split_names import split_of


def splits_by_name(names: Sequence[str]) -> dict[str, str]:
    """Split and name, where all names say a split, each another, and one is for training; else empty."""
    roles = {split_of(name): name for name in names}
    fits = len(names) > 1 and len(roles) == len(names) and "" not in roles and "train" in roles
    return roles if fits else {}


def choose_one(rows_by_name: Mapping[str, int], wanted: str, what: str) -> tuple[str, tuple[Doubt, ...]]:
    """The name that the person gave, else the one with the most rows, with a doubt where there are others.

    Raises:
        UsageError: there is none of that name.
    """
    names = ", ".join(rows_by_name)
    if wanted:
        near = [name for name in rows_by_name if name.lower() == wanted.lower()]
        if not near:
            raise UsageError(f"There is no {what} {wanted!r}.", f"There are: {names}. Name one with --sheet.")
        return near[0], ()
    best = max(rows_by_name, key=lambda name: rows_by_name[name])
    others = [f"{name!r} ({rows:,} rows)" for name, rows in rows_by_name.items() if name != best]
    if not others:
        return best, ()
    doubt = Doubt(
        kind="format",
        text=f"There are {len(rows_by_name)} {what}s: {best!r} ({rows_by_name[best]:,} rows), {', '.join(others[:8])}.",
        where=best,
        done=f"The {what} with the most rows was read: {best!r}.",
        settle="--sheet NAME",
        choices=tuple(
            DoubtChoice(words=f"read the {what} {name!r}", key="sheet", value=name) for name in list(rows_by_name)[:8]
        ),
        grave=any(rows > 1 for name, rows in rows_by_name.items() if name != best),
    )
    return best, (doubt,)
