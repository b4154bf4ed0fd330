"""Alpaca and Dolly: instruction, input, output, and whatever repeats the whole prompt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from p2m_agent.importing.schema.cells import column_named, is_absent, listed, peek, share, text_of
from p2m_agent.importing.schema.conversations import ChatTurn, cut_front, spoken
from p2m_agent.importing.schema.shaped import MOSTLY, Asked, Row, Shape, Shaped
from p2m_agent.importing.schema.speakers import Role
from p2m_agent.importing.schema.talks import HISTORY, LONGEST_HISTORY, SYSTEM, cut_doubts
from p2m_agent.rows.column_profile import columns_of
from p2m_agent.rows.rejected import Rejected
from p2m_agent.types.doubts import Doubt

INSTRUCTIONS, INPUTS, OUTPUTS = ("instruction",), ("input", "context"), ("output", "response", "answer", "completion")


def _read(rows: Iterable[Row], request: Asked) -> Shaped:
    sample, stream = peek(rows)
    names = _columns(sample)
    assert names is not None
    history, system = column_named(sample, "history"), column_named(sample, "system")
    kept: list[Row] = []
    rejected: list[Rejected] = []
    cut: list[int] = []
    for row in stream:
        flat, lost = _flat(row, names, history, system)
        fault = _fault(flat, row, names[2], request)
        if fault:
            rejected.append(Rejected(row, fault))
        else:
            kept.append(flat)
            cut += [lost] if lost else []
    instructions = {row["instruction"] for row in kept}
    same = len(instructions) == 1 and all(row["input"] for row in kept)
    offered = (SYSTEM, *(() if same else ("instruction",)), HISTORY, "input")
    inputs = tuple(name for name in offered if any(row[name] for row in kept))
    return Shaped(
        shape="Alpaca instructions",
        rows=[{name: row[name] for name in (*inputs, "output")} for row in kept],
        inputs=inputs,
        output="output",
        instruction=str(next(iter(instructions))) if same else "",
        read=len(kept) + len(rejected),
        rejected=rejected,
        unread=tuple(name for name in columns_of(sample) if name not in (*names, history, system)),
        doubts=(*_repeats(sample, names), *cut_doubts(cut)),
    )


def _sniff(rows: Sequence[Row]) -> float:
    names = _columns(rows)
    if names is None:
        return 0.0
    instruction, _, output = names
    return share(isinstance(row.get(instruction), str) and output in row for row in rows)


def _columns(rows: Sequence[Row]) -> tuple[str, str, str] | None:
    """Instruction, input and output; the input is empty where there is none."""
    instruction, given, output = (column_named(rows, *each) for each in (INSTRUCTIONS, INPUTS, OUTPUTS))
    return (instruction, given, output) if instruction and output else None


def _flat(row: Row, names: tuple[str, str, str], history: str, system: str) -> tuple[Row, int]:
    """The row with bare columns, and how many of its earlier turns were cut."""
    roles: tuple[Role, Role] = ("user", "assistant")
    said = [zip(roles, listed(pair), strict=False) for pair in listed(row.get(history))]
    turns = [spoken(ChatTurn(role, text_of(text))) for pair in said for role, text in pair]
    kept, lost = cut_front(turns, LONGEST_HISTORY)
    texts = dict(zip(("instruction", "input", "output"), (text_of(row.get(name)) for name in names), strict=True))
    return {**texts, HISTORY: "\n".join(kept), SYSTEM: text_of(row.get(system))}, lost


def _fault(flat: Row, row: Row, output: str, request: Asked) -> str:
    if not (flat["instruction"] or flat["input"]):
        return "empty input"
    if flat["output"] or (request.empty_is_right and row.get(output) is not None):
        return ""
    return "empty answer"


def _repeats(sample: Sequence[Row], names: tuple[str, str, str]) -> tuple[Doubt, ...]:
    """That a further column holds the answer within the whole prompt."""
    doubts = []
    for column in columns_of(sample):
        filled = [row for row in sample if column not in names and not is_absent(row.get(column))]
        whole = share(_holds(text_of(row.get(column)), row, names) for row in filled)
        if filled and whole >= MOSTLY:
            text = f"{column!r} repeats the whole prompt with its answer."
            doubts.append(Doubt(kind="leak", where=column, text=text, rows=len(filled), done="It is no input."))
    return tuple(doubts)


def _holds(text: str, row: Row, names: tuple[str, str, str]) -> bool:
    given, answer = text_of(row.get(names[1] or names[0])), text_of(row.get(names[2]))
    return bool(answer) and answer in text and given in text and len(text) > len(answer)


SHAPE = Shape("Alpaca instructions", _sniff, _read, specific=2)
