"""What a search finds: datasets and base models, with what speaks for and against each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from p2m_agent.types.task import Kind
from p2m_agent.types.value import Value

Architecture = Literal["encoder", "seq2seq", "causal"]
"""Of a base model."""
ARCHITECTURES: Final[Mapping[Kind, tuple[Architecture, ...]]] = {
    "classification": ("encoder",),
    "multi_label": ("encoder",),
    "text_to_text": ("causal", "seq2seq"),
}
"""Those that there is a recipe for, by kind of task: what is searched for and raced. A test holds them to the recipes,
which lie above in the import stream."""


class DatasetCandidate(Value):
    """A dataset that a search found."""

    repo: str
    hub: str
    """Where it lives: a folder, `huggingface`."""
    revision: str | None = None
    title: str = ""
    description: str = ""
    licence: str | None = None
    languages: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    """Hub task categories, e.g. text-classification."""
    columns: tuple[str, ...] = ()
    rows: dict[str, int] = {}
    """Rows per split, where known."""
    score: float
    """Relevance, 0 to 1; comparable within one search."""
    reachable: bool = True
    """Whether its rows can be had now."""
    why: str
    risks: tuple[str, ...] = ()
    """What speaks against it: unknown licence, unreachable rows, another language."""


class ModelCandidate(Value):
    """A base model that a search found."""

    repo: str
    hub: str
    """Where it lives: `installed`, a folder, `huggingface`."""
    revision: str | None = None
    architecture: Architecture
    params: int
    """Number of parameters."""
    licence: str | None = None
    languages: tuple[str, ...] = ()
    max_tokens: int | None = None
    available: bool
    """Whether its weights can be had here and now."""
    train_gb: float
    """Estimated peak memory to fine-tune it."""
    serve_gb: float = 0.0
    """Estimated memory to answer with it."""
    fits: bool = True
    """Whether this machine has the memory to fine-tune it now."""
    memory: str = ""
    """The arithmetic of the two estimates, for a person."""
    downloads: int | None = None
    score: float
    """Relevance, 0 to 1; comparable within one search."""
    why: str
    risks: tuple[str, ...] = ()


@dataclass(frozen=True)
class DatasetsFound:
    """What a search of datasets found, best first, and what it left out."""

    candidates: tuple[DatasetCandidate, ...]
    notes: tuple[str, ...]
    """What a reader should know, one sentence each."""


@dataclass(frozen=True)
class LeftOut:
    """A base model that may not be used."""

    repo: str
    why: str


@dataclass(frozen=True)
class ModelsFound:
    """What a search of base models found, best first, and what it left out."""

    candidates: tuple[ModelCandidate, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True)
class HubDataset:
    """A dataset whose rows can be read."""

    repo: str
    hub: str
    revision: str
    """Commit of the Hub, or hash of the data files of a folder."""
    splits: dict[str, int | None]
    """Split to rows; None where the number is not known."""
    read: Callable[[str, int | None], Iterator[dict[str, object]]]
    licence: str | None = None
    languages: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    title: str = ""
    description: str = ""
    columns: tuple[str, ...] = ()
    card: str = ""
    """The whole card as Markdown."""
    config: str = "default"
    """The subset that is opened."""
    configs: tuple[str, ...] = ("default",)
    """All of its subsets."""

    def rows(self, split: str, limit: int | None = None) -> Iterator[dict[str, object]]:
        """Stream rows of a split, at most `limit`.

        Raises:
            ToolError: there is no such split, or its rows cannot be read.
        """
        return self.read(split, limit)


class DatasetSearch(Value):
    """What a dataset search found, best first; empty when nothing was relevant."""

    artifact: Literal["dataset_search"] = "dataset_search"
    id: str
    query: str
    candidates: tuple[DatasetCandidate, ...]
    made_by: str


class ModelSearch(Value):
    """What a base-model search found, best first."""

    artifact: Literal["model_search"] = "model_search"
    id: str
    query: str
    candidates: tuple[ModelCandidate, ...]
    made_by: str
