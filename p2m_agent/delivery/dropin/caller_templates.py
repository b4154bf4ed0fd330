"""The constant parts that callers put around their texts, learnt by laying prompts beside each other."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from p2m_agent.errors import UsageError

_REMEMBERED, _KEPT = 32, 64
"""Prompts that a new one is laid beside, and templates that are kept."""
_FEWEST_CHARS, _FEWEST_WORDS = 12, 2
"""Of a constant part: shorter ones come about by chance."""
_PLAINLY_CONSTANT = 30
"""Characters that no two texts of customers begin or end with; fewer, which instruct nobody, take a third prompt."""
_PREFIX_END = re.compile(r"(?:[:：<>\[\](){}|\"'“„«`#=-]|(?<!,)\n|[:：]\s*)\s*", re.DOTALL)
_SUFFIX_START = re.compile(r"\s{0,9}(?:\n|[<>\[\](){}|\"'”“»`#=]|\s->)", re.DOTALL)


@dataclass(frozen=True)
class CallerTemplate:
    """What stands before and behind the text."""

    prefix: str
    suffix: str

    def slot(self, prompt: str) -> str | None:
        """The text in a prompt that was made with it."""
        if not (prompt.startswith(self.prefix) and prompt.endswith(self.suffix)):
            return None
        inner = prompt[len(self.prefix) : len(prompt) - len(self.suffix)]
        return inner.strip() if len(prompt) > len(self.prefix) + len(self.suffix) and inner.strip() else None


def parse_template(template: str, fields: Sequence[str]) -> CallerTemplate:
    """A template that a person wrote, with `{text}` or `{NAME OF THE FIELD}` where the text goes.

    Raises:
        UsageError: there is no place for a text, or several.
    """
    places = [(template.find(mark), mark) for mark in ("{text}", "{input}", *(f"{{{name}}}" for name in fields))]
    there = sorted({place for place in places if place[0] >= 0})
    if len(there) != 1 or template.count(there[0][1]) != 1:
        raise UsageError("A template has one place for the text.", "Write --template 'Classify this: {text}'.")
    at, mark = there[0]
    return CallerTemplate(template[:at], template[at + len(mark) :])


@dataclass
class TemplateMemory:
    """Templates given and learnt. Two prompts that share enough around different texts make one, which is kept."""

    given: tuple[CallerTemplate, ...] = ()
    instructs: Callable[[str], bool] = lambda _part: False
    """Whether a constant part tells a model what to do, so that two prompts are enough."""
    _doubtful: list[CallerTemplate] = field(default_factory=list)
    _learnt: list[CallerTemplate] = field(default_factory=list)
    _seen: deque[str] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    @property
    def templates(self) -> list[CallerTemplate]:
        """All of them, those with the most around the text first."""
        learnt = sorted(self._learnt, key=lambda one: -len(one.prefix) - len(one.suffix))
        return [*self.given, *learnt]

    def template_of(self, prompt: str) -> tuple[CallerTemplate, str] | None:
        """The first template that a prompt was made with, and the text in it; None where there is none."""
        return next(((one, slot) for one in self.templates if (slot := one.slot(prompt)) is not None), None)

    def see(self, prompts: Iterable[str]) -> None:
        """Learn from prompts as they come. One prompt, however often, teaches nothing: all of it is the same."""
        for prompt in prompts:
            if prompt in self._seen:
                continue
            if self.template_of(prompt) is None:
                self._learn(prompt)
            self._seen.append(prompt)

    def _learn(self, prompt: str) -> None:
        shared = [one for other in self._seen if (one := common_template(prompt, other))]
        sure = [one for one in shared if self._plain(one) or one in self._doubtful]
        self._doubtful = [*self._doubtful, *shared][-_KEPT:]
        if sure and len(self._learnt) < _KEPT:
            best = max(sure, key=lambda one: len(one.prefix) + len(one.suffix))
            # One learnt before that is part of neither: what seemed constant was not, and the shorter one is right.
            self._learnt = [one for one in self._learnt if not _widens(best, one)]
            self._learnt.append(best)

    def _plain(self, one: CallerTemplate) -> bool:
        return len(one.prefix + one.suffix) >= _PLAINLY_CONSTANT or self.instructs(one.prefix + "\n" + one.suffix)


def common_template(one: str, other: str) -> CallerTemplate | None:
    """What two prompts share at both ends, cut back to where a template would end; None where that is too little."""
    prefix = _prefix(_shared(one, other))
    rest = (one[len(prefix) :], other[len(prefix) :])
    suffix = _suffix(_shared(rest[0][::-1], rest[1][::-1])[::-1])
    middles = [part[: len(part) - len(suffix)].strip() for part in rest]
    constant = f"{prefix} {suffix}"
    enough = len(constant.strip()) >= _FEWEST_CHARS and len(re.findall(r"\w+", constant)) >= _FEWEST_WORDS
    return CallerTemplate(prefix, suffix) if enough and all(middles) and middles[0] != middles[1] else None


def _shared(one: str, other: str) -> str:
    """Their common beginning; by halving, as prompts are long."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one.startswith(other[:middle]) else (low, middle - 1)
    return one[:low]


def _prefix(shared: str) -> str:
    """Up to the last mark that a template ends with; a salutation, which ends with a comma, is part of a text."""
    ends = [found.end() for found in _PREFIX_END.finditer(shared)]
    return shared[: ends[-1]] if ends else ""


def _suffix(shared: str) -> str:
    """From the first mark that can stand behind a text; a closing formula, which has a comma, is part of it."""
    start = _SUFFIX_START.search(shared)
    found = shared[start.start() :] if start else ""
    first = found.strip().splitlines()[0] if found.strip() else ""
    return "" if first.endswith(",") else found


def _widens(wide: CallerTemplate, narrow: CallerTemplate) -> bool:
    return narrow.prefix.startswith(wide.prefix) and narrow.suffix.endswith(wide.suffix)
