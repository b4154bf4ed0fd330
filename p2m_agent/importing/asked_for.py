"""What a request says is there and what it wants made of it, and which columns look like either."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from p2m_agent.importing import column_values as values
from p2m_agent.languages import NAMES as LANGUAGES
from p2m_agent.languages import written_in
from p2m_agent.rows.column_profile import Column

_MAKING = r"\b(?:turn|convert|translat|rewrit|chang|transform|put|normali[sz]|rephras|pars|mak|map)\w*\s+"
_NAMING = (
    r"\b(?P<wanted>(?:writ|giv|generat|produc|comput|find|extract|predict|nam|list|say|tell|return|describ|explain|spell"
    r"|count|choos|pick|select|fill|creat|work out|draft|compos|suggest)\w*\b.{2,}?)"
)
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"^(?:given|from|with|for|of)\s+(?P<given>.{4,}?)[,:]\s+(?P<wanted>.+)$",
        r"^(?P<given>.{8,}?),?\s+and\s+(?:give|write|return|say|output|state|get|name|produce)\s+(?P<wanted>.+)$",
        r"^(?:which|what)\s+(?P<wanted>(?!of\b|does\b|do\b|is\b|are\b|two\b)\w+(?:\s\w+)?)\s+(?:is|are|does|do|did|was|has"
        r"|can)\b\s*(?P<given>.+)$",
        _MAKING + r"(?P<given>.{3,}?)\s+(?:into|to|as|sound like)\s+(?P<wanted>.+)",
        _MAKING + r"(?P<given>.{3,}?)\s+in\s+(?P<wanted>(?:the|another|a|an)\b.+)",
        r"\b(?:spell|write)\s+out\s+(?P<given>.{3,}?)\s+(?:in|as)\s+(?P<wanted>.+)",
        r"\b(?P<wanted>(?:extract|read|pull)\w*\b.{2,}?)\s+(?:from|out of)\s+(?P<given>.+)",
        r"\b(?P<wanted>answer|answering|solve|solving|fix|correct|simplify|summari[sz]e|shorten|negate|unscramble|apply)\b"
        r"\s+(?P<given>.+)",
        _NAMING + r"\s+(?:of|for|from|about|given|to which|that (?!is\b|are\b|was\b)\w+|out of)\s+(?P<given>.+)",
        r"\b(?P<wanted>explain|describe|verbali[sz]e)\b\s+(?P<given>.+)",
        r"^(?P<given>(?:(?!(?:from|wants?|needs?|i|for|what|how|that|is|are|have|like)\b)[\w':-]+\s+){1,6}?)"
        r"(?:to|into|→|->)\s+(?P<wanted>(?!do\b|be\b|know\b|find\b).+)$",
    )
)


@dataclass(frozen=True)
class AskedFor:
    """The two ends of a request, in its words."""

    given: str
    """What a model gets; empty where the request does not tell the two apart."""
    wanted: str
    """What it should answer; then the whole request."""


def read_request(request: str) -> AskedFor:
    """Split a request at what it turns into what: `questions into SQL` has questions and wants SQL."""
    said = " ".join(request.split()).rstrip(".!")
    first = re.split(r"[;!]\s+|\.\s+(?=[A-Z])", said)[0]  # what follows says more about the answer
    for text in dict.fromkeys((first, said)):
        for pattern in _PATTERNS:
            if match := pattern.search(text):
                return AskedFor(match["given"].strip(), match["wanted"].strip())
    return AskedFor("", said)


def _code(column: Column) -> float:
    return min(1.0, column.symbols / 0.08)


def _sql(column: Column) -> float:
    filled = [value for value in column.values if value]
    return sum(value[:7].upper() == "SELECT " for value in filled) / max(1, len(filled))


def _numbers(column: Column) -> float:
    return column.numbers


_SOFT, _DECISIVE = 3.0, 8.0
"""Points of what a request asks for: what looks like code may be something else, a column of digits is one."""
_SHAPES: tuple[tuple[float, re.Pattern[str], Callable[[Column], float]], ...] = tuple(
    (weight, re.compile(words, re.IGNORECASE), looks)
    for weight, words, looks in (
        (_DECISIVE, r"\bsql\b|database quer", _sql),
        (_DECISIVE, r"\bdigits?\b|\bcifras\b|\bziffern\b|\bchiffres\b|数字|\barabic num", _numbers),
        (
            _SOFT,
            r"\bsql\b|\bpython\b|\bbash\b|\bshell\b|\bregex|\bregular expression|\bcommands?\b|\bcode\b"
            r"|\bprogram\b|\bjson\b|\bscript\b|\bsnippet|\blatex\b|\bhtml\b|\bformulas?\b|\bequations?\b"
            r"|\barithmetic expr|\bpairs\b|\bquer(?:y|ies)\b",
            _code,
        ),
        (
            _SOFT,
            r"\bnumbers?\b|\bamount\b|\bhow (?:many|much)\b|\bcount\b|\bscale\b|\bscore\b|\bzahl|\bnúmero|\bnombre\b"
            r"|数値|数值|\brating\b|\bcompute\b|\bcalculate\b|\bprice\b",
            _numbers,
        ),
        (_SOFT, r"\bquestions?\b|\bpregunta|\bfrage|\bdomanda|質問|问题|問題", lambda column: column.questions),
    )
)
"""Words of a request, and how much a column looks like what they name, 0 to 1."""
_BRIEF = re.compile(
    r"\bsummar|\btl;?dr\b|\bheadline|\btitle\b|\bshorten|\bcondens|zusammenfass|résum|resum|要約|摘要", re.I
)
_ANSWERS = re.compile(r"\banswer|\bextract|\bfinds?\b|beantwort|\brespond|\brépond|comprehension|答|\bspan\b", re.I)
_TAGS = re.compile(r"\btag(?:s|ged|ging)?\b|\bslots?\b|\bentit(?:y|ies)\b|\bner\b|\bbio\b", re.I)
_WORKINGS = re.compile(r"\bsteps?\b|\bexplain|\breason|\brationale|\bworkings?\b|\bshow how\b", re.I)
_NO_WORKINGS = re.compile(r"\b(?:no|without|not the|just|only)\b", re.I)


def shape_points(column: Column, columns: Sequence[Column], asked: AskedFor, *, labels: bool = False) -> float:
    """How much a column looks like what is wanted rather than given, about -9 to 9.

    Args:
        column: the one that is judged.
        columns: all of the table.
        asked: the request.
        labels: whether labels are wanted, which are in no language.
    """
    points = _brevity_points(column, columns, asked)
    points += 0.0 if labels else _language_points(column, columns, asked)
    seen: set[Callable[[Column], float]] = set()
    for weight, words, looks in _SHAPES:
        leaning = 0.0 if looks in seen else _leaning(words, asked)
        if leaning:
            seen.add(looks)
            points += weight * leaning * (looks(column) - sum(map(looks, columns)) / len(columns))
    said = f"{asked.wanted} {asked.given}"
    others = [other for other in columns if other is not column]
    if values.is_tags(column):
        points += 3.0 if _TAGS.search(said) else -3.0 * (len(others) > 1)
    if _WORKINGS.search(said) and not _NO_WORKINGS.search(said):
        points += 3.0 * any(values.concludes(other, column) for other in others)
    return points


def _leaning(words: re.Pattern[str], asked: AskedFor) -> float:
    """How far a word is wanted, from -1 (given) to 1; where the ends cannot be told apart, a question is given."""
    wanted, given = words.search(asked.wanted) is not None, words.search(asked.given) is not None
    if not asked.given:
        match = words.search(asked.wanted)
        return 0.0 if match is None or match[0].lower().startswith(_ASKING) else 0.5
    return 0.3 if wanted and given else float(wanted - given)


_ASKING = ("question", "pregunta", "frage", "domanda", "質問", "问题", "問題")


def _language_points(column: Column, columns: Sequence[Column], asked: AskedFor) -> float:
    """For a translation: the column in the language that is wanted, and not the one that is given."""
    wanted, given = _named_languages(asked.wanted), _named_languages(asked.given)
    written = {each.name: _written(each) for each in columns}
    if not asked.given or not wanted - given or (not given and set(written.values()) <= {None, *wanted}):
        return 0.0  # a language alone does not tell columns apart
    points = sum(_speaks(column, code, columns, written) for code in wanted - given)
    return _DECISIVE / 2 * (points - sum(_speaks(column, code, columns, written) for code in given - wanted))


def _named_languages(text: str) -> set[str]:
    return {LANGUAGES[word] for word in re.findall(r"[^\W\d_]+", text.lower()) if word in LANGUAGES}


def _written(column: Column) -> str | None:
    return written_in(" ".join(column.values[:100])[:5000])


def _speaks(column: Column, code: str, columns: Sequence[Column], written: Mapping[str, str | None]) -> float:
    """How sure it is that one column, and which, is in a language, -1 to 1: by common words, else by marked letters."""
    if code in written.values():
        return 1.0 if written[column.name] == code else -1.0
    marks = {each.name: _marks(each, code) for each in columns}
    most = max(marks.values())
    return 0.0 if most < 0.03 else 1.0 if marks[column.name] == most else -1.0


def _marks(column: Column, code: str) -> float:
    """Share of values with a letter that English lacks and the language has."""
    letters = set(_LETTERS.get(code, ""))
    return sum(bool(letters & set(value.lower())) for value in column.values) / max(1, len(column.values))


_LETTERS = {
    "de": "äöüß", "es": "áéíóúñ¿¡", "fr": "éèêàâçùûôîœ", "it": "àèéìòù", "pt": "ãõçáéíóúâê", "nl": "ëï", "sv": "åäö",
    "da": "åæø", "no": "åæø", "fi": "äö", "tr": "şğıçöü", "pl": "ąęłńśźż", "cs": "ěščřžýů", "ro": "ăâîșț",
    "hu": "áéőűöü",
}  # fmt: skip


def _brevity_points(column: Column, columns: Sequence[Column], asked: AskedFor) -> float:
    """Summaries are shorter than what they are made of; answers stand in the text that they are read from."""
    said = f"{asked.wanted} {asked.given}"
    others = [other for other in columns if other is not column and not other.constant]
    points = 0.0
    if _BRIEF.search(said) and others:
        points += 1.5 if column.length < 0.6 * max(other.length for other in others) else -1.5
    if any(values.picked_from(column, other) for other in others):
        points += 2.5
    elif _ANSWERS.search(said) and any(values.inside(column, other) > 0.8 for other in others):
        points += 1.0
    return points
