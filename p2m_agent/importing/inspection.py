"""What a person should know of their rows before a model is trained on them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from p2m_agent.importing.task_rows import Reading
from p2m_agent.rows.text_languages import judge_languages
from p2m_agent.types.doubts import Doubt
from p2m_agent.types.label_sets import parted
from p2m_agent.types.rows import Example
from p2m_agent.types.task import Kind
from p2m_agent.types.value import Value


class RowCounts(Value):
    """What became of the rows."""

    read: int
    """Rows of the source, unusable ones included."""
    used: int
    """Those that are examples of the task: trained on or held out."""
    left_out: dict[str, int]
    """The others by reason."""


class ShownExample(Value):
    """A row as a model would see it."""

    input: dict[str, str]
    output: str | list[str]
    """A list where an input may have several labels."""


class Inspection(Value):
    """How a run would read a source."""

    format: str
    kind: Kind
    inputs: tuple[str, ...]
    """Columns."""
    output: str
    """Column."""
    labels: dict[str, int] | None
    """Rows with each label, the most frequent first; None for text_to_text."""
    rows: RowCounts
    splits: dict[str, int] | None
    """Rows used of the source's own splits; None where it has none."""
    language: str | None
    """ISO 639-1 code; None where the texts do not tell."""
    doubts: tuple[str, ...]
    examples: tuple[ShownExample, ...]
    why: str
    """Why these columns."""
    metric: str
    found: tuple[Doubt, ...]
    """The doubts with what they are about and how to settle each."""


def inspection_of(reading: Reading, examples: int) -> Inspection:
    """Sum up a reading, with so many of its examples."""
    spec, mapping = reading.spec, reading.mapping
    every = [example for part in reading.parts.values() for example in part]
    labels = Counter(label for example in every for label in spec.labels_in(example.output)) if spec.sorts else None
    languages = judge_languages([example.text for example in every])
    return Inspection(
        format=reading.opened.format,
        kind=spec.kind,
        inputs=tuple(mapping.inputs.values()),
        output=mapping.output,
        labels=None if labels is None else dict(labels.most_common()),
        rows=RowCounts(read=reading.opened.read, used=reading.used, left_out=reading.left_out),
        splits=_own_splits(reading),
        language=languages.main,
        doubts=tuple(doubt.said for doubt in reading.doubts),
        examples=tuple(_shown(example, spec.kind) for example in _spread(every, examples)),
        why=mapping.why,
        metric=spec.metric,
        found=reading.doubts,
    )


def _own_splits(reading: Reading) -> dict[str, int] | None:
    if not reading.opened.own_splits:
        return None
    return {name: len(reading.parts.get(name, ())) for name in ("train", "dev", "test")}


def _shown(example: Example, kind: Kind) -> ShownExample:
    output = list(parted(example.output)) if kind == "multi_label" else example.output
    return ShownExample(input=example.input, output=output)


def _spread(examples: Sequence[Example], most: int) -> list[Example]:
    """So many examples of all parts of the source, in its order; the same at each call."""
    if len(examples) <= most:
        return list(examples)
    places = sorted(random.Random(0).sample(range(len(examples)), most))  # noqa: S311
    return [examples[place] for place in places]
