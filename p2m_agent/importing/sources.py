"""Opening what rows come from: the person's own file, or a dataset of a hub."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from p2m_agent.errors import ToolError, UsageError
from p2m_agent.events import Progressed
from p2m_agent.importing.configs import choose_config
from p2m_agent.importing.schema.shaped import Asked, OutputKind, Shaped
from p2m_agent.importing.shapes import shape_of_splits
from p2m_agent.rows.column_profile import flatten
from p2m_agent.rows.reading import Row, unfold_messages
from p2m_agent.rows.rejected import Rejected
from p2m_agent.rows.tables.opening import known_endings
from p2m_agent.search.breaches import breach_of
from p2m_agent.search.licences import rule
from p2m_agent.types.doubts import Doubt
from p2m_agent.types.rows import Source, SplitName
from p2m_agent.types.split_names import named_split

if TYPE_CHECKING:
    from p2m_agent.run.seams import Embedder, Hub
    from p2m_agent.settings import Settings
    from p2m_agent.types.candidates import HubDataset
    from p2m_agent.types.task import TaskSpec

Report = Callable[[Progressed], None]

HELD_OUT_CAP = 5_000
"""Rows read of a held-out split, of which at most 1,000 are used."""
READ_AHEAD = 5
"""A sample is drawn from that many times the rows that are kept, since files may be sorted by label."""


@dataclass(frozen=True)
class ColumnRoles:
    """Which column is what in the rows of a known schema."""

    schema: str
    inputs: tuple[str, ...]
    output: str
    kind: OutputKind | None
    """None where the schema does not tell a label from a text."""
    labels: tuple[str, ...] = ()
    """Labels that the source declares."""
    group: str = ""
    """Column whose equal values must not be divided; empty where there is none."""


@dataclass(frozen=True)
class Opened:
    """Rows of a source by split, nested values flattened, and what is known about it."""

    splits: dict[SplitName, list[Row]]
    """A person's file is one `train` split."""
    available: dict[SplitName, int]
    """Rows there were, where more were read than kept."""
    source: Source
    card: str = ""
    notes: tuple[str, ...] = ()
    """What a reader should know, one sentence each."""
    format: str = ""
    """For a person: "CSV, semicolon between cells, Windows-1252"."""
    own_splits: bool = False
    """Whether the source names its splits itself."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Rows that could not be read at all, by reason."""
    rejected: Mapping[SplitName, tuple[Rejected, ...]] = field(default_factory=dict)
    """Rows that are no examples, with the reason, by split."""
    roles: ColumnRoles | None = None
    """Which column is what, where the tool that wrote the source says so."""
    doubts: tuple[Doubt, ...] = ()
    """What was guessed when it was read."""

    @property
    def read(self) -> int:
        """Rows of all splits that were read, those included that are of no use."""
        lost = sum(map(len, self.rejected.values())) + sum(self.left_out.values())
        return sum(map(len, self.splits.values())) + lost


def is_file(data: str) -> bool:
    """Whether the person's `data` names a file or folder; else it is the id of a dataset."""
    return Path(data).exists() or data.lower().endswith(known_endings()) or data.count("/") != 1


def open_repo(  # noqa: PLR0913 (what, for which task, with what of the run: each said by name)
    repo: str,
    spec: TaskSpec,
    *,
    hub: Hub,
    settings: Settings,
    embedder: Callable[[], Embedder | None],
    max_rows: int,
    report: Report,
) -> Opened:
    """The rows of a dataset of a hub, once its licence allows them to be used.

    Raises:
        ToolError: it cannot be opened, holds no rows, or its licence is refused.
    """
    dataset, why = open_config(hub, repo, spec, embedder)
    ruling = rule(dataset.licence, spec.constraints.licences, refused_by(spec, settings.refuse_licences))
    licence = dataset.licence or "(unknown)"
    if ruling.verdict == "refuse":
        raise ToolError(f"{dataset.repo} has the licence {licence}, {ruling.why}.", "Choose another dataset.")
    check_conditions(dataset, spec)
    opened = read_repo(dataset, max_rows, settings.seed, report, Asked(spec.request))
    risk = f"Licence: {licence}."
    if ruling.verdict == "warn":
        risk = f"Risk: its licence is {dataset.licence or 'unknown'}, {ruling.why}."
    return replace(opened, notes=tuple(filter(None, (why, risk))))


def check_conditions(dataset: HubDataset, spec: TaskSpec) -> None:
    """Keep to what the person said about sources and languages.

    Raises:
        ToolError: its card shows that it may not be used.
    """
    texts = (dataset.title, dataset.description, dataset.card)
    breach = breach_of(spec.constraints, dataset.repo, texts, dataset.languages)
    if breach:
        raise ToolError(f"{dataset.repo} is not used: {breach}.", "Choose another dataset.")


def refused_by(spec: TaskSpec, settings: Sequence[str]) -> tuple[str, ...]:
    """Licences that neither the task nor the settings allow."""
    return tuple(dict.fromkeys((*settings, *spec.constraints.refused_licences)))


def open_config(hub: Hub, repo: str, spec: TaskSpec, embedder: Callable[[], Embedder | None]) -> tuple[HubDataset, str]:
    """A dataset found in a hub, in the config that fits the task; and why that one, where there are several.

    Raises:
        ToolError: it cannot be opened.
    """
    dataset = hub.open_dataset(repo)
    if len(dataset.configs) == 1:
        return dataset, ""
    chosen = choose_config(dataset.configs, spec, embedder(), dataset.config)
    return dataset if chosen.name == dataset.config else hub.open_dataset(repo, chosen.name), chosen.why


