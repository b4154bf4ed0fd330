"""Look for public or local datasets that fit the task."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import Field

from p2m_agent.errors import ToolError
from p2m_agent.importing.ask_columns import is_reliable
from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import Args, Context, Effect, NotYet, Outcome, Tool
from p2m_agent.search.breaches import breach_by
from p2m_agent.search.datasets.expansion import hypothetical_card
from p2m_agent.search.datasets.rerank import SHOWN, rerank
from p2m_agent.types.candidates import DatasetCandidate, DatasetSearch
from p2m_agent.types.task import TaskSpec

if TYPE_CHECKING:
    from p2m_agent.types.candidates import DatasetsFound


class SearchDatasets(Args):
    """Search labelled datasets (folders, a catalogue, the Hugging Face Hub) by meaning; import one with import_rows."""

    query: str = Field(default="", max_length=2000)
    """What the rows should be about, in plain words; empty takes the person's request. Other words find other sets."""
    k: int = Field(default=5, ge=1, le=50)
    """How many candidates to show."""


@dataclass(frozen=True)
class SearchDatasetsInputs:
    """What to search for."""

    spec: TaskSpec
    query: str


def needs(args: SearchDatasets, state: RunState) -> SearchDatasetsInputs | NotYet:
    """A task, and words that were not searched for already."""
    spec = state.spec
    if spec is None:
        return NotYet("there is no task yet: call define_task first")
    if not spec.constraints.public_data:
        return NotYet("the person wants no found data: go on with their own rows, or with give_up where there are none")
    query = args.query.strip() or spec.request or spec.instruction
    if query in {search.query for search in state.all(DatasetSearch)}:
        then = "use its candidates (import_rows), or put the query in other words"
        return NotYet(f"this was searched for already: {then}")
    return SearchDatasetsInputs(spec, query)


def run(args: SearchDatasets, inputs: SearchDatasetsInputs, context: Context) -> Outcome:
    """Search, and say in words what came of it."""
    spec, query = inputs.spec, inputs.query
    found = _allowed(_found(query, spec, args.k, context), spec)
    search = DatasetSearch(
        id=f"dataset_search-{context.call.id}", query=query, candidates=found.candidates, made_by=context.call.id
    )
    best = "; ".join(f"{i}. {_words(c)}" for i, c in enumerate(found.candidates[:3], start=1))
    count = f"{len(found.candidates)} datasets found" if found.candidates else ""
    said = " ".join([*([f"{count}: {best}."] if count else []), *found.notes])
    return Outcome(headline=count and f"{count}.", summary=said, artifacts=(search,))


def _found(query: str, spec: TaskSpec, k: int, context: Context) -> DatasetsFound:
    """At most `k` datasets; a reliable planner imagines a card to look for, and votes on what comes first."""
    llm = context.planner
    if not is_reliable(llm):
        return context.hub.find_datasets(query, spec, k)
    notes: tuple[str, ...] = ()
    card = ""
    try:
        card = hypothetical_card(spec, query, llm) if context.embedder() else ""
    except ToolError as error:
        notes = (f"Searched without a card imagined by the planner: {error.message}",)
    found = context.hub.find_datasets(query, spec, max(k, SHOWN), card=card)
    candidates = found.candidates
    try:
        candidates = rerank(candidates, spec, query, llm, context.settings.seed)
    except ToolError as error:
        notes = (*notes, f"In the order of the search, as the planner could not vote: {error.message}")
    return replace(found, candidates=candidates[:k], notes=(*found.notes, *notes))


def _allowed(found: DatasetsFound, spec: TaskSpec) -> DatasetsFound:
    """Without what the person's conditions rule out, each with the reason. Import looks at the whole card again."""
    kept: list[DatasetCandidate] = []
    notes: list[str] = []
    for each in found.candidates:
        breach = breach_by(spec.constraints, each)
        if breach:
            notes.append(f"{each.repo} was left out: {breach}.")
        else:
            kept.append(each)
    return replace(found, candidates=tuple(kept), notes=(*found.notes, *notes))


def _words(found: DatasetCandidate) -> str:
    rows = f", {sum(found.rows.values())} rows" if found.rows else ""
    risks = f" ({'; '.join(found.risks)})" if found.risks else ""
    return f"{found.repo}, {found.title}{rows}, licence {found.licence or 'unknown'}, score {found.score:.2f}{risks}"


TOOL = Tool(name="search_datasets", args=SearchDatasets, run=run, needs=needs, effect=Effect.READ)
