"""What a search finds: datasets and base models, with what speaks for and against each."""

from __future__ import annotations

from typing import Literal

from p2m_agent.types.value import Value


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
    architecture: Literal["encoder", "seq2seq", "causal"]
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
