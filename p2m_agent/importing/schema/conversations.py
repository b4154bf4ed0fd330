"""Conversations, whoever wrote them down: who says what, which answer is to be learnt, what stands before it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from p2m_agent.importing.schema.cells import entries, entry, first_key, is_absent, listed, text_of
from p2m_agent.importing.schema.speakers import ROLE_KEYS, Role, Speakers

TEXT_KEYS = ("content", "value", "parts", "text", "message", "utterance")
LISTS = ("messages", "conversations", "conversation", "contents", "turns", "dialog", "dialogue", "chat")
"""Names under which an object holds its messages."""
WEIGHT_KEYS = ("weight", "train", "loss", "trainable")
"""Names that say whether a turn is learnt: OpenAI and Mistral, Axolotl, ms-swift, others."""
_CALLS = ("tool_calls", "function_call", "functionCall", "toolUse")
_RESULTS = ("functionResponse", "toolResult")
_MEDIA = ("image", "image_url", "inlineData", "fileData", "video", "document", "audio", "input_audio")
_REASONS = ("thinking", "reasoning", "redacted_thinking", "reasoningContent")
_THOUGHTS = re.compile(r"\s*<(think|thinking|reasoning|thought)>.*?</\1>\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """What one party says."""

    role: Role
    text: str
    name: str = ""
    """Who speaks, where the file tells more than the role."""
    said: bool = True
    """Whether it says anything, be it an empty text; false for null, as beside a tool call."""
    learn: bool = True
    """False where its weight is 0."""
    calls: bool = False
    media: bool = False
    """Whether it holds a picture or sound, which no text can stand for."""


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation, cut at the answer to be learnt."""

    system: str
    history: tuple[str, ...]
    """Earlier turns, oldest first, each with who says it."""
    asked: str
    answer: str
    passed: int = 0
    """Earlier answers, which are input and not learnt."""
    later: int = 0
    """Turns after the answer, which are not read."""


def is_message(value: object) -> bool:
    """Whether something is a message: who says it, and what."""
    return (
        isinstance(value, Mapping)
        and first_key(value, ROLE_KEYS) != ""
        and (first_key(value, TEXT_KEYS) != "" or _calls(value))
    )


def messages_in(value: object) -> object:
    """The list of messages that an object holds, such as a logged request; anything else as it is."""
    held = entry(value)
    inner = next((held[name] for name in LISTS if isinstance(held.get(name), list | str)), None)
    return value if inner is None or is_message(held) else inner


def is_conversation(value: object) -> bool:
    """Whether a cell is a list of messages, as such, as text, or in an object."""
    found = listed(messages_in(value))
    return bool(found) and all(is_message(each) for each in found)


def turns_of(messages: object, roles: Speakers | None = None) -> list[ChatTurn]:
    """The turns of a list of messages, whatever names its tool gives to roles and texts."""
    roles = roles or Speakers()
    return [_turn(message, roles) for message in entries(messages_in(messages))]


def talk_of(turns: Sequence[ChatTurn], *, empty_is_right: bool = False) -> Talk | str:
    """The conversation cut at its last answer that is to be learnt, or why it has none."""
    answers = [place for place, turn in enumerate(turns) if turn.role == "assistant"]
    learnt = [place for place in answers if turns[place].learn]
    if not learnt:
        return "every answer has weight 0" if answers else "no answer in the conversation"
    end = learnt[-1]
    fault = _fault(turns, end, empty_is_right=empty_is_right)
    if fault:
        return fault
    system = "\n\n".join(turn.text for turn in turns[:end] if turn.role == "system" and turn.text)
    before = [turn for turn in turns[:end] if turn.role != "system"]
    start = _question(before)
    asked = before[start:]
    alone = all(turn.role == "user" and not turn.name for turn in asked)
    return Talk(
        system=system,
        history=tuple(spoken(turn) for turn in before[:start]),
        asked="\n".join(turn.text if alone else spoken(turn) for turn in asked),
        answer=turns[end].text,
        passed=sum(place < end for place in answers),
        later=sum(turn.role != "system" for turn in turns[end + 1 :]),
    )


