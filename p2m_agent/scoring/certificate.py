"""The certificate that nothing held out was learned from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from p2m_agent.errors import OutOfTime
from p2m_agent.rows.duplicates import COSINE, JACCARD, JACCARD_WITH_COSINE, MEANING, find_leaks
from p2m_agent.types.scores import LeakCertificate

if TYPE_CHECKING:
    from p2m_agent.run.seams import Embedder
    from p2m_agent.types.rows import Example, Holdout


def certify(
    train: Sequence[Example],
    held: Sequence[Example],
    holdout: Holdout,
    removed: Mapping[str, int],
    embedder: Embedder | None,
) -> LeakCertificate:
    """Look once more for held-out rows among the rows that were trained on.

    Args:
        train: what the student learned from, after removal.
        held: dev and locked-test rows.
        holdout: the seal.
        removed: training rows that were taken out before, by kind of match.
        embedder: None where there is none; then matches in meaning are not looked for, and the certificate says so.
            The same where the time is over.
    """
    try:
        found, why_not = find_leaks(train, held, embedder), "there is no embedding model"
    except OutOfTime:
        found, embedder, why_not = find_leaks(train, held), None, "there was no time for it"
    return LeakCertificate(
        train_rows=len(train),
        held_out_rows=len(held),
        test_sha256=holdout.test_sha256,
        removed={kind: rows for kind, rows in removed.items() if rows},
        remaining=dict(sorted(Counter(found.values()).items())),
        how=_how(embedder, why_not),
    )


def _how(embedder: Embedder | None, why_not: str) -> str:
    words = f"equal text; equal normalised text; MinHash of character trigrams with Jaccard ≥ {JACCARD}"
    if embedder is None:
        return f"{words}; meaning was not compared, as {why_not}"
    meaning = f"cosine ≥ {COSINE} with Jaccard ≥ {JACCARD_WITH_COSINE}, or ≥ {MEANING} with the same output"
    return f"{words}; {embedder.name} embeddings with {meaning}"
