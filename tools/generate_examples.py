"""Make training rows with the teacher."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pydantic import Field

from p2m_agent.errors import ToolError
from p2m_agent.generation.attributes import FILE, Attributes
from p2m_agent.generation.rounds import (
    BATCH,
    LOCAL_LAG,
    MOST_LAG,
    SHARE_OF_TIME,
    WEAK_BATCH,
    GenerationPlan,
    GenerationProgress,
    Generator,
    Material,
)
from p2m_agent.generation.unlabelled import Text, texts_of
from p2m_agent.importing.adoption import with_metric
from p2m_agent.rows.data_card import write_data_card
from p2m_agent.rows.holdout import read_dev
from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import Args, Context, Effect, NotYet, Outcome, Tool
from p2m_agent.types.analysis import ErrorAnalysis
from p2m_agent.types.budget import Cost
from p2m_agent.types.rows import Dataset, Example, Holdout, Source
from p2m_agent.types.scores import EvalReport
from p2m_agent.types.task import Task, TaskSpec
from p2m_agent.verification.filter import RowFilter
from p2m_agent.verification.screening import Checks, Policy, verify_rows

from ._generated import (
    RowFiles,
    RunData,
    attributes_for,
    dataset_of,
    errors_of,
    guard_of,
    known_rows,
    split,
    unlabelled_texts,
)
from ._transformed import open_found

VOTES = 3
WEAK_S = 600.0
"""Longest that a weak teacher is asked for rows, where nobody set a shorter time."""
ROW_S, ROW_TOKENS = 1.5, 400
"""Time and tokens for an accepted row, on the high side: a small model on a CPU, rejects included."""
READ = 3
"""Texts read of a found dataset for each row wanted."""
REAL_SHARE = 0.1
"""Of invented inputs of a classification task that get a typing mistake or the like, where nobody says."""


class GenerateExamples(Args):
    """Let the teacher LLM write training rows: varied, balanced over the labels, checked, without duplicates.

    Use it where search found no data, or to add rows of labels that the student confuses: errors=true aims them at what
    the best student gets wrong on dev. Inputs that the person gave without labels (--unlabelled) are labelled before
    any is invented. Needs the labels of a classification task to be known. With a weak teacher many rows are rejected;
    the summary tells the yield. Where the run has no held-out rows yet, a part becomes dev and test, and the score is
    then only a synthetic proxy.
    """

    rows: int = Field(default=200, ge=1, le=100_000)
    """Accepted rows wanted."""
    labels: tuple[str, ...] = ()
    """Make rows of these labels only (classification); empty means all."""
    label_shares: dict[str, float] = {}
    """Label to its share of the rows, where labels are not equally frequent in practice; empty means equal numbers."""
    errors: bool = False
    """Aim the rows at what the best student gets wrong on dev; evaluate it on dev first."""
    clusters: tuple[str, ...] = ()
    """With errors: names of the error clusters to aim at; empty means all."""
    texts_from: str = ""
    """Repo of a found dataset whose texts are about the task but have no fitting labels: the teacher labels them."""
    noise: float | None = Field(default=None, ge=0, le=1)
    """Share of invented inputs that get a typing mistake or lower case. Left out: 0.1 for classification, else 0."""
    votes: int | None = Field(default=None, ge=1, le=9)
    """Most independent answers for each text output or label of a real input; two that agree are enough. Left out: 3,
    or 1 for a weak teacher's texts."""
    judge: bool = False
    """Let the judge LLM look at every row too, by a rubric; it costs a request a row."""
    doubtful: Policy = "keep"
    """What becomes of rows whose label a probe trained on the other rows does not believe (classification): keep, ask
    (mark them for the person to look at), relabel, drop."""
    temperature: tuple[float, float] = (0.7, 1.0)
    """Sampling temperature for the first row and the last; it rises in between."""


@dataclass(frozen=True)
class GenerateExamplesInputs:
    """What rows are made for, and of what."""

    data: RunData
    task: Task
    errors: ErrorAnalysis | EvalReport | None
    """What is known of the errors of the best student on dev; None also where nobody asked for it."""


def needs(args: GenerateExamples, state: RunState) -> GenerateExamplesInputs | NotYet:
    """A task, its labels, and the person's own rows first."""
    spec = state.spec
    if spec is None:
        return NotYet("there is no task yet: call define_task first")
    if not spec.constraints.synthetic:
        return NotYet("the person wants no rows that a model wrote: search_datasets, or go on with the rows there are")
    refused = _misfit(args, spec) or _missing(args, state, spec)
    errors = _errors(state) if args.errors or args.clusters else None
    return NotYet(refused) if refused else GenerateExamplesInputs(RunData.of(spec, state), state.task, errors)


