"""Preference pairs and rankings (TRL, OpenAI, DPO, KTO): the better answer is the target, the worse one never is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from p2m_agent.importing.schema.cells import column_named, entry, is_absent, is_wordy, peek, share, text_of
from p2m_agent.importing.schema.conversations import ChatTurn, is_conversation, turns_of
from p2m_agent.importing.schema.shaped import Asked, Row, Shape, Shaped
from p2m_agent.importing.schema.talks import Talks
from p2m_agent.importing.schema.transcripts import template_of, turns_in
from p2m_agent.rows.column_profile import columns_of
from p2m_agent.types.doubts import Doubt

PAIRS = (
    ("chosen", "rejected"),
    ("preferred_output", "non_preferred_output"),
    ("preferred", "non_preferred"),
    ("preferred", "dispreferred"),
    ("preferred", "rejected"),
    ("accepted", "rejected"),
    ("chosen_response", "rejected_response"),
    ("response_chosen", "response_rejected"),
    ("chosen_answer", "rejected_answer"),
    ("accepted_response", "rejected_response"),
    ("good_response", "bad_response"),
    ("good_answer", "bad_answer"),
    ("better", "worse"),
    ("winner", "loser"),
    ("win", "lose"),
    ("y_w", "y_l"),
    ("positive_response", "negative_response"),
    ("response_j", "response_k"),
)
"""Names of the better and the worse answer."""
_BETTER = frozenset(
    [
        "chosen",
        "preferred",
        "accepted",
        "approved",
        "liked",
        "upvoted",
        "good",
        "better",
        "best",
        "winner",
        "winning",
        "positive",
        "gut",
        "gute",
        "guter",
        "gutes",
        "besser",
        "bessere",
        "beste",
        "bon",
        "bonne",
        "meilleure",
        "meilleur",
        "choisie",
        "choisi",
        "buena",
        "bueno",
        "mejor",
        "elegida",
        "elegido",
        "boa",
        "bom",
        "melhor",
        "escolhida",
        "buona",
        "buono",
        "migliore",
        "scelta",
        "goed",
        "goede",
        "beter",
        "betere",
        "gekozen",
        "dobra",
        "lepsza",
        "lepszy",
        "хороший",
        "хорошая",
        "лучший",
        "лучшая",
        "好",
        "较好",
        "优",
        "良い",
        "良",
        "좋은",
        "جيد",
    ]
)
_WORSE = frozenset(
    [
        "rejected",
        "dispreferred",
        "declined",
        "discarded",
        "disapproved",
        "disliked",
        "downvoted",
        "refused",
        "bad",
        "worse",
        "worst",
        "loser",
        "losing",
        "negative",
        "schlecht",
        "schlechte",
        "schlechter",
        "schlechtes",
        "schlechteste",
        "abgelehnt",
        "abgelehnte",
        "mauvaise",
        "mauvais",
        "pire",
        "rejetée",
        "rejeté",
        "mala",
        "malo",
        "peor",
        "rechazada",
        "rechazado",
        "ruim",
        "má",
        "pior",
        "rejeitada",
        "cattiva",
        "cattivo",
        "peggiore",
        "rifiutata",
        "slecht",
        "slechte",
        "slechter",
        "slechtere",
        "afgewezen",
        "zła",
        "gorsza",
        "gorszy",
        "плохой",
        "плохая",
        "худший",
        "худшая",
        "差",
        "较差",
        "劣",
        "悪い",
        "悪",
        "나쁜",
        "سيئ",
    ]
)
"""Words that tell two columns of one name apart."""
PROMPTS = ("prompt", "question", "instruction", "query", "user", "post", "x", "messages", "conversations", "input")
SYSTEMS = ("system", "system_prompt", "system_message")


@dataclass(frozen=True)
class PairColumns:
    """Where a table of pairs has what."""

    better: str
    worse: str
    prompt: str
    system: str
    more: str
    """A second part of the prompt: Alpaca's `input`."""

    @property
    def all(self) -> set[str]:
        """Every column that is read."""
        return {self.better, self.worse, self.prompt, self.system, self.more}


