"""One reading of whatever is typed at whichever question; several to pick from where none is sure.

Rules come first and claim only whole forms. What they leave is compared by meaning with sentences that stand for
harmless readings: nothing that decides, changes or ends anything is ever read by likeness.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from p2m_agent.agent.dialogue.edit_phrases import read_edit
from p2m_agent.agent.dialogue.names import ORDINALS, mentioned
from p2m_agent.agent.dialogue.readings import SURE, Place, RowsTyped, Understood
from p2m_agent.agent.dialogue.remarks import FACTS, REMARKS, is_fact, is_judgement, is_quiet
from p2m_agent.agent.dialogue.topics import EXEMPLARS, is_question, topic_of
from p2m_agent.agent.dialogue.verdicts import clear_verdict, spoken_verdict

if TYPE_CHECKING:
    from p2m_agent.run.seams import Embedder

DECIDED = ("spec", "columns", "rows", "prompt", "plan", "spend", "delivery")
"""Questions that take a verdict."""
NEAR, MARGIN = 0.45, 0.05
"""Cosine from which likeness counts, and by how much the nearest has to lead another kind."""

Rule = Callable[[str, Place], Understood | None]


def route(text: str, place: Place, embedder: Callable[[], Embedder | None] = lambda: None) -> Understood:
    """What a line means where it was typed.

    Args:
        text: the line.
        place: the open question and the names that are known.
        embedder: loaded only for lines that no rule understands.
    """
    line = " ".join(text.split())
    for rule in _RULES:
        reading = rule(line, place)
        if reading is not None:
            return reading.model_copy(update={"text": text.strip()})
    return _by_meaning(line, place, embedder()).model_copy(update={"text": text.strip()})


def _slash(line: str, _place: Place) -> Understood | None:
    return Understood(kind="command", command=line) if line.startswith("/") else None


def _row_undo(line: str, place: Place) -> Understood | None:
    """In the review of rows, `/undo` is about the last mark and not about the run."""
    undo = place.about == "rows" and line.lower() == "/undo"
    return Understood(kind="rows", rows=RowsTyped(undo=True)) if undo else None


def _verdict(line: str, place: Place) -> Understood | None:
    if place.about not in DECIDED:
        return None
    clear = clear_verdict(line)
    numbered = place.about == "rows" and clear is not None and re.search(r"\d", clear[1])
    if clear and not numbered:
        return Understood(kind="answer", verdict=clear[0], remarks=clear[1])
    spoken = None if is_question(line) else spoken_verdict(line, place.columns)
    return Understood(kind="answer", verdict=spoken) if spoken else None


def _rows(line: str, place: Place) -> Understood | None:
    if place.about != "rows":
        return None
    typed = read_rows(line, place)
    return Understood(kind="rows", rows=typed) if typed else None


def read_rows(line: str, place: Place) -> RowsTyped | None:
    """`2 5-7`, `3 = shipping`, `row 3 is wrong`, `more`."""
    if re.fullmatch(r"m|more|next(?: page)?|show (?:me )?more|weiter|mehr|más|もっと|次", line, re.IGNORECASE):
        return RowsTyped(page=True)
    if re.fullmatch(r"/?undo|u|rückgängig|deshacer", line, re.IGNORECASE):
        return RowsTyped(undo=True)
    shown = re.fullmatch(
        r"(?:only|show only|nur|solo|filter|search|find|suche)\s+(?P<only>.+)|(?P<all>all|alle|todas)", line, re.I
    )
    if shown:
        return RowsTyped(only=(shown["only"] or "").strip(" '\"`"))
    if is_question(line):
        return None
    plain = re.sub(r"\b(?:that|the) (\w+) one\b", r"\1", line, flags=re.IGNORECASE)
    digits = re.sub(r"[a-zäöü]+", lambda word: str(ORDINALS.get(word[0].lower(), word[0])), plain, flags=re.IGNORECASE)
    numbers, labels = _numbers(digits), mentioned(line, place.labels)
    if len(numbers) == 1 and len(labels) == 1:
        return RowsTyped(row=numbers[0], label=labels[0])
    only = re.fullmatch(r"(?:rows?|x|[\d\s,-])+|[\d\s,-]+(?:and|und|y)\s*\d+", digits)
    if numbers and not labels and len(line.split()) <= 10 and (only or re.search(_BAD, line, re.IGNORECASE)):
        return RowsTyped(bad=numbers)
    return None


_BAD = (
    r"\b(?:wrong|bad|rubbish|nonsense|garbage|reject|drop|remove|delete|discard|x|(?:not|isn't"
    r"|aren't) (?:right|correct|ok|good)"
    r"|don't keep|falsch|schlecht|unsinn|weg|löschen|nicht richtig|mal|incorrect\w*)\b|違|間違"
)


def _numbers(text: str) -> tuple[int, ...]:
    found: list[int] = []
    for first, last in re.findall(r"(\d+)(?:\s*-\s*(\d+))?", text):
        found += range(int(first), int(last or first) + 1)
    return tuple(dict.fromkeys(found))


_COMMANDS = (
    ("/undo", r"(?:please )?(?:(?:take me |go )?(?:one |a )?step back|(?:take|bring"
        r"|go) (?:me )?back (?:one|a) step|(?:undo|revert|roll back)(?: (?:that|it|this|the last (?:step|one)))?"
        r"|go (?:one )?(?:step )?back(?: one step| a step)?"
              r"|take (?:that|it) back|rückgängig(?: machen)?|mach das rückgängig|zurück"
        r"|deshacer|deshaz eso|元に戻して)"),
    ("/help", r"help(?: me)?|(?:what|which) commands(?: are there| do you (?:have|know))?|what can (?:i"
        r"|you) (?:say|do|type)(?: here)?|hilfe|ayuda|commands"
        r"|what are the commands|ヘルプ"
              r"|how does this work|was kann ich (?:sagen|tun)"),
    ("/go", r"(?:please )?(?:(?:let's |let us |just |then )*(?:go on|continue|move on|carry on)|go on"
        r"|continue|carry on|keep going|proceed|resume|go ahead|weiter(?:machen)?|mach weiter|sigue"
        r"|continúa"
            r"|adelante|続けて(?:ください)?)(?: please)?"),
    ("/quit", r"(?:i'm done,? ?|ok,? ?|that's it,? ?|well,? ?)?(?:see you(?: (?:later|tomorrow|soon))?"
        r"|quit|exit|bye(?: bye)?|good ?bye|leave|ciao|tschüss|adiós|hasta luego|さようなら|終了"
        r"|auf wiedersehen)"),
)  # fmt: skip


def _command_words(line: str, place: Place) -> Understood | None:
    bare = re.sub(r",? (?:please|bitte|por favor)$", "", line.rstrip(".!?？。"), flags=re.IGNORECASE)
    for command, form in _COMMANDS:
        if re.fullmatch(form, bare, re.IGNORECASE) and (place.about not in DECIDED or command == "/help"):
            return Understood(kind="command", command=command)
    return None


def _edit(line: str, place: Place) -> Understood | None:
    edit = read_edit(line, place)
    return Understood(kind="edit", edit=edit) if edit else None


def _quiet(line: str, _place: Place) -> Understood | None:
    return Understood(kind="nothing") if is_quiet(line) else None


def _open(line: str, place: Place) -> Understood | None:
    """An open question takes any words that do not ask something back."""
    if place.about != "open" or is_question(line):
        return None
    return Understood(kind="answer", verdict="accept", remarks=line)


def _ask(line: str, place: Place) -> Understood | None:
    topic = topic_of(line, place.about) if is_question(line) else None
    return Understood(kind="ask", topic=topic) if topic else None


def _fact(line: str, place: Place) -> Understood | None:
    return Understood(kind="fact") if not is_question(line) and is_fact(line, place) else None


def _judgement(line: str, _place: Place) -> Understood | None:
    return Understood(kind="remark") if not is_question(line) and is_judgement(line) else None


_RULES: tuple[Rule, ...] = (
    _row_undo,
    _slash, _verdict, _rows, _command_words, _quiet, _edit, _open, _ask, _fact, _judgement,
)  # fmt: skip


def _by_meaning(line: str, place: Place, embedder: Embedder | None) -> Understood:
    """The nearest harmless reading where it leads clearly; else an unclear one with the readings to pick from."""
    ranked = _ranked(line, embedder) if embedder and len(line.split()) > 1 else []
    if ranked:
        best = ranked[0]
        others = [each for each in ranked if (each.kind, each.topic) != (best.kind, best.topic)]
        clear = not others or best.confidence - others[0].confidence >= MARGIN
        if clear and best.confidence >= NEAR:
            return best.model_copy(update={"confidence": max(SURE, best.confidence)})
    return Understood(kind="unclear", confidence=0.0, options=_offered(line, place, ranked))


def _offered(line: str, place: Place, ranked: Sequence[Understood]) -> tuple[Understood, ...]:
    """Two or three readings of an unclear line."""
    near = [each for each in ranked if each.confidence >= 0.25][:1]
    fact = Understood(kind="fact", text=line)
    remark = Understood(kind="remark", text=line)
    asked = place.about in DECIDED
    no = [Understood(kind="answer", verdict="reject", remarks=line)] if asked and len(line.split()) > 2 else []
    kinds = {each.kind for each in near}
    return tuple([*near, *([] if "fact" in kinds else [fact]), *no, *([] if "remark" in kinds else [remark])][:3])


def _ranked(line: str, embedder: Embedder) -> list[Understood]:
    """Harmless readings, nearest first, each as near as its nearest sentence."""
    stands = [
        (Understood(kind="ask", topic=topic, by="embeddings"), said) for topic, said in EXEMPLARS if is_question(line)
    ]
    if not stands:
        stands = [(Understood(kind="fact", by="embeddings"), said) for said in FACTS]
        stands += [(Understood(kind="remark", by="embeddings"), said) for said in REMARKS]
    vectors = embedder.encode([line, *(said for _, said in stands)])
    near = [float(each) for each in vectors[1:] @ vectors[0]]
    scored = [
        reading.model_copy(update={"confidence": score}) for (reading, _), score in zip(stands, near, strict=True)
    ]
    return sorted(scored, key=lambda each: -each.confidence)