def _misfit(args: GenerateExamples, spec: TaskSpec) -> str | None:
    """What of the arguments does not fit the task."""
    if spec.kind != "classification" and (args.labels or args.label_shares):
        return f"rows of chosen labels are made for classification alone, and this task is {spec.kind}"
    if spec.sorts and not spec.labels:
        return "the labels are not known: import_rows reads them from data, or name them with define_task(labels=[…])"
    unknown = [label for label in (*args.labels, *args.label_shares) if label not in spec.labels]
    if unknown:
        return f"{unknown[0]!r} is not a label; the labels are {', '.join(spec.labels) or 'none (text_to_text)'}"
    given = args.label_shares.values()
    if given and (min(given) < 0 or not any(given)):
        return "label_shares must be 0 or more, and not all 0"
    return None


def _missing(args: GenerateExamples, state: RunState, spec: TaskSpec) -> str | None:
    """What has to be there first."""
    if state.task.data and state.latest(Holdout) is None:
        return "the person gave labelled rows, which the held-out rows come from: call import_rows(source='user') first"
    if (args.labels or args.label_shares) and state.latest(Holdout) is None and len(shares_of(args, spec)) < 2:
        return "there are no held-out rows yet, and they need all labels: leave `labels` empty, or import rows first"
    if (args.errors or args.clusters) and not _errors(state):
        return "no errors are known yet: train a student with fine_tune and call evaluate on dev first"
    return None


def _errors(state: RunState) -> ErrorAnalysis | EvalReport | None:
    """The analysis of the best student where it found clusters, else its dev report."""
    best = state.best()
    if best is None:
        return None
    analysis, report = state.analysis_of(best.id), state.report_on(best.id, "dev")
    return analysis if analysis and (analysis.clusters or report is None) else report


def shares_of(args: GenerateExamples, spec: TaskSpec) -> dict[str, float]:
    """Label to its share of the rows; the one empty label where there are none."""
    labels = spec.labels if spec.kind == "classification" else ()
    shares = args.label_shares or dict.fromkeys(args.labels or labels or ("",), 1.0)
    return {label: share for label, share in shares.items() if share > 0 and (not args.labels or label in args.labels)}


def estimate(args: GenerateExamples, _state: RunState) -> Cost:
    """By rows; half as much again for what is rejected is in the figures."""
    return Cost(wall_s=20 + ROW_S * args.rows, tokens=ROW_TOKENS * args.rows)


def run(args: GenerateExamples, inputs: GenerateExamplesInputs, context: Context) -> Outcome:
    """Generate, judge, write as rows come, split where nothing is held out yet."""
    data, spec, reliable = inputs.data, inputs.data.spec, context.teacher.capability.reliable
    held, known = known_rows(data, context)
    guard = guard_of(held, spec)
    seeds = [*_demonstrated(spec), *known]
    texts, licence = found_texts(args, inputs, context)
    material = Material(
        seeds=seeds,
        attributes=attributes_for(spec, seeds, inputs.task.attributes, context, guard),
        texts=texts,
        focuses=errors_of(inputs.errors, data, context, held, args.clusters) if inputs.errors else (),
        held_out=guard,
    )
    row_filter = RowFilter(spec, held, seeds, context.embedder(), strict=not reliable)
    generator = Generator(spec, plan_of(args, spec, context), context.teacher, row_filter, material)
    with RowFiles(context.folder) as files:
        progress = generator.run(context.emit, _patience(context, reliable=reliable), files, context.clock)
    checks = Checks(context.judge if args.judge else None, args.doubtful, context.embedder(), context.settings.seed)
    verified = verify_rows(files.path, spec, checks)
    dropped = dict((Counter(row_filter.reasons()) + verified.dropped).most_common())
    told = " ".join([describe(args.rows, verified.rows, dropped, progress, reliable=reliable), *verified.notes])
    told += _shown_attributes(material.attributes, context) if reliable else ""
    if not verified.rows:
        raise ToolError(
            f"Nothing usable came of it. {told}", "Set a stronger --teacher, or give labelled rows with --data."
        )
    made: tuple[Dataset, Holdout | None, str]
    if data.holdout is None:
        made = split(files.path, verified.labels, dropped, spec, context, told)
    else:
        made = dataset_of(files.path, verified.labels, dropped, context), None, ""
    dataset = made[0].model_copy(update={"licence": licence})
    write_data_card(
        context.root,
        dataset,
        spec,
        embedder=context.embedder(),
        asked=progress.asked,
        real=[row for row in known if row.source.origin != "synthetic"],
    )
    if made[1] is None:
        return Outcome(summary=told, artifacts=(dataset,))
    # The held-out rows are the first that anybody sees, so they say what the task can be measured by.
    measured = with_metric(spec, read_dev(context.root, made[1]), context.call.id, inputs.task)
    artifacts = (dataset, made[1]) if measured is spec else (measured, dataset, made[1])
    return Outcome(summary=f"{told} {made[2]}".strip(), artifacts=artifacts)


