"""One reading of whatever is typed at whichever question; several to pick from where none is sure.

Rules come first: they know what each word of a line does, and claim only lines in which every word has its place.
What they leave is compared with what people say of harmless kinds; nothing that decides, changes or ends anything is
ever read by likeness.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from p2m_agent.agent.dialogue.asking_back import is_question, requests
from p2m_agent.agent.dialogue.edit_phrases import read_edit
from p2m_agent.agent.dialogue.hearing import hear
from p2m_agent.agent.dialogue.likeness import likely
from p2m_agent.agent.dialogue.readings import SURE, Edit, Place, Topic, Understood
from p2m_agent.agent.dialogue.row_marks import read_marks, read_page
from p2m_agent.agent.dialogue.spoken import Utterance
from p2m_agent.agent.dialogue.verdicts import clear_verdict, loose_verdict, spoken_verdict

DECIDED = ("spec", "columns", "rows", "prompt", "plan", "spend", "delivery")
"""Questions that take a verdict."""
ENOUGH, ENOUGH_OF_UNKNOWN, OFFERED = 0.4, 0.8, 0.12
"""Probability from which a harmless reading is taken (of a line in unknown words mostly), and from which offered."""

Rule = Callable[[Utterance, Place], Understood | None]


def route(text: str, place: Place) -> Understood:
    """What a line means where it was typed.

    Args:
        text: the line.
        place: the open question and the names that are known.
    """
    line = hear(text, place)
    reading = _by_rules(line, place) if line.words else _wordless(line)
    return (reading or _by_likeness(line, place)).model_copy(update={"text": text.strip()})


def _by_rules(line: Utterance, place: Place) -> Understood | None:
    return next((reading for rule in _RULES if (reading := rule(line, place))), None)


def _wordless(line: Utterance) -> Understood:
    """An emoji or three dots ask for nothing; a lone question mark might."""
    return Understood(kind="unclear" if "?" in line.text else "nothing")


def _slash(line: Utterance, place: Place) -> Understood | None:
    if not line.text.startswith("/") or (place.about == "rows" and line.text == "/undo"):
        return None
    return Understood(kind="command", command=line.text)


def _page(line: Utterance, place: Place) -> Understood | None:
    typed = read_page(line) if place.about == "rows" else None
    return Understood(kind="rows", rows=typed) if typed else None


def _clear(line: Utterance, place: Place) -> Understood | None:
    verdict = clear_verdict(line.text) if place.about in DECIDED else None
    numbered = verdict and place.about == "rows" and re.search(r"\d", verdict[1])
    if verdict is None or numbered:
        return None
    return Understood(kind="answer", verdict=verdict[0], remarks=verdict[1])


def _verdict(line: Utterance, place: Place) -> Understood | None:
    verdict = spoken_verdict(line, place.about) if place.about in DECIDED and not is_question(line) else None
    return Understood(kind="answer", verdict=verdict) if verdict else None


def _marks(line: Utterance, place: Place) -> Understood | None:
    typed = read_marks(line) if place.about == "rows" else None
    return Understood(kind="rows", rows=typed) if typed else None


def _command(line: Utterance, place: Place) -> Understood | None:
    """Words for a command and nothing else. Going on is what a yes does where a question is open."""
    for role in ("help", "quit", "undo", "go"):
        named = line.has(role) and line.within(role, "lead", "filler", "quiet", "tail", "redo_tail", "request")
        if (
            named
            and not line.has("not")
            and not (role in ("go", "undo") and place.about in DECIDED)
            and not _says_more(line, role)
        ):
            return Understood(kind="command", command=f"/{role}")
    return None


def _says_more(line: Utterance, role: str) -> bool:
    return role != "help" and is_question(line) and not requests(line)


def _quiet(line: Utterance, _place: Place) -> Understood | None:
    """Thanks, greetings and a word of comment. `that is good` judges something, so it is more."""
    quiet = line.has("quiet") and line.within("quiet", "lead", "filler") and not line.text.endswith(("?", "？"))
    judges = any("state" in word.roles and "quiet" not in word.roles for word in line.words) and line.has("praise")
    return Understood(kind="nothing") if quiet and not judges and not line.has("hedge", "hesitates", "not") else None


def _edit(line: Utterance, place: Place) -> Understood | None:
    edit = read_edit(line, place)
    if edit is None:
        return None
    read = Understood(kind="edit", edit=edit, text=line.text)
    if _unread(line, edit):  # words that nobody knows may turn it around: it is offered, not done
        return Understood(kind="unclear", confidence=0.0, options=(read, *_offered(line, place, ())[:2]))
    return read


def _unread(line: Utterance, edit: Edit) -> bool:
    """Whether words have no part in an edit, not even as the names that it sets."""
    set_to = " ".join(map(str, (*edit.names, edit.to or ""))).lower()
    return any(word.text.lower() not in set_to for word in line.unknown())


def _open(line: Utterance, place: Place) -> Understood | None:
    """An open question takes any words that do not ask something back."""
    if place.about != "open" or is_question(line):
        return None
    return Understood(kind="answer", verdict="accept", remarks=line.text)


def _hesitates(line: Utterance, place: Place) -> Understood | None:
    """Words that put a decision off, or only lead up to something."""
    idle = line.within("hesitates", "filler", "lead", "hedge", "state") and not is_question(line)
    puts_off = any("hesitates" in word.roles and "lead" not in word.roles for word in line.words)
    off = place.about in DECIDED and puts_off and not is_question(line)
    bare_name = all(word.named for word in line.words)
    unclear = idle or off or bare_name
    return Understood(kind="unclear", confidence=0.0, options=_offered(line, place, ())) if unclear else None


def _loose(line: Utterance, place: Place) -> Understood | None:
    verdict = loose_verdict(line, place.about) if place.about in DECIDED and not is_question(line) else None
    return Understood(kind="answer", verdict=verdict, remarks=line.text) if verdict else None


_WHY: dict[str, Topic] = {"rows": "why_data", "columns": "why_step", "delivery": "why_base"}


def _bare_why(line: Utterance, place: Place) -> Understood | None:
    """A bare `why?` asks for the step that the open question would allow."""
    bare = is_question(line) and line.has("why") and line.within("why", "asks", "lead") and len(line.words) <= 2
    return Understood(kind="ask", topic=_WHY.get(place.about, "why_step")) if bare else None


def _fact(line: Utterance, _place: Place) -> Understood | None:
    """What is said of a label and changes nothing is a fact about the task."""
    said = line.labels and len(line.words) > 2 and line.has("state", "rule", "condition", "into")
    judges = any("wrong" in word.roles for word in line.words if not word.label)
    return Understood(kind="fact") if said and not judges and not is_question(line) else None


_RULES: tuple[Rule, ...] = (
    _slash, _page, _clear, _verdict, _marks, _command, _quiet, _edit, _loose, _open, _hesitates, _fact, _bare_why,
)  # fmt: skip


def _by_likeness(line: Utterance, place: Place) -> Understood:
    """The likeliest harmless reading; else an unclear one with readings to pick from."""
    ranked = likely(line)
    best = ranked[0]
    enough = ENOUGH_OF_UNKNOWN if len(line.unknown()) * 2 > len(line.words) else ENOUGH
    if best.kind != "unclear" and best.confidence >= enough:
        return best.model_copy(update={"confidence": max(SURE, best.confidence)})
    return Understood(kind="unclear", confidence=0.0, options=_offered(line, place, ranked))


def _offered(line: Utterance, place: Place, ranked: Sequence[Understood]) -> tuple[Understood, ...]:
    """Two or three readings of an unclear line."""
    asks = [each for each in ranked if each.kind == "ask" and each.confidence >= OFFERED][:2]
    said = [Understood(kind=kind, text=line.text) for kind in ("fact", "remark")]
    no = (
        [Understood(kind="answer", verdict="reject", remarks=line.text)]
        if place.about in DECIDED and len(line.words) > 2
        else []
    )
    return tuple([*asks, said[0], *no, said[1]][:3])
