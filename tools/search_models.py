"""Look for base models that fit the task and this machine."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from p2m_agent.errors import ToolError
from p2m_agent.importing.ask_columns import is_reliable
from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import Args, Context, Effect, NotYet, Outcome, Tool
from p2m_agent.search.models.imagined_card import hypothetical_model
from p2m_agent.search.models.limits import in_words
from p2m_agent.types.candidates import LeftOut, ModelCandidate, ModelSearch
from p2m_agent.types.student import TrainingRun
from p2m_agent.types.task import TaskSpec


class SearchModels(Args):
    """Search base models to fine-tune; those whose weights are here come first. Use one with fine_tune."""

    query: str = Field(default="", max_length=2000)
    """What the model should be good at, in plain words; empty takes the person's request."""
    k: int = Field(default=5, ge=1, le=50)
    """How many candidates to show."""


@dataclass(frozen=True)
class SearchModelsInputs:
    """What to search for."""

    spec: TaskSpec
    query: str
    too_slow: dict[str, str]
    """Base models whose students all break the limit on latency, each with why."""


def needs(args: SearchModels, state: RunState) -> SearchModelsInputs | NotYet:
    """A task, and words that were not searched for already."""
    spec = state.spec
    if spec is None:
        return NotYet("there is no task yet: call define_task first")
    query = args.query.strip() or spec.request or spec.instruction
    if query in {search.query for search in state.all(ModelSearch)}:
        then = "use its candidates (fine_tune), or put the query in other words"
        return NotYet(f"this was searched for already: {then}")
    return SearchModelsInputs(spec, query, _too_slow(state, spec))


def _too_slow(state: RunState, spec: TaskSpec) -> dict[str, str]:
    runs = sorted(state.all(TrainingRun), key=lambda run: -(run.p95_ms or 0))
    quickest = {run.recipe.base: run for run in runs if run.p95_ms is not None}
    limit_ms = spec.constraints.max_latency_ms
    return {
        base: f"{run.id} on it takes {run.p95_ms:g} ms (p95), and {limit_ms:g} ms are allowed"
        for base, run in quickest.items()
        if not run.answers_within(limit_ms)
    }


def run(args: SearchModels, inputs: SearchModelsInputs, context: Context) -> Outcome:
    """Search, and say in words what came of it."""
    spec, query = inputs.spec, inputs.query
    card, notes = _imagined(query, spec, context)
    results = context.hub.find_models(query, spec, args.k, card=card)
    found = tuple(each for each in results.candidates if each.repo not in inputs.too_slow)
    search = ModelSearch(id=f"model_search-{context.call.id}", query=query, candidates=found, made_by=context.call.id)
    best = "; ".join(f"{i}. {_words(c)}" for i, c in enumerate(found[:3], start=1))
    ready = sum(candidate.available for candidate in found)
    count = f"{len(found)} base models found, {ready} of them at hand" if found else ""
    summary = f"{count}: {best}." if found else _NONE
    slow = [LeftOut(repo, why) for repo, why in inputs.too_slow.items()]
    left_out = (*in_words(slow), *(() if found else in_words(results.left_out)))
    told = " ".join([summary, *left_out, *notes])
    return Outcome(headline=count and f"{count}.", summary=told, artifacts=(search,))


def _imagined(query: str, spec: TaskSpec, context: Context) -> tuple[str, tuple[str, ...]]:
    """The card of a model that would fit, where a reliable planner can imagine one; else why not."""
    llm = context.planner
    if not is_reliable(llm) or not context.embedder():
        return "", ()
    try:
        return hypothetical_model(spec, query, llm), ()
    except ToolError as error:
        return "", (f"Searched without a card imagined by the planner: {error.message}",)


_NONE = "No base model is allowed by the constraints of the task (size, licence, latency)."


def _words(found: ModelCandidate) -> str:
    risks = f" ({'; '.join(found.risks)})" if found.risks else ""
    size = f"{found.params / 1e6:.0f} M parameters, {found.architecture}, licence {found.licence or 'unknown'}"
    return f"{found.repo}, {size}, about {found.train_gb:.1f} GB to train{risks}"


TOOL = Tool(name="search_models", args=SearchModels, run=run, needs=needs, effect=Effect.READ)
