"""Import labelled rows: the person's own file, or a dataset that a search found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from pydantic import Field

from p2m_agent.errors import BudgetExceeded, Misfit, ToolError, UsageError
from p2m_agent.importing.ask_columns import is_reliable
from p2m_agent.importing.checks.question import is_hopeless
from p2m_agent.importing.columns import columns_after
from p2m_agent.importing.label_alignment import write_alignment
from p2m_agent.importing.next_source import OWN, next_source, source_name, why_unusable
from p2m_agent.importing.own_file import open_file, take_of
from p2m_agent.importing.schema.shaped import Asked
from p2m_agent.importing.sources import Opened, is_file, open_repo
from p2m_agent.importing.task_rows import Reading, as_rejected, divide_rows, plan_reading, read_task_rows
from p2m_agent.importing.to_examples import Judges, Wishes, proposal
from p2m_agent.rows.data_card import write_data_card
from p2m_agent.rows.duplicates import drop_duplicates
from p2m_agent.rows.holdout import SEALED, file_sha256, seal
from p2m_agent.rows.reading import write_examples
from p2m_agent.rows.rejected import Rejected, write_rejected
from p2m_agent.rows.splits import Carved
from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import Args, Context, Effect, NotYet, Outcome, Tool
from p2m_agent.types.artifacts import Artifact
from p2m_agent.types.budget import Cost
from p2m_agent.types.questions import ColumnChoice
from p2m_agent.types.rows import Dataset, Example, Holdout
from p2m_agent.types.task import Task, TaskSpec


class Columns(Args):
    """Which columns to read."""

    inputs: tuple[str, ...] = Field(min_length=1)
    """Columns that the model reads, in the order of the task's input fields."""
    output: str
    """Column with the right output."""


class ImportRows(Args):
    """Read labelled rows from the person's own file or from a dataset of the latest search.

    Columns and labels are matched with the task. The first import also fixes dev and the locked test; later ones only
    add training rows. Where columns are in doubt and a person is there, it only proposes them: ask_person, then call it
    again.
    """

    source: str | None = None
    """`user` for the person's own rows, or the repo id of a dataset that search_datasets found. Without it: the
    person's rows, then the best candidate that is not imported yet."""
    columns: Columns | None = None
    """Leave out unless an import chose the wrong columns."""
    max_rows: int = Field(default=10_000, ge=30, le=200_000)
    """Training rows to keep at most; an even sample is taken of more."""


@dataclass(frozen=True)
class ImportRowsInputs:
    """A source, and what its import has to keep to."""

    spec: TaskSpec
    task: Task
    source: str
    """`user`, or a repo id."""
    name: str
    """The path or repo id that it stands for, as the search spells it."""
    inputs: tuple[str, ...]
    output: str
    """Columns that the controller or the person named; empty where they are to be found."""
    holdout: Holdout | None
    bound: bool
    """Whether rows are imported already, so that fields and labels must stay."""
    attended: bool

    @property
    def own(self) -> bool:
        """Whether the rows are the person's."""
        return self.source == OWN


def needs(args: ImportRows, state: RunState) -> ImportRowsInputs | NotYet:
    """A task, and a source that is known and not imported yet."""
    spec, source = state.spec, next_source(args.source, state)
    if spec is None:
        return NotYet("there is no task yet; call define_task first")
    if source is None:
        return NotYet("no rows are known that are not imported already; call search_datasets or generate_examples")
    if source == OWN and not state.task.data:
        return NotYet("the person gave no rows of their own; call search_datasets and name a repo that it finds")
    name = source_name(source, state)
    if why := why_unusable(source, name, state):
        return NotYet(why)
    columns = _named(args, name, state)
    if isinstance(columns, NotYet):
        return columns
    return ImportRowsInputs(
        spec=spec,
        task=Task.model_validate({**state.task.model_dump(), **state.settled_for(name)}),
        source=source,
        name=name,
        inputs=columns[0],
        output=columns[1],
        holdout=state.latest(Holdout),
        bound=state.latest(Dataset) is not None,
        attended=state.attended,
    )


def _named(args: ImportRows, name: str, state: RunState) -> tuple[tuple[str, ...], str] | NotYet:
    """Inputs and output that somebody named, empty where they are to be found; or why they cannot be read yet."""
    if args.columns:
        return args.columns.inputs, args.columns.output
    proposed = (state.column_choice(ref) for ref in (name, name.replace("__", "/", 1)))
    choice, answer = next((found for found in proposed if found[0]), (None, None))
    if choice is None:
        return (), ""
    if answer is None:
        return NotYet(f"the columns of {name} wait for their verdict: call ask_person(about={choice.id!r}) first")
    if answer.verdict == "reject":
        rejected = f"{', '.join(choice.inputs)} → {choice.output}"
        return NotYet(f"the person rejected {rejected}; name other `columns`, or another source")
    if answer.verdict == "edit" and not {"inputs", "output"} & set(answer.edits):
        return (), ""  # the rows are read anew, which may change their columns
    return columns_after(choice, answer)


