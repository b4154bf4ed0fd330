"""Measures of rows: how varied, how balanced, how long, how near to real ones, how far to be believed.

Large files are sampled, so that a card takes seconds.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from p2m_agent.languages import language_of
from p2m_agent.rows.label_noise import suspects
from p2m_agent.rows.reading import example_of
from p2m_agent.types.rows import Example
from p2m_agent.types.task import TaskSpec
from p2m_agent.types.value import Value

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from p2m_agent.run.seams import Embedder

READ, EMBEDDED, IDENTIFIED = 2000, 500, 200
"""Rows sampled for words and lengths; of them, those embedded; and those whose language is told."""
_WORD = re.compile(r"[぀-ヿ㐀-鿿가-힯]|[^\W_]+")
"""A word, or a character of a script that writes no blanks."""


class Measures(Value):
    """Figures of a sample of the rows. Shares, cosines and entropies are 0 to 1."""

    read: int = 0
    """Rows in the sample."""
    embedded: int = 0
    distinct: dict[int, float] = {}
    """n to the share of all word n-grams of the inputs that differ (distinct-n), for 1 to 3."""
    self_similarity: float | None = None
    """Mean cosine of an input to the input nearest to it in the sample."""
    label_entropy: float | None = None
    """Entropy of the labels divided by the greatest possible; 1 is even."""
    input_chars: tuple[int, int, int] | None = None
    """Characters of an input: median, 95th percentile, most."""
    output_chars: tuple[int, int, int] | None = None
    languages: dict[str, float] = {}
    """ISO 639-1 code to share; `?` where it cannot be told."""
    real_rows: int = 0
    """Real rows that generated ones were held against."""
    nearest_real: tuple[float, float] | None = None
    """Cosine of a generated input to the nearest real one: mean, most."""
    agreement: float | None = None
    """Mean agreement of independent answers, over the rows that have any."""
    judged_right: float | None = None
    """Share of all rows that a judge found right; the others of a judged set are unverified."""
    label_noise: float | None = None
    """Share of the embedded rows whose label a probe that has not seen them doubts."""

    @property
    def how(self) -> str:
        """On what the figures were measured."""
        return (
            f"Words and lengths were measured on {self.read:,} rows, likeness and label noise on {self.embedded:,} of "
            "them, drawn at random where there are more."
        )

    def lines(self, rows: int) -> Iterator[tuple[str, str]]:
        """Name and value of what was measured."""
        yield from self._variety()
        yield from self._shape()
        yield from self._trust()
        if rows > self.read:
            yield "measured on", f"{self.read:,} rows, {self.embedded:,} of them embedded"

    def _variety(self) -> Iterator[tuple[str, str]]:
        if self.distinct:
            yield "distinct n-grams", ", ".join(f"{share:.2f} (n = {n})" for n, share in self.distinct.items())
        if self.self_similarity is not None:
            yield "self-similarity", f"{self.self_similarity:.2f} mean cosine to the nearest other row"
        if self.nearest_real:
            mean, most = self.nearest_real
            yield "nearest real row", f"cosine {mean:.2f} on average, {most:.2f} at most ({self.real_rows:,} real rows)"

    def _shape(self) -> Iterator[tuple[str, str]]:
        if self.label_entropy is not None:
            yield "label balance", f"{self.label_entropy:.2f} (1 is even)"
        for name, chars in (("input length", self.input_chars), ("output length", self.output_chars)):
            if chars:
                yield name, f"{chars[0]:,} characters at the median, {chars[1]:,} at 95 %, {chars[2]:,} at most"
        if self.languages:
            yield "languages", ", ".join(f"{code} {share:.0%}" for code, share in self.languages.items())

    def _trust(self) -> Iterator[tuple[str, str]]:
        if self.agreement is not None:
            yield "agreement", f"{self.agreement:.2f} of independent answers"
        if self.judged_right is not None:
            yield "judged right", f"{self.judged_right:.0%}; the rest is unverified"
        if self.label_noise is not None:
            yield "label noise", f"{self.label_noise:.1%} of labels doubted by a probe"


def measure(
    path: Path,
    spec: TaskSpec,
    *,
    embedder: Embedder | None,
    labels: Mapping[str, int],
    real: Sequence[Example] = (),
) -> Measures:
    """Measure (a sample of) the rows of a file, reading it once."""
    draw = random.Random(0)  # noqa: S311 (a sample, no secret)
    rows = [example_of(line) for line in _sampled(path, READ, draw)]
    if not rows:
        return Measures()
    inputs = [" ".join(row.input.values()) for row in rows]
    agreed = [row.source.agreement for row in rows if row.source.agreement is not None]
    judged = [row.source.judged for row in rows]
    return Measures(
        read=len(rows),
        distinct={n: round(distinct(inputs, n), 4) for n in (1, 2, 3)},
        label_entropy=entropy(labels),
        input_chars=_lengths(inputs),
        output_chars=None if spec.sorts else _lengths([row.output for row in rows]),
        languages=_languages(inputs[:IDENTIFIED]),
        agreement=sum(agreed) / len(agreed) if agreed else None,
        judged_right=judged.count(True) / len(judged) if any(each is not None for each in judged) else None,
        **(_likeness(rows[:EMBEDDED], spec, embedder, real, draw) if embedder else {}),
    )


def _likeness(
    rows: Sequence[Example], spec: TaskSpec, embedder: Embedder, real: Sequence[Example], draw: random.Random
) -> dict[str, object]:
    """The measures that embeddings are needed for."""
    vectors = embedder.encode([row.text for row in rows])
    found: dict[str, object] = {"embedded": len(rows)}
    if len(rows) > 1:
        found["self_similarity"] = float(_nearest(vectors).mean())
    made = [place for place, row in enumerate(rows) if row.source.origin == "synthetic"]
    people = [row for row in real if row.source.origin in ("user", "hub")]
    people = draw.sample(people, min(len(people), EMBEDDED))
    if made and people:
        cosines = (vectors[made] @ embedder.encode([row.text for row in people]).T).max(axis=1)
        found |= {"real_rows": len(people), "nearest_real": (float(cosines.mean()), float(cosines.max()))}
    if spec.kind == "classification":
        found["label_noise"] = len(suspects(vectors, [row.output for row in rows])) / len(rows)
    return found


def _nearest(vectors: NDArray[numpy.float32]) -> NDArray[numpy.float32]:
    """Cosine of each row to the nearest other one."""
    import numpy as np

    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -1.0)
    nearest: NDArray[numpy.float32] = cosines.max(axis=1)
    return nearest


def distinct(texts: Sequence[str], n: int) -> float:
    """Share of all word n-grams that differ, 0 to 1; 0 where no text is long enough.

    Source: Li et al., "A Diversity-Promoting Objective Function for Neural Conversation Models" (2016).
    """
    grams: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        words = _WORD.findall(text.lower())
        grams.update(tuple(words[i : i + n]) for i in range(len(words) - n + 1))
    return len(grams) / grams.total() if grams else 0.0


def entropy(labels: Mapping[str, int]) -> float | None:
    """Entropy of the labels over its greatest value, 0 to 1; None for fewer than two labels."""
    counts = [count for count in labels.values() if count]
    if len(labels) < 2 or not counts:
        return None
    total = sum(counts)
    return -sum(count / total * math.log(count / total) for count in counts) / math.log(len(labels))


def _languages(texts: Sequence[str]) -> dict[str, float]:
    found = Counter(language_of(text) or "?" for text in texts)
    return {code: round(count / len(texts), 4) for code, count in found.most_common(5)}


def _lengths(texts: Sequence[str]) -> tuple[int, int, int]:
    lengths = sorted(map(len, texts))
    return lengths[len(lengths) // 2], lengths[int(0.95 * (len(lengths) - 1))], lengths[-1]


def _sampled(path: Path, most: int, draw: random.Random) -> list[str]:
    """Lines of a file, `most` at most, each as likely as any other, in a random order (reservoir sampling)."""
    chosen: list[str] = []
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file):
            if len(chosen) < most:
                chosen.append(line)
            elif (place := draw.randrange(number + 1)) < most:
                chosen[place] = line
    draw.shuffle(chosen)
    return chosen
