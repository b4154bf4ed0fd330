"""Training files of dialogue systems: utterances by intent, with entities marked in them."""

from __future__ import annotations

from collections.abc import Iterable

from p2m_agent.importing.schema.annotated import Annotations, Item
from p2m_agent.importing.schema.shaped import Asked, Row, Shaped


def intents_shaped(
    shape: str, found: Iterable[tuple[Row, str, str]], request: Asked, splits: Iterable[str] = ()
) -> Shaped:
    """A table of utterances with their intents.

    Args:
        shape: Name of the schema.
        found: Row of the file, text and intent of each utterance.
        request: What a person asked.
        splits: The part that each belongs to, where the file says so.
    """
    table = Annotations(shape, "intent")
    for row, text, intent in found:
        table.items.append(Item(row, {"text": text}, {"": (intent,)} if intent else {}, reason="no intent"))
    for item, split in zip(table.items, splits, strict=False):
        item.split = split
    table.labels = tuple(dict.fromkeys(vote[0] for item in table.items for vote in item.votes.values()))
    for item in [each for each in table.items if not each.inputs["text"]]:
        table.items.remove(item)
        table.leave(item.source, "empty input")
    return table.shaped(request)
