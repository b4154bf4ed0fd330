"""Changes of the label set, read from words: what is done, the labels it is about, and the new name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from p2m_agent.agent.dialogue.names import known, split_names
from p2m_agent.agent.dialogue.readings import Edit, Place
from p2m_agent.agent.dialogue.spoken import Utterance, Word

_AROUND = frozenset({
    "filler", "set", "lead", "into", "merge", "rename", "drop", "add", "label", "only", "quiet", "least", "number",
    "not", "concludes", "yes", "stop_tail", "redo_tail", "tail", "article", "condition", "asks", "request", "limit",
})  # fmt: skip
"""Roles of words that are no part of a new name."""
_BEHIND = frozenset({"tail", "merge", "rename", "drop", "add"})
_NAME = 3
"""Words of a label's name that is not quoted."""
_MOST_SAID, _UNKNOWN = 16, 2


def read_labels(line: Utterance, place: Place) -> Edit | None:
    """All labels, where a line lists them."""
    named = line.has("label") or (line.has("only") and place.about == "spec")
    changes_one = line.has("merge", "rename") or (line.has("drop") and line.labels)
    if not named or changes_one or line.has("condition"):
        return None
    listed = _listed(line)
    whole = len(listed) >= 2 and any(known(name, place.labels) is None for name in listed)
    return Edit(what="labels", names=listed) if whole and not _judges(listed) else None


_JAPANESE_LIST = (
    r"(?:ラベル|カテゴリー?|クラス|分類|種類)(?:は|を|が)(?P<list>.+?)"
    r"(?:の\S{0,4}(?:だけ|つ|個|種類)|だけ|に(?:して|変|する)|です|で(?:お願い|いい)|$)"
)
_JOINT = r"(?:\s*[,;/、]\s*|\s+(?:and|und|y|e|or|oder|o)\s+|と)"
_LAST_JOINT = r"\s*,?\s+(?:and|und|y|e|or|oder|o)\s+"


def _listed(line: Utterance) -> tuple[str, ...]:
    """The names of an enumeration: what stands between its commas, without the words that lead to it and from it."""
    japanese = re.search(_JAPANESE_LIST, line.text)
    said = japanese["list"] if japanese else re.split(r"[.!?]", _after_cue(line))[0]
    names = _up_to_the_last(said)
    cut = [_without(line, name, first=at == 0, last=at == len(names) - 1) for at, name in enumerate(names)]
    fits = all(name and len(name.split()) <= _NAME for name in cut)
    return tuple(dict.fromkeys(cut)) if fits and len(cut) >= 2 else ()


def _up_to_the_last(said: str) -> tuple[str, ...]:
    """Names up to the one behind the `and`; what follows it is no part of the list."""
    before, last, after = (
        re.split(f"({_LAST_JOINT})", said, maxsplit=1) if re.search(_LAST_JOINT, said) else (said, "", "")
    )
    return split_names(before + last + re.split(r"[,;]", after)[0])


def _after_cue(line: Utterance) -> str:
    """The part of a line that holds the list: after a colon, or after the last word that leads to its first comma."""
    _, colon, after = line.text.partition(": ")
    if colon:
        return after
    anchor = next((word.at for word in line.words if "label" in word.roles), 0)
    joint = re.compile(_JOINT).search(line.text, anchor) or re.search(_JOINT, line.text)
    if joint is None:
        return ""
    for word in reversed(line.words):
        end = word.at + len(word.text)
        leads = bool(word.roles & {"label", "only", "set", "into", "number"}) or word.number is not None
        if leads and end <= joint.start():
            return line.text[joint.end() if end == joint.start() else end :]
    return ""


def _without(line: Utterance, name: str, *, first: bool, last: bool) -> str:
    """A name without articles before it and politeness behind it."""
    words = name.split()
    roles = {word.text.casefold(): word.roles for word in line.words}
    while (
        first and len(words) > 1 and roles.get(words[0].casefold(), frozenset()) & {"article", "set", "only", "state"}
    ):
        words.pop(0)
    while last and len(words) > 1 and roles.get(words[-1].casefold(), frozenset()) & _BEHIND:
        words.pop()
    return " ".join(words)


def _judges(names: Sequence[str]) -> bool:
    """`the labels are wrong and confusing` lists nothing."""
    form = r"(?:wrong|bad|good|right|fine|confusing|unclear|not\b.*|too\b.*|the same|missing|falsch|gut|mal|bien)"
    return any(re.fullmatch(form, name, re.IGNORECASE) for name in names)


def read_merge(line: Utterance, _place: Place) -> Edit | None:
    """Labels that become one; where no name is given, the name of the first."""
    names = line.labels
    if len(names) < 2 or not line.has("merge") or line.has("condition"):
        return None
    said = [word.label for word in line.words if word.label]
    to = said[-1] if _leads_to_last(line) else _new_name(line) or names[0]
    others = tuple(name for name in names if name != to or said.count(name) > 1 or len(names) == 2)
    return Edit(what="merge", names=others, to=to)