def cut_front(turns: Sequence[str], longest: int) -> tuple[list[str], int]:
    """The last turns that fit, whole and oldest first, and how many were cut.

    Args:
        turns: Earlier turns, oldest first.
        longest: Characters that all of them together may have.
    """
    kept: list[str] = []
    left = longest
    for turn in reversed(turns):
        left -= len(turn) + 1
        if left < 0:
            break
        kept.append(turn)
    return kept[::-1], len(turns) - len(kept)


def _fault(turns: Sequence[ChatTurn], end: int, *, empty_is_right: bool) -> str:
    answer = turns[end]
    if not answer.text and answer.calls:
        return "the answer only calls a tool"
    if not answer.said:
        return "no answer in the conversation"
    if not answer.text and not empty_is_right:
        return "empty answer"
    return "a message holds a picture or sound" if any(turn.media for turn in turns[: end + 1]) else ""


def _question(before: Sequence[ChatTurn]) -> int:
    """Where the last block of what the user says begins; what tools say after it belongs to it."""
    users = [place for place, turn in enumerate(before) if turn.role == "user"]
    start = users[-1] if users else len(before)
    while start > 0 and before[start - 1].role == "user":
        start -= 1
    return start


def spoken(turn: ChatTurn) -> str:
    """A turn with who says it."""
    who = {"user": "User", "assistant": "Assistant", "tool": "Tool", "system": "System"}[turn.role]
    return f"{who}{f' ({turn.name})' if turn.name else ''}: {turn.text or '(calls a tool)'}"


def _turn(message: Mapping[str, object], roles: Speakers) -> ChatTurn:
    role = roles.of(message.get(first_key(message, ROLE_KEYS))) or "user"
    content = message.get(first_key(message, TEXT_KEYS))
    if isinstance(content, dict) and "parts" in content:  # as ChatGPT exports its conversations
        content = content["parts"]
    parts = content if isinstance(content, list | tuple) else []
    return ChatTurn(
        role=role,
        text=_spoken_aloud(_text(content, answers=role == "assistant" and "parts" not in message)),
        name=text_of(message.get("name")) if role != "tool" else "",
        said=content is not None and content != [] and not message.get("refusal"),
        learn=_learn(message),
        calls=_calls(message) or any(_calls(entry(part)) for part in parts),
        media=any(_is_media(entry(part)) for part in parts),
    )


def _text(content: object, *, answers: bool) -> str:
    """The text of a message. An answer that is an object or a list of things without text is JSON."""
    if not isinstance(content, list | tuple):
        return text_of(content)
    known = {"text", "type", *_MEDIA, *_CALLS, *_RESULTS, *_REASONS}
    is_part = [isinstance(part, str) or bool(known & entry(part).keys()) for part in content]
    if not all(is_part) or (answers and content and all(isinstance(part, str) for part in content)):
        return text_of(content)
    return "\n".join(filter(None, map(_part_text, content)))


def _spoken_aloud(text: str) -> str:
    """A text without the thoughts that a model wrote before it."""
    return text[match.end() :] or text if (match := _THOUGHTS.match(text)) else text


def _part_text(part: object) -> str:
    if isinstance(part, str):
        return part.strip()
    inner = entry(part)
    if inner.get("thought") is True or inner.get("type") in _REASONS:
        return ""
    return text_of(inner.get("text")) or _result(inner)


def _result(part: Mapping[str, object]) -> str:
    """What a tool gave back, as one part of a message."""
    return text_of(next((part[name] for name in _RESULTS if name in part), None)) or (
        text_of(part.get("content")) if part.get("type") == "tool_result" else ""
    )


def _is_media(part: Mapping[str, object]) -> bool:
    return part.get("type") in _MEDIA or any(not is_absent(part.get(name)) for name in _MEDIA)


def _calls(message: Mapping[str, object]) -> bool:
    return any(name in message and message[name] for name in _CALLS) or message.get("type") == "tool_use"


def _learn(message: Mapping[str, object]) -> bool:
    weights = [message[name] for name in WEIGHT_KEYS if name in message]
    return not any(text_of(weight).casefold() in ("0", "0.0", "false", "no") for weight in weights)