def read_repo(dataset: HubDataset, max_rows: int, seed: int, report: Report, asked: Asked | None = None) -> Opened:
    """The rows of a dataset, its splits named train, dev and test.

    Args:
        dataset: an opened one.
        max_rows: training rows; an even sample of more.
        seed: of the sample.
        report: hears how far it is.
        asked: what is asked, for rows in the schema of a tool, which are read by it then as those of a file are; None
            leaves them as they are.

    Raises:
        ToolError: it holds no rows, or nothing says which version of them these are.
    """
    if not dataset.revision:
        raise ToolError(f"Nothing pins the version of {dataset.repo}'s rows.", "Choose another dataset.")
    splits: dict[SplitName, list[Row]] = {}
    available: dict[SplitName, int] = {}
    for name, split in _roles(list(dataset.splits)).items():
        cap = max_rows if name == "train" else HELD_OUT_CAP
        stream = dataset.rows(split, max(READ_AHEAD * cap, 20_000))
        kept, seen = reservoir(_reported(stream, f"reading {split} of {dataset.repo}", report), cap, seed)
        if kept:
            splits[name] = kept
            available[name] = dataset.splits[split] or seen
    if not splits:
        raise ToolError(f"{dataset.repo} holds no rows.", "Choose another dataset.")
    source = Source(origin="hub", ref=dataset.repo, revision=dataset.revision, licence=dataset.licence)
    card = f"{dataset.description}\n\n{dataset.card}".strip()
    opened = Opened(splits, available, source, card, format=f"dataset of {dataset.hub}", own_splits=len(splits) > 1)
    if asked and (known := _of_schema(opened, asked)):
        return replace(known, available=available)
    return replace(
        opened, splits={name: [flatten(row) for row in unfold_messages(part)] for name, part in splits.items()}
    )


def _of_schema(opened: Opened, asked: Asked) -> Opened | None:
    """The rows of a found set as the schema of a tool has them; None where it is a plain table."""
    try:
        shaped = shape_of_splits({str(name): part for name, part in opened.splits.items()}, asked)
        return by_schema(opened, shaped) if shaped else None
    except UsageError as error:  # what is wrong with a found set is nothing that the person can mend
        raise ToolError(f"{opened.source.ref}: {error.message}", "Choose another dataset.") from error


def by_schema(opened: Opened, shaped: Shaped) -> Opened:
    """A source whose rows have the schema of a tool: its columns have known roles, and left-out rows their reason.

    Raises:
        UsageError: it holds no rows that are examples.
    """
    parts: dict[SplitName, list[Row]] = {}
    for row in shaped.rows:
        parts.setdefault(_role(row, shaped.split), []).append({k: v for k, v in row.items() if k != shaped.split})
    if not parts:
        reasons = ", ".join(f"{n} {why}" for why, n in shaped.left_out.items()) or "nothing in it"
        raise UsageError(
            f"{opened.source.ref}, read as {shaped.shape}, holds no rows: {reasons}.", "Bring rows with an answer."
        )
    rejected: dict[SplitName, tuple[Rejected, ...]] = {}
    for each in shaped.rejected:
        role = _role(each.row, shaped.split)
        rejected[role] = (*rejected.get(role, ()), each)
    return replace(
        opened,
        splits=parts,
        available={name: len(part) for name, part in parts.items()},
        format=f"{shaped.shape} ({opened.format})",
        own_splits=len(parts) > 1,
        rejected=rejected,
        roles=ColumnRoles(shaped.shape, shaped.inputs, shaped.output, shaped.output_kind, shaped.labels, shaped.group),
        doubts=(*opened.doubts, *shaped.doubts),
    )


def _role(row: Row, column: str) -> SplitName:
    return (named_split(str(row.get(column) or "")) if column else None) or "train"


def _roles(names: list[str]) -> dict[SplitName, str]:
    """Which split of a source plays which part; a lone split of any name is train."""
    roles: dict[SplitName, str] = {}
    wanted: tuple[tuple[SplitName, tuple[str, ...]], ...] = (
        ("train", ("train",)),
        ("dev", ("valid", "dev", "val")),
        ("test", ("test", "eval")),
    )
    for role, starts in wanted:
        exact = [name for name in names if name.lower() in starts]
        near = [name for name in names if name.lower().startswith(starts) and name not in roles.values()]
        if exact or near:
            roles[role] = (exact or near)[0]
    if "train" not in roles:
        rest = [name for name in names if name not in roles.values()]
        roles["train"] = rest[0] if rest else roles.pop("dev" if "dev" in roles else "test")
    return roles


def reservoir(rows: Iterable[Row], cap: int, seed: int) -> tuple[list[Row], int]:
    """An even sample of at most `cap` rows in their order, and how many there were."""
    chooser = random.Random(seed)  # noqa: S311
    kept: list[tuple[int, Row]] = []
    seen = 0
    for seen, row in enumerate(rows, 1):
        if len(kept) < cap:
            kept.append((seen, row))
        elif (place := chooser.randrange(seen)) < cap:
            kept[place] = (seen, row)
    return [row for _, row in sorted(kept, key=lambda pair: pair[0])], seen


def _reported(rows: Iterable[Row], message: str, report: Report) -> Iterable[Row]:
    """Pass rows on and say every two seconds how many there were."""
    said = time.monotonic()
    for number, row in enumerate(rows, 1):
        yield row
        if time.monotonic() - said > 2:
            said = time.monotonic()
            report(Progressed(message=f"{message}: {number:,} rows", numbers={"rows": float(number)}))
