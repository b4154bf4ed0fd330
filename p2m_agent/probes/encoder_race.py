"""What an encoder is worth for a classification task, in seconds: a linear head on the frozen features of all layers.

The last layer alone misleads: what a base was trained for last (sentence similarity, say) may hide there what its lower
layers know and fine-tuning brings out again.
"""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from p2m_agent.errors import ToolError
from p2m_agent.probes.entrants import loading, usable
from p2m_agent.probes.race import Scores
from p2m_agent.scoring.latency import milliseconds, single_times
from p2m_agent.settings import Settings
from p2m_agent.training.label_code import STRENGTH
from p2m_agent.types.label_sets import parted
from p2m_agent.types.rows import Example
from p2m_agent.types.task import TaskSpec
from p2m_agent.weights.embedding import TextEncoder, load_text_encoder
from p2m_agent.weights.locate import Weights
from p2m_agent.weights.memory import check_memory, train_gb

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

MAX_TOKENS = 128
_BATCH = 64
FOLDS = 5
_CHANCE = 0.05
"""Probability that is spread over all labels, so that one row that is wrong for sure costs much and not everything."""


class EncoderProbe:
    """Cross-validated log-likelihood of the right labels under a linear head; nothing but training rows is used."""

    measure = "log likelihood of the right label (of several the mean), nats a row, by cross-validation"
    how = f"a linear head on the frozen features of all layers, {FOLDS}-fold"

    def __init__(self, rows: Sequence[Example], spec: TaskSpec, settings: Settings) -> None:
        """Take the rows in an order of which any beginning is a fair sample."""
        self._rows, self._spec, self._settings = rows, spec, settings
        told = [self.how, *(f"{row.id} {row.output}" for row in rows)]
        self.basis = hashlib.sha256("\n".join(told).encode()).hexdigest()
        self._known: dict[str, NDArray[numpy.float32]] = {}
        self._p95_ms: dict[str, float | None] = {}

    def params(self, model: str) -> int:
        """Of an encoder that the task's constraints allow; its head adds nothing to what an answer takes."""
        base, limit_ms = self._locate(model), self._spec.constraints.max_latency_ms
        if limit_ms is None:
            return base.params
        if model not in self._p95_ms:
            self._p95_ms[model] = self._timed(base)
        p95_ms = self._p95_ms[model]
        if p95_ms is not None and p95_ms > limit_ms:
            raise ToolError(f"it takes {p95_ms:g} ms for one input (p95), and {limit_ms:g} ms are allowed")
        return base.params

    def _timed(self, base: Weights) -> float | None:
        with loading(base.name):
            encoder = self._loaded(base)
            return milliseconds(single_times(encoder.encode, [row.text for row in self._rows], lambda: math.inf), 0.95)

    def scores(self, model: str, rows: int) -> Scores:
        """One score for each of the first rows, each from a head that did not see it."""
        features, outputs = rotated(self._features(model, rows)), [row.output for row in self._rows[:rows]]
        if self._spec.kind != "multi_label":
            return [(value, 1.0) for value in cross_validated(features, outputs)]
        labels = self._spec.labels_of(outputs)
        by_label = [[str(label in parted(output)) for output in outputs] for label in labels]
        found = [cross_validated(features, has) for has in by_label]
        return [(sum(values) / len(labels), 1.0) for values in zip(*found, strict=True)]

    def _locate(self, model: str) -> Weights:
        return usable(model, self._spec, self._settings)

    def _features(self, model: str, rows: int) -> NDArray[numpy.float32]:
        """Those of earlier rounds are kept, since its rows are among these."""
        import numpy as np

        known = self._known.get(model)
        have = 0 if known is None else len(known)
        if have < rows:
            new = self._encode(self._locate(model), [row.text for row in self._rows[have:rows]])
            known = new if known is None else np.concatenate([known, new])
            self._known[model] = known
        assert known is not None
        return known[:rows]

    def _loaded(self, base: Weights) -> TextEncoder:
        return load_text_encoder(base.path, max_tokens=min(base.max_tokens or MAX_TOKENS, MAX_TOKENS))

    def _encode(self, base: Weights, texts: Sequence[str]) -> NDArray[numpy.float32]:
        import numpy as np
        import torch

        torch.set_num_threads(self._settings.threads)
        need_gb = train_gb(base.params, _BATCH * MAX_TOKENS, whole=False)
        check_memory(need_gb, f"probing {base.name}", "Free memory, or leave it out.")
        with loading(base.name):
            vectors = _every_layer(self._loaded(base), texts)
        if not np.isfinite(vectors).all():
            raise ToolError(f"{base.name} gives features that are no numbers", "Its weights are damaged.")
        return vectors


def _every_layer(encoder: TextEncoder, texts: Sequence[str]) -> NDArray[numpy.float32]:
    """Unit rows: the pooled states of each layer beside each other, shape (number of texts, (layers + 1) x dim)."""
    import numpy as np
    import torch

    order = sorted(range(len(texts)), key=encoder.lengths(texts).__getitem__)
    parts = []
    with torch.inference_mode():
        for start in range(0, len(order), _BATCH):
            made = encoder.layers([texts[row] for row in order[start : start + _BATCH]])
            parts.append((made.flatten(1) / made.shape[1] ** 0.5).float().cpu().numpy())
    placed: NDArray[numpy.float32] = np.concatenate(parts)[np.argsort(order)]
    return placed


def rotated(features: NDArray[numpy.float32]) -> NDArray[numpy.float32]:
    """The same rows in as few dimensions as there are rows: a linear head learns the same from them, sooner."""
    import numpy as np

    if features.shape[1] <= len(features):
        return features
    values, vectors = np.linalg.eigh(features.astype(np.float64) @ features.T)
    turned: NDArray[numpy.float32] = (vectors * np.sqrt(values.clip(0))).astype(np.float32)
    return turned


def cross_validated(features: Any, labels: Sequence[str], folds: int = FOLDS, seed: int = 0) -> list[float]:
    """Log-likelihood of each row's label under a head fitted to the other folds, in the order of the rows."""
    from sklearn.model_selection import KFold

    floor, found = _CHANCE / max(2, len(set(labels))), [0.0] * len(labels)
    parts = KFold(min(folds, len(labels)), shuffle=True, random_state=seed).split(features)
    for seen, held in parts:
        column, likely = _head(features[seen], [labels[i] for i in seen], features[held])
        for row, each in zip(held, likely, strict=True):
            share = float(each[column[labels[row]]]) if labels[row] in column else 0.0
            found[row] = math.log(floor + (1 - _CHANCE) * share)
    return found


def _head(features: Any, labels: Sequence[str], held: Any) -> tuple[dict[str, int], Any]:
    """Column by label, and the probability of each label for the held rows; one label alone is certain."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    if len(set(labels)) < 2:
        return dict.fromkeys(labels, 0), np.ones((len(held), 1))
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="The number of unique classes"
        )  # many labels on few rows are no fault
        head = LogisticRegression(C=STRENGTH, max_iter=1000).fit(features, labels)
    return {str(label): column for column, label in enumerate(head.classes_)}, head.predict_proba(held)
