"""Answers that are no labels: lists and objects as JSON text, several right answers, and none at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from p2m_agent.importing.labels.lists import as_list
from p2m_agent.rows.column_profile import as_json, text_of

_LIST = re.compile(
    r"\b(?:lists?|all|every|each|json|array|liste|listen|alle[nrs]?|sämtliche|tou(?:s|te|tes)|chaque|lista|list[ae]r?"
    r"|todos|todas"
    r"|cada|tutt[ie]|elenco|elenca|ogni|lijst|elk)\b|所有|全部|列出|すべて|全て|一覧",
    re.IGNORECASE,
)
_RIGHT_ANSWERS = re.compile(
    r"(?:.*[._ ])?(?:answers?|alias(?:es)?|(?:human_)?references?"
    r"|gold\w*|golden\w*|ground_truths?|(?:possible|accepted|valid)\w*"
    r"|targets|responses|captions|paraphrases|solutions|translations|text)",
    re.IGNORECASE,
)
STANDS = 0.8
"""Share of the items that stand in their inputs word for word, from which they are read out of them."""


def asks_for_list(request: str) -> bool:
    """Whether a request wants all of something."""
    return _LIST.search(request) is not None


def holds_objects(values: Sequence[object]) -> bool:
    """Whether most cells are objects, or lists of them."""
    filled = [as_list(value) if str(value).startswith("[{") else value for value in values if value is not None]
    objects = sum(
        isinstance(value, dict) or (isinstance(value, list | tuple) and any(isinstance(each, dict) for each in value))
        for value in filled
    )
    return objects * 2 > len(filled)


def read_out(lists: Iterable[tuple[Sequence[object], str]]) -> bool:
    """Whether items are read out of their inputs, rather than said about them.

    Args:
        lists: Items with the text of the input.
    """
    pairs = [(text_of(item).casefold(), text.casefold()) for items, text in lists for item in items]
    return bool(pairs) and sum(item in text for item, text in pairs) >= STANDS * len(pairs)


def are_alternatives(lists: Sequence[Sequence[object]], column: str) -> bool:
    """Whether the items of a list are one answer in several wordings, of which the first is enough."""
    several = [[text_of(item) for item in items] for items in lists if len(items) > 1]
    if not several:
        return True
    alike = sum(_alike(items) for items in several) * 2 > len(several)
    return alike or _RIGHT_ANSWERS.fullmatch(column) is not None


def _alike(items: Sequence[str]) -> bool:
    """Whether items repeat each other in part."""
    words = [set(re.findall(r"\w+", item.casefold())) for item in items]
    first, *rest = words
    return all(len(first & other) * 3 >= len(first | other) for other in rest)


def list_as_text(value: object) -> str:
    """A list, or a text that writes one, as JSON text."""
    return as_json(as_list(value))


def text_of_inputs(row: Mapping[str, object], columns: Iterable[str]) -> str:
    """What a model would read of a row."""
    return "\n".join(text_of(row.get(column)) for column in columns)