def estimate(args: ImportRows, _state: RunState) -> Cost:
    """Reading is quick; a remote dataset of many rows takes longest."""
    return Cost(wall_s=10 + args.max_rows / 1000)


def run(args: ImportRows, inputs: ImportRowsInputs, context: Context) -> Outcome:
    """Open, map, hold out, write."""
    try:
        return _import(args, inputs, context)
    except UsageError:
        raise
    except ToolError as error:
        if inputs.own:  # a fault in what the person brought is theirs to mend
            raise UsageError(error.message, error.hint) from error
        raise


def _import(args: ImportRows, inputs: ImportRowsInputs, context: Context) -> Outcome:
    opened = _open(args, inputs, context)
    wishes = Wishes(inputs.spec, inputs.task, inputs.bound)
    if inputs.own:
        wishes = Wishes.of_own(inputs.spec, inputs.task, imported=inputs.bound)
    if inputs.inputs or inputs.output:
        wishes = replace(wishes, inputs=inputs.inputs, output=inputs.output)
    judges = Judges(context.embedder, context.teacher)
    try:
        plan = plan_reading(opened, wishes, judges, context.call.id)
        asked = bool(wishes.inputs and wishes.output)
        if inputs.attended and plan.mapping.unsure:
            doubts = [*(doubt for doubt in opened.doubts if doubt.grave), *plan.mapping.doubts]
            choice = proposal(plan.opened, plan.mapping, context.call.id, doubts)
            return _propose(choice, inputs.source)
        reading = read_task_rows(plan, judges, context.call.id)
        grave = [doubt for doubt in reading.doubts if doubt.grave]
        if inputs.attended and grave and not asked:
            return _propose(proposal(plan.opened, plan.mapping, context.call.id, grave), inputs.source)
        _check_question(reading, asked=inputs.attended and asked)
    except ToolError as misfit:
        raise _with_remedy(misfit, inputs, context) from misfit
    shared = _share_out(reading, inputs.holdout, context)
    dataset = _write(shared, reading, context)
    write_data_card(context.root, dataset, reading.spec, embedder=context.embedder())
    artifacts: tuple[Artifact, ...] = (dataset, *shared.holdout)
    if reading.spec is not inputs.spec:
        artifacts = (reading.spec, *artifacts)
    return Outcome(summary=_summary(dataset, shared, reading), artifacts=artifacts)


def _check_question(reading: Reading, *, asked: bool) -> None:
    """Refuse rows on which no score would mean anything, unless a person has seen that and goes on.

    Raises:
        ToolError: all rows have one answer, or it is given away in another way.
    """
    hopeless = [doubt for doubt in reading.doubts if is_hopeless(doubt)]
    if hopeless and not asked:
        raise ToolError(hopeless[0].seen, hopeless[0].settle)


def _propose(choice: ColumnChoice, source: str) -> Outcome:
    """Put columns in doubt before the person, before anything is held out."""
    then = f"ask_person(about={choice.id!r}), then import_rows(source={source!r}) again"
    what = f"{', '.join(choice.inputs)} → {choice.output}"
    return Outcome(summary=f"Nothing is imported yet: {what} is in doubt. Call {then}.", artifacts=(choice,))


def _with_remedy(misfit: ToolError, inputs: ImportRowsInputs, context: Context) -> ToolError:
    """The same error; where a found dataset does not fit and a reliable teacher is there, with what can be done."""
    if inputs.own or isinstance(misfit, BudgetExceeded) or not is_reliable(context.teacher):
        return misfit
    hint = f"{misfit.hint} Or have its rows changed: transform_dataset(source={inputs.name!r})."
    return Misfit(misfit.message, hint.strip(), inputs.name)


@dataclass(frozen=True)
class _Shared:
    """Rows by what becomes of them."""

    train: list[Example]
    holdout: tuple[Holdout, ...]
    """The new one; empty where the run has one already."""
    dropped: dict[str, int]
    rejected: list[Rejected]
    notes: tuple[str, ...]


