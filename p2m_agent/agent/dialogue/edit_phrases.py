"""Changes of something named, read from words: a value with a word for its thing or for changing it, in any order."""

from __future__ import annotations

import re
from collections.abc import Callable

from p2m_agent.agent.dialogue import label_edits
from p2m_agent.agent.dialogue.amounts import amount, minutes, share
from p2m_agent.agent.dialogue.asking_back import is_question, requests
from p2m_agent.agent.dialogue.readings import Edit, Place
from p2m_agent.agent.dialogue.spoken import Utterance
from p2m_agent.agent.dialogue.vocabulary import LANGUAGES, plain, vocabulary
from p2m_agent.languages import NAMES

_METRICS = {"macro f1": "macro_f1", "macro-f1": "macro_f1", "micro f1": "micro_f1", "micro-f1": "micro_f1",
            "accuracy": "accuracy", "exact match": "exact_match", "chrf": "chrf", "rouge": "rouge_l",
            "bleu": "bleu"}  # fmt: skip
_BASES = r"bert|llama|qwen|minilm|t5|mistral|gemma|smollm"
"""What names of base models have in them, also of those that were not found in the search."""
_BARE = 4
"""Words of a line that is an amount and little else."""


def read_edit(line: Utterance, place: Place) -> Edit | None:
    """The change that a line names, or None. `can you switch to distilbert?` asks for one, `should we?` does not."""
    if is_question(line) and not requests(line):
        return None
    for reader in _READERS:
        edit = reader(line, place)
        if edit is not None:
            return edit
    return None


def _says_a_rule(line: Utterance) -> bool:
    """`refunds above 100 dollars always go to complaint` is about the rows."""
    return bool(line.labels) or line.has("rule")


def _target(line: Utterance, _place: Place) -> Edit | None:
    value = share(line)
    fits = line.has("target", "least") or len(line.words) <= _BARE
    if value is None or not fits or _says_a_rule(line) or re.search(r"\b(?:of|der|de) (?:the|los|las)\b", line.text):
        return None
    return Edit(what="target", to=value)


def _money(line: Utterance, _place: Place) -> Edit | None:
    value = amount(line, "dollars")
    fits = line.has("limit", "budget") or len(line.words) <= _BARE
    return None if value is None or not fits or _says_a_rule(line) else Edit(what="budget_usd", to=value)


def _minutes(line: Utterance, _place: Place) -> Edit | None:
    value = minutes(line)
    fits = line.has("limit", "time") or len(line.words) <= _BARE
    return None if not value or not fits or _says_a_rule(line) else Edit(what="max_minutes", to=value)


def _rounds(line: Utterance, _place: Place) -> Edit | None:
    value = amount(line, "rounds")
    fits = line.has("limit", "set") or len(line.words) <= _BARE
    return None if not value or value != int(value) or not fits or _says_a_rule(line) else Edit(what="rounds", to=value)


def _data(line: Utterance, _place: Place) -> Edit | None:
    return None if line.file is None or line.has("not") else Edit(what="data", to=line.file)


def _language(line: Utterance, _place: Place) -> Edit | None:
    codes = {code for word in line.words if (code := _code(word.text))}
    named = line.has("language") or line.has("texts")
    if len(codes) != 1 or not named or line.has("not_language", "not") or line.labels or len(line.words) > 10:
        return None
    return Edit(what="language", to=codes.pop())


def _code(word: str) -> str | None:
    """The language that a word names. Its code is too short to be sure of anywhere in a line."""
    names = [vocabulary(each).languages for each in LANGUAGES]
    return NAMES.get(word.casefold()) or next((code for each in names if (code := each.get(plain(word)))), None)


def _language_code(line: Utterance, _place: Place) -> Edit | None:
    """`language: de`."""
    last = line.words[-1].text.lower()
    fits = len(line.words) <= _BARE and line.has("language") and last in set(NAMES.values())
    return Edit(what="language", to=last) if fits else None


def _metric(line: Utterance, _place: Place) -> Edit | None:
    found = re.search(rf"\b(?P<name>{'|'.join(_METRICS)})(?![a-z])", line.text.replace("_", " "), re.IGNORECASE)
    if not found or not line.has("metric") or line.has("not", "wrong") or share(line) is not None:
        return None
    return Edit(what="metric", to=_METRICS[found["name"].lower()])


def _columns(line: Utterance, _place: Place) -> Edit | None:
    names = line.columns
    if not names or line.has("not", "wrong", "no"):
        return None
    if len(names) == 1 and line.has("output") and not line.has("input"):
        return Edit(what="columns", to=names[0])
    return Edit(what="columns", names=names) if line.has("input") and not line.has("output") else None


def _model(line: Utterance, place: Place) -> Edit | None:
    tokens = [
        word.text.strip(".-") for word in line.words if len(word.text) > 3 and word.roles.isdisjoint(("model", "small"))
    ]
    near = {base for token in tokens for base in place.bases if token.casefold() in base.casefold()}
    looks = [token for token in tokens if re.search(_BASES, token, re.IGNORECASE)]
    wanted = line.has("set", "model", "into") or len(line.words) <= 2
    if not wanted or line.has("rule", "not", "wrong") or len(near or looks) != 1:
        return None
    return Edit(what="model", to=near.pop() if near else looks[0])


def _prefer(line: Utterance, _place: Place) -> Edit | None:
    wants = line.has("set", "into") or len(line.words) <= _BARE
    fits = line.has("small") and wants and not line.has("not_small", "wrong") and not _says_a_rule(line)
    of_rows = line.columns or (line.has("texts") and not line.has("model"))
    return Edit(what="prefer", to="small") if fits and not of_rows else None


def _stop_or_redo(line: Utterance, place: Place) -> Edit | None:
    """Whether the line says nothing else."""
    if line.labels or place.about not in ("rest", "delivery"):
        return None
    idle = ("lead", "yes", "filler", "rounds", "tail")
    if place.about == "rest" and line.has("stop") and line.within("stop", "stop_tail", *idle):
        return Edit(what="stop")
    redoes = line.has("redo") or (line.has("again") and line.has("trains"))
    return Edit(what="redo") if redoes and line.within("redo", "again", "redo_tail", "set", *idle) else None


Reader = Callable[[Utterance, Place], Edit | None]
_READERS: tuple[Reader, ...] = (
    _data, _columns, label_edits.read_labels, label_edits.read_merge, label_edits.read_rename, label_edits.read_drop,
    label_edits.read_add, _stop_or_redo, _target, _money, _minutes, _rounds, _language, _language_code, _metric,
    _model, _prefer,
)  # fmt: skip
