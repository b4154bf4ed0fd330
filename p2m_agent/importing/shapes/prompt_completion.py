"""Prompt and completion (OpenAI's old form, TRL, PaLM's `input_text` and `output_text`), as texts or as messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from p2m_agent.importing.schema.cells import column_named, is_absent, peek, repeats, share, text_of
from p2m_agent.importing.schema.conversations import ChatTurn, is_conversation, turns_of
from p2m_agent.importing.schema.shaped import Asked, Row, Shape, Shaped
from p2m_agent.importing.schema.talks import Talks
from p2m_agent.rows.column_profile import columns_of
from p2m_agent.types.doubts import Doubt

PAIRS = (("prompt", "completion"), ("input_text", "output_text"))
SYSTEMS = ("system", "system_prompt", "system_instruction", "context")
_STOP = re.compile(r"\s*(END|STOP|###|<\|endoftext\|>|<\|im_end\|>|</s>|<eos>|\[DONE\])$")
"""What people put behind a completion so that generation stops."""
_MARK = re.compile(r"\W*(?:[#=~\-<>|]{2,}|[-=]>|:)\s*$")
"""What people put behind a prompt so that the completion begins."""


def _read(rows: Iterable[Row], request: Asked) -> Shaped:
    sample, stream = peek(rows)
    prompt, completion = _columns(sample)
    system = column_named(sample, *SYSTEMS)
    group = next((name for name in columns_of(sample) if _is_key(name) and repeats(sample, name)), "")
    stop = _stop([row.get(completion) for row in sample])
    talks = Talks("prompt and completion", request)
    talks.doubts += _said(stop, _mark([row.get(prompt) for row in sample]))
    talks.unread = tuple(name for name in columns_of(sample) if name not in (prompt, completion, system, group))
    for row in stream:
        before = [ChatTurn("system", text_of(row.get(system)))] if not is_absent(row.get(system)) else []
        asked = _turns(row.get(prompt), "user", "")
        answer = _turns(row.get(completion), "assistant", stop)
        talks.add([*before, *asked, *answer], row, {"group": text_of(row.get(group))} if group else {})
    return talks.shaped()


def _sniff(rows: Sequence[Row]) -> float:
    prompt, completion = _columns(rows)
    if not (prompt and completion):
        return 0.0
    return share(not is_absent(row.get(prompt)) and row.get(completion) is not None for row in rows)


def _columns(rows: Sequence[Row]) -> tuple[str, str]:
    pairs = ((column_named(rows, one), column_named(rows, other)) for one, other in PAIRS)
    return next(((one, other) for one, other in pairs if one and other), ("", ""))


def _turns(value: object, role: str, stop: str) -> list[ChatTurn]:
    if is_conversation(value):
        return turns_of(value)
    text = text_of(value)
    if stop and text.endswith(stop):
        text = text[: -len(stop)].rstrip()
    if role == "user":
        return [ChatTurn("user", text)] if text else []
    return [ChatTurn("assistant", text, said=value is not None)]


def _stop(values: Sequence[object]) -> str:
    """The word that stands behind (nearly) every completion; empty where none does."""
    found = [match[1] if (match := _STOP.search(text_of(value))) else "" for value in values if not is_absent(value)]
    first = next(filter(None, found), "")
    alone = all(text_of(value) == first for value in values)
    return first if first and not alone and share(each == first for each in found) >= 0.95 else ""


def _mark(values: Sequence[object]) -> str:
    """The sign that stands behind every prompt; empty where none does."""
    texts = [value for value in values if isinstance(value, str) and value.strip()]
    match = _MARK.search(texts[0]) if len(texts) > 1 else None
    mark = match[0].strip() if match else ""
    return mark if mark and all(text.rstrip().endswith(mark) for text in texts) else ""


def _is_key(name: str) -> bool:
    return re.sub(r"\W|_", "", name).casefold() in ("conversationid", "dialogueid", "documentid", "docid", "groupid")


def _said(stop: str, mark: str) -> list[Doubt]:
    doubts = []
    if stop:
        done = "It is a sign to stop, and no part of the answers that are learnt."
        doubts.append(Doubt(kind="target", text=f"Every completion ends with {stop!r}.", done=done))
    if mark:
        settle = "Put it behind each text that is classified later, or remove it from the prompts."
        doubts.append(
            Doubt(
                kind="columns",
                text=f"Every prompt ends with {mark!r}.",
                done="It stays part of the input.",
                settle=settle,
            )
        )
    return doubts


SHAPE = Shape("prompt and completion", _sniff, _read, specific=3)