def found_texts(
    args: GenerateExamples, inputs: GenerateExamplesInputs, context: Context
) -> tuple[Iterator[Text], str | None]:
    """Real inputs to label: of a found dataset, with its licence, else of the person's file.

    Raises:
        ToolError: the dataset cannot be had or its licence is refused.
        UsageError: the rows have no columns for the task's inputs.
    """
    spec = inputs.data.spec
    if not args.texts_from:
        return unlabelled_texts(inputs.task.unlabelled, spec, context), None
    found = open_found(args.texts_from, READ * args.rows, inputs.data, context)
    source = found.opened.source.model_copy(update={"origin": "transformed"})
    return texts_of(found.rows, spec, source, context.settings.seed), source.licence


def plan_of(args: GenerateExamples, spec: TaskSpec, context: Context) -> GenerationPlan:
    """How to go about it with this teacher."""
    reliable, classes = context.teacher.capability.reliable, spec.sorts
    batch = BATCH if reliable else 1 if len(spec.input_fields) > 1 else WEAK_BATCH
    lag = LOCAL_LAG if context.teacher.local else max(8, min(MOST_LAG, args.rows // (4 * batch)))
    return GenerationPlan(
        call_id=context.call.id,
        rows=args.rows,
        shares=shares_of(args, spec),
        reliable=reliable,
        batch=batch,
        temperature=args.temperature,
        seed=context.settings.seed,
        votes=args.votes or (VOTES if reliable or classes else 1),
        noise=args.noise if args.noise is not None else REAL_SHARE if classes else 0.0,
        lag=lag,
    )


def _patience(context: Context, *, reliable: bool) -> Callable[[], float]:
    """The time left; less for a weak teacher, whose rows get no better by waiting."""
    if reliable:
        return context.seconds_left
    return lambda: min(context.seconds_left(), WEAK_S / SHARE_OF_TIME)


def _demonstrated(spec: TaskSpec) -> list[Example]:
    source = Source(origin="user", ref="examples")
    return [Example(input=shown.input, output=shown.output, source=source) for shown in spec.demonstrations]


def _shown_attributes(attributes: Attributes, context: Context) -> str:
    topics = ", ".join(attributes.topics[:4])
    about = f" Inputs differ in {len(attributes.topics)} topics ({topics}, …), styles and more:" if topics else ""
    return f"{about} calls/{context.call.id}/{FILE} holds what they differ in; edited, it counts for later calls."


def describe(wanted: int, kept: int, reasons: dict[str, int], progress: GenerationProgress, *, reliable: bool) -> str:
    """The yield in a few sentences."""
    listed = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in list(reasons.items())[:4])
    share = kept / progress.asked if progress.asked else 0.0
    text = f"{kept} of {wanted} rows made; {share:.0%} of {progress.asked} asked for could be used"
    text += f" (rejected: {listed})." if listed else "."
    if progress.labelled:
        text += f" {progress.labelled} of them are real inputs that the teacher labelled."
    if progress.failed:
        text += f" {progress.failed} requests had no usable answer."
    if progress.withheld:
        text += f" {progress.withheld} requests were not sent, as a held-out text would have stood in them."
    if progress.stopped:
        text += f" It stopped early: {progress.stopped}."
    return (
        text
        if reliable
        else text + " The teacher is weak, so these rows may be poor: compare scores with and without them."
    )


TOOL = Tool(
    name="generate_examples", args=GenerateExamples, run=run, needs=needs, estimate=estimate, effect=Effect.SPEND
)
