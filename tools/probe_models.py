"""Race base models on the task's own rows, before one of them is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field

from p2m_agent.probes.encoder_race import EncoderProbe
from p2m_agent.probes.mixture_parts import in_proportion
from p2m_agent.probes.race import KeptScores, Race, RaceEntry, rounds_of
from p2m_agent.probes.text_race import ShortFineTune
from p2m_agent.run.state import RunState
from p2m_agent.run.store import KEPT_ACROSS_TRIES
from p2m_agent.run.tooling import Args, Context, Effect, NotYet, Outcome, Tool
from p2m_agent.scoring.intervals import difference
from p2m_agent.training.progress import Progress
from p2m_agent.types.budget import Cost
from p2m_agent.types.candidates import ModelSearch
from p2m_agent.types.probe import MOST_MODELS, ModelProbe, at_hand
from p2m_agent.types.rows import Dataset, Example, Holdout
from p2m_agent.types.task import TaskSpec

SHARE_OF_TIME = 0.2
"""Of the time left in the run's budget."""
MOST_ROWS = {"classification": 1000, "multi_label": 1000, "text_to_text": 120}
"""Rows of the last round."""
_SCORES = "scores.json"


class ProbeModels(Args):
    """Compare base models on the training rows in seconds, before any is trained, and name the one to train.

    All are scored on few rows, the better half again on twice as many, until one is left (successive halving):
    a linear head on frozen features where outputs are labels, a short fine-tune for text_to_text. Call it after
    search_models where more than one base model is at hand; fine_tune then takes the winner unless it is told
    otherwise.
    """

    models: tuple[str, ...] = Field(default=(), max_length=MOST_MODELS)
    """Base models as fine_tune takes them. Left out: those at hand that search_models found."""
    seconds: float = Field(default=120.0, ge=5, le=1800)
    """Time for the whole race; what it does not reach is named."""


@dataclass(frozen=True)
class ProbeModelsInputs:
    """What races on which rows."""

    spec: TaskSpec
    holdout: Holdout
    datasets: Sequence[Dataset]
    models: Sequence[str]
    """Those asked for, else those at hand that the last search found and that there is a probe for."""
    earlier: Sequence[ModelProbe]
    """Races that were run already, whose scores are known."""


def needs(args: ProbeModels, state: RunState) -> ProbeModelsInputs | NotYet:
    """A task, rows to train on, two candidates, and no race among them yet."""
    spec, holdout, search = state.spec, state.latest(Holdout), state.latest(ModelSearch)
    if spec is None:
        return NotYet("there is no task yet: call define_task first")
    if holdout is None or not state.datasets():
        return NotYet("there are no rows to compare on; call import_rows or generate_examples first")
    if len(state.datasets()) > 1 and state.mixture() is None:
        return NotYet("nobody has looked which of the datasets help: call choose_mixture first")
    if not args.models and search is None:
        return NotYet("there are no candidates: call search_models first, or name `models`")
    found = tuple(dict.fromkeys(args.models)) or at_hand(search, spec.kind)
    if len(found) < 2:
        only = ", ".join(found) or "none"
        return NotYet(f"there is only one base model to choose from ({only}); go on with fine_tune")
    raced = _raced(args, state, found)
    datasets, earlier = state.chosen_datasets(), state.all(ModelProbe)
    return NotYet(raced) if raced else ProbeModelsInputs(spec, holdout, datasets, found, earlier)


def estimate(args: ProbeModels, state: RunState) -> Cost:
    """The time that it stops at."""
    return Cost(wall_s=_limit_s(args, state.free_s))


