"""Which languages a request is about: named in it, or those it is written in."""

from __future__ import annotations

import re

NAMES: dict[str, str] = {
    "arabic": "ar", "bengali": "bn", "bulgarian": "bg", "catalan": "ca", "chinese": "zh", "mandarin": "zh",
    "czech": "cs", "danish": "da", "dutch": "nl", "english": "en", "estonian": "et", "finnish": "fi",
    "french": "fr", "german": "de", "greek": "el", "hausa": "ha", "hebrew": "he", "hindi": "hi",
    "hungarian": "hu", "icelandic": "is", "indonesian": "id", "irish": "ga", "italian": "it", "japanese": "ja",
    "korean": "ko", "latvian": "lv", "lithuanian": "lt", "malay": "ms", "norwegian": "no", "persian": "fa",
    "polish": "pl", "portuguese": "pt", "romanian": "ro", "russian": "ru", "slovak": "sk", "slovene": "sl",
    "spanish": "es", "swahili": "sw", "swedish": "sv", "tamil": "ta", "thai": "th", "turkish": "tr",
    "ukrainian": "uk", "urdu": "ur", "vietnamese": "vi", "welsh": "cy", "yoruba": "yo", "zulu": "zu",
    "deutsch": "de", "deutsche": "de", "deutscher": "de", "deutschen": "de", "deutsches": "de",
    "englisch": "en", "englische": "en", "japanische": "ja", "japanischen": "ja", "japanischer": "ja",
    "français": "fr", "française": "fr", "español": "es", "española": "es", "italiano": "it", "italiana": "it",
    "português": "pt", "portuguesa": "pt", "nederlandse": "nl", "österreichische": "de", "austrian": "de",
    "中文": "zh", "日本語": "ja", "英語": "en", "英语": "en",
}  # fmt: skip
"""Names of languages, as they occur in requests, to ISO 639-1 codes."""
_SCRIPTS = (
    ("ja", r"[\u3040-\u30ff]"),
    ("zh", r"[\u4e00-\u9fff]"),
    ("ko", r"[\uac00-\ud7af]"),
    ("ar", r"[\u0600-\u06ff]"),
    ("hi", r"[\u0900-\u097f]"),
    ("ru", r"[\u0400-\u04ff]"),
    ("el", r"[\u0370-\u03ff]"),
    ("he", r"[\u0590-\u05ff]"),
    ("th", r"[\u0e00-\u0e7f]"),
)
_SENTENCE_WORDS: dict[str, str] = {
    "de": "der die das und ob ein eine einen einem ist nicht mit für wie wird sind von zu oder",
    "fr": "le la les des une est et pour dans que qui avec sur ou du au ces cette selon",
    "es": "el los las una es y para en que con por si o del al según estos esta cuál",
    "it": "il lo gli una è e per di che con se un del della nella questo sono quale",
    "pt": "os as uma é e para em que com por se um do da na não estes esta qual",
    "nl": "het een en van of is niet met voor dat deze zijn wordt naar welke bij",
    "en": "the a of and whether is are what to in it for from or which tell with by how an",
}
_COMMON = {code: frozenset(words.split()) for code, words in _SENTENCE_WORDS.items()}
_LETTER = re.compile(r"[^\W\d_]+")


def languages_of(request: str) -> tuple[str, ...]:
    """ISO codes of the languages that a request names or, failing that, is written in other than English.

    Empty where it is in English and names none: then nothing is known of the data.
    """
    words = _LETTER.findall(request.lower())
    named = [NAMES[word] for word in words if word in NAMES]
    named += [NAMES[name] for name in ("中文", "日本語", "英語", "英语") if name in request]
    written = written_in(request)
    return tuple(dict.fromkeys(named + ([written] if written and written != "en" and not named else [])))


def written_in(text: str) -> str | None:
    """The language a text is written in, by script and common words; None where that does not tell."""
    letters = len(re.findall(r"[^\W\d_]", text)) or 1
    for code, script in _SCRIPTS:
        if len(re.findall(script, text)) / letters > 0.15:
            return code
    words = _LETTER.findall(text.lower())
    counts = {code: sum(word in common for word in words) for code, common in _COMMON.items()}
    best = max(counts, key=lambda code: counts[code])
    return best if counts[best] >= 2 and counts[best] > sorted(counts.values())[-2] else None
