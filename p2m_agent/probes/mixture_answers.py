"""Cheap stand-ins for a training: what a mixture's rows teach about the dev rows, in seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Any, Protocol

from p2m_agent.scoring.metric import RowStatistics
from p2m_agent.scoring.metrics import row_statistics
from p2m_agent.training.label_code import STRENGTH, LabelCode
from p2m_agent.types.label_sets import parted
from p2m_agent.types.mixture import Measure
from p2m_agent.types.rows import Example

if TYPE_CHECKING:
    from p2m_agent.run.seams import Embedder

Answers = list[str] | list[tuple[float, int]] | list[tuple[float, int, str]]
"""For each dev row, what a probe answers; or the log-likelihood that it gives the right answer, the tokens of that (1
for a label), and for labels what it answers."""
_CHUNK = 64
"""Rows of each part that are encoded in turn, so that a short time leaves about as many of each."""
_CHANCE = 0.05
"""Probability that is spread over all labels, so that a label a mixture lacks costs much and not everything."""


class MixtureProbe(Protocol):
    """Learns from rows and answers the dev rows."""

    measure: Measure
    how: str
    """In words."""
    basis: str
    """All that its answers depend on besides the rows."""

    def prepare(self, parts: Sequence[Sequence[Example]], seconds_left: Callable[[], float]) -> list[int]:
        """Get the parts' rows ready; returns how many of each there was time for."""
        ...

    def work(self, rows: int) -> float:
        """How much work it is to answer from so many rows, in any unit: one probe's time tells the next one's."""
        ...

    def answers(self, rows: Sequence[Example]) -> Answers:
        """Learn from prepared rows, and answer each dev row."""
        ...


@dataclass(frozen=True)
class Texts:
    """Rows as vectors: by the embedding model, or by character n-grams where there is none."""

    embedder: Embedder | None

    @property
    def how(self) -> str:
        """The features, in words."""
        return (
            f"{self.embedder.name} embeddings" if self.embedder else "character n-grams (there is no embedding model)"
        )

    def prepare(self, parts: Sequence[Sequence[Example]], seconds_left: Callable[[], float]) -> list[int]:
        """Encode some rows of each part, and as many more as the time allows; the embedder remembers them."""
        if self.embedder is None:
            return [len(part) for part in parts]
        ready = [0 for _ in parts]
        for start in range(0, max(map(len, parts), default=0), _CHUNK):
            for i, part in enumerate(parts):
                if start and seconds_left() <= 0:
                    return ready
                chunk = part[start : start + _CHUNK]
                self.embedder.encode([row.text for row in chunk])
                ready[i] += len(chunk)
        return ready

    def of(self, rows: Sequence[Example]) -> Any:
        """Shape (rows, features), dense or sparse."""
        texts = [row.text for row in rows]
        if self.embedder:
            return self.embedder.encode(texts)
        from sklearn.feature_extraction.text import HashingVectorizer

        return HashingVectorizer(analyzer="char_wb", ngram_range=(2, 4), n_features=2**16).transform(texts)


class _TextProbe:
    """A probe that looks at the vectors of rows."""

    measure: Measure
    means: str
    """What it is, up to the words on the vectors."""

    def __init__(self, dev: Sequence[Example], embedder: Embedder | None) -> None:
        """Take the rows to answer."""
        self._dev, self._texts = dev, Texts(embedder)
        self.how = self.basis = f"{self.means} {self._texts.how}"

    def prepare(self, parts: Sequence[Sequence[Example]], seconds_left: Callable[[], float]) -> list[int]:
        """Encode; dev first, since nothing can be said without it."""
        self._texts.prepare([self._dev], lambda: 1.0)
        return self._texts.prepare(parts, seconds_left)

    def work(self, rows: int) -> float:
        """As many rows."""
        return rows


class _HeadProbe(_TextProbe):
    """One that fits linear heads."""

    def prepare(self, parts: Sequence[Sequence[Example]], seconds_left: Callable[[], float]) -> list[int]:
        """Encode."""
        import sklearn.linear_model  # noqa: F401 (loading it takes seconds, which are no probe's)

        return super().prepare(parts, seconds_left)


class LinearProbe(_HeadProbe):
    """A linear head on frozen embeddings (classification)."""

    measure: Measure = "log_likelihood"
    means = "a linear head on"

    def answers(self, rows: Sequence[Example]) -> list[tuple[float, int, str]]:
        """How likely the head finds the right labels, and what it says; rows of one label alone teach that label."""
        import numpy as np
        from sklearn.linear_model import LogisticRegression

        labels = [row.output for row in rows]
        if len(set(labels)) == 1:
            known, likely = labels[:1], np.ones((len(self._dev), 1))
        else:
            head = LogisticRegression(C=STRENGTH, max_iter=1000).fit(self._texts.of(rows), labels)
            known, likely = [str(label) for label in head.classes_], head.predict_proba(self._texts.of(self._dev))
        floor = _CHANCE / max(2, len({row.output for row in self._dev}))
        return [
            (
                log(floor + (1 - _CHANCE) * (float(each[known.index(row.output)]) if row.output in known else 0.0)),
                1,
                said,
            )
            for row, each, said in zip(self._dev, likely, (known[int(i)] for i in likely.argmax(axis=1)), strict=True)
        ]


class LabelSetProbe(_HeadProbe):
    """A linear head on frozen embeddings for each label (multi_label)."""

    measure: Measure = "micro_f1"
    means = "a linear head for each label on"

    def answers(self, rows: Sequence[Example]) -> list[str]:
        """The labels that the heads find likelier than not."""
        outputs = [row.output for row in rows]
        code = LabelCode(tuple(sorted({label for output in outputs for label in parted(output)})), several=True)
        weight, bias = code.fit_head(self._texts.of(rows), code.targets(outputs))
        return code.outputs(self._texts.of(self._dev) @ weight.T + bias)


class NeighbourProbe(_TextProbe):
    """The output of the row that is most similar (text to text, where there is no time for a fine-tune)."""

    measure: Measure = "chrf"
    means = "the output of the nearest row by"

    def answers(self, rows: Sequence[Example]) -> list[str]:
        """The nearest rows' outputs."""
        import numpy as np

        similar = self._texts.of(self._dev) @ self._texts.of(rows).T
        dense = similar if isinstance(similar, np.ndarray) else similar.toarray()
        return [rows[int(i)].output for i in dense.argmax(axis=1)]


def statistics_of(measure: Measure, dev: Sequence[Example], answers: Answers) -> RowStatistics:
    """Each dev row's contribution to a probe's score; higher scores are better."""
    import numpy as np

    if measure == "log_likelihood":
        return RowStatistics(
            np.asarray([answer[:2] for answer in answers], float), lambda sums: sums[..., 0] / sums[..., 1]
        )
    return row_statistics(measure, [row.output for row in dev], [str(answer) for answer in answers])


def accuracy_of(dev: Sequence[Example], answers: Answers) -> float | None:
    """Share of the dev rows whose label is right; None where no label was said."""
    said = [answer[2] for answer in answers if len(answer) == 3 and not isinstance(answer, str)]
    if len(said) != len(dev):
        return None
    return sum(answer == row.output for answer, row in zip(said, dev, strict=True)) / len(dev)
