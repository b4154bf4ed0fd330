"""Conversations as lists of messages: OpenAI, Mistral, Cohere, Bedrock, Gemini, PaLM, ShareGPT, and their like."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from p2m_agent.importing.schema.cells import (
    column_named,
    entries,
    entry,
    is_absent,
    peek,
    repeats,
    share,
    text_of,
)
from p2m_agent.importing.schema.conversations import ChatTurn, is_conversation, turns_of
from p2m_agent.importing.schema.shaped import MOSTLY, Asked, Row, Shape, Shaped
from p2m_agent.importing.schema.speakers import Speakers, roles_of
from p2m_agent.importing.schema.talks import Talks
from p2m_agent.rows.column_profile import columns_of
from p2m_agent.types.doubts import Doubt

COLUMNS = {
    "request",
    "input",
    "messages",
    "conversations",
    "conversation",
    "contents",
    "prompt",
    "turns",
    "dialog",
    "dialogue",
    "chat",
}
SYSTEMS = ("system", "systemInstruction", "system_prompt", "system_message", "context")
GROUPS = ("conversation_id", "dialogue_id", "dialog_id", "session_id", "thread_id", "chat_id", "id")
LABELS = ("label", "labels", "intent", "target", "gold_label")
"""Columns beside a conversation that say what it is: then the conversation is what is judged."""

ANSWERS = ("answer", "solution", "ground_truth", "response", "completion", "output", "target", "reference", *LABELS)
"""Columns that hold the answer where the conversations end before it, as for reinforcement learning."""


def conversation_column(rows: Sequence[Row]) -> str:
    """The column that holds conversations; the one with most turns where several do. Empty where none does."""
    found = [name for name in columns_of(rows) if _share(rows, name) >= MOSTLY and _is_known(rows, name)]
    return max(
        found, key=lambda name: (_asks(rows, name), sum(len(entries(row.get(name))) for row in rows)), default=""
    )


def _asks(rows: Sequence[Row], name: str) -> bool:
    """Whether somebody asks something in a column of conversations, rather than only answers."""
    return share(any(turn.role == "user" for turn in turns_of(row.get(name))) for row in rows) >= MOSTLY


def read(rows: Iterable[Row], request: Asked) -> Shaped:
    """Read conversations; what a table says of them beside is kept where it groups or divides the rows."""
    sample, stream = peek(rows)
    column, system = conversation_column(sample), column_named(sample, *SYSTEMS)
    group = next((name for name in GROUPS if (found := column_named(sample, name)) and repeats(sample, found)), "")
    group, split = column_named(sample, group) if group else "", column_named(sample, "split")
    answer = column_named(sample, *ANSWERS) if _open(sample, column) else ""
    judged = "" if answer else _judged(sample)
    roles = roles_of(entries(row.get(column)) for row in sample)
    talks = Talks(dialect(sample, column), request)
    used = {column, system, group, split, judged, answer}
    talks.unread = tuple(name for name in columns_of(sample) if name not in used)
    talks.doubts += _guessed(roles) + _is_judged(judged)
    for row in stream:
        others: Row = {name: text_of(row.get(own)) for name, own in (("group", group), ("split", split)) if own}
        turns = [*_system(row.get(system)), *turns_of(row.get(column), roles)]
        if turns and answer:
            said = _answer(row.get(answer))
            turns.append(ChatTurn("assistant", text_of(said), said=said is not None))
        if not turns:
            talks.leave(row, "no conversation")
        elif judged:
            talks.judge(turns, text_of(row.get(judged)), row, others)
        else:
            talks.add(turns, row, others)
    return talks.shaped()


def _answer(value: object) -> object:
    """What is said in an answer: a text, a message, or what an endpoint returned."""
    held = entry(value)
    body = entry(held.get("body")) or held
    message = entry(next(iter(entries(body.get("choices"))), {}).get("message")) or entry(body.get("message")) or body
    turns = turns_of(value) if is_conversation(value) else turns_of([message]) if is_conversation([message]) else []
    return turns[-1].text if turns else value


def dialect(rows: Sequence[Row], column: str) -> str:
    """The tool whose names a conversation has."""
    keys = {key for row in rows for message in entries(row.get(column)) for key in message}
    named = {str(message.get("role")) for row in rows for message in entries(row.get(column))}
    if any("schemaVersion" in row for row in rows):
        return "Bedrock conversations"
    if "parts" in keys:
        return "Gemini contents"
    if "author" in keys:
        return "PaLM messages"
    if "from" in keys:
        return "ShareGPT conversations"
    return "Cohere messages" if named & {"Chatbot", "User", "System"} else "OpenAI chat messages"


def _sniff(rows: Sequence[Row]) -> float:
    column = conversation_column(rows)
    return _share(rows, column) if column else 0.0


def _share(rows: Sequence[Row], column: str) -> float:
    return share(is_conversation(row[column]) for row in rows if not is_absent(row.get(column)))


def _open(sample: Sequence[Row], column: str) -> bool:
    """Whether the conversations end before the answer."""
    roles = roles_of(entries(row.get(column)) for row in sample)
    found = [turns_of(row.get(column), roles) for row in sample]
    return share(all(turn.role != "assistant" for turn in turns[-1:]) for turns in found if turns) >= MOSTLY


def _judged(sample: Sequence[Row]) -> str:
    """A column of labels that recur beside the conversations."""
    column = column_named(sample, *LABELS)
    values = [text_of(row.get(column)) for row in sample]
    return column if column and 2 <= len(set(values)) <= max(2, len(values) / 2) else ""


def _is_known(rows: Sequence[Row], column: str) -> bool:
    """Whether a list of messages is a conversation with an assistant: comments under a post are none."""
    if column.casefold().replace("_", "") in COLUMNS:
        return True
    return any(turn.role == "assistant" for row in rows for turn in turns_of(row.get(column)))


def _system(value: object) -> list[ChatTurn]:
    """A system message that stands beside the conversation: a text, an object with parts, or a list of them."""
    if is_absent(value):
        return []
    parts = entries(entry(value).get("parts")) or entries(value)
    text = "\n".join(filter(None, (text_of(part.get("text") or part.get("content")) for part in parts)))
    return [ChatTurn("system", text or text_of(value))]


def _guessed(roles: Speakers) -> list[Doubt]:
    if not roles.guessed:
        return []
    said = ", ".join(f"{name} is the {role}" for name, role in roles.guessed.items())
    return [
        Doubt(
            kind="turns",
            text="No known tool uses these names of roles.",
            done=f"Taken by who has the last word: {said}.",
            settle="Name the roles user and assistant.",
            grave=True,
        )
    ]


def _is_judged(column: str) -> list[Doubt]:
    if not column:
        return []
    return [
        Doubt(
            kind="columns",
            where=column,
            text=f"Beside each conversation stands {column!r}, whose values recur.",
            done=f"The whole conversation is the input and {column!r} the output; no turn is a target.",
            settle="Remove the column to learn the last answers instead.",
            grave=True,
        )
    ]


SHAPE = Shape("chat messages", _sniff, read, specific=2)
