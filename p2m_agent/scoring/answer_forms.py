"""Whether an input has one right output or many: read off the outputs, and off the request where they do not tell.

Taking many for one is the worse error: it calls good answers wrong, while a graded metric of outputs that have one
right form still puts the better student first. So exact match needs evidence, and everything else is graded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from p2m_agent.scoring.metric import Evidence

LONGEST_WORDS, LONGEST_CHARS = 12, 100
"""Outputs whose median is longer can be worded in many ways whatever they are."""
MOST, HALF = 0.8, 0.5
_BRIEF, _NAME_WORDS, _VALUE_WORDS, _DATE_WORDS, _RECURRING_ROWS = 2, 4, 2, 4, 10
_FREE = re.compile(
    r"\b(?:translat|summar|paraphras|simplif|describ|explain|reply|replies|draft|compos|headline|title"
    r"|rephras|reword|grammar"
    r"|story|poem|übersetz|zusammenfass|vereinfach|tradu|résum|resum|riassum)\w*|翻译|翻訳|摘要|要約|总结|概括|перевед",
    re.IGNORECASE,
)
"""Requests with many right outputs."""
_VALUE = re.compile(
    r"\b(?:dates?|numbers?|codes?|iso|amounts?|prices?|postcodes?|sql|regex|datum|nummer|betrag|fecha|n[úu]mero|c[óo]digo"
    r"|numéro|montant)\b|日付|番号|日期|编号|号码",
    re.IGNORECASE,
)
"""Requests for what has one right form."""
_SENTENCE = re.compile(r"[.!?…。！？।؟]['\")\]»”’」』]*$")
_FORMAL = re.compile(r"[=<>{}\[\]\\^|]|\w[(_]|(?:^|\s)[-/]\w")
"""Signs of queries, formulas, patterns and commands."""
_UNSPACED_CHARS = (
    (re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"), 2),
    (re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]"), 4),
)
"""Scripts without spaces between words, and about how many of their characters make a word."""


def why_one_is_right(evidence: Evidence) -> str | None:
    """Why outputs can be compared whole, as half a sentence; None where they had better not be."""
    one, why = _judged(evidence)
    return why if one else None


def why_many_are_right(evidence: Evidence) -> str | None:
    """Why credit is given for what is nearly right, as half a sentence; None where there is one right output."""
    one, why = _judged(evidence)
    return None if one else why


def _judged(evidence: Evidence) -> tuple[bool, str]:
    outputs = [output.strip() for output in evidence.outputs if output.strip()]
    free = _FREE.search(evidence.request) is not None
    if not outputs:
        if not free and _VALUE.search(evidence.request):
            return True, "a value is asked for, and no output is known yet"
        return False, _MANY if free else "no output is known yet, so credit is given for what is nearly right"
    if _mostly(outputs, _is_value) or _are_dates(outputs):
        return True, "outputs are codes, numbers or dates, of which one is right"
    from statistics import median

    words = median(map(word_count, outputs))
    if words > LONGEST_WORDS or median(map(len, outputs)) > LONGEST_CHARS:
        return False, f"outputs are long (median {words:.0f} words), so credit is given for what is nearly right"
    if _are_copied(evidence):
        return True, "outputs are parts of their inputs, of which one is right"
    if free:
        return False, _MANY
    return _short(outputs, words)


_MANY = "many outputs are right, so closeness to the expected text counts"


def _short(outputs: Sequence[str], words: float) -> tuple[bool, str]:
    """The same of outputs of a few words."""
    if _mostly(outputs, lambda text: bool(_FORMAL.search(text))):
        return True, "outputs are expressions, so they are compared sign by sign"
    if _mostly(outputs, _is_sentence, HALF):
        return False, "outputs are sentences, which can be worded in many ways"
    if words <= _BRIEF:
        return True, f"outputs are short (median {words:.0f} words), so they can be compared word for word"
    if _mostly(outputs, _is_name):
        return True, "outputs are names, of which one is right"
    if len(outputs) >= _RECURRING_ROWS and len(set(outputs)) <= HALF * len(outputs):
        return True, "outputs recur from row to row, so one of them is right"
    return False, f"outputs are phrases (median {words:.0f} words), which can be worded in many ways"


def word_count(text: str) -> float:
    """About how many words a text has, in any script."""
    unspaced, tokens = _parts(text)
    return unspaced + len(tokens)


def _parts(text: str) -> tuple[float, list[str]]:
    """About how many words of scripts without spaces there are, and the words of the others."""
    count = 0.0
    for pattern, chars in _UNSPACED_CHARS:
        text, found = pattern.subn(" ", text)
        count += found / chars
    return count, [token for token in text.split() if any(map(str.isalnum, token))]


def _mostly(outputs: Sequence[str], holds: Callable[[str], bool], share: float = MOST) -> bool:
    return sum(map(holds, outputs)) >= share * len(outputs)


def _letter_words(text: str) -> float:
    """About how many words there are besides what has a digit in it."""
    unspaced, tokens = _parts(text)
    return unspaced + sum(not _has_digit(token) for token in tokens)


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def _is_value(text: str) -> bool:
    """A code, a number or an amount: with a digit and next to no words, or without any letter."""
    return not any(map(str.isalpha, text)) or (_has_digit(text) and _letter_words(text) <= _VALUE_WORDS)


def _are_dates(outputs: Sequence[str]) -> bool:
    """Values written out, as "3 de marzo de 2024": digits, and a few words that come again from row to row."""
    if not _mostly(outputs, lambda text: _has_digit(text) and _letter_words(text) <= _DATE_WORDS):
        return False
    words = [token.lower() for text in outputs for token in text.split() if not _has_digit(token)]
    again = 0 < len(set(words)) <= HALF * len(words)
    return again and not _mostly(outputs, _is_sentence, HALF)


def _is_sentence(text: str) -> bool:
    return _SENTENCE.search(text) is not None and word_count(text) >= 2


def _is_name(text: str) -> bool:
    """A few words that begin with a capital or a digit, short ones between them aside (of, von, de la)."""
    words = text.split()
    long = [word for word in words if len(word) > 3]
    return len(words) <= _NAME_WORDS and bool(long) and all(word[0].isupper() or word[0].isdigit() for word in long)


def _are_copied(evidence: Evidence) -> bool:
    """Whether most outputs stand in their inputs, letter by letter: cut out, or written in another case or spacing."""
    pairs = [(_letters(o), _letters(i)) for o, i in zip(evidence.outputs, evidence.inputs, strict=False) if o.strip()]
    return bool(pairs) and sum(bool(o) and o in i for o, i in pairs) >= MOST * len(pairs)


def _letters(text: Iterable[str]) -> str:
    return "".join(char for char in "".join(text).casefold() if char.isalnum())
