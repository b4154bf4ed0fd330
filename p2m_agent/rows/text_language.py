"""Whether a text is in the language that a task's inputs are in."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

SURE, HARDLY = 0.9, 0.001
"""A text is in another language where that one has this probability at least, and the task's own this at most."""


def in_another_language(text: str, language: str | None) -> bool:
    """Whether a text is clearly not in the task's language; what cannot be told passes.

    Short texts of foreign words, names or code pass as a rule: a row is only turned away where the model is sure.

    Source: Lui and Baldwin, "langid.py: an off-the-shelf language identification tool" (ACL 2012).
    """
    if not language or not text.strip():
        return False
    found, probability = _identifier().classify(text)
    if found == language or probability < SURE or {found, language} == {"zh", "ja"}:
        return False
    own = dict(_identifier().rank(text)).get(language)
    return own is not None and own <= HARDLY


def language_of(text: str) -> str | None:
    """ISO 639-1 code of a text's language; None where it is not sure."""
    found, probability = _identifier().classify(text) if text.strip() else ("", 0.0)
    return str(found) if probability >= SURE else None


@functools.cache
def _identifier() -> LanguageIdentifier:
    """The model takes a second to unpack, so it is kept."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
