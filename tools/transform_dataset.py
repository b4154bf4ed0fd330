"""Change the rows of a found dataset into examples of the task (DataTune, arXiv 2404.14361)."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

from pydantic import Field

from p2m_agent.errors import Misfit, ToolError
from p2m_agent.importing.ask_columns import is_reliable
from p2m_agent.prompting import shown_example
from p2m_agent.rows.data_card import write_data_card
from p2m_agent.rows.demonstrations import demonstrations
from p2m_agent.rows.holdout import file_sha256
from p2m_agent.rows.reading import write_examples
from p2m_agent.rows.rejected import write_rejected
from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import Args, Context, Effect, NotYet, Outcome, Tool
from p2m_agent.transformation.planning import ELSEWHERE, SAMPLE, plan_by_columns, read_plan, targets
from p2m_agent.transformation.teacher_requests import plan_request
from p2m_agent.transformation.template import TemplateFault
from p2m_agent.transformation.waves import Transformer
from p2m_agent.types.budget import Cost
from p2m_agent.types.candidates import DatasetSearch
from p2m_agent.types.plan import TransformationPlan
from p2m_agent.types.rows import Dataset, Example, Holdout
from p2m_agent.types.task import TaskSpec

from ._generated import RunData
from ._transformed import FORMAL_ROWS, WRITTEN_ROWS, FoundDataset, open_found, transformer, tried

PLAN_TRIES = 2
"""Plans that a teacher may write; the second knows what was wrong with the first."""
MOST_EXAMPLES = 4
PLANNING = Cost(wall_s=60, tokens=20_000)
"""A plan or two, and the rows that they are tried on."""


class TransformDataset(Args):
    """Change the rows of a found dataset into examples of the task, where it is relevant but import_rows cannot use it.

    For other labels, other columns, another form or another question about the same texts. It takes three calls:
    transform_dataset(source=…) proposes a plan with three transformed rows and an estimate, ask_person(about=<its id>)
    gets the verdict, transform_dataset(plan=<its id>) makes the rows. A change of form costs nothing; one of meaning
    costs one request to the teacher a row. The rows are for training only and need held-out rows to be there.
    """

    source: str | None = None
    """Repo id of a dataset that search_datasets found; without it, the best one that an import failed on."""
    plan: str | None = None
    """Id of an accepted plan: its rows are made now."""
    remarks: str = Field(default="", max_length=2000)
    """What the plan should heed, for instance what the person said about the last one."""
    rows: int | None = Field(default=None, ge=10, le=50_000)
    """Rows to transform at most."""


@dataclass(frozen=True)
class TransformDatasetInputs:
    """What is transformed for which task."""

    data: RunData
    source: str
    """As the search spells it."""
    plan: TransformationPlan | None
    """To be carried out; None where one is to be made."""


def needs(args: TransformDataset, state: RunState) -> TransformDatasetInputs | NotYet:
    """A task, held-out rows, and a source or a plan that may go ahead."""
    spec = state.spec
    if spec is None:
        return NotYet("there is no task yet: call define_task first")
    refused = _misfit(spec)
    if refused:
        return NotYet(refused)
    if state.latest(Holdout) is None:
        return NotYet(
            "transformed rows are for training alone, and there are no held-out rows yet: call import_rows or "
            "generate_examples first"
        )
    plan = _accepted(args.plan, state, spec) if args.plan else None
    if isinstance(plan, NotYet):
        return plan
    source = plan.source if plan else _new_source(args, state)
    if isinstance(source, NotYet):
        return source
    if any(dataset.ref.casefold() == source.casefold() for dataset in state.all(Dataset)):
        return NotYet(f"the rows of {source} are there already; go on with them or name another source")
    return TransformDatasetInputs(RunData.of(spec, state), source, plan)


def _misfit(spec: TaskSpec) -> str | None:
    """Why rows cannot be changed for such a task."""
    if not spec.constraints.synthetic:
        return "the person wants no rows that a model wrote or changed; import_rows takes them as they are"
    if spec.kind == "multi_label":
        return "rows of several labels are not transformed; import_rows reads lists, separated texts and 0/1 columns"
    if spec.kind == "classification" and not spec.labels:
        return "the labels are not known: name them with define_task(labels=[…])"
    return None


def _accepted(plan_id: str, state: RunState, spec: TaskSpec) -> TransformationPlan | NotYet:
    """The plan, if it may be carried out."""
    plan = state.find(plan_id)
    if not isinstance(plan, TransformationPlan):
        return NotYet(f"there is no plan {plan_id!r}: propose one with transform_dataset(source=…)")
    review = state.review_of(plan.id)
    if review is None:
        return NotYet(f"{plan.id} has no verdict yet: call ask_person(about={plan.id!r}) first")
    if review.answer.verdict != "accept":
        another = f"transform_dataset(source={plan.source!r}, remarks=…)"
        return NotYet(f"{plan.id} was not accepted: propose another with {another}")
    if sorted((*plan.templates, *plan.written)) != sorted(targets(spec)):
        another = "transform_dataset(source=…)"
        return NotYet(f"the task has changed since {plan.id} was made: propose another with {another}")
    return plan


def _new_source(args: TransformDataset, state: RunState) -> str | NotYet:
    """What to make a plan for."""
    waiting, accepted = state.open_plan(), state.accepted_plan()
    if waiting:
        return NotYet(f"a plan waits for its verdict: call ask_person(about={waiting.id!r}) first")
    if accepted:
        return NotYet(f"a plan is accepted: call transform_dataset(plan={accepted.id!r})")
    repo = _source(args, state)
    if repo is None:
        return NotYet("no dataset is known that import_rows failed on: name a `source` that search_datasets found")
    if repo.casefold() not in {known.casefold() for known in _candidates(state)}:
        return NotYet(f"{repo} was not found by a search: call search_datasets and choose one of its candidates")
    return repo


def estimate(args: TransformDataset, state: RunState) -> Cost:
    """What the plan says that it takes; for a plan, a few requests."""
    plan = state.find(args.plan) if args.plan else None
    return plan.estimate if isinstance(plan, TransformationPlan) else PLANNING


def run(args: TransformDataset, inputs: TransformDatasetInputs, context: Context) -> Outcome:
    """Propose a plan, or carry one out."""
    if inputs.plan:
        return _make(inputs.plan, inputs.data, context)
    return _propose(args, inputs.source, inputs.data, context)


def _propose(args: TransformDataset, repo: str, data: RunData, context: Context) -> Outcome:
    read = max(FORMAL_ROWS, args.rows or 0)
    found = open_found(repo, read, data, context)
    source = found.opened.source
    blank = TransformationPlan(
        id=f"transformation_plan-{context.call.id}",
        source=source.ref,
        revision=source.revision,
        licence=source.licence,
        why="",
        by="heuristics",
        rows=args.rows or FORMAL_ROWS,
        read=read,
        examples=_examples(data.spec, found, context.settings.seed),
        notes=found.opened.notes,
        made_by=context.call.id,
    )
    plan = _plan(args, blank, found, data, context)
    how = "a template, without requests" if plan.formal else f"the teacher writes {', '.join(plan.written)}"
    cost = f"{plan.requests:,} requests, about {plan.estimate.tokens:,} tokens and ${plan.estimate.usd:.4f}"
    said = (
        f"Planned to transform {plan.rows:,} rows of {plan.source}: {plan.why.rstrip('.')}. {how.capitalize()}: {cost}."
    )
    return Outcome(summary=" ".join([said, *plan.notes]), artifacts=(plan,))


def _plan(
    args: TransformDataset, blank: TransformationPlan, found: FoundDataset, data: RunData, context: Context
) -> TransformationPlan:
    """The teacher's plan where it has the judgement and the plan works; else what the columns say by themselves."""
    spec = data.spec
    reliable = is_reliable(context.teacher)
    fault, evidence = "no teacher with reliable judgement is there to write one", ""
    for attempt in range(PLAN_TRIES if reliable else 0):
        try:
            plan = _asked(blank, found, spec, context, args.remarks, f"{fault} {evidence}" if attempt else "")
            if not plan.formal:
                plan = plan.model_copy(update={"rows": args.rows or WRITTEN_ROWS})
            return tried(plan, found, data, context)
        except TemplateFault as wrong:
            fault, evidence = str(wrong), wrong.evidence
    sample = found.rows[:SAMPLE]
    note = f"The plan follows names and statistics of the columns alone: {fault}."
    try:
        plan = plan_by_columns(blank, spec, sample, found.opened.card, context.embedder())
        return tried(plan.model_copy(update={"notes": (*plan.notes, note)}), found, data, context)
    except TemplateFault as wrong:
        raise ToolError(
            f"No plan for {blank.source} works: {fault}; by its columns alone, {wrong}.", ELSEWHERE
        ) from wrong
    except ToolError as wrong:
        raise type(wrong)(f"No plan for {blank.source} works: {fault}. {wrong.message}", wrong.hint) from wrong


