"""Labelled rows and examples for tests, every text different."""

from __future__ import annotations

from p2m_agent.types.rows import Example, Source

SOURCE = Source(origin="user", ref="rows.jsonl")
_WORDS = [
    "lamp",
    "kettle",
    "garden",
    "mower",
    "fence",
    "hammer",
    "bench",
    "paint",
    "shovel",
    "basket",
    "window",
    "ladder",
]
_TALK = [
    "please",
    "quickly",
    "about",
    "yesterday",
    "again",
    "without",
    "really",
    "still",
    "nothing",
    "today",
    "somewhere",
]


def sentence(number: int) -> str:
    """A sentence that is like no other one."""
    words = [
        _WORDS[number % 12],
        _TALK[number // 12 % 11],
        _WORDS[(number // 7 + 3) % 12],
        _TALK[(number * 5 + 2) % 11],
    ]
    return f"{' '.join(words)} {chr(97 + number % 26) * 3}{chr(97 + number // 26 % 26) * 3}"


def example(text: str, output: str = "a") -> Example:
    """One example with the input field `text`."""
    return Example(input={"text": text}, output=output, source=SOURCE)


def examples(count: int, labels: tuple[str, ...] = ("a", "b"), start: int = 0) -> list[Example]:
    """Examples whose labels take turns."""
    return [example(sentence(start + n), labels[n % len(labels)]) for n in range(count)]


def rows(count: int, labels: tuple[str, ...] = ("a", "b"), start: int = 0) -> list[dict[str, object]]:
    """The same as raw rows with the columns `text` and `label`."""
    return [{"text": each.input["text"], "label": each.output} for each in examples(count, labels, start)]
