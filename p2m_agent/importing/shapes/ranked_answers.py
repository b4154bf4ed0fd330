"""Answers with a judgement beside: KTO's thumbs, two answers and a winner, lists of answers with ranks or scores."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from p2m_agent.importing.schema.cells import column_named, entry, is_absent, listed, peek, share, text_of
from p2m_agent.importing.schema.conversations import ChatTurn, is_conversation, turns_of
from p2m_agent.importing.schema.shaped import Asked, Row, Shape, Shaped
from p2m_agent.importing.schema.talks import Talks
from p2m_agent.rows.column_profile import columns_of
from p2m_agent.types.doubts import Doubt

PROMPTS = ("prompt", "question", "instruction", "query", "post", "history", "input")
WINNERS = ("winner", "preference", "overall_preference", "preferred", "better_response_id", "better")
BEST = ("best", "best_index", "best_answer", "best_response", "chosen", "chosen_index", "preferred", "winner")
"""Columns with the place of the best answer of a list."""
ANSWERS = ("responses", "answers", "completions", "outputs", "candidates", "generations")
RANKS, SCORES = (
    ("rank", "ranks", "ranking"),
    ("score", "scores", "rating", "ratings", "reward", "rewards", "overall_score"),
)
_SIDES = (("a", "b"), ("0", "1"), ("1", "2"))
_ANSWER = "(?:response|answer|output|completion|conversation|reply)"
_TEXTS = ("text", "response", "content", "answer", "completion", "output", "generation")

TIE = "no answer is the best one"


@dataclass(frozen=True)
class Judged:
    """How a table tells the best answer of a row."""

    prompt: str
    best: Callable[[Row], tuple[object, str]]
    """The best answer, or the reason why there is none."""
    columns: frozenset[str]
    why: str


def _read(rows: Iterable[Row], request: Asked) -> Shaped:
    sample, stream = peek(rows)
    judged = _judged(sample)
    assert judged is not None
    talks = Talks("judged answers", request)
    talks.unread = tuple(name for name in columns_of(sample) if name not in judged.columns | {judged.prompt})
    for row in stream:
        answer, reason = judged.best(row)
        if reason:
            talks.leave(row, reason)
        else:
            talks.add([*_before(row.get(judged.prompt)), *_after(answer)], row)
    done = "The best answer of a row is the target; the others are neither input nor target."
    talks.doubts.append(Doubt(kind="target", text=judged.why, rows=len(talks.talks), done=done, grave=True))
    return talks.shaped()


def _sniff(rows: Sequence[Row]) -> float:
    return 1.0 if _judged(rows) else 0.0


def _judged(rows: Sequence[Row]) -> Judged | None:
    prompt = column_named(rows, *PROMPTS)
    if not (prompt and rows):
        return None
    return _thumbs(rows, prompt) or _duel(rows, prompt) or _pointed(rows, prompt) or _ranked(rows, prompt)


def _thumbs(rows: Sequence[Row], prompt: str) -> Judged | None:
    """KTO: one answer a row, and whether it is a good one."""
    answer, label = column_named(rows, "completion"), column_named(rows, "label", "desirable")
    said = {text_of(row.get(label)).casefold() for row in rows} - {""}
    if not (answer and label and prompt != answer and said and said <= {"true", "false"}):
        return None

    def best(row: Row) -> tuple[object, str]:
        good = text_of(row.get(label)).casefold() == "true"
        return row.get(answer), "" if good else "the answer is marked as undesirable"

    return Judged(prompt, best, frozenset((answer, label)), f"{label!r} says which answers are desirable.")


def _duel(rows: Sequence[Row], prompt: str) -> Judged | None:
    """Two answers a row, and which of them won."""
    pair = _pair(columns_of(rows))
    winner = column_named(rows, *WINNERS)
    if pair is None or not winner or winner in pair[:2]:
        return None
    one, other, sides = pair
    why = f"{winner!r} says which of {one!r} and {other!r} is better."
    if any((_number(row.get(winner)) or 0) < 0 for row in rows):
        return Judged(prompt, _signed(winner, one, other), frozenset((one, other, winner)), why)
    names = _side_names(rows, winner, sides)
    ties = ("tie", "both", "neither", "tie (bothbad)", "draw", "equal")
    if share(text_of(row.get(winner)).casefold() in (*names, *ties) for row in rows) < 1:
        return None

    def best(row: Row) -> tuple[object, str]:
        side = names.get(text_of(row.get(winner)).casefold())
        return (None, TIE) if side is None else (row.get((one, other)[side]), "")

    return Judged(prompt, best, frozenset((one, other, winner)), why)


def _signed(winner: str, one: str, other: str) -> Callable[[Row], tuple[object, str]]:
    """A scale from the first answer, below 0, to the second."""

    def best(row: Row) -> tuple[object, str]:
        value = _number(row.get(winner))
        return (row.get(one if value < 0 else other), "") if value else (None, TIE)

    return best


def _pair(names: Sequence[str]) -> tuple[str, str, tuple[str, str]] | None:
    """Two columns of answers whose names differ in the last letter or number."""
    known = {name.casefold(): name for name in names}
    for name in names:
        for one, other in _SIDES:
            found = re.fullmatch(
                rf"((?:response|answer|output|completion|conversation|human_ref|reply)_?){one}", name, re.I
            )
            if found and f"{found[1]}{other}".casefold() in known:
                return name, known[f"{found[1]}{other}".casefold()], (one, other)
    return None


def _side_names(rows: Sequence[Row], winner: str, sides: tuple[str, str]) -> dict[str, int]:
    said = {text_of(row.get(winner)).casefold() for row in rows}
    if sides == ("a", "b") and said <= {"0", "1", "2", ""}:
        return {"1": 0, "2": 1} if "2" in said else {"0": 0, "1": 1}
    stems = ("", "model_", "response_", "answer_", "output_", "model ", "response ", "answer ")
    return {f"{stem}{side}": place for place, side in enumerate(sides) for stem in stems}


def _pointed(rows: Sequence[Row], prompt: str) -> Judged | None:
    """A list of answers, and the place of the best one, counted from 0, or from 1 where none has 0."""
    answers, place = column_named(rows, *ANSWERS), column_named(rows, *BEST)
    lengths = [len(listed(row.get(answers))) for row in rows]
    places = [_number(row.get(place)) for row in rows]
    known = [value for value in places if value is not None]
    if not (answers and place and known) or min(lengths) < 2 or len(known) < len(rows):
        return None
    first = 0 if min(known) == 0 else 1
    if min(known) < 0 or any(
        value != int(value) or value - first >= n for value, n in zip(known, lengths, strict=True)
    ):
        return None

    def best(row: Row) -> tuple[object, str]:
        at = _number(row.get(place))
        options = listed(row.get(answers))
        fits = at is not None and 0 <= at - first < len(options)
        return (_said(options[int(at or 0) - first]), "") if fits else (None, TIE)

    return Judged(prompt, best, frozenset((answers, place)), f"{place!r} says which of {answers!r} is the best.")


def _ranked(rows: Sequence[Row], prompt: str) -> Judged | None:
    """A list of answers, with a rank or a score for each."""
    answers, ranks, scores = (column_named(rows, *names) for names in (ANSWERS, RANKS, SCORES))
    if not answers or share(len(listed(row.get(answers))) > 1 for row in rows) < 0.5:
        return None

    def best(row: Row) -> tuple[object, str]:
        options = listed(row.get(answers))
        values = [_number(value) for value in listed(row.get(ranks or scores))] or [_own(each) for each in options]
        if len(values) != len(options) or any(value is None for value in values):
            return None, TIE
        known = [(-value if ranks else value) for value in values if value is not None]
        top = [place for place, value in enumerate(known) if value == max(known)]
        return (_said(options[top[0]]), "") if len(top) == 1 else (None, TIE)

    if share(not best(row)[1] for row in rows) < 0.5:
        return None
    used = frozenset(filter(None, (answers, ranks or scores)))
    return Judged(
        prompt, best, used, f"{answers!r} has several answers a row, each with a {'rank' if ranks else 'score'}."
    )


def _own(option: object) -> float | None:
    """The score, or the negative rank, that an answer carries itself."""
    found = entry(option)
    score = next((_number(found[name]) for name in SCORES if name in found), None)
    rank = next((_number(found[name]) for name in RANKS if name in found), None)
    return score if rank is None else -rank


def _said(option: object) -> object:
    found = entry(option)
    return next((found[name] for name in _TEXTS if name in found), option) if found else option


def _number(value: object) -> float | None:
    try:
        return None if is_absent(value) else float(str(value))
    except ValueError:
        return None


def _before(asked: object) -> list[ChatTurn]:
    return turns_of(asked) if is_conversation(asked) else [ChatTurn("user", text_of(asked))]


def _after(answer: object) -> list[ChatTurn]:
    return turns_of(answer)[-1:] if is_conversation(answer) else [ChatTurn("assistant", text_of(answer))]


SHAPE = Shape("judged answers", _sniff, _read, specific=4)