def _open(args: ImportRows, inputs: ImportRowsInputs, context: Context) -> Opened:
    """The source's rows, once its licence allows them to be used."""
    if inputs.own and is_file(inputs.name):
        return open_file(
            inputs.name, Asked(inputs.spec.request), take_of(inputs.task, args.max_rows, context.settings.seed)
        )
    return open_repo(
        inputs.name,
        inputs.spec,
        hub=context.hub,
        settings=context.settings,
        embedder=context.embedder,
        max_rows=args.max_rows,
        report=context.emit,
    )


def _share_out(reading: Reading, held: Holdout | None, context: Context) -> _Shared:
    """Hold rows out where nothing is held out yet, and keep a source's own test rows out of training."""
    rejected = list(reading.rejected)
    notes: tuple[str, ...] = ()
    holdout: tuple[Holdout, ...] = ()
    dropped: Counter[str] = Counter(reading.opened.left_out)
    if held is None:
        carved = divide_rows(reading, context.settings.seed)
        holdout, train, notes = (_hold_out(carved, reading, context),), carved.train, carved.notes
        lost = reading.used - len(carved.train) - len(carved.dev) - len(carved.test)
        dropped["copies of held-out rows"] = carved.copies
        dropped["of a group with held-out rows"] = carved.related
        dropped["contradicted by other rows"] = carved.contradictions
        accounted = carved.copies + carved.related + carved.contradictions
        dropped["beyond the cap of a held-out split"] = lost - accounted
    else:
        parts = reading.parts
        train, copies = drop_duplicates([*parts.get("train", ()), *parts.get("dev", ())])
        rejected += [as_rejected(example, reading.spec) for example in copies]
        dropped["test split of its source"] = len(parts.get("test", ()))
    dropped.update(each.reason for each in rejected)
    return _Shared(train, holdout, {why: n for why, n in dropped.items() if n}, rejected, notes)


def _hold_out(carved: Carved, reading: Reading, context: Context) -> Holdout:
    source = reading.opened.source
    holdout = seal(
        context.root,
        context.folder,
        carved.dev,
        carved.test,
        origin="user" if source.origin == "user" else "hub",
        ref=source.ref,
        made_by=context.call.id,
    )
    parts = reading.imported.parts
    unusable = parts["test"].rejected if "test" in parts else []
    if unusable:  # test rows, so they are kept beside the others
        write_rejected(context.root / SEALED, unusable)
    return holdout


def _write(shared: _Shared, reading: Reading, context: Context) -> Dataset:
    path = context.folder / "train.jsonl"
    source, mapping, spec, imported = reading.opened.source, reading.mapping, reading.spec, reading.imported
    if not shared.train:
        raise ToolError(f"No row of {source.ref} is left to train on.", "Choose another source.")
    write_examples(path, shared.train)
    write_rejected(context.folder, shared.rejected)
    if imported.alignment:
        write_alignment(context.folder / "labels.json", imported.alignment, imported.outputs)
    labels = Counter(label for example in shared.train for label in spec.labels_in(example.output))
    return Dataset(
        id=f"dataset-{context.call.id}",
        path=path.relative_to(context.root).as_posix(),
        sha256=file_sha256(path),
        rows=len(shared.train),
        origin=source.origin,
        ref=source.ref,
        revision=source.revision,
        licence=source.licence,
        labels=dict(sorted(labels.items())),
        dropped=shared.dropped,
        doubts=reading.doubts,
        columns={**mapping.inputs, spec.output_field: mapping.output},
        made_by=context.call.id,
    )


def _summary(dataset: Dataset, shared: _Shared, reading: Reading) -> str:
    mapping, opened = reading.mapping, reading.opened
    said = [
        f"Imported {dataset.rows:,} training rows of {dataset.ref}: "
        f"{', '.join(mapping.inputs.values())} → {mapping.output}, {reading.spec.kind.replace('_', ' ')}"
        + (f" with {len(dataset.labels)} labels." if dataset.labels else ".")
    ]
    said += [f"Held out: {each.dev_rows:,} dev rows, {each.test_rows:,} locked test rows." for each in shared.holdout]
    said += [*shared.notes, *reading.imported.notes]
    there, kept = opened.available.get("train", 0), len(opened.splits.get("train", ()))
    if there > kept:
        said.append(f"Its training split has {there:,} rows, of which {kept:,} were read.")
    if shared.dropped:
        said.append("Left out: " + ", ".join(f"{n:,} {why}" for why, n in shared.dropped.items()) + ".")
    said += [f"Doubt: {doubt.text} {doubt.done}".rstrip() for doubt in reading.doubts]
    return " ".join(said)


TOOL = Tool(name="import_rows", args=ImportRows, run=run, needs=needs, estimate=estimate, effect=Effect.READ)
