"""Where in one prompt the text stands: by its tags, keys, quotes, fences, examples and paragraphs.

Nothing here knows of other prompts. Every reader gives the text that it finds, or None; they are asked in the order in
which callers mean them, the most explicit first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from p2m_agent.delivery.dropin.input_fields import as_text, objects_in
from p2m_agent.delivery.dropin.instructions import keys, label_pattern, labels_in, paragraphs, signs

# Repetitions are bounded: a prompt of spaces or stars must not take the square of its length.
_OPENING = re.compile(r"<([A-Za-z_][\w.-]{0,40})(?:\s[^<>]{0,200})?>")
_FENCE = re.compile(r"(```|~~~|\"\"\"|''')(?:[a-z]{0,10}\n)?(.*?)\1", re.DOTALL)
_MARKERS = re.compile(r"\[\[ ## (\w+) ## \]\][ \t]*\n(.*?)(?=\n\s{0,9}\[\[ ## |\n\s{0,9}Respond with|\Z)", re.DOTALL)
_RULE = re.compile(r"^[ \t]*(?:-{3,}|={3,}|\*{3,}|#{3,}|_{3,}|~{3,})[ \t]*$", re.MULTILINE)
_KEY = re.compile(
    r"^[ \t]{0,9}(?:[-*#>]{1,6}[ \t]{0,9}|\d{1,4}[.)][ \t]{0,9})?[*_`]{0,4}(?P<key>[^\W\d_][^\n:：*`\"“«]{0,40}?)"
    r"[*_`]{0,4}[ \t]{0,9}[:：][*_]{0,4}[ \t]{0,9}",
    re.MULTILINE,
)
_HEADING = re.compile(r"^[ \t]*#{1,6}[ \t]+(?P<key>[^\n:]{1,40}?):?[ \t]*$", re.MULTILINE)
_QUOTES = (
    ('"', '"'),
    ("“", "”"),
    ("„", "“"),
    ("«", "»"),
    ("»", "«"),
    ("「", "」"),
    ("『", "』"),
    ("‘", "’"),
    ("`", "`"),
)
_ARROW = r"[ \t]{0,9}(?:->|=>|→|⇒|==>|-->|\|)[ \t]{0,9}"
_INLINE_KEY = r"(?:(?<=[.:!?。：)\]])|(?<=\n)|^)[ \t]{{0,9}}(?:the[ \t])?({keys})[ \t]{{0,9}}[:：][ \t]{{0,9}}"


@dataclass(frozen=True)
class Prompt:
    """One prompt and what is known of its task."""

    text: str
    labels: tuple[str, ...] = ()
    fields: tuple[str, ...] = ("text",)

    def instructs(self, part: str) -> bool:
        """Whether a part of it tells a model what to do, or lists labels."""
        return signs(part, self.labels) > 0

    def lists_labels(self, part: str) -> bool:
        """Whether it names several labels, or is one; one alone may be a word of a text."""
        return len(labels_in(part, self.labels)) > 1 or bool(
            self.labels and label_pattern(self.labels).fullmatch(part.strip())
        )

    def names_text(self, key: str) -> bool:
        """Whether callers call the text so, in one word or in several."""
        parts = set(re.split(r"[\s_/’'-]+", key.casefold()))
        if parts & (keys("answer") | keys("neither")) and not parts & {"input"}:
            return False
        return bool(parts & (keys("text") | {field.casefold() for field in self.fields}))

    def names_answer(self, key: str) -> bool:
        """Whether callers call the answer so."""
        return bool(set(re.split(r"[\s_/’'-]+", key.casefold())) & keys("answer"))


@dataclass(frozen=True)
class _Tag:
    name: str
    body: str
    whole: str


def _tags(text: str) -> Iterator[_Tag]:
    """Tags with what they hold, one after the other; those that are never closed are text."""
    at, never = 0, set[str]()
    while opening := _OPENING.search(text, at):
        at, name = opening.end(), opening[1]
        end = -1 if name in never else text.find(f"</{name}>", at)
        if end < 0:
            never.add(name)  # nor will a later one be
            continue
        at = end + len(name) + 3
        yield _Tag(name, text[opening.end() : end].strip(), text[opening.start() : at])


Find = Callable[[Prompt], str | None]


def wrapped_whole(prompt: Prompt) -> str | None:
    """The text where nothing but marks stands around it: an object with one text, a tag, a fence."""
    text = prompt.text.strip()
    if text.startswith("{") and text.endswith("}"):
        return in_object(prompt)
    tag = next(_tags(text), None)
    if tag and len(tag.whole) == len(text) and tag.body and "<" not in tag.body:
        return tag.body
    fenced = _FENCE.fullmatch(text)
    return fenced[2].strip() or None if fenced and fenced[1] not in fenced[2] else None


def in_object(prompt: Prompt) -> str | None:
    """The value that holds the text in the last JSON object that has one."""
    for value in reversed(list(objects_in(prompt.text))):
        texts = {name: as_text(each) for name, each in value.items() if isinstance(each, str) and each.strip()}
        named = [each for name, each in texts.items() if prompt.names_text(name)]
        apart = keys("answer") | keys("neither")
        others = [each for name, each in texts.items() if name.casefold() not in apart and not prompt.instructs(each)]
        if named or len(others) == 1:
            return (named or others)[-1].strip()
    return None


def in_markers(prompt: Prompt) -> str | None:
    """What stands under the marker of an input field: `[[ ## text ## ]]`, as DSPy writes it."""
    found = [(name, body) for name, body in _MARKERS.findall(prompt.text) if body.strip()]
    named = [body for name, body in found if prompt.names_text(name)] or [body for _, body in found]
    return str(named[-1]).strip() if named else None


def in_tags(prompt: Prompt) -> str | None:
    """What the last tag of the text holds; tags of examples and instructions are others."""
    found = [(tag.name, tag.body) for tag in _tags(prompt.text) if tag.body]
    named = [body for name, body in found if prompt.names_text(name) and "<" not in body]
    if named:
        return named[-1]
    names = {name for name, _ in found}
    unknown = [body for name, body in found if name.casefold() not in keys("neither") | keys("answer")]
    return unknown[-1] if unknown and len(names) <= 2 and not prompt.instructs(unknown[-1]) else None


def in_fence(prompt: Prompt) -> str | None:
    """What stands last between fences or three quotes; an object in them is read as one."""
    for _, body in reversed(_FENCE.findall(prompt.text)):
        inner = str(body).strip()
        if inner.startswith("{"):
            inner = in_object(Prompt(inner, prompt.labels, prompt.fields)) or ""
        if inner and not prompt.lists_labels(inner):
            return inner
    return None


def between_rules(prompt: Prompt) -> str | None:
    """The last part between lines of dashes that instructs nobody."""
    parts = [part.strip() for part in _RULE.split(prompt.text)]
    if len(parts) < 2:
        return None
    enclosed = parts[1:-1] or parts  # what stands between two of them, if there are two
    texts = [part for part in enclosed if part and not prompt.instructs(part) and not _only_key(prompt, part)]
    return behind_key(Prompt(texts[-1], prompt.labels, prompt.fields)) or texts[-1] if texts else None


def behind_key(prompt: Prompt) -> str | None:
    """What stands behind the last key of the text ("Message: …"), up to the key of the answer or an instruction."""
    text = _without_answer_key(prompt)
    starts = [
        found.end() for found in (*_KEY.finditer(text), *_HEADING.finditer(text)) if prompt.names_text(found["key"])
    ]
    starts = [at for at in starts if _says_something(prompt, text[at:])]
    if not starts:
        starts = [found.end() for found in _inline_keys(prompt).finditer(text) if text[found.end() :].strip()]
    return _closed(prompt, text[max(starts) :]) if starts else None


def before_answer_key(prompt: Prompt) -> str | None:
    """What stands behind the last key, in whatever language, where an empty key is at the end."""
    text = _without_answer_key(prompt)
    starts = [found.end() for found in _KEY.finditer(text) if _says_something(prompt, text[found.end() :])]
    return _closed(prompt, text[starts[-1] :]) if starts and text != prompt.text else None


def behind_examples(prompt: Prompt) -> str | None:
    """What follows the last example, a text with its label, in the way in which the examples are written."""
    text = _without_answer_key(prompt)
    label = rf"[\"'`*<(\[]*(?:{label_pattern(prompt.labels).pattern})[\"'`*>)\]]*\.?"
    shown = re.compile(rf"(?:{_ARROW}|[:：=][ \t]{{0,9}}|\n){label}[ \t]{{0,9}}\|?[ \t]{{0,9}}(?=\n|$)", re.IGNORECASE)
    examples = list(shown.finditer(text)) if prompt.labels else []
    if not examples:
        return None
    tail = text[examples[-1].end() :].strip()
    rest = [part for part in paragraphs(tail) if not prompt.instructs(part)]
    return _unquoted(_without_same_key(_unnumbered(rest[-1]), text[: examples[-1].end()])) if rest else None


def in_quotes(prompt: Prompt) -> str | None:
    """The last quoted part that is more than a word or two and no label."""
    spans: list[tuple[int, str]] = []
    for opening, closing in _QUOTES:
        pattern = re.compile(
            rf"(?<!\w)(?P<colon>[:：]\s*)?{re.escape(opening)}(?P<body>[^\n]*?){re.escape(closing)}(?!\w)"
        )
        found = [each for each in pattern.finditer(prompt.text) if each["colon"] or len(each["body"].split()) > 2]
        spans += [(each.start("body"), each["body"].strip()) for each in found]
    texts = [(at, body) for at, body in spans if body and not prompt.lists_labels(body)]
    return max(texts)[1] if texts else None


def outside_instructions(prompt: Prompt) -> str | None:
    """What is left without the instructions at both ends: paragraphs first, then lines, then clauses."""
    for split, glue in ((paragraphs, "\n\n"), (str.splitlines, "\n"), (_clauses, " ")):
        parts = [part for part in split(prompt.text) if part.strip()]
        kept = _stripped(prompt, parts)
        if kept and len(kept) < len(parts):
            return _unquoted(glue.join(kept).strip())
    return None


MARKUP: tuple[Find, ...] = (in_markers, in_object, in_tags, in_fence)
"""Whose marks stand around the text, whatever else varies."""
SURE: tuple[Find, ...] = (*MARKUP, between_rules)
"""Whose finds are taken at a single sign of a prompt."""
READERS: tuple[Find, ...] = (
    *MARKUP,
    behind_key,
    behind_examples,
    before_answer_key,
    between_rules,
    in_quotes,
    outside_instructions,
)
"""The most explicit first."""


def has_markers(prompt: Prompt) -> bool:
    """Whether it names its fields as DSPy does."""
    return "[[ ## " in prompt.text


def ends_in_answer_key(prompt: Prompt) -> bool:
    """Whether its last line is the key of an answer that is to come: "Label:"."""
    return _without_answer_key(prompt) != prompt.text


def begins_with_text_key(prompt: Prompt) -> bool:
    """Whether it begins as a field does: "Message: …"."""
    found = _KEY.match(prompt.text.lstrip())
    return bool(found and len(found["key"].split()) < 4 and prompt.names_text(found["key"]))


def _without_answer_key(prompt: Prompt) -> str:
    text = prompt.text.rstrip()
    head, _, last = text.rpartition("\n")
    match = re.fullmatch(r"[\s*_#>`-]*([^\W\d_][^:：\n]{0,40}?)[\s*_`]*([:：]|->|=>|→)[\s*_\"“`<]*", last)
    if match and not prompt.names_text(match[1]):
        named = prompt.names_answer(match[1]) and len(match[1].split()) < 4
        if named or (head.strip() and match[2] in ":："):
            return head
    arrow = re.fullmatch(rf"(.*\S){_ARROW}", last.rstrip())
    return "\n".join([head, arrow[1]]).strip("\n") if arrow else prompt.text


def _says_something(prompt: Prompt, rest: str) -> bool:
    return bool(rest.strip()) and not prompt.instructs(paragraphs(rest)[0].splitlines()[0])


def _only_key(prompt: Prompt, part: str) -> bool:
    found = _KEY.fullmatch(part.strip() + " ")
    return bool(found and (prompt.names_answer(found["key"]) or prompt.names_text(found["key"])))


def _inline_keys(prompt: Prompt) -> re.Pattern[str]:
    names = sorted(keys("text") | {field.casefold() for field in prompt.fields}, key=len, reverse=True)
    return re.compile(_INLINE_KEY.format(keys="|".join(map(re.escape, names))), re.IGNORECASE)


def _closed(prompt: Prompt, rest: str) -> str:
    """A text without instructions behind it: whole paragraphs, then lines."""
    parts = paragraphs(rest)
    while len(parts) > 1 and (prompt.instructs(parts[-1]) or _only_key(prompt, parts[-1])):
        parts.pop()
    lines = "\n\n".join(parts).strip().splitlines()
    while len(lines) > 1 and (prompt.instructs(lines[-1]) or _only_key(prompt, lines[-1])):
        lines.pop()
    return _unquoted(re.sub(r"^[|>]-?\n\s*", "", "\n".join(lines).strip()))  # YAML marks texts of lines so


def _stripped(prompt: Prompt, parts: Sequence[str]) -> list[str]:
    kept = list(parts)
    while kept and _is_instruction(prompt, kept[0]):
        kept.pop(0)
    while kept and _is_instruction(prompt, kept[-1]):
        kept.pop()
    return kept


def _is_instruction(prompt: Prompt, part: str) -> bool:
    """A list of one label a line is one too."""
    bare = re.sub(r"^[\s\-*•\d.)]+", "", part).strip()
    listed = bool(prompt.labels) and bool(label_pattern(prompt.labels).match(bare)) and len(bare) < 120
    return prompt.instructs(part) or listed or _only_key(prompt, part)


def _clauses(text: str) -> list[str]:
    """Sentences; a colon ends one that instructs."""
    return [part for part in re.split(r"(?<=[.!?:：。])\s+|(?<=[:：。])", text) if part.strip()]


def _without_same_key(text: str, before: str) -> str:
    """Without the key that earlier texts have too."""
    found = _KEY.match(text)
    return text[found.end() :] if found and re.search(rf"{re.escape(found['key'])}[*_`]*[ \t]*[:：]", before) else text


def _unnumbered(text: str) -> str:
    """Without the mark of a list, or the bars of a table."""
    return re.sub(r"^\s*(?:\d+[.)]|[-*•|])\s{1,9}|\s{0,9}\|\s{0,9}$", "", text)


def _unquoted(text: str) -> str:
    """Without one pair of quotes around all of it."""
    for opening, closing in _QUOTES:
        if len(text) > 2 and text.startswith(opening) and text.endswith(closing):
            inner = text[len(opening) : -len(closing)]
            if opening not in inner and closing not in inner:
                return inner.strip()
    return text