def _leads_to_last(line: Utterance) -> bool:
    """Whether the last label that is mentioned stands behind a word like `into`, and no other name is given."""
    at = max(at for at, word in enumerate(line.words) if word.label)
    again = [word.label for word in line.words].count(line.words[at].label) > 1
    before = line.words[at - 1].roles if at else frozenset()
    return (again or len(line.labels) > 2) and bool(before & {"into", "label", "article"} or line.words[at].after_break)


def read_rename(line: Utterance, _place: Place) -> Edit | None:
    """One label with a new name."""
    if len(line.labels) != 1 or not line.has("rename") or line.has("condition") or len(line.words) > _MOST_SAID:
        return None
    to = _new_name(line)
    return Edit(what="rename", names=line.labels, to=to) if to else None


def read_drop(line: Utterance, _place: Place) -> Edit | None:
    """A label that is not wanted."""
    fits = len(line.labels) == 1 and line.has("drop") and not line.has("condition") and len(line.words) <= _MOST_SAID
    return Edit(what="drop", names=line.labels) if fits and len(line.unknown()) <= _UNKNOWN else None


def read_add(line: Utterance, place: Place) -> Edit | None:
    """A label that is missing."""
    if line.labels or not line.has("add") or not line.has("label") or line.has("condition", "not", "small"):
        return None
    name = _quoted(line) or _after_colon(line) or _beside(line)
    fits = name and len(name.split()) <= _NAME and known(name, place.labels) is None
    return Edit(what="add", names=(name,)) if fits and len(line.words) <= _MOST_SAID else None


def _quoted(line: Utterance) -> str:
    return line.quoted[0].strip() if len(line.quoted) == 1 else ""


def _after_colon(line: Utterance) -> str:
    found = re.search(r":\s*(?P<name>[^,.;:!?]+)$", line.text)
    return _trimmed(found["name"], line) if found else ""


def _beside(line: Utterance) -> str:
    """The words that nobody knows, right after a word for label, or else right before it."""
    at = next((at for at, word in enumerate(line.words) if "label" in word.roles), None)
    if at is None:
        return ""
    return _run(line.words[at + 1 :]) or _run(line.words[:at][::-1], backwards=True) or _only_unknown(line)


def _run(words: Sequence[Word], *, backwards: bool = False) -> str:
    """Words for a name that stand first here, after what may stand between."""
    start = next((at for at, word in enumerate(words) if _is_name(word)), None)
    if start is None:
        return ""
    end = next(
        (at for at in range(start, len(words)) if not _is_name(words[at]) or (words[at].after_break and at > start)),
        len(words),
    )
    run = words[start:end]
    return " ".join(word.text for word in (run[::-1] if backwards else run))


def _is_name(word: Word) -> bool:
    return not word.named and word.text[0].isalnum() and (not word.known or word.roles.isdisjoint(_AROUND))


def _only_unknown(line: Utterance) -> str:
    runs = _unknown_runs(line)
    return runs[0] if len(runs) == 1 else ""


def _unknown_runs(line: Utterance) -> list[str]:
    """Runs of words in no list: names that are new."""
    runs: list[list[str]] = [[]]
    for word in line.words:
        if word.after_break and runs[-1]:
            runs.append([])
        if _is_name(word):
            runs[-1].append(word.text)
        elif runs[-1]:
            runs.append([])
    joint = "" if line.language == "ja" else " "
    return [joint.join(run) for run in runs if run]


def _new_name(line: Utterance) -> str | None:
    """The name that labels are to have: quoted, after a word like `into`, or the only words that nobody knows."""
    if quoted := [name for name in line.quoted if name not in line.labels]:
        return quoted[-1].strip()
    runs = [run for run in _unknown_runs(line) if len(run.split()) <= _NAME]
    if line.language == "ja":
        before = [run for run in runs if re.search(rf"{re.escape(run)}(?:に|へ|と|という)", line.text)]
        return before[-1] if before else None
    if colon := _after_colon(line):
        return colon if colon not in line.labels else None
    for at in range(len(line.words) - 1, -1, -1):
        if line.words[at].roles & {"into"} or line.words[at].text in (">", "→"):
            name = _trimmed(_until_break(line.words[at + 1 :], line), line)
            if name and len(name.split()) <= _NAME and not _is_around(name, line):
                return name
    return runs[-1] if runs else None


def _until_break(words: Sequence[Word], line: Utterance) -> str:
    """The text of words up to a comma, a label, or the like."""
    end = next(
        (
            at
            for at, word in enumerate(words)
            if (word.after_break and at) or word.label or word.text.casefold() == "rather"
        ),
        len(words),
    )
    taken = words[:end]
    return line.text[taken[0].at : taken[-1].at + len(taken[-1].text)] if taken else ""


def _trimmed(name: str, line: Utterance) -> str:
    """A name without articles before it and politeness behind it."""
    return _without(line, name.strip(" '\"`"), first=True, last=True)


def _is_around(name: str, line: Utterance) -> bool:
    """Whether all words of a name are such as stand around names."""
    roles = {word.text.casefold(): word.roles for word in line.words}
    return all(roles.get(each.casefold(), frozenset()) & _AROUND for each in name.split())