def _asked(
    blank: TransformationPlan, found: FoundDataset, spec: TaskSpec, context: Context, remarks: str, fault: str
) -> TransformationPlan:
    request = plan_request(
        spec, found.rows[:SAMPLE], card=found.opened.card, examples=blank.examples, remarks=remarks, fault=fault
    )
    reply = context.teacher.ask(request)
    if reply.error is not None:
        raise TemplateFault(f"there was no usable answer ({reply.error})")
    return read_plan(reply.parsed, blank, spec, found.columns)


def _examples(spec: TaskSpec, found: FoundDataset, seed: int) -> tuple[str, ...]:
    """The person's examples first, then training rows; never a held-out one."""
    rows = demonstrations(found.known, seed, by_label=spec.kind == "classification")
    own = [shown_example(each.input, each.output) for each in spec.demonstrations]
    shown = [*own, *(shown_example(row.input, row.output) for row in rows)][:MOST_EXAMPLES]
    return tuple(json.dumps(each, ensure_ascii=False) for each in shown)


def _make(plan: TransformationPlan, data: RunData, context: Context) -> Outcome:
    spec = data.spec
    found = open_found(plan.source, plan.read, data, context)
    again = f"Propose another with transform_dataset(source={plan.source!r})."
    changed = Misfit(f"{plan.source} has changed since its plan was accepted.", again, plan.source)
    if found.opened.source.revision != plan.revision:
        raise changed
    try:
        work = transformer(plan, found, spec, context)
    except TemplateFault as fault:
        raise changed from fault
    work.run(found.rows[: plan.rows], context.emit, context.seconds_left(), context.clock)
    write_rejected(context.folder, [*found.kept_out, *work.rejected])
    summary = _summary(plan, work)
    if not work.made:
        raise ToolError(f"Nothing usable came of it. {summary}", ELSEWHERE)
    dropped = Counter(each.reason for each in [*found.kept_out, *work.rejected])
    dataset = _keep([example for _, example in work.made], dict(dropped.most_common()), plan, spec, context)
    write_data_card(context.root, dataset, spec, embedder=context.embedder(), asked=work.tried)
    return Outcome(summary=summary, artifacts=(dataset,))


