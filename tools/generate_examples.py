"""Make training rows with the teacher."""

from __future__ import annotations

from pydantic import Field

from p2m_agent.budget import Cost
from p2m_agent.data.generation import Generator, Plan, Progress
from p2m_agent.data.verification import Sieve
from p2m_agent.errors import ToolError
from p2m_agent.state import RunState
from p2m_agent.tooling import Args, Context, Effect, Outcome, Tool
from p2m_agent.types import Example, Holdout, Source, TaskSpec

from ._generated import keep, known_rows, split, write_rejected

BATCH = 5
ROW_S, ROW_TOKENS = 1.5, 400
"""Time and tokens for an accepted row, on the high side: a small model on a CPU, rejects included."""


class GenerateExamples(Args):
    """Let the teacher LLM write training rows: varied, balanced over the labels, checked, without duplicates.

    Use it where search found no data, or to add rows of labels that the student confuses. Needs the labels of a
    classification task to be known. With a weak teacher many rows are rejected; the summary tells the yield. Where the
    run has no held-out rows yet, a part becomes dev and test, and the score is then only a synthetic proxy.
    """

    rows: int = Field(default=200, ge=1, le=100_000)
    """Accepted rows wanted."""
    labels: tuple[str, ...] = ()
    """Make rows of these labels only (classification); empty means all, in equal numbers."""
    temperature: tuple[float, float] = (0.7, 1.0)
    """Sampling temperature for the first row and the last; it rises in between."""


def needs(args: GenerateExamples, state: RunState) -> str | None:
    """A task, its labels, and the person's own rows first."""
    spec = state.spec
    if spec is None:
        return "there is no task yet: call define_task first"
    if spec.kind == "classification" and not spec.labels:
        return "the labels are not known: import_rows reads them from data, or name them with define_task(labels=[…])"
    unknown = [label for label in args.labels if label not in spec.labels]
    if unknown:
        return f"{unknown[0]!r} is not a label; the labels are {', '.join(spec.labels) or 'none (text_to_text)'}"
    if "data" in state.given and state.latest(Holdout) is None:
        return "the person gave labelled rows, which the held-out rows come from: call import_rows(source='user') first"
    if args.labels and state.latest(Holdout) is None:
        return "there are no held-out rows yet, and they need all labels: leave `labels` empty, or import rows first"
    return None


def estimate(args: GenerateExamples, _state: RunState) -> Cost:
    """By rows; half as much again for what is rejected is in the figures."""
    return Cost(wall_s=20 + ROW_S * args.rows, tokens=ROW_TOKENS * args.rows)


def run(args: GenerateExamples, state: RunState, context: Context) -> Outcome:
    """Generate, judge, split where nothing is held out yet, write."""
    spec = state.spec
    assert spec is not None
    holdout = state.latest(Holdout)
    held, seeds = known_rows(state, context, holdout)
    sound = context.teacher.capability.sound
    plan = Plan(
        call_id=context.call.id,
        rows=args.rows,
        labels=args.labels or spec.labels,
        sound=sound,
        batch=BATCH if sound else 1,
        temperature=args.temperature,
        seed=context.settings.seed,
    )
    shown = [*_demonstrated(spec), *seeds]
    sieve = Sieve(spec, held, shown, context.embedder(), strict=not sound)
    progress = Generator(spec, plan, context.teacher, sieve, shown).run(context.emit, context.seconds_left)
    write_rejected(context.folder / "rejected.jsonl", sieve.rejected)
    told = describe(args.rows, sieve, progress, sound=sound)
    if not sieve.kept:
        raise ToolError(
            f"Nothing usable came of it. {told}", "Set a stronger --teacher, or give labelled rows with --data."
        )
    if holdout is None:
        dataset, held_out, note = split(sieve.kept, sieve.reasons(), spec, context, told)
        return Outcome(summary=f"{told} {note}", artifacts=(dataset, held_out))
    return Outcome(summary=told, artifacts=(keep(sieve.kept, sieve.reasons(), spec, context),))


def _demonstrated(spec: TaskSpec) -> list[Example]:
    source = Source(origin="user", ref="examples")
    return [Example(input=shown.input, output=shown.output, source=source) for shown in spec.demonstrations]


def describe(wanted: int, sieve: Sieve, progress: Progress, *, sound: bool) -> str:
    """The yield in a few sentences."""
    kept, rejected = len(sieve.kept), len(sieve.rejected)
    reasons = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in list(sieve.reasons().items())[:4])
    share = kept / progress.asked if progress.asked else 0.0
    text = f"{kept} of {wanted} rows made; {share:.0%} of {progress.asked} asked for could be used"
    text += f" (rejected: {reasons})." if rejected else "."
    if progress.failed:
        text += f" {progress.failed} requests had no usable answer."
    if progress.stopped:
        text += f" It stopped early: {progress.stopped}."
    return (
        text
        if sound
        else text + " The teacher is weak, so these rows may be poor: compare scores with and without them."
    )


TOOL = Tool(
    name="generate_examples", args=GenerateExamples, run=run, needs=needs, estimate=estimate, effect=Effect.SPEND
)
