"""Rows and where they come from. Rows stay on disk; datasets and hold-outs refer to them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Literal

from pydantic import computed_field

from p2m_agent.types.doubts import Doubt
from p2m_agent.types.value import Value

SplitName = Literal["train", "dev", "test"]

Origin = Literal["user", "hub", "transformed", "synthetic"]


class Source(Value):
    """Where an example comes from and what may be done with it."""

    origin: Origin
    ref: str
    """File, repo id, or the id of the generating call."""
    revision: str | None = None
    """Commit or content hash that pins `ref`."""
    licence: str | None = None
    """SPDX-like id; None where unknown."""
    parents: tuple[str, ...] = ()
    """Ids of the examples this one was made from."""
    prompt_sha: str | None = None
    """Hash of the LLM request that made it."""
    agreement: float | None = None
    """How far independent answers agree with the output, 0 to 1: share of votes (labels), mean likeness (texts)."""
    noise: str = ""
    """What was done to the input so that it looks hastily typed; never to the output."""
    judged: bool | None = None
    """Whether a judge found the output right; None where none was asked, or it could not tell."""
    suspect: str = ""
    """The label that a probe which had not seen the row holds for right instead; a person should look at it."""


class Example(Value):
    """One row of a task. Its id is a hash of the content, so equal rows have equal ids."""

    input: dict[str, str]
    """Field name to text, in the order of `TaskSpec.input_fields`."""
    output: str
    source: Source

    @computed_field  # type: ignore[prop-decorator]
    @property
    def id(self) -> str:
        """The first 16 hex digits of the SHA-256 of input and output."""
        content = json.dumps([self.input, self.output], ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    @property
    def text(self) -> str:
        """The input as one text: the bare field, or `name: value` lines where there are several."""
        return render_input(self.input)


def render_input(fields: dict[str, str]) -> str:
    """Input fields as the one text that students and teachers read."""
    if len(fields) == 1:
        return next(iter(fields.values()))
    return "\n".join(f"{name}: {value}" for name, value in fields.items())


class Dataset(Value):
    """Rows that may be trained on: one JSONL file of `Example`."""

    artifact: Literal["dataset"] = "dataset"
    id: str
    path: str
    """JSONL file, relative to the run's folder."""
    sha256: str
    rows: int
    origin: Origin
    ref: str
    revision: str | None = None
    licence: str | None = None
    labels: dict[str, int] = {}
    """Rows with each label; empty for text_to_text."""
    dropped: dict[str, int] = {}
    """Rows left out, by reason; they are kept in `rejected.jsonl` beside the file."""
    columns: dict[str, str] = {}
    """Column of the source that each field was read from."""
    doubts: tuple[Doubt, ...] = ()
    """What was read by guess, or may make a score wrong."""
    made_by: str
    """Id of the call that made it."""


class Holdout(Value):
    """The two held-out splits of a run, fixed once, before any training data is used."""

    artifact: Literal["holdout"] = "holdout"
    id: str
    dev_path: str
    """JSONL of `Example`, relative to the run's folder; the loop tunes on it."""
    dev_rows: int
    dev_sha256: str
    test_path: str
    """The locked test. Only `evaluate(final=True)` opens it."""
    test_rows: int
    test_sha256: str
    origin: Literal["user", "hub", "synthetic"]
    """`synthetic` is a proxy: made by the teacher, and said so wherever its score appears."""
    ref: str
    made_by: str


@dataclass(frozen=True)
class Pool:
    """Training rows, and how many were left out to make them."""

    examples: tuple[Example, ...]
    sources: tuple[str, ...]
    """The dataset that each row is of, by its id."""
    leaks_removed: dict[str, int]
    """Rows that match dev or locked-test rows, by kind of match: exact, normalised, near."""
    duplicates_removed: int
