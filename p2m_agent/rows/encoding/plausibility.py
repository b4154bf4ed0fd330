"""How much a decoded text looks like one that somebody wrote.

Decoders of single bytes hardly ever fail, so that a wrong code page gives a text too. What tells it apart: letters of
another language than the words around them, scripts mixed within a word, capitals after small letters, signs
between letters, rare ideographs. Each character beyond ASCII is judged by that, and the mean is the score.

Why not a library: on a few short lines charset-normalizer 3.5 takes Dutch cp1252 for Korean, and French for cp1250.
"""

from __future__ import annotations

import unicodedata

from p2m_agent.rows.encoding.letters import (
    ALSO,
    FREQUENCIES,
    FREQUENT_HAN,
    LATIN_ALPHABETS,
    TYPICAL_MARKS,
    script_of,
)

JUDGED = 3_000
"""Characters beyond ASCII that are judged at most."""
WINDOW = 4_000
"""Characters by which languages are told."""
LINES = 16
"""Lines whose language is told by themselves."""
EAST_ASIAN = ("kana", "han", "hangul")
FIRST_LEVEL = {
    "gb18030": ("gb2312", 0xB0, 0xD7),
    "big5": ("big5", 0xA4, 0xC6),
    "cp932": ("euc_jp", 0xB0, 0xCF),
    "euc_jp": ("euc_jp", 0xB0, 0xCF),
}
"""Lead bytes of the ideographs in frequent use, and the code that orders them so."""


def plausibility(text: str, codec: str) -> float:
    """Mean score of the characters beyond ASCII, about 1 for a text that is read right, below 0.3 for a wrong one."""
    places = [index for index, char in enumerate(text) if ord(char) > 0x7F][:JUDGED]
    if not places:
        return 0.0
    around = ((text[i - 1] if i else " ", text[i], text[i + 1] if i + 1 < len(text) else " ") for i in places)
    judged = [_score(before, char, after, codec) for before, char, after in around]
    return (sum(judged) + _alphabet_sum(text)) / len(places)


def _alphabet_sum(text: str) -> float:
    """How well Latin letters fit the languages of their lines, summed over letters: from -1 to 0.4 each.

    By line, since a file may hold several languages, and over all of them, since a line may be short.
    """
    lines = [line for line in dict.fromkeys(text.splitlines()) if _latin(line)][:LINES]
    letters = _latin(text)
    if not lines:
        return 0.0
    by_line = [(_alphabet_score(line), len(_latin(line))) for line in lines]
    mean = sum(score * count for score, count in by_line) / sum(count for _, count in by_line)
    return len(letters) * (mean + _alphabet_score(text)) / 2


def _latin(text: str) -> list[str]:
    return [char.lower() for char in text[:WINDOW] if ord(char) > 0x7F and script_of(char) == "latin"]


def _alphabet_score(text: str) -> float:
    letters = _latin(text)
    spoken = [LATIN_ALPHABETS.get(ALSO.get(each, each), "") for each in _languages(text)]
    own = (_covered(letters, spoken[0]) + _covered(letters, "".join(spoken))) / 2
    return max(0.7 * max(_covered(letters, each) for each in LATIN_ALPHABETS.values()), own) * 1.4 - 1.0


def _covered(letters: list[str], alphabet: str) -> float:
    return sum(letter in alphabet for letter in letters) / len(letters)


def _languages(text: str) -> list[str]:
    """The likeliest three: a file may hold several."""
    import py3langid

    return [str(language) for language, _ in py3langid.rank(text[:WINDOW])[:3]]


def _score(before: str, char: str, after: str, codec: str) -> float:
    if unicodedata.category(char) in ("Cc", "Cn", "Co", "Cs"):
        return -5.0
    script = script_of(char)
    if not script:
        between_letters = before.isalpha() and after.isalpha()
        if char in TYPICAL_MARKS:
            return 0.6 if not between_letters or char in "’´·" else -1.5
        return -1.5 if between_letters else -0.5
    return _letter_score(char, script, codec) - _breaks(before, char, after, script)


def _letter_score(char: str, script: str, codec: str) -> float:
    if script in FREQUENCIES:
        frequency = FREQUENCIES[script].get(char.lower(), 0.0)
        return min(1.0, 0.2 + frequency / 5) if frequency else (0.3 if unicodedata.category(char) == "Mn" else -0.3)
    if script == "han":
        return _ideograph_score(char, codec)
    if script == "hangul":
        return 0.95 if codec == "cp949" and _in_daily_use(char) else -1.0
    if script == "kana":
        return 1.0 if codec in ("cp932", "euc_jp") else -0.3
    return -0.3 if script == "half_kana" else 0.9


def _ideograph_score(char: str, codec: str) -> float:
    if codec not in FIRST_LEVEL:
        return -0.5
    code, first, last = FIRST_LEVEL[codec]
    if not _encodes(char, code):
        return -1.0
    frequent = 0.4 if char in FREQUENT_HAN else 0.0
    return frequent + (0.6 if first <= char.encode(code)[0] <= last else -0.3)


def _encodes(char: str, code: str) -> bool:
    try:
        char.encode(code)
    except UnicodeEncodeError:
        return False
    return True


def _breaks(before: str, char: str, after: str, script: str) -> float:
    """What a letter loses because its neighbours do not fit it."""
    near = [script_of(each) for each in (before, after) if each.isalpha()]
    if script in EAST_ASIAN:
        strange = sum(each not in EAST_ASIAN for each in near)
        return 1.8 if strange == 2 else 0.3 * strange
    lost = 1.5 * sum(each != script for each in near) + 1.2 * (before.isdigit() or after.isdigit())
    if char.isupper() and before.islower():
        lost += 1.2
    if script == "latin" and all(each.isalpha() and ord(each) > 0x7F for each in (before, after)):
        lost += 0.8
    return lost


def _in_daily_use(syllable: str) -> bool:
    """Whether it is one of the 2,350 of KS X 1001; `euc_kr` spells the others in eight bytes."""
    return len(syllable.encode("euc_kr", "replace")) == 2
