"""Compare mixtures of the datasets on dev, cheaply, before any of them enters training."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import Field

from p2m_agent.errors import ToolError
from p2m_agent.probes.mixture_answers import Answers, LabelSetProbe, LinearProbe, MixtureProbe, NeighbourProbe
from p2m_agent.probes.mixture_gate import Compared, Gate
from p2m_agent.probes.mixture_parts import Draw, ProbedPart, grouped, in_proportion, read_part
from p2m_agent.rows.holdout import held_out_rows, read_dev
from p2m_agent.run.state import RunState
from p2m_agent.run.store import write_whole
from p2m_agent.run.tooling import Args, Context, Effect, NotYet, Outcome, Tool
from p2m_agent.training.progress import Progress
from p2m_agent.types.budget import Cost
from p2m_agent.types.mixture import Mixture, MixtureScore
from p2m_agent.types.rows import Dataset, Example, Holdout
from p2m_agent.types.task import TaskSpec
from p2m_agent.weights.locate import SMALL_LM

PROBES = "probes.json"
SHARE_OF_TIME = 0.2
"""Of the time left in the run's budget."""
LEAST_CAUSAL_S = 30.0
"""With less time no model is fine-tuned, however shortly."""
DEV_ROWS = {"classification": 300, "multi_label": 300, "text_to_text": 40}
PART_ROWS = {"classification": 1000, "multi_label": 1000, "text_to_text": 60}
"""Rows of a part that a probe learns from at most; the same however many parts there are, so that answers stay."""


class ChooseMixture(Args):
    """Find out which of the datasets help and which hurt, before training on them.

    Retrieved, transformed and synthetic rows can make a student worse. A probe of seconds (a linear head on frozen
    embeddings; for text_to_text a short fine-tune) scores the datasets alone and together on dev. fine_tune then
    trains on the chosen mixture unless it is told otherwise. Call it once there is more than one dataset, and again
    when there are new rows.
    """

    seconds: float = Field(default=55.0, ge=5, le=600)
    """Time for all probes together; what it does not reach is named."""


@dataclass(frozen=True)
class ChooseMixtureInputs:
    """Datasets to choose from."""

    spec: TaskSpec
    holdout: Holdout
    datasets: Sequence[Dataset]
    earlier: Sequence[Mixture]
    """Choices that were made already, whose answers are known."""


def needs(args: ChooseMixture, state: RunState) -> ChooseMixtureInputs | NotYet:
    """A task, held-out rows, more than one dataset, and no choice among them yet."""
    spec, holdout, datasets = state.spec, state.latest(Holdout), state.datasets()
    if spec is None:
        return NotYet("there is no task yet: call define_task first")
    if holdout is None:
        return NotYet("there are no held-out rows to compare on; call import_rows or generate_examples first")
    if len(datasets) < 2:
        return NotYet("there are not two datasets to choose from; go on with fine_tune")
    made = state.mixture()
    complete = made is not None and not any(score.score is None for score in made.scores)
    if made is not None and (complete or args.seconds <= made.seconds + 1):
        return NotYet(f"{made.id} is the choice among these datasets: {made.choice}; go on with fine_tune")
    return ChooseMixtureInputs(spec, holdout, datasets, state.all(Mixture))


def estimate(args: ChooseMixture, state: RunState) -> Cost:
    """The time that it stops at."""
    return Cost(wall_s=_limit_s(args, state.free_s))


def run(args: ChooseMixture, inputs: ChooseMixtureInputs, context: Context) -> Outcome:
    """Read samples, probe, choose, keep the probes' answers."""
    began, limit_s = context.clock(), _limit_s(args, context.seconds_left())

    def seconds_left() -> float:
        return limit_s - (context.clock() - began)

    spec, holdout = inputs.spec, inputs.holdout
    dev = in_proportion(read_dev(context.root, holdout), spec.kind, context.settings.seed)[: DEV_ROWS[spec.kind]]
    parts = _parts(inputs, context)
    usable = [part for part in parts if part.rows]
    if not usable:
        raise ToolError("No row is left to train on: all match held-out rows.", "Import another dataset.")
    probe, notes = _probe(spec, dev, context, seconds_left)
    compared = Gate(
        parts=usable,
        dev=dev,
        probe=probe,
        seconds_left=seconds_left,
        limit_s=limit_s,
        progress=Progress(context.emit),
        known=_known(inputs.earlier, context),
        clock=context.clock,
    ).compare()
    path = context.folder / PROBES
    write_whole(path, json.dumps(compared.answers))
    chosen = [usable[i] for i in compared.chosen]
    sampled = dict(zip((part.name for part in usable), compared.sampled, strict=True))
    ids = {dataset.id for part in chosen for dataset in part.datasets}
    mixture = Mixture(
        id=f"mixture-{context.call.id}",
        datasets=tuple(dataset.id for dataset in inputs.datasets),
        chosen=tuple(dataset.id for dataset in inputs.datasets if dataset.id in ids),
        choice=" + ".join(part.name for part in chosen),
        why=_why(compared, probe, len(dev)),
        probe=probe.how,
        measure=probe.measure,
        dev_rows=len(dev),
        parts=tuple(part.record(sampled.get(part.name, 0)) for part in parts),
        scores=compared.scores,
        seconds=round(context.clock() - began, 1),
        notes=(*notes, *_notes(compared, parts, holdout)),
        path=path.relative_to(context.root).as_posix(),
        made_by=context.call.id,
    )
    return Outcome(headline=f"Train on {mixture.why}", summary=_summary(mixture), artifacts=(mixture,))


