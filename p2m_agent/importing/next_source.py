"""Which rows are imported next: the person's own, or a dataset that a search found; and why some are not read."""

from __future__ import annotations

from p2m_agent.run.state import RunState
from p2m_agent.search.breaches import known_breach
from p2m_agent.types.candidates import DatasetSearch
from p2m_agent.types.rows import Dataset

OWN = "user"
"""The source that stands for the person's own rows."""


def next_source(named: str | None, state: RunState) -> str | None:
    """What to import: as named, else the person's rows, else the best candidate that is left."""
    if named:
        return named.strip()
    known, own = ({dataset.ref.casefold() for dataset in found} for found in (state.all(Dataset), state.own(Dataset)))
    if state.task.data and state.task.data.casefold() not in own:
        return OWN
    search = state.latest(DatasetSearch)
    candidates = [candidate.repo for candidate in search.candidates] if search else []
    tried = {str(decision.args.get("source", "")).casefold() for decision in state.decisions if decision.ok is False}
    return next((repo for repo in candidates if repo.casefold() not in known | tried), None)


def source_name(source: str, state: RunState) -> str:
    """The path or repo id that a source stands for, as the search spells it."""
    if source == OWN:
        return state.task.data or ""
    wanted = source.replace("__", "/", 1).casefold()
    return next((repo for repo in _candidates(state) if repo.casefold() == wanted), source)


def why_unusable(source: str, name: str, state: RunState) -> str | None:
    """Why rows of a source are not read, and what to do instead; None where they are."""
    imported = state.own(Dataset) if source == OWN else state.all(Dataset)  # a file may have changed since the last run
    if any(dataset.ref.casefold() == name.casefold() for dataset in imported):
        return f"{name} is imported already; name another source or go on with the rows there are"
    if source != OWN and state.spec and not state.spec.constraints.public_data and name != state.task.data:
        return "the person wants no found data: import their own rows, or go on with those there are"
    if source != OWN and (breach := known_breach(state, name)):
        return f"{name} is not used, as the person set conditions: {breach}; name another source"
    if source != OWN and name not in _candidates(state):
        return f"{name} was not found by a search; call search_datasets and choose one of its candidates"
    return None


def _candidates(state: RunState) -> list[str]:
    return [candidate.repo for search in state.all(DatasetSearch) for candidate in search.candidates]
