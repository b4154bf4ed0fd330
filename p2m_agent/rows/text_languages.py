"""In which languages rows are: judged over many of them, since one short text says little."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

COMMON = (
    *("en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "no", "fi", "pl", "cs", "sk", "sl", "hr", "sr", "hu"),
    *("ro", "bg", "el", "tr", "ru", "uk", "ar", "he", "fa", "ur", "hi", "bn", "ta", "te", "mr", "id", "vi", "th"),
    *("zh", "ja", "ko", "ca", "et", "lv", "lt", "sw", "tl"),
)
"""Languages that rows are judged among: the more there are, the more short texts are taken for a rare one."""
JUDGED = 200
"""Rows whose language is told."""
MIN_LETTERS = 20
"""A shorter text is told with its neighbours."""
ANOTHER = 0.05
"""Share of rows from which a second language counts, and at least three rows."""


@dataclass(frozen=True)
class Languages:
    """In which languages texts are."""

    shares: dict[str, float]
    """ISO 639-1 code to share of the rows, the most frequent first; empty where there are too few letters."""

    @property
    def main(self) -> str | None:
        """The language of most rows; None where no language has half of them."""
        return next((code for code, share in self.shares.items() if share >= 0.5), None)

    @property
    def several(self) -> tuple[str, ...]:
        """The languages, where more than one counts."""
        return tuple(self.shares) if len(self.shares) > 1 else ()


def judge_languages(texts: Sequence[str]) -> Languages:
    """Judge over an even sample of texts; codes, numbers and texts without letters are in no language."""
    step = max(1, len(texts) // JUDGED)
    told = [code for text in _long_enough(texts[::step]) if (code := _among_common(text))]
    counts = Counter(told).most_common()
    whole = [(code, n) for code, n in counts if n >= max(3, ANOTHER * len(told))] or counts[:1]
    return Languages({code: n / len(told) for code, n in whole})


def _long_enough(texts: Sequence[str]) -> Iterator[str]:
    """Texts with letters enough to tell, short ones joined to the next."""
    waiting: list[str] = []
    for text in texts:
        waiting.append(text)
        joined = "\n".join(waiting)
        if sum(map(str.isalpha, joined)) >= MIN_LETTERS:
            yield joined
            waiting = []


def _among_common(text: str) -> str | None:
    found, probability = _common().classify(text.lower() if text.isupper() else text)
    return str(found) if probability >= 0.5 else None


@functools.cache
def _common() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(COMMON))
    return identifier
