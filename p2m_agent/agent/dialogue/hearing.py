"""Makes words of a line; its language is the one that leaves the fewest of them unknown."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from p2m_agent.agent.dialogue.readings import Place
from p2m_agent.agent.dialogue.spoken import Utterance, Word
from p2m_agent.agent.dialogue.vocabulary import EASTERN, LANGUAGES, NO_ROLES, Vocabulary, in_full, plain, vocabulary

_FILE = re.compile(r"@?[\w./~-]+\.(?:csv|tsv|jsonl?|parquet|xlsx?|txt|zip|gz|ods|db)\b", re.IGNORECASE | re.ASCII)
_PIECES = re.compile(
    rf"(?P<number>\d+(?:[.,]\d+)*|[.,]\d+)|(?P<eastern>[{EASTERN}]+)"
    rf"|(?P<word>[^\W\d{EASTERN}](?:[^\W{EASTERN}]|['/._-](?=[^\W{EASTERN}]))*)|(?P<sign>[$€%#=>→@-])|(?P<quote>[\"“”„«»「」『』`])"
    r"|(?P<break>[,.;:!?…、。！？()]+)"
)
_QUOTED = re.compile(r"[\"“„«「『`'](?P<name>[^\"“”„«»「」『』`']{1,40})[\"”“»」』`'](?!\w)")
_OF_A_LANGUAGE = frozenset({"filler", "lead", "asks", "state"})
"""Roles that a word of another language than the line's does not bring along."""

_STAY = frozenset({"state", "not", "condition"})
"""Roles of a word that a phrase with it has too."""
_SAY_ALL = frozenset({"yes", "no", "allow", "refuse", "hesitates", "quiet", "bad", "filler", "rule", "wrong"})
"""Lists whose phrases mean what they mean as a whole, whatever their words do elsewhere."""


def hear(text: str, place: Place, languages: Sequence[str] = ()) -> Utterance:
    """A line's words, with names that are known where it was typed; in one of the languages, where these are given."""
    line = " ".join(unicodedata.normalize("NFKC", text).replace("’", "'").split())
    pieces = list(_pieces(line, place))
    fitting = languages or _fitting(line)
    heard = [(_tagged(pieces, vocabulary(each)), each) for each in fitting]
    words, language = min(heard, key=lambda one: sum(not word.roles and not word.named for word in one[0]))
    others = [vocabulary(each) for each in fitting if each != language]
    filled = tuple(_elsewhere(word, others, vocabulary(language)) for word in words)
    return Utterance(line, language, filled, tuple(each["name"] for each in _QUOTED.finditer(line)))


def _fitting(line: str) -> tuple[str, ...]:
    """Languages that a line may be in."""
    if re.search(f"[{EASTERN}]", line):
        return ("ja", "en")
    return tuple(each for each in LANGUAGES if each != "ja")


def _pieces(line: str, place: Place) -> Iterator[Word]:
    """Files, names, numbers and single words; runs of signs without blanks stay whole."""
    names = _spans(line, place)
    after_break, end = False, 0
    for found in _PIECES.finditer(line):
        if found.start() < end:
            continue
        if found["break"] or found["quote"]:
            after_break = after_break or bool(found["break"])
            continue
        name = next((each for each in names if each.at == found.start()), None)
        word = name or Word(found.group(), found.start(), number=_number(found["number"]))
        end = found.start() + len(word.text)
        yield from _cut(replace(word, after_break=after_break), names)
        after_break = False


def _cut(word: Word, names: Sequence[Word]) -> Iterator[Word]:
    """A run without blanks, cut where a known name begins or ends in it."""
    inside = [each for each in names if word.at < each.at < word.at + len(word.text)] if not word.named else []
    start = word.at
    for name in inside:
        if name.at >= start:
            before = word.text[start - word.at : name.at - word.at]
            yield from ([replace(word, text=before, at=start)] if before else [])
            yield name
            start = name.at + len(name.text)
    rest = word.text[start - word.at :]
    yield from ([replace(word, text=rest, at=start)] if rest else [])


def _spans(line: str, place: Place) -> list[Word]:
    """Files, labels and columns that a line names, with their places."""
    found = [Word(each.group(), each.start(), file=each.group().lstrip("@")) for each in _FILE.finditer(line)]
    taken = [(word.at, word.at + len(word.text)) for word in found]
    for kind, names in (("label", place.labels), ("column", place.columns)):
        for name in sorted(names, key=len, reverse=True):
            for hit in re.finditer(_whole(name), line, re.IGNORECASE):
                if all(hit.end() <= start or hit.start() >= end for start, end in taken):
                    taken.append(hit.span())
                    word = Word(hit.group(), hit.start())
                    found.append(replace(word, label=name) if kind == "label" else replace(word, column=name))
    return sorted(found, key=lambda word: word.at)


