"""Locality-sensitive hashing in compact arrays: rows that share a bucket may be alike."""

from __future__ import annotations

import functools
import zlib
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

BANDS, ROWS_A_BAND = 21, 3
"""MinHash layout: finds a pair of Jaccard 0.7 with probability 0.9998, one of 0.9 practically always."""
SIGN_BANDS, BITS = 24, 16
"""Random-projection layout: finds a pair of cosine 0.98 with probability 0.9999, one of cosine 0.5 with 0.04."""
_RECENT = 2000
"""Rows that wait in a dictionary until they are sorted in."""
_MIX = 0x9E3779B97F4A7C15


class Buckets:
    """Row numbers by 64-bit key: sorted arrays (12 bytes a key), and a dictionary for the latest rows."""

    def __init__(self) -> None:
        """Begin empty."""
        self._keys: NDArray[numpy.uint64] | None = None
        self._rows: NDArray[numpy.int32] | None = None
        self._recent: dict[int, list[int]] = {}
        self._waiting: list[tuple[int, NDArray[numpy.uint64]]] = []

    def add(self, row: int, keys: NDArray[numpy.uint64]) -> None:
        """Put a row into its buckets."""
        for key in keys.tolist():
            self._recent.setdefault(key, []).append(row)
        self._waiting.append((row, keys))
        sorted_in = 0 if self._rows is None else len(self._rows) // len(keys)
        if len(self._waiting) >= max(_RECENT, sorted_in // 8):
            self._sort_in()

    def find(self, keys: NDArray[numpy.uint64], most: int) -> list[int]:
        """Rows that share a bucket, those that share most first, `most` at most."""
        import numpy as np

        found: Counter[int] = Counter()
        if self._keys is not None and self._rows is not None:
            low, high = np.searchsorted(self._keys, keys, "left"), np.searchsorted(self._keys, keys, "right")
            for start, end in zip(low.tolist(), high.tolist(), strict=True):
                found.update(self._rows[start:end].tolist())
        for key in keys.tolist():
            found.update(self._recent.get(key, ()))
        return [row for row, _ in found.most_common(most)]

    def _sort_in(self) -> None:
        import numpy as np

        keys = np.concatenate([keys for _, keys in self._waiting])
        rows = np.repeat(np.array([row for row, _ in self._waiting], np.int32), len(self._waiting[0][1]))
        if self._keys is not None and self._rows is not None:
            keys, rows = np.concatenate([self._keys, keys]), np.concatenate([self._rows, rows])
        order = np.argsort(keys, kind="stable")
        self._keys, self._rows = keys[order], rows[order]
        self._recent, self._waiting = {}, []


def sketch_keys(sets: Sequence[set[bytes]]) -> NDArray[numpy.uint64]:
    """MinHash band keys of sets of shingles, shape (sets, BANDS)."""
    import numpy as np

    if not sets:
        return np.zeros((0, BANDS), np.uint64)
    first = _permutations()
    hashes = np.empty((len(sets), BANDS * ROWS_A_BAND), np.uint64)
    for place, each in enumerate(sets):
        sketch = first.copy()
        sketch.update_batch(each)
        hashes[place] = sketch.hashvalues
    return _banded(hashes.reshape(len(sets), BANDS, ROWS_A_BAND))


def sign_keys(vectors: NDArray[numpy.float32]) -> NDArray[numpy.uint64]:
    """Keys of the signs of random projections, shape (vectors, SIGN_BANDS)."""
    import numpy as np

    bits = (vectors @ _planes(vectors.shape[1]) > 0).reshape(len(vectors), SIGN_BANDS, BITS)
    return _banded((bits * (1 << np.arange(BITS, dtype=np.uint64))).sum(axis=2, keepdims=True).astype(np.uint64))


def _banded(values: NDArray[numpy.uint64]) -> NDArray[numpy.uint64]:
    """One key for each band of values, shape (rows, bands): equal only where band and values are (wrapping product)."""
    import numpy as np

    keys = np.broadcast_to(np.arange(1, values.shape[1] + 1, dtype=np.uint64), values.shape[:2]).copy()
    for place in range(values.shape[2]):
        keys = (keys ^ values[:, :, place]) * np.uint64(_MIX)
        keys ^= keys >> np.uint64(29)
    return keys


@functools.cache
def _permutations() -> Any:
    from datasketch import MinHash

    return MinHash(num_perm=BANDS * ROWS_A_BAND, hashfunc=zlib.crc32)


@functools.cache
def _planes(dim: int) -> NDArray[numpy.float32]:
    import numpy as np

    return np.random.default_rng(0).standard_normal((dim, SIGN_BANDS * BITS), dtype=np.float32)