def _read(rows: Iterable[Row], request: Asked) -> Shaped:
    sample, stream = peek(rows)
    columns = _columns(sample)
    talks = Talks("preference pairs", request)
    talks.unread = tuple(name for name in columns_of(sample) if name not in columns.all)
    for row in stream:
        better, worse = row.get(columns.better), row.get(columns.worse)
        if is_absent(better):
            talks.leave(row, "no chosen answer")
        elif better == worse:
            talks.leave(row, "the chosen and the rejected answer are the same")
        else:
            talks.add(_turns(row, columns), row)
    talks.doubts.append(_said(columns, len(talks.talks)))
    return talks.shaped()


def _sniff(rows: Sequence[Row]) -> float:
    columns = _columns(rows)
    if not columns.better:
        return 0.0
    return share(_is_answer(row.get(columns.better)) and _is_answer(row.get(columns.worse)) for row in rows)


def _columns(rows: Sequence[Row]) -> PairColumns:
    pairs = ((column_named(rows, one), column_named(rows, other)) for one, other in PAIRS)
    better, worse = next(((one, other) for one, other in pairs if one and other), ("", ""))
    if not better:
        better, worse = _by_words(columns_of(rows))
    prompt = column_named(rows, *PROMPTS) or _asked(rows, (better, worse))
    more = column_named(rows, "input") if prompt.casefold() == "instruction" else ""
    return PairColumns(better, worse, prompt, column_named(rows, *SYSTEMS), more)


def _asked(rows: Sequence[Row], answers: Sequence[str]) -> str:
    """The one column of texts beside the answers."""
    texts = [name for name in columns_of(rows) if name not in answers and is_wordy(rows, name)]
    return texts[0] if answers[0] and len(texts) == 1 else ""


def _by_words(names: Sequence[str]) -> tuple[str, str]:
    """Two columns whose names differ in a word for good and one for bad: `gute_Antwort` and `schlechte_Antwort`."""
    parts = {name: set(re.findall(r"[^\W\d_]+", name.casefold())) for name in names}
    for one, words in parts.items():
        for other, others in parts.items():
            good, bad = words - others, others - words
            if len(good) == len(bad) == 1 and good <= _BETTER and bad <= _WORSE:
                return one, other
    return "", ""


def _is_answer(value: object) -> bool:
    """Whether a cell may hold an answer; counts, ranks and flags are none."""
    text = text_of(value)
    return (
        bool(text)
        and not text.replace(".", "", 1).isdecimal()
        and text.casefold() not in ("true", "false", "yes", "no")
    )


def _before(row: Row, columns: PairColumns) -> list[ChatTurn]:
    """What stands before the answers: the system message, and the prompt as text, messages or an OpenAI input."""
    system = text_of(row.get(columns.system))
    asked = row.get(columns.prompt)
    messages = entry(asked).get("messages") if entry(asked) else asked
    before = [ChatTurn("system", system)] if system else []
    if is_conversation(messages):
        return before + turns_of(messages)
    text = "\n\n".join(filter(None, (text_of(asked), text_of(row.get(columns.more)))))
    template = template_of(f"{text}x") if text else None
    if template:
        turns = turns_in(text, template)
        return before + (turns[:-1] if turns[-1].role == "assistant" and not turns[-1].text else turns)
    return before + ([ChatTurn("user", text)] if text else [])


def _turns(row: Row, columns: PairColumns) -> list[ChatTurn]:
    """The prompt and the better answer, which may hold the whole conversation itself."""
    better = row.get(columns.better)
    turns = turns_of(better) if is_conversation(better) else []
    template = None if turns or columns.prompt else template_of(better)
    if template:
        return turns_in(text_of(better), template)
    if any(turn.role == "user" for turn in turns):
        return turns
    return [*_before(row, columns), *(turns[-1:] or [ChatTurn("assistant", text_of(better))])]


def _said(columns: PairColumns, count: int) -> Doubt:
    return Doubt(
        kind="target",
        where=columns.worse,
        text=f"Each row has a better and a worse answer, {columns.better!r} and {columns.worse!r}.",
        rows=count,
        done=f"{columns.better!r} is the target; {columns.worse!r} is neither input nor target.",
    )


SHAPE = Shape("preference pairs", _sniff, _read, specific=4)