def _whole(name: str) -> str:
    """A name between other signs than its own, in the plural too, with blanks for underscores."""
    if not name.isascii():
        return re.escape(name)
    written = r"[\s_-]+".join(map(re.escape, re.split(r"[\s_-]+", name)))
    return rf"(?<![A-Za-z0-9_]){written}(?:s|es)?(?![A-Za-z0-9_])"


def _number(text: str | None) -> float | None:
    if text is None:
        return None
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+", text):
        return float(text.replace(",", ""))
    parts = text.replace(",", ".").split(".")
    return float(".".join(parts[:2]) if len(parts) > 1 else parts[0])


def _tagged(pieces: Iterable[Word], words: Vocabulary) -> list[Word]:
    """The roles of words, phrases first; a number word is a number."""
    parts = [part for piece in pieces for part in _parts(piece, words)]
    tagged: list[Word] = []
    at = 0
    while at < len(parts):
        size = _longest(parts, at, words)
        text = " ".join(word.text for word in parts[at : at + size]) if size > 1 else parts[at].text
        tagged.append(
            _with_roles(replace(parts[at], text=text), [each.text.casefold() for each in parts[at : at + size]], words)
        )
        at += size
    return tagged


def _parts(piece: Word, words: Vocabulary) -> Iterator[Word]:
    """A piece as words: short forms in full, Japanese cut at the longest words known."""
    if piece.named:
        yield piece
    elif re.match(f"[{EASTERN}]", piece.text):
        yield from _cut_eastern(piece, words)
    else:
        for number, part in enumerate(in_full(piece.text.casefold()) or [piece.text]):
            whole = part == piece.text.casefold()
            yield replace(piece, text=piece.text if whole else part, after_break=piece.after_break and number == 0)


def _cut_eastern(piece: Word, words: Vocabulary) -> Iterator[Word]:
    text, at, unknown = piece.text, 0, ""
    first = piece.after_break

    def cut(part: str, end: int) -> Word:
        nonlocal first
        word = replace(piece, text=part, at=piece.at + end - len(part), after_break=first)
        first = False
        return word

    while at < len(text):
        size = next(
            (n for n in range(min(words.longest, len(text) - at), 0, -1) if (text[at : at + n],) in words.roles), 0
        )
        if not size:
            unknown, at = unknown + text[at], at + 1
            continue
        if unknown:
            yield cut(unknown, at)
        unknown, at = "", at + size
        yield cut(text[at - size : at], at)
    if unknown:
        yield cut(unknown, at)


def _longest(parts: Sequence[Word], at: int, words: Vocabulary) -> int:
    """Words of the longest known phrase that begins here and has no break or name in it."""
    most = 1
    while at + most < len(parts) and not parts[at + most].after_break and not parts[at + most].file:
        most += 1
    spoken = [word.text.casefold() for word in parts[at : at + min(most, words.longest)]]
    return next((n for n in range(len(spoken), 1, -1) if words.of_phrase(tuple(spoken[:n]))), 1)


def _with_roles(word: Word, spoken: Sequence[str], words: Vocabulary) -> Word:
    """A phrase does what it is listed for, and what all of its words do."""
    each = [words.of_word(part) for part in spoken]
    listed = words.of_phrase(tuple(spoken)) or NO_ROLES
    whole = len(each) > 1 and not listed.isdisjoint(_SAY_ALL)
    kept = NO_ROLES.union(*each) & (_STAY - {"not"} if whole else _STAY)
    telling = [part for part in each if "filler" not in part] or each
    roles = listed | kept | frozenset.intersection(*(each if whole else telling))
    number = (
        words.numbers.get(plain(spoken[0]))
        if len(spoken) == 1 and word.number is None and not word.label
        else word.number
    )
    return replace(word, roles=roles, known=bool(roles), number=number if number is not None else word.number)


def _elsewhere(word: Word, others: Sequence[Vocabulary], own: Vocabulary) -> Word:
    """An unknown word as another language has it, or with one letter put right."""
    if word.roles or word.named:
        return word
    foreign = NO_ROLES.union(*(each.of_word(word.text.casefold()) for each in others)) - _OF_A_LANGUAGE
    right = None if foreign else own.corrected(plain(word.text))
    return replace(word, roles=foreign or (own.of_word(right) if right else NO_ROLES), known=bool(foreign))
