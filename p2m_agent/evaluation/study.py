"""What an error analysis works from: dev rows with the student's answers, and the rows it was trained on."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from p2m_agent.scoring.metrics import metric_named, row_value

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from p2m_agent.run.seams import Embedder
    from p2m_agent.types.rows import Example
    from p2m_agent.types.student import TrainingRun
    from p2m_agent.types.task import TaskSpec

TRAIN_ROWS = 5_000
"""Training rows that are looked at; a random choice of more."""
POOR = 0.5
"""Value of a row below which an open-ended output counts as an error."""
_DIM = 64


@dataclass(frozen=True)
class Study:
    """Dev rows that were answered, and training rows. Locked-test rows have no place in it."""

    spec: TaskSpec
    run: TrainingRun
    dev: Sequence[Example]
    answers: Sequence[str]
    """The student's, in the order of `dev`."""
    train: Sequence[Example]
    sources: Sequence[str]
    """Id of the dataset of each training row."""
    embedder: Embedder | None
    seed: int

    @property
    def expected(self) -> list[str]:
        """The right answers of the dev rows."""
        return [row.output for row in self.dev]

    @property
    def sorting(self) -> bool:
        """Whether every row has one label."""
        return self.spec.kind == "classification"

    @cached_property
    def values(self) -> list[float]:
        """How right each answer is, 0 to 1."""
        metric = self.spec.metric
        return [row_value(metric, row.output, said) for row, said in zip(self.dev, self.answers, strict=True)]

    @cached_property
    def wrong(self) -> list[int]:
        """Positions of the dev rows that were answered wrongly (or poorly)."""
        enough = POOR if metric_named(self.spec.metric).open_ended else 1.0
        return [i for i, value in enumerate(self.values) if value < enough]

    @cached_property
    def kept(self) -> list[int]:
        """Positions of the training rows that are looked at, in their order."""
        places = range(len(self.train))
        if len(places) <= TRAIN_ROWS:
            return list(places)
        return sorted(random.Random(self.seed).sample(places, TRAIN_ROWS))  # noqa: S311 (a sample, not a secret)

    @cached_property
    def labels(self) -> list[str]:
        """Outputs of the training rows that are looked at."""
        return [self.train[i].output for i in self.kept]

    @cached_property
    def vectors(self) -> tuple[NDArray[numpy.float32], NDArray[numpy.float32]]:
        """Unit vectors of the training rows that are looked at, and of the dev rows."""
        texts = [*(self.train[i].text for i in self.kept), *(row.text for row in self.dev)]
        every = self.embedder.encode(texts) if self.embedder else _by_characters(texts, self.seed)
        return every[: len(self.kept)], every[len(self.kept) :]


def _by_characters(texts: Sequence[str], seed: int) -> NDArray[numpy.float32]:
    """Vectors without an embedding model: the main directions of character n-grams."""
    import numpy as np
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize

    counts: Any = TfidfVectorizer(analyzer="char", ngram_range=(2, 4), sublinear_tf=True).fit_transform(texts)
    most = min(_DIM, min(counts.shape) - 1)
    found = TruncatedSVD(most, random_state=seed).fit_transform(counts) if most > 0 else counts.toarray()
    vectors: NDArray[numpy.float32] = normalize(found).astype(np.float32)
    return vectors
