"""Languages: their names in requests, what a text is written in, and what a request asks for. ISO 639-1 codes."""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

NAMES: dict[str, str] = {
    "amharic": "am", "arabic": "ar", "bengali": "bn", "bulgarian": "bg", "catalan": "ca", "chinese": "zh",
    "mandarin": "zh", "croatian": "hr", "czech": "cs", "danish": "da", "dutch": "nl", "english": "en",
    "estonian": "et", "farsi": "fa", "finnish": "fi", "french": "fr", "german": "de", "greek": "el", "hausa": "ha",
    "hebrew": "he", "hindi": "hi", "hungarian": "hu", "icelandic": "is", "igbo": "ig", "indonesian": "id",
    "irish": "ga", "italian": "it", "japanese": "ja", "korean": "ko", "latvian": "lv", "lithuanian": "lt",
    "malay": "ms", "marathi": "mr", "norwegian": "no", "persian": "fa", "polish": "pl", "portuguese": "pt",
    "romanian": "ro", "russian": "ru", "serbian": "sr", "slovak": "sk", "slovene": "sl", "spanish": "es",
    "swahili": "sw", "swedish": "sv", "tamil": "ta", "telugu": "te", "thai": "th", "turkish": "tr",
    "ukrainian": "uk", "urdu": "ur", "vietnamese": "vi", "welsh": "cy", "yoruba": "yo", "zulu": "zu",
    "deutsch": "de", "deutsche": "de", "deutscher": "de", "deutschen": "de", "deutsches": "de",
    "englisch": "en", "englische": "en", "englischen": "en", "anglais": "en", "inglés": "en",
    "japanische": "ja", "japanischen": "ja", "japanischer": "ja", "français": "fr", "française": "fr",
    "español": "es", "española": "es", "italiano": "it", "italiana": "it", "português": "pt", "portuguesa": "pt",
    "nederlandse": "nl", "österreichische": "de", "austrian": "de",
    "中文": "zh", "中国語": "zh", "日本語": "ja", "日语": "ja", "英語": "en", "英语": "en", "英文": "en", "德语": "de",
}  # fmt: skip
"""Names of languages, as they occur in requests."""
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
_COMMON_WORDS = {
    code: frozenset(words.split())
    for code, words in {
        "de": "alle auf aus bei das dem den der die ein eine einem einen einer für ich im in ins ist jede jeden mein "
        "meine meinen mit nach nicht ob oder sie sind uns unser unsere unseren und von wie wir wird zu",
        "fr": "au avec avis ce ces cette dans des du en est et la le les ou par pour que qui selon sont sur un une",
        "es": "al cada como con cuál del el en es esta este estos la las los o para por que según si son un una y",
        "it": "che come con del della di e gli il in la le lo nella o ogni per quale questo se sono un una è",
        "pt": "a as cada com como da do e em esta este estes na não o os ou para por qual que se são um uma é",
        "nl": "bij dat de deze die een en het in is met naar niet of op van voor welke wordt zijn",
        "en": "a an and are by for from how in is it not of on or tell that the this to what whether which with",
    }.items()
}
_LETTERS = re.compile(r"[^\W\d_]+")
_WORDS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
"""With hyphens: the `e` of E-Mail is no Italian `and`."""
_ENOUGH, _SHARE = 2, 0.1
"""Common words, and their share of all words, that show what a text is written in."""
_NAME = re.compile("|".join(rf"(?<!\w){name}(?!\w)" if name.isascii() else name for name in NAMES), re.IGNORECASE)
_TARGET = re.compile(r"(?:\b(?:into|to|ins|nach|vers|al|à l')|成|に)\s*$", re.IGNORECASE)
"""What stands before the name of a language that is wanted rather than given."""
_IN_TARGET = re.compile(r"\bin\s*(?:plain |simple |proper )?$", re.IGNORECASE)
_MAKES = re.compile(
    r"\b(?:translat|write|writ|answer|reply|generat|summari|paraphras|produc|spell|compos)\w*\b", re.IGNORECASE
)
_SURE, _HARDLY = 0.9, 0.001
"""A text is in another language where that one has this probability at least, and the task's own this at most."""


def bare(text: str) -> str:
    """A text in small letters without accents."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(sign))


def languages_of(request: str) -> tuple[str, ...]:
    """Languages that a request names or, failing that, is written in other than English.

    Empty where it is in English and names none: then nothing is known of the data.
    """
    words = _LETTERS.findall(request.lower())
    named = [NAMES[word] for word in words if word in NAMES]
    named += [code for name, code in NAMES.items() if name[0] > "\u2e80" and name in request]  # no spaces between words
    written = foreign(request)
    return tuple(dict.fromkeys(named + ([written] if written and not named else [])))


def inputs_named(request: str) -> str | None:
    """The language that a request says its inputs are in; one that it wants made of them does not count."""
    for match in _NAME.finditer(request):
        before = request[: match.start()]
        if _is_verb(match) or _TARGET.search(before) or _is_target(before):
            continue
        return NAMES[match.group().lower()]
    return None


def written_in(text: str) -> str | None:
    """The language a text is written in, by script and common words; None where that does not tell."""
    letters = sum(map(str.isalpha, text)) or 1
    for code, script in _SCRIPTS:
        if len(re.findall(script, text)) / letters > 0.15:
            return code
    words = _WORDS.findall(text.lower())
    counts = {code: sum(word in common for word in words) for code, common in _COMMON_WORDS.items()}
    best, second = sorted(counts, key=lambda code: -counts[code])[:2]
    sure = counts[best] > counts[second] and counts[best] >= max(_ENOUGH, _SHARE * len(words))
    return best if sure else None


def foreign(text: str) -> str | None:
    """The language a text is written in; None where that is English, or does not tell."""
    written = written_in(text)
    return None if written == "en" else written


def in_another_language(text: str, language: str | None) -> bool:
    """Whether a text is clearly not in the task's language; what cannot be told passes.

    Short texts of foreign words, names or code pass as a rule: a row is only turned away where the model is sure.

    Source: Lui and Baldwin, "langid.py: an off-the-shelf language identification tool" (ACL 2012).
    """
    if not language or not text.strip():
        return False
    found, probability = _identifier().classify(text)
    if found == language or probability < _SURE or {found, language} == {"zh", "ja"}:
        return False
    own = dict(_identifier().rank(text)).get(language)
    return own is not None and own <= _HARDLY


def language_of(text: str) -> str | None:
    """A text's language by a trained model; None where that is not sure."""
    found, probability = _identifier().classify(text) if text.strip() else ("", 0.0)
    return str(found) if probability >= _SURE else None


def _is_verb(match: re.Match[str]) -> bool:
    """`Polish this text`."""
    return match.group() == "polish" or (match.group() == "Polish" and match.start() == 0)


def _is_target(before: str) -> bool:
    sentence = re.split(r"[.!?\n]", before)[-1]
    return bool(_IN_TARGET.search(before) and _MAKES.search(sentence))


@functools.cache
def _identifier() -> LanguageIdentifier:
    """The model takes a second to unpack, so it is kept."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
