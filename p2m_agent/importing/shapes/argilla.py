"""Argilla, versions 1 and 2: people's submitted responses are the answer, suggestions and predictions never are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from p2m_agent.importing.schema.annotated import Annotations, Item, several_questions
from p2m_agent.importing.schema.cells import (
    entries,
    entry,
    is_absent,
    is_wordy,
    listed,
    peek,
    share,
    text_of,
)
from p2m_agent.importing.schema.shaped import Asked, Row, Shape, Shaped
from p2m_agent.rows.column_profile import columns_of
from p2m_agent.types.doubts import Doubt

META = {"id", "status", "_server_id", "external_id", "metadata", "vectors", "external-id", "score", "split"}
SUBMITTED = ("submitted", "")
"""States of a response that counts; the others are drafts, pending or discarded."""


def _read(rows: Iterable[Row], request: Asked) -> Shaped:
    sample, stream = peek(rows)
    questions = _questions(sample)
    question = _best(questions, sample, request)
    others = [name for name in questions if name != question]
    found = Annotations("Argilla", question)
    found.doubts += several_questions(question, others) + _stateless(sample, question)
    fields = _fields(sample, questions)
    for row in stream:
        found.read += 1
        texts = entry(row.get("fields")) or {name: row.get(name) for name in fields}
        item = Item(row, {name: text_of(value) for name, value in texts.items()})
        _vote(item, _responses(row, question))
        found.items.append(item)
    unread = [
        name for name in columns_of(sample) if name not in (*fields, "fields", "responses", f"{question}.responses")
    ]
    return found.shaped(request, unread)


def _sniff(rows: Sequence[Row]) -> float:
    return 1.0 if rows and _questions(rows) else 0.0


def _questions(rows: Sequence[Row]) -> list[str]:
    """What people were asked, in whichever form the rows are."""
    names = columns_of(rows)
    flat = [name.removesuffix(".responses") for name in names if name.endswith(".responses")]
    if flat and any(f"{name}.responses.{each}" in names for name in flat for each in ("status", "users")):
        return flat
    if {"fields", "responses"} <= set(names):
        answered = [_by_question(row.get("responses")) for row in rows]
        asked = [list(entry(row.get("suggestions"))) for row in rows]
        return list(dict.fromkeys(name for each in (*map(list, answered), *asked) for name in each))
    listed_ones = [name for name in names if f"{name}-suggestion" in names or f"{name}-suggestion-metadata" in names]
    return [name for name in listed_ones if share(_is_response(row.get(name)) for row in rows) == 1]


def _is_response(value: object) -> bool:
    found = listed(value)
    return all({"value", "status"} <= entry(each).keys() for each in found)


def _responses(row: Row, question: str) -> list[tuple[str, object, str]]:
    """Who said what, and in which state it is."""
    flat = f"{question}.responses"
    if flat in row:
        values = listed(row[flat])
        users, states = (listed(row.get(f"{flat}.{each}")) for each in ("users", "status"))
        return [
            (text_of(users[n]) if n < len(users) else str(n), value, text_of(states[n]) if n < len(states) else "")
            for n, value in enumerate(values)
        ]
    given = _by_question(row.get("responses")).get(question, []) if "responses" in row else entries(row.get(question))
    return [(text_of(each.get("user_id")), each.get("value"), text_of(each.get("status"))) for each in given]


def _by_question(value: object) -> dict[str, list[dict[str, object]]]:
    """Responses by question: version 2 nests them so, version 1 nests them by person."""
    if entry(value):
        return {name: entries(given) for name, given in entry(value).items()}
    found: dict[str, list[dict[str, object]]] = {}
    for person in entries(value):
        for name, given in entry(person.get("values")).items():
            said = {
                "user_id": person.get("user_id"),
                "status": person.get("status"),
                "value": entry(given).get("value"),
            }
            found.setdefault(name, []).append(said)
    return found


def _vote(item: Item, responses: Sequence[tuple[str, object, str]]) -> None:
    kept = [each for each in responses if each[2].casefold() in SUBMITTED and not is_absent(each[1])]
    if responses and not kept:
        item.reason = f"response {responses[0][2].casefold() or 'without a value'}"
    for who, value, _ in kept:
        ranked = [each for each in entries(value) if "rank" in each and "value" in each]
        best = min(ranked, key=lambda each: float(str(each["rank"]))) if ranked else None
        item.votes[who] = (text_of(best["value"]),) if best else tuple(text_of(each) for each in _several_of(value))


def _several_of(value: object) -> list[object]:
    """A set of labels as it stands; spans and other objects as one thing."""
    if isinstance(value, list | tuple) and any(isinstance(each, dict) for each in value):
        return [value]
    return list(value) if isinstance(value, list | tuple) else [value]


def _stateless(sample: Sequence[Row], question: str) -> list[Doubt]:
    """That Argilla 2 leaves the state of a response out of its nested JSON."""
    states = [state for row in sample for _, _, state in _responses(row, question)]
    if not states or any(states):
        return []
    return [
        Doubt(
            kind="not_gold",
            where=question,
            text="This export does not say which responses were submitted, and which are drafts or discarded.",
            rows=len(states),
            done="All of them count as answers.",
            settle="Export with `to_list(flatten=True)` or `to_datasets()`, which keep the state.",
            grave=True,
        )
    ]


def _best(questions: Sequence[str], sample: Sequence[Row], request: Asked) -> str:
    words = request.text.casefold()

    def rank(name: str) -> tuple[bool, bool, int, int]:
        answered = sum(bool(_responses(row, name)) for row in sample)
        return name == request.output, name.casefold().replace("_", " ") in words, answered, -questions.index(name)

    return max(questions, key=rank)


def _fields(sample: Sequence[Row], questions: Sequence[str]) -> list[str]:
    """Columns that people read: texts that are neither answers nor what is kept about a record."""
    asked = tuple(f"{name}{mark}" for name in questions for mark in (".responses", ".suggestion", "-suggestion"))
    free = [
        name
        for name in columns_of(sample)
        if name not in META and name not in questions and not name.startswith((*asked, "metadata.", "vectors."))
    ]
    texts = [name for name in free if any(isinstance(row.get(name), str) for row in sample)]
    return [name for name in texts if is_wordy(sample, name)] or texts


SHAPE = Shape("Argilla", _sniff, _read, specific=5)
