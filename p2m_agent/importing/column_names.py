"""What a column's name says about its part in a task. Scores are rough and only compared with each other."""

from __future__ import annotations

import re

from p2m_agent.rows.tables.column_words import in_english, meanings_of

_RECORD = re.compile(
    r"author|user(?:name)?|created\w*|updated\w*|date|\w+_at|\w*(?:timestamp|confidence|annotator)\w*", re.IGNORECASE
)
_LEAVE_OUT = re.compile(
    r"(?:.*[_. ])?(?:id|ids|idx|index|uid|guid|uuid|key|url|link|hash|split|fold)|unnamed.*|slots?|(?:ner|pos)_tags?"
    r"|type|level|difficulty|lang(?:uage)?|author|user(?:name)?|created\w*|updated\w*|date|\w+_at|\w*(?:timestamp|confidence|annotator)\w*"
    r"|equation|rationale|explanation|rewritten\w*|final_answer|fine\w*|coarse\w*|label\w*|\w*_label|answer_start|source_\w+",
    re.IGNORECASE,
)
_INPUT: tuple[tuple[float, str], ...] = (
    (5.0, r"inputs?|text|sentence|premise|hypothesis|context|passage|document|article|utterance|message|prompt"),
    (5.0, r"disfluent|noisy|informal|incorrect|erroneous|ungrammatical|raw|dirty|corrupted|scrambled|complex|masked"),
    (4.5, r"question|query|review|tweet|comment|post|email|mail|content|body|dialog(?:ue)?|conversation|history|nl"),
    (4.5, r"source|src|statement|claim|paragraph|story|transcript|meaning_representation|mr|tokens|words|expression"),
    (4.0, r"title|subject|description|instructions?|system|speech|normal|utt|ticket|request|phrase|ocr|feedback"),
    (
        4.0,
        r"choices?|options?|candidates?|endings?|table|schema|aspect|entity|persona|today|now|reference_date|reference_time",
    ),
    (2.5, r"original|abstract|headline|user|unit_from|word|term|name"),
    (1.5, r"intent|topic|target"),
)
_OUTPUT: tuple[tuple[float, str], ...] = (
    (5.3, r"label_?(?:text|names?|str)"),
    (5.0, r"labels?|target(?:_text)?|outputs?|answer|completion|response|expected(?:_output)?|gold|ground_truth"),
    (4.7, r"answers(?:\.text)?|targets|responses|y"),
    (4.5, r"class|category|intent|sentiment|emotion|polarity|stance|queue|department|coarse_?label|is_\w+|verdict"),
    (
        4.2,
        r"summary|tldr|translation|simplif\w+|correct(?:ed|ion|ions)\w*|normali[sz]ed\w*|rewrite|paraphrase|highlights",
    ),
    (
        4.2,
        r"sql|regex|bash|cmd|command|snippet|code|program|logical_form|human_reference|references?|value|result|solution",
    ),
    (4.0, r"fluent|clean(?:ed)?|formal|plain|simple|reply|passive|plural|topic|genre|priority|tags?|lemma|iso\w*"),
    (3.8, r"final_answer|score|rating|stars|grade|\w+_label|label_\w+|\w*(?:class|category|intent|sentiment)"),
    (3.0, r"(?:ner|pos)_tags|fine\w*|target_\w+|output_\w+|headline|abstract"),
    (2.0, r"slots|original|date|equation|type|query|title|rewritten\w*|unit|currency|country|language|author"),
)
_GENERIC = {
    "text",
    "label",
    "labels",
    "target",
    "output",
    "input",
    "name",
    "id",
    "value",
    "data",
    "of",
    "the",
    "a",
    "is",
}
_SIDE = re.compile(r"[_ .]?(?:[12ab]|one|two|first|second|text|str)$")


def words_of(name: str) -> set[str]:
    """The words a name is made of, in lower case and singular."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return {_stem(word) for word in re.findall(r"[^\W\d_]+", spaced.lower())}


def spoken(name: str) -> str:
    """A name as words: `labelText` is `label text`."""
    return re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).strip().lower()


def plain(name: str) -> str:
    """A name without spaces, marks and capitals."""
    return re.sub(r"[\W_]+", "", name).casefold()


def says_nothing(name: str) -> bool:
    """Whether a name tells nothing about its column's part: `c1`, `column_2`, `foo`."""
    return input_score(name) == output_score(name) == 0.0


def telling_words(name: str) -> set[str]:
    """Those words of a name that tell it from other columns."""
    return {word for word in words_of(name) if word not in _GENERIC}


def is_record(name: str) -> bool:
    """Whether the column says who made a row and when, which is an answer only where somebody asks for it."""
    return any(_RECORD.fullmatch(each) for each in (name.strip(), in_english(name)))


def leaves_out(name: str) -> bool:
    """Whether columns of that name are not for a student to read."""
    return _LEAVE_OUT.fullmatch(name.strip()) is not None or _LEAVE_OUT.fullmatch(in_english(name)) is not None


def input_score(name: str) -> float:
    """How much a name speaks for an input, 0 to 5."""
    return _score(_INPUT, name)


def output_score(name: str) -> float:
    """How much a name speaks for the output, 0 to 5.3."""
    return _score(_OUTPUT, name)


def names_a_class(name: str) -> bool:
    """Whether columns of that name hold labels: an `intent` of free text is something else."""
    return re.fullmatch(r"class|category|intent|topic|sentiment|emotion|genre|tags?", name.lower()) is not None


def is_moment(name: str) -> bool:
    """Whether the column says from when a text is read: `tomorrow` needs it."""
    return re.fullmatch(r"today|now|(?:reference|anchor|current)_?(?:date|time)", name.lower()) is not None


def is_choices(name: str) -> bool:
    """Whether the column lists what an answer may be."""
    return re.fullmatch(r"(?:choice|option|candidate|ending)s?[_ ]?\w?|mc\d?_?targets.*", name.lower()) is not None


def _score(table: tuple[tuple[float, str], ...], name: str) -> float:
    plain = re.sub(r"[\s-]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip())).lower()
    forms = {plain, plain.rpartition(".")[2], _SIDE.sub("", plain), _SIDE.sub("", in_english(name)), *_meant(name)}
    return max((score for score, pattern in table for form in forms if re.fullmatch(pattern, form)), default=0.0)


def _meant(name: str) -> set[str]:
    """The one thing that a name in another language means, whatever stands beside it: `thème principal` is a topic."""
    found = meanings_of(name) - words_of(name)
    return found if len(found) == 1 else set()


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
