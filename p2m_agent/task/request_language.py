"""The language of a task's inputs, as far as words or scripts tell."""

from __future__ import annotations

import re
from collections.abc import Sequence

NAMES = {
    "english": "en", "german": "de", "french": "fr", "spanish": "es", "italian": "it", "portuguese": "pt",
    "dutch": "nl",
    "swedish": "sv", "danish": "da", "norwegian": "no", "finnish": "fi", "polish": "pl", "czech": "cs", "slovak": "sk",
    "hungarian": "hu", "romanian": "ro", "bulgarian": "bg", "greek": "el", "turkish": "tr", "russian": "ru",
    "ukrainian": "uk", "arabic": "ar", "hebrew": "he", "persian": "fa", "farsi": "fa", "hindi": "hi", "bengali": "bn",
    "urdu": "ur", "tamil": "ta", "telugu": "te", "marathi": "mr", "indonesian": "id", "malay": "ms", "vietnamese": "vi",
    "thai": "th", "chinese": "zh", "mandarin": "zh", "japanese": "ja", "korean": "ko", "swahili": "sw", "hausa": "ha",
    "yoruba": "yo", "igbo": "ig", "amharic": "am", "catalan": "ca", "croatian": "hr", "serbian": "sr", "estonian": "et",
    "deutsche": "de", "deutschen": "de", "deutscher": "de", "englische": "en", "englischen": "en", "français": "fr",
    "anglais": "en", "español": "es", "inglés": "en", "italiano": "it", "português": "pt", "日本語": "ja", "英文": "en",
    "英語": "en", "英语": "en", "中文": "zh", "中国語": "zh", "德语": "de", "日语": "ja",
}  # fmt: skip
_NAME = re.compile("|".join(rf"(?<!\w){name}(?!\w)" if name.isascii() else name for name in NAMES), re.IGNORECASE)
_TARGET = re.compile(r"(?:\b(?:into|to|ins|nach|vers|al|à l')|成|に)\s*$", re.IGNORECASE)
"""What stands before the name of a language that is wanted rather than given."""
_IN_TARGET = re.compile(r"\bin\s*(?:plain |simple |proper )?$", re.IGNORECASE)
_MAKES = re.compile(
    r"\b(?:translat|write|writ|answer|reply|generat|summari|paraphras|produc|spell|compos)\w*\b", re.IGNORECASE
)

_SCRIPTS = (
    ("ja", r"[\u3040-\u30ff]"),
    ("ko", r"[\uac00-\ud7af]"),
    ("zh", r"[\u4e00-\u9fff]"),
    ("ru", r"[\u0400-\u04ff]"),
    ("ar", r"[\u0600-\u06ff]"),
    ("he", r"[\u0590-\u05ff]"),
    ("hi", r"[\u0900-\u097f]"),
    ("bn", r"[\u0980-\u09ff]"),
    ("ta", r"[\u0b80-\u0bff]"),
    ("th", r"[\u0e00-\u0e7f]"),
    ("el", r"[\u0370-\u03ff]"),
)
_FUNCTION_WORDS = {
    "de": "der die das und ein eine einer ob den dem ist nicht mit für auf im von zu sind oder ins wird",
    "fr": "le la les des une un et est ou en dans pour avec du au qui sont avis par sur ce cette",
    "es": "el la los las una un y es o en para con del como por que si son este esta cada",
    "it": "il lo la gli le una un e è o in per con del della come che sono questo ogni",
    "pt": "o a os as uma um e é ou em para com do da como por que são este cada não",
    "nl": "de het een en is of in voor met van op zijn niet die dat wordt",
}


def named_language(request: str) -> str | None:
    """ISO code of the language that the request says its inputs are in."""
    for match in _NAME.finditer(request):
        before = request[: match.start()]
        if _is_verb(match) or _TARGET.search(before) or _is_target(before):
            continue
        return NAMES[match.group().lower()]
    return None


def _is_verb(match: re.Match[str]) -> bool:
    """`Polish this text`."""
    return match.group() == "polish" or (match.group() == "Polish" and match.start() == 0)


def _is_target(before: str) -> bool:
    sentence = re.split(r"[.!?\n]", before)[-1]
    return bool(_IN_TARGET.search(before) and _MAKES.search(sentence))


def written_language(texts: Sequence[str]) -> str | None:
    """ISO code by script, or by function words for some languages in Latin script; None where unclear or English."""
    text = " ".join(texts)
    letters = sum(character.isalpha() for character in text)
    for code, pattern in _SCRIPTS:
        if letters and len(re.findall(pattern, text)) > 0.2 * letters:
            return code
    words = re.findall(r"[^\W\d_]+", text.lower())
    counts = {code: sum(word in known.split() for word in words) for code, known in _FUNCTION_WORDS.items()}
    best, runner_up = sorted(counts, key=lambda code: -counts[code])[:2]
    english = sum(word in _ENGLISH for word in words)
    sure = counts[best] >= 2 and counts[best] > counts[runner_up] and counts[best] > english
    return best if sure and counts[best] >= 0.15 * len(words) else None


_ENGLISH = frozenset(
    {
        "to",
        "whether",
        "and",
        "is",
        "in",
        "this",
        "for",
        "it",
        "on",
        "or",
        "an",
        "with",
        "by",
        "not",
        "which",
        "the",
        "of",
        "are",
        "that",
        "a",
    }
)
