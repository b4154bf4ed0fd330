"""Texts as metrics compare them: words, and answers without what does not matter."""

from __future__ import annotations

import re
import string

UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Scripts written without spaces between words: Thai, Lao, Burmese, Khmer, kana, Han."""
_UNSPACED_CHAR = re.compile(f"([{UNSPACED}])")
_WORD = re.compile(r"\w+")
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def is_unspaced(text: str) -> bool:
    """Whether a text has a character of a script without spaces between words."""
    return bool(_UNSPACED_CHAR.search(text))


def words(text: str) -> list[str]:
    """Lower-case words of letters and digits; in scripts without spaces, every character is one."""
    return _WORD.findall(_UNSPACED_CHAR.sub(r" \1 ", text.lower().replace("_", " ")))


def squad_normalised(text: str) -> str:
    """Lower case, without punctuation, English articles and extra space.

    Source: Rajpurkar et al. 2016, the official SQuAD evaluation script.
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def answer_tokens(text: str) -> list[str]:
    """Words of the normalised text; in scripts without spaces, every character is one."""
    return _UNSPACED_CHAR.sub(r" \1 ", squad_normalised(text)).split()


def same_answer(expected: str, predicted: str) -> bool:
    """Whether two answers are equal once they are normalised."""
    return squad_normalised(expected) == squad_normalised(predicted)