def run(args: ProbeModels, inputs: ProbeModelsInputs, context: Context) -> Outcome:
    """Gather the training rows, race, and keep every score."""
    began, limit_s = context.clock(), _limit_s(args, context.seconds_left())
    spec, names = inputs.spec, inputs.models
    rows = _rows(inputs, context)
    probe = (EncoderProbe if spec.sorts else ShortFineTune)(rows, spec, context.settings)
    earlier = [context.root / made.path for made in inputs.earlier]
    kept = KeptScores(context.folder / KEPT_ACROSS_TRIES / _SCORES, earlier)
    race = Race(
        probe=probe,
        rounds=rounds_of(len(names), len(rows)),
        kept=kept,
        seconds_left=lambda: limit_s - (context.clock() - began),
        progress=Progress(context.emit),
        clock=context.clock,
    )
    standings = race.run(names)
    best = standings[0]
    made = ModelProbe(
        id=f"model_probe-{context.call.id}",
        datasets=tuple(dataset.id for dataset in inputs.datasets),
        chosen=best.model if best.scores else None,
        why=_why(standings),
        probe=probe.how,
        measure=probe.measure,
        rounds=tuple(race.rounds),
        results=tuple(standing.record(best) for standing in standings),
        seconds=round(context.clock() - began, 1),
        notes=tuple(_notes(standings, kept)),
        path=kept.path.relative_to(context.root).as_posix(),
        made_by=context.call.id,
    )
    return Outcome(headline=made.why, summary=_summary(made), artifacts=(made,))


def _limit_s(args: ProbeModels, left_s: float) -> float:
    return max(5.0, min(args.seconds, SHARE_OF_TIME * left_s))


def _raced(args: ProbeModels, state: RunState, found: Sequence[str]) -> str | None:
    """Why there is nothing to gain from another race among these."""
    ids = tuple(dataset.id for dataset in state.chosen_datasets())
    for made in reversed(state.all(ModelProbe)):
        if made.datasets == ids and set(found) <= {result.model for result in made.results}:
            cut = any(result.late for result in made.results)
            if not cut or args.seconds <= made.seconds + 1:
                return f"{made.id} has raced these on the same rows: {made.why} Go on with fine_tune"
    return None


def _rows(inputs: ProbeModelsInputs, context: Context) -> list[Example]:
    """Rows that a student may learn from; dev and the locked test only say which must be left out."""
    pool, kind = context.pools.of(inputs.datasets, inputs.holdout, context.embedder()), inputs.spec.kind
    return in_proportion(pool.examples, kind, context.settings.seed)[: MOST_ROWS[kind]]


def _why(standings: Sequence[RaceEntry]) -> str:
    """The choice in a sentence, with how sure it is."""
    best = standings[0]
    if not best.scores:
        return "No base model could be probed."
    second = next((one for one in standings[1:] if one.round == best.round and one.scores), None)
    said = f"{best.model} scores {best.value:.3f} on {best.rows} rows"
    if second is None:
        return f"{said}; nothing else went that far."
    ahead = difference(best.statistics, second.statistics)
    chance = ", which may be chance" if ahead.ci95[0] <= 0 else ""
    low, high = ahead.ci95
    return f"{said}, {ahead.value:.3f} ({low:.3f} to {high:.3f}) ahead of {second.model}{chance}."


def _notes(standings: Sequence[RaceEntry], kept: KeptScores) -> list[str]:
    """What limits the evidence."""
    notes = [f"{one.model}: {one.note}." for one in standings if one.note]
    if kept.reused:
        notes.append(f"{kept.reused} scores were known from an earlier race.")
    return notes


def _summary(made: ModelProbe) -> str:
    """The choice and every candidate: this is what the decision log keeps."""
    table = "; ".join(
        f"{each.model} {each.score:.3f} on {each.rows} rows in {each.seconds:.0f} s"
        + (f", out after round {each.eliminated}" if each.eliminated else "")
        for each in made.results
        if each.score is not None
    )
    return " ".join([f"{made.why} Raced in {made.seconds:.0f} s by {made.probe}: {table}.", *made.notes])


TOOL = Tool(name="probe_models", args=ProbeModels, run=run, needs=needs, estimate=estimate, effect=Effect.COMPUTE)
