"""Verdicts: words that leave no doubt, and lines whose every word belongs to a verdict."""

from __future__ import annotations

import re
from dataclasses import replace

from p2m_agent.agent.dialogue.readings import Verdict
from p2m_agent.agent.dialogue.spoken import Utterance

_ALONE: dict[Verdict, str] = {
    "accept": r"a|accept(?:ed)?|y|yes|yep|yeah|yup|ja|jo|sí|si|oui|k|ok|okay|はい|うん|是|好",
    "edit": r"e|edit|change|ändern|editar|編集|変更",
    "reject": r"r|reject(?:ed)?|n|no|nope|nah|nein|nö|non|いいえ|いや|不",
}
_WITH_WORDS: dict[Verdict, str] = {
    "accept": r"a[:,]|accept[:,]?|yes:",
    "edit": r"e:",
    "reject": r"r[:,]?|reject[:,]?|no:",
}
"""What words for the record may follow; `a` alone begins too many sentences."""
_END = r"\s*[.!。！]*\s*"
_MOST_SAID, _MOST_UNKNOWN = 12, 3
"""Words of a line with a verdict in one of its clauses, and words in it that nobody knows where it is a yes."""


def clear_verdict(line: str) -> tuple[Verdict, str] | None:
    """A verdict and the words after it (`r the labels are wrong`); None for all that could mean something else."""
    text = " ".join(line.split())
    for verdict, alone in _ALONE.items():
        if re.fullmatch(f"(?:{alone}){_END}", text, re.IGNORECASE):
            return verdict, ""
    if text.endswith(("?", "？")):
        return None
    for verdict, opening in _WITH_WORDS.items():
        match = re.match(rf"(?:{opening})\s+(?P<words>\S.*)", text, re.IGNORECASE)
        if match:
            return verdict, match["words"]
    return None


def spoken_verdict(line: Utterance, about: str) -> Verdict | None:
    """A verdict in a line that says nothing besides it: every word has to be one of a verdict, or mean nothing here.

    `take only the refunds` holds words that are neither, so it is no yes. What contradicts itself is none either.

    Args:
        line: no question.
        about: what the open question is about: `keep them` means another thing of rows than of an instruction.
    """
    if line.has("hedge", "hesitates"):
        return None
    yes, no = (f"allow_{about}", "yes", "allow", "praise", "state"), (f"refuse_{about}", "no", "refuse", "not")
    before = ("old", "leave") if about in ("prompt", "plan") else ()
    if line.columns and not line.has("yeah", "praise"):
        return None
    closed = all(
        not word.roles.isdisjoint((*yes, *no, *before, "filler", "concludes")) or (word.column and about == "columns")
        for word in line.words
    )
    if not closed or _only_polite(line, about):
        return None
    says_yes, says_no = _says_yes(line, about), _says_no(line, about)
    if says_yes == says_no:
        return None
    return "accept" if says_yes else "reject"


def _says_yes(line: Utterance, about: str) -> bool:
    if line.has("no", "not"):
        return line.has("yeah") and not line.has(f"refuse_{about}")
    if about in ("prompt", "plan") and line.has("old", "leave"):
        return False
    stated = line.has("praise") and line.has("state")
    if line.has("wrong") and not line.has("yeah"):
        return False
    return line.has("yes", f"allow_{about}") or stated or (about != "rows" and line.has("allow"))


def _says_no(line: Utterance, about: str) -> bool:
    """By a no, by words that refuse, by a negation of words that allow; `do not stop` is none of these."""
    if line.has("no") or any(clause.within("not") for clause in line.clauses()):
        return True
    if line.has("not"):
        stop = [word for word in line.words if "refuse" in word.roles and "leave" not in word.roles]
        judges = about == "spec" and line.has("wrong", "yes")
        return not stop and not judges
    if about in ("prompt", "plan") and line.has("old", "leave"):
        return not line.has(f"allow_{about}") or line.has("old")
    refuses = line.has("refuse") or (line.has(f"refuse_{about}") and len(line.words) > 1)
    return refuses and not line.has("yes", "praise")


def _only_polite(line: Utterance, about: str) -> bool:
    """A word of praise or thanks alone comments; it does not decide."""
    if line.has("yeah", "no", "not", "refuse", "allow", f"allow_{about}", f"refuse_{about}", "old", "leave"):
        return False
    said = [word for word in line.words if "yes" in word.roles and ("quiet" not in word.roles or " " in word.text)]
    return not said and not (line.has("state") and line.has("praise"))


def loose_verdict(line: Utterance, about: str) -> Verdict | None:
    """A verdict of one clause, where no other takes it back: `no, it still fails a lot`, `works for me, hand it over`.

    Args:
        line: no question, and no edit.
        about: what the open question is about.
    """
    if after := _after_but(line):
        return "reject" if spoken_verdict(after, about) == "reject" else None
    if line.has("hedge", "hesitates", "asks") or len(line.words) > _MOST_SAID:
        return None
    clauses = line.clauses()
    said = {verdict for each in clauses if (verdict := _of_clause(each, about))}
    if len(said) != 1:
        return None
    verdict = said.pop()
    others = [each for each in clauses if _of_clause(each, about) is None]
    if verdict == "accept" and any(each.has("no", "not", "refuse") for each in others):
        return None
    named = any(word.label or word.file or word.number is not None for word in line.words)
    return None if named or (verdict == "accept" and len(line.unknown()) > _MOST_UNKNOWN) else verdict


def _after_but(line: Utterance) -> Utterance | None:
    """What follows a `but`, which is what counts of the two."""
    at = next((at for at, word in enumerate(line.words) if "but" in word.roles), None)
    return None if at is None or at + 1 == len(line.words) else replace(line, words=line.words[at + 1 :])


def _of_clause(clause: Utterance, about: str) -> Verdict | None:
    first = clause.words[0]
    if "nope" in first.roles:
        return "reject"
    if "yeah" in first.roles and not clause.has("no", "not", "refuse"):
        return "accept"
    return spoken_verdict(clause, about)