def _limit_s(args: ChooseMixture, left_s: float) -> float:
    return max(5.0, min(args.seconds, SHARE_OF_TIME * left_s))


def _parts(inputs: ChooseMixtureInputs, context: Context) -> list[ProbedPart]:
    spec, holdout = inputs.spec, inputs.holdout
    groups = grouped(inputs.datasets, holdout)
    draw = Draw(
        kind=spec.kind,
        held=held_out_rows(context.root, holdout),
        embedder=context.embedder(),
        most=PART_ROWS[spec.kind],
        seed=context.settings.seed,
    )
    return [read_part(context.root, name, datasets, draw) for name, datasets in groups]


def _probe(
    spec: TaskSpec, dev: Sequence[Example], context: Context, seconds_left: Callable[[], float]
) -> tuple[MixtureProbe, list[str]]:
    """The probe for the task, and what speaks against it."""
    if spec.kind == "classification":
        return LinearProbe(dev, context.embedder()), []
    if spec.kind == "multi_label":
        return LabelSetProbe(dev, context.embedder()), []
    try:
        if seconds_left() < LEAST_CAUSAL_S:
            raise ToolError("there was too little time")
        from p2m_agent.probes.quick_causal import CausalProbe

        return CausalProbe(SMALL_LM, spec, dev, context.settings), []
    except ToolError as error:
        note = f"No short fine-tune was made ({error.message}); nearest neighbours say little about a trained student."
        return NeighbourProbe(dev, context.embedder()), [note]


def _known(earlier: Sequence[Mixture], context: Context) -> dict[str, Answers]:
    """What earlier comparisons of this run found out, by fingerprint."""
    paths = [context.root / mixture.path for mixture in earlier]
    return {key: answers for path in paths if path.exists() for key, answers in json.loads(path.read_text()).items()}


def _why(compared: Compared, probe: MixtureProbe, dev_rows: int) -> str:
    """The choice in a sentence, with its numbers."""
    first, chosen = compared.scores[0], compared.choice
    rivals = [score for score in compared.scores if score.score is not None and score.trainable and score != chosen]
    best = max(rivals, key=lambda score: score.score or 0.0, default=None)
    said = f"{chosen.name}: {probe.measure.replace('_', ' ')} {_numbers(chosen)} on {dev_rows} dev rows"
    if best is None:
        return f"{said}; nothing else could be compared."
    if (best.score or 0.0) <= (chosen.score or 0.0):
        return f"{said}; the next best, {best.name}, has {best.score:.3f}."
    ahead = f"{(best.score or 0.0) - (chosen.score or 0.0):.3f}"
    riskier = "without" if first.parts[0] not in best.parts else "with more than"
    return f"{said}; {best.name} is {ahead} ahead, which may be chance, and {riskier} {first.name}."


def _numbers(score: MixtureScore) -> str:
    """A score with its interval, and what it gains over the first mixture."""
    if score.score is None or score.ci95 is None:
        return score.note
    text = "" if score.accuracy is None else f"(accuracy {score.accuracy:.3f}) "
    text += f"{score.score:.3f} ({score.ci95[0]:.3f} to {score.ci95[1]:.3f})"
    if score.gain is None or score.gain_ci95 is None:
        return text
    return f"{text}, gain {score.gain:+.3f} ({score.gain_ci95[0]:+.3f} to {score.gain_ci95[1]:+.3f})"


def _notes(compared: Compared, parts: Sequence[ProbedPart], holdout: Holdout) -> list[str]:
    """What limits the evidence."""
    notes = [f"All rows of {part.name} match held-out rows; it was left out." for part in parts if not part.rows]
    if holdout.origin == "synthetic":
        notes.append("Dev is a synthetic proxy, made by the teacher: it favours rows that the teacher made.")
    elif holdout.origin == "hub":
        notes.append(f"Dev comes from {holdout.ref}, not from the person's own rows: it favours that source.")
    late = [score.name for score in compared.scores if score.score is None]
    if late:
        notes.append(f"Not probed, as the time was over: {', '.join(late)}.")
    if compared.reused:
        notes.append(f"{compared.reused} of {len(compared.scores)} mixtures were known from an earlier comparison.")
    notes.append(
        "Several mixtures were compared on the same dev rows, so the less risky one is taken where the best is ahead "
        "by about one standard error or less; the chosen score is still a little flattered."
    )
    return notes


def _summary(mixture: Mixture) -> str:
    """The choice, every score, and what limits them: this is what the decision log keeps."""
    chosen = set(mixture.chosen)
    out = [part.name for part in mixture.parts if not chosen & set(part.datasets)]
    left_out = f" Left out: {', '.join(out)}." if out else " Nothing is left out."
    scores = "; ".join(f"{score.name}: {_numbers(score)}" for score in mixture.scores)
    head = f"Train on {mixture.why}{left_out}"
    return " ".join([f"{head} Probed in {mixture.seconds:.0f} s by {mixture.probe}. {scores}.", *mixture.notes])


TOOL = Tool(name="choose_mixture", args=ChooseMixture, run=run, needs=needs, estimate=estimate, effect=Effect.COMPUTE)
