"""Prodigy: what was accepted; what was rejected is not the label, what was ignored is nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from p2m_agent.importing.schema.annotated import Annotations, Item
from p2m_agent.importing.schema.cells import entries, is_absent, listed, peek, share, text_of
from p2m_agent.importing.schema.shaped import Asked, Row, Shape, Shaped
from p2m_agent.rows.column_profile import columns_of
from p2m_agent.types.doubts import Doubt

ANSWERS = ("accept", "reject", "ignore")
META = ("answer", "label", "options", "accept", "meta", "spans", "tokens", "config", "style")


def _read(rows: Iterable[Row], request: Asked) -> Shaped:
    sample, stream = peek(rows)
    every = list(stream)  # a text stands once a label, so all of them are needed before one is settled
    names = {text_of(row.get("label")) for row in every if not _has_options(row)} - {""}
    only = next(iter(names)) if len(names) == 1 and any(row.get("answer") == "reject" for row in every) else ""
    found = Annotations("Prodigy", "label", read=len(every))
    found.labels = tuple(dict.fromkeys(text_of(o.get("id")) for row in sample for o in entries(row.get("options"))))
    found.several = any(_style(row) == "multiple" for row in sample)
    found.doubts += _binary(only)
    items: dict[str, Item] = {}
    for row in every:
        item = items.setdefault(_key(row), Item(row, _inputs(row)))
        _vote(item, row, found, only)
    accepted = [item for item in items.values() if item.votes]
    found.items = accepted
    return found.shaped(request, [name for name in columns_of(sample) if name not in ("text", "label", "accept")])


def _sniff(rows: Sequence[Row]) -> float:
    answers = share(row.get("answer") in ANSWERS for row in rows)
    names = set(columns_of(rows))
    own = any(name.startswith("_") and name.endswith("_hash") for name in names)
    chosen = "label" in names or {"options", "accept"} <= names
    return answers if chosen and (own or len(names) > 2) and names & {"text", "html", "image"} else 0.0


def _vote(item: Item, row: Row, found: Annotations, only: str) -> None:
    """Add what one row says of its text; a row that says nothing that can be learnt is left out."""
    answer = row.get("answer")
    who = text_of(row.get("_annotator_id") or row.get("_session_id"))
    said = tuple(map(text_of, listed(row.get("accept")))) if _has_options(row) else (text_of(row.get("label")),)
    if only and not _has_options(row) and answer == "reject":
        item.votes[who] = (f"not {only}",)
    elif answer == "reject":
        found.leave(row, "rejected label", text_of(row.get("label")))
    elif answer != "accept":
        found.leave(row, "ignored" if answer == "ignore" else "no answer")
    elif not any(said) and not found.several:
        found.leave(row, "nothing was chosen")
    else:
        item.votes[who] = tuple(dict.fromkeys((*item.votes.get(who, ()), *filter(None, said))))


def _has_options(row: Row) -> bool:
    return bool(row.get("options")) or "accept" in row


def _style(row: Row) -> str:
    config = row.get("config")
    return text_of(config.get("choice_style")) if isinstance(config, dict) else ""


def _key(row: Row) -> str:
    return text_of(row.get("_input_hash")) or text_of(row.get("text")) or text_of(row.get("html"))


def _inputs(row: Row) -> dict[str, str]:
    known = [name for name in ("title", "text", "html") if not is_absent(row.get(name))]
    return {name: text_of(row.get(name)) for name in known[:2]}


def _binary(only: str) -> list[Doubt]:
    if not only:
        return []
    done = f"What was rejected has the label 'not {only}'."
    return [Doubt(kind="label_names", text=f"Every row asks about one label, {only!r}.", done=done, grave=True)]


SHAPE = Shape("Prodigy", _sniff, _read, specific=4)