def _keep(
    examples: list[Example], dropped: dict[str, int], plan: TransformationPlan, spec: TaskSpec, context: Context
) -> Dataset:
    path = context.folder / "rows.jsonl"
    write_examples(path, examples)
    labels = Counter(example.output for example in examples) if spec.kind == "classification" else {}
    return Dataset(
        id=f"dataset-{context.call.id}",
        path=path.relative_to(context.root).as_posix(),
        sha256=file_sha256(path),
        rows=len(examples),
        origin="transformed",
        ref=plan.source,
        revision=plan.revision,
        licence=plan.licence,
        labels=dict(sorted(labels.items())),
        dropped=dropped,
        made_by=context.call.id,
    )


def _summary(plan: TransformationPlan, work: Transformer) -> str:
    """What was made, what was left out and why, and whether it ended early."""
    reasons = Counter(each.reason for each in work.rejected).most_common(4)
    text = f"{len(work.made):,} training rows made of {work.tried:,} rows of {plan.source}"
    text += f" (rejected: {', '.join(f'{n:,} {why}' for why, n in reasons)})." if reasons else "."
    return f"{text} It stopped early: {work.stopped}." if work.stopped else text


def _source(args: TransformDataset, state: RunState) -> str | None:
    """The repo as the search spells it; without a name, the first that an import failed on and nobody planned for."""
    if args.source:
        wanted = args.source.strip().replace("__", "/", 1).casefold()
        return next((repo for repo in _candidates(state) if repo.casefold() == wanted), args.source.strip())
    planned = {plan.source.casefold() for plan in state.all(TransformationPlan)}
    return next((repo for repo in state.misfits if repo.casefold() not in planned), None)


def _candidates(state: RunState) -> list[str]:
    return [candidate.repo for search in state.all(DatasetSearch) for candidate in search.candidates]


TOOL = Tool(
    name="transform_dataset", args=TransformDataset, run=run, needs=needs, estimate=estimate, effect=Effect.SPEND
)
