"""Labels that a request enumerates. Only clear lists count: a wrong label set costs more than an open one."""

from __future__ import annotations

import re
from collections.abc import Iterator

_END = (
    r"(?=[.;?!)\n]|$|\s+(?:depending|based|according|so that|using|for each|when|because|,? ?and (?:say|tell|explain)))"
)
_CONJUNCTION = r"\s+(?:or|and|oder|und|ou|et|o|y|e|of|en|или|и)\s+"
_OPEN_QUOTE, _CLOSE_QUOTE = "\"'“‘«„`", "\"'”’»“`"

# Longest phrases first: what may stand right before an enumeration.
_TRIGGERS = (
    r"(?:labels?|categor(?:y|ies)|class(?:es)?|queues?|topics?|intents?|departments?|folders|types"
    r"|options|kinds|abteilungen"
    r"|kategorien|catégories|categorías)\b(?:\s+(?:are|is|be|being|named|called|sind|sont|son))?\s*:?",
    r"(?:[a-z]+\s*:)",
    r"(?:into|as|either|one of|between|among|under|en|como|als|comme|in|come)\b:?",
    r"(?:is|are|it's|be|ist|sind|est|sont|es|son|è|ob)\b(?: either)?",
    r"(?:route|send|forward|assign|direct)\b[^.,]*?\bto\b",
)
_TRIGGER = re.compile(
    "(?:" + "|".join(rf"\b{trigger}" for trigger in _TRIGGERS) + rf")\s*\(?\s*(?P<list>[^.;?!)\n]+?){_END}",
    re.IGNORECASE,
)
_VERB_LAST = re.compile(r"\b(?:Abteilungen|Kategorien|Klassen|Themen|Labels)\s+(?P<list>[^.;?!\n]+?)\s+(?:zu|ein)\b")
_VERDICT_LAST = re.compile(r"\bob\b[^.]*?\b(?P<list>\w+ oder \w+)\s+ist\b", re.IGNORECASE)
_PARENTHESIS = re.compile(r"\((?:e\.?g\.?,? |such as )?(?P<list>[^()]{5,300})\)")
_BULLET = re.compile(r"^\s*(?:[-*•–]|\d{1,3}[.)])\s+(?P<item>.+?)\s*$", re.MULTILINE)
_SLASHES = re.compile(r"(?<![\w/])[\w-]+(?:\s?/\s?[\w-]+)+(?![\w/])")
_QUOTED = re.compile(rf"[{_OPEN_QUOTE}](?P<item>[^{_OPEN_QUOTE}{_CLOSE_QUOTE}\n]{{1,40}})[{_CLOSE_QUOTE}]")
_POLAR = re.compile(r"\b(yes)(?: or |\s?/\s?)(no)\b|\b(true)(?: or |\s?/\s?)(false)\b", re.IGNORECASE)
_EASTERN = (
    re.compile(r"を(?P<list>[^。をに]+、[^。をに]+?)(?:のいずれか|のどれか)?に(?:分類|分け|仕分け|振り分け)"),
    re.compile(r"(?:分为|分成|分類為|归类为|归为|标注为|分类为)(?P<list>[^。；]+)"),
)
_EASTERN_SPLIT = re.compile(r"[、，,]|和|或者|或|と|または|か(?=[、に])")
_BARE_PAIR = re.compile(r"^\s*(?P<list>[\w-]+ or [\w-]+)\s*\?\s*$", re.IGNORECASE)

_ARTICLE = re.compile(
    r"^(?:(?:the|an?|either|or|and|oder|und|ou|et|der|die|das|le|la|les|l'|el|los|las|being|as|rather)\s+)+",
    re.IGNORECASE,
)
_NOT_A_LABEL = re.compile(
    r"^(?:not|no|none of.*|something|anything|other than.*|so on|etc\.?|more|similar|the like|such|it"
    r"|them|they|this|that|which|what"
    r"|our|your|my|these|those|one|two|three|both|to .*|by .*|each .*|for .*|in (?:one|a|the) .*)$",
    re.IGNORECASE,
)
_IN_ORDER = re.compile(
    r"\s*\(?\b(?:in (?:this|that|the same) order|in dieser reihenfolge|dans cet ordre)\)?\W*$", re.IGNORECASE
)
_NUMBERED = re.compile(r"(?P<number>[-\u2212]?\d{1,2})\s+(?P<name>[^\W\d].*)")
MOST_WORDS = 4
"""Of an item in running text; after a colon, in bullets and in quotes a label may be a phrase."""
MOST_WORDS_OF_A_PAIR = 2
"""`hateful towards immigrants or women` is one thing to detect, not two labels."""
MOST_WORDS_LISTED = 12


def listed_labels(request: str) -> tuple[str, ...]:
    """The labels that a classification request enumerates, in its order; empty where it does not."""
    for found in (_bullets(request), _quoted(request), _long_list(request), _polar(request), _eastern(request)):
        if found:
            return found
    for inline in _inline(request):
        items = _split(inline)
        labels = _accepted(items, MOST_WORDS if len(items) > 2 else MOST_WORDS_OF_A_PAIR)
        if labels:
            return labels
    return _slashed(request)


def _bullets(request: str) -> tuple[str, ...]:
    items = [match["item"].split(":")[0].split(" - ")[0].split(" – ")[0] for match in _BULLET.finditer(request)]
    return _accepted(items, MOST_WORDS_LISTED)


def _quoted(request: str) -> tuple[str, ...]:
    """Quoted words side by side, with nothing but commas and conjunctions between them."""
    run: list[re.Match[str]] = []
    for match in _QUOTED.finditer(request):
        between = request[run[-1].end() : match.start()] if run else ""
        if run and not re.fullmatch(r"\s*(?:,|/|\bor\b|\band\b|\boder\b|\bund\b|\bou\b|\bo\b|\s)*\s*", between):
            if len(run) > 1:
                break
            run = []
        run.append(match)
    return _accepted([match["item"] for match in run], MOST_WORDS_LISTED)


def _long_list(request: str) -> tuple[str, ...]:
    """Phrases after a colon that follows a word for labels, as in `The queues are: this or that, and the rest`."""
    intro = (
        r"\b(?:labels?|categories|classes|queues?|topics?|intents?|departments?|folders|types"
        r"|options|groups)\b[^.:\n]{0,30}:\s*"
    )
    match = re.search(rf"{intro}(?P<list>[^.\n]+)", request, re.IGNORECASE)
    if not match or match["list"].count(",") + match["list"].count(";") < 2:
        return ()
    return _accepted(_split(match["list"]), MOST_WORDS_LISTED)


def _polar(request: str) -> tuple[str, ...]:
    match = _POLAR.search(request)
    return tuple(group.lower() for group in match.groups() if group) if match else ()


def _eastern(request: str) -> tuple[str, ...]:
    for pattern in _EASTERN:
        match = pattern.search(request)
        if match:
            return _accepted([part for part in _EASTERN_SPLIT.split(match["list"]) if part], MOST_WORDS_LISTED)
    return ()


def _inline(request: str) -> Iterator[str]:
    for pattern in (_BARE_PAIR, _VERB_LAST, _VERDICT_LAST, _PARENTHESIS):
        yield from (match["list"] for match in pattern.finditer(request))
    start = 0
    # Overlapping matches matter: in `decide if it is as good, bad or ugly` an early trigger must not hide a later one.
    while match := _TRIGGER.search(request, start):
        yield match["list"]
        start = match.start() + 1


def _slashed(request: str) -> tuple[str, ...]:
    for match in _SLASHES.finditer(request):
        parts = [part.strip() for part in match.group().split("/")]
        if len(parts) > 2 or re.search(rf"\b(?:as|into|is|label\w*|:|\()\s*{re.escape(match.group())}", request):
            return _accepted(parts, MOST_WORDS)
    return ()


def _split(text: str) -> list[str]:
    """At commas; at the last conjunction too, unless the items are phrases that contain conjunctions themselves."""
    parts = [part.strip() for part in re.split(r"[,;]", text) if part.strip()]
    if len(parts) > 2 and _ARTICLE.match(parts[-1]) and re.match(r"(?:or|and|oder|und|ou|et|o|y)\s", parts[-1]):
        return parts
    last = re.split(_CONJUNCTION, parts[-1]) if parts else []
    return [*parts[:-1], *last] if len(last) == 2 else parts


def _accepted(items: list[str], most_words: int) -> tuple[str, ...]:
    labels = tuple(dict.fromkeys(_clean(item) for item in items))
    if not 2 <= len(labels) <= 200:
        return ()
    if any(not label or len(label.split()) > most_words or _NOT_A_LABEL.match(label) for label in labels):
        return ()
    return _without_numbers(labels)


def _without_numbers(labels: tuple[str, ...]) -> tuple[str, ...]:
    """`0 no, 1 yes` are the classes no and yes; `1 star, 2 stars` are told by their numbers."""
    found = [match for label in labels if (match := _NUMBERED.fullmatch(label))]
    names = {match["name"].casefold().rstrip("s") for match in found}
    counted = sorted({int(match["number"].replace("\u2212", "-")) for match in found})
    in_a_row = counted == list(range(min(counted, default=0), len(labels) + min(counted, default=0)))
    if not (len(found) == len(names) == len(labels) and in_a_row):
        return labels
    return tuple(match["name"] for match in found)


def _clean(item: str) -> str:
    bare = _IN_ORDER.sub("", item.strip()).strip(_OPEN_QUOTE + _CLOSE_QUOTE + "*: ").rstrip(".,;")
    return _ARTICLE.sub("", bare).strip()
