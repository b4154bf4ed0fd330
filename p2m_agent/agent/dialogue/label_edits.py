"""Changes of the label set, read from words: a cue, the labels it is about, and the new name."""

from __future__ import annotations

import re

from p2m_agent.agent.dialogue.names import known, match, mentioned, split_names
from p2m_agent.agent.dialogue.readings import Edit, Place
from p2m_agent.task.listed_labels import listed_labels

LABELS = (
    r"(?:labels?|categor(?:y|ies)|class(?:es)?|queues?|folders?|kategorien?|klassen?|etiquetas?|categorías?|clases?)"
)
_MERGES = (
    r"\bmerg\w*|\bcombin\w*|\bjoin\b|\bunite\b|\blump\b|\btogether\b|\bsame (?:thing|label)\b|\b(?:as "
    r"|into )?one label\b|\bfus\w+"
    r"|\bzusammen\w*|\bjunta\w*|\bune\b|\bcombina\w*|まとめ|統合"
)
_RENAMES = (
    r"\brenam\w*|\bcall(?:ed)?\b|\bname[d]?\b|\bhei(?:ß|ss)en\b|\bbenenn\w*|\brenombra\w*"
    r"|\bcambia\b|\bllam\w+|改名|変更|変え"
)
_DROPS = (
    r"\bdrop\b|\bremov\w+|\bdelet\w+|\bget rid of\b|\bkick out\b|\bleave out\b|\bforget about\b|\bwithout\b|\bskip\b"
    r"|\b(?:isn't|not|don't|do not|no longer|aren't) need(?:ed)?\b|\bohne\b|\bstreich\w*|\bentfern\w*"
    r"|\bnicht gebraucht\b"
    r"|\bbrauch\w* .*\bnicht\b|\bquita\b|\belimina\b|\bsin\b|削除|消して|不要"
)
_NEW = r"(?P<to>[^,.;:!?]+?)(?:\s+(?:instead|please|bitte|then|from now on|um|zusammen))*"
_INTO = (
    rf"(?:\b(?:into|as|under|to|called|named|call (?:it|them|both)|zu|als|en|como|in)"
    rf"|[>→])\s+(?:one label,?\s*|a label\s+)?"
    rf"(?:called\s+|named\s+)?{_NEW}$"
)


def read_labels(line: str, place: Place) -> Edit | None:
    """All labels, where a line lists them."""
    forms = (
        rf"{LABELS}\b[^:=]{{0,40}}[:=]\s*(?P<list>.+)$",
        rf"\b{LABELS}\b[^,;:]{{0,12}}\b(?:be|are|sind|sollen|son)\s+(?P<list>.+?)(?:\s+(?:sein|heißen))?$",
        rf"\b{LABELS},\s*(?P<list>.+)$",
        r"ラベルは(?P<list>.+?)(?:の\S{0,4}だけ|だけ|にして|です|$)",
    )
    for form in forms:
        found = match(form, line)
        names = split_names(found["list"]) if found else ()
        if 2 <= len(names) <= 50 and all(len(name.split()) <= 3 for name in names) and not _verbs(names):
            return Edit(what="labels", names=names)
    listed = listed_labels(line) if match(rf"\b{LABELS}\b", line) else ()
    return Edit(what="labels", names=listed) if listed and not mentioned(line, place.labels) else None


def _verbs(names: tuple[str, ...]) -> bool:
    """`the labels are wrong and confusing` lists nothing."""
    return any(
        match(r"^(?:wrong|bad|good|right|fine|confusing|unclear|not\b.*|too\b.*|the same|missing)$", n) for n in names
    )


def read_merge(line: str, place: Place) -> Edit | None:
    """Labels that become one; where no name is given, the name of the first."""
    names = mentioned(line, place.labels)
    if len(names) < 2 or not match(_MERGES, line):
        return None
    into = match(_INTO, line) or match(rf"(?:called|call it|call them|named|,)\s+{_NEW}$", line)
    to = _named(into["to"] if into else "", names)
    colon = match(r"(?:label|name)\w*\s*:\s*(?P<to>[^,.;:]+)$", line)
    to = colon["to"].strip() if colon else to
    japanese = match(r"(?P<names>.+?)(?:を|は)(?P<to>\S+?)に(?:まとめ|統合)", line)
    to = japanese["to"] if japanese else to
    final = known(to, names) or to
    last = names[-1] == final and len(names) > 2  # only the target's name, said once
    merged = names[:-1] if last else names
    return Edit(what="merge", names=merged, to=final)


def _named(said: str, names: tuple[str, ...]) -> str:
    bare = re.sub(r"^(?:the |one |a |label |just )+", "", said.strip(" '\"`"))
    return bare if bare and len(bare.split()) <= 3 else names[0]


def read_rename(line: str, place: Place) -> Edit | None:
    """One label with a new name."""
    names = mentioned(line, place.labels)
    if not names or len(names) > 2 or not match(_RENAMES, line):
        return None
    old = names[0]
    after = match(
        rf"(?:renam\w*|call(?:ed)?|name[d]?|want the name|benenn\w*|renombra\w*|cambia)\s+(?:the |label "
        rf"|it |that |to be )*"
        rf"(?:{re.escape(old)}\s+)?(?:to |into |as |in |zu |por |a |> ?|→ ?|be )*(?:called )?{_NEW}$",
        line,
    ) or match(rf"{re.escape(old)}\s+(?:soll|sollte)\s+(?P<to>.+?)\s+hei(?:ß|ss)en", line)
    after = after or match(rf"{re.escape(old)}を(?P<to>.+?)に", line)
    to = after["to"].strip(" '\"`") if after else ""
    fits = to and known(to, place.labels) is None and len(to.split()) <= 3
    return Edit(what="rename", names=(old,), to=to) if fits else None


def read_drop(line: str, place: Place) -> Edit | None:
    """A label that is not wanted."""
    names = mentioned(line, place.labels)
    if len(names) != 1 or not match(_DROPS, line) or len(line.split()) > 9:
        return None
    loose = match(r"\b(?:without|ohne|sin)\b", line)  # of a label, not of something in the texts
    if loose and not match(rf"\b(?:without|ohne|sin)\s+(?:the |das |la )?(?:{LABELS} )?{re.escape(names[0])}", line):
        return None
    return Edit(what="drop", names=names)


def read_add(line: str, place: Place) -> Edit | None:
    """A label that is missing."""
    forms = (
        rf"\b(?:add|another|also|missing|new|need|want)\b.*?\b{LABELS}\b(?: is missing)?\s*(?::|called"
        rf"|named|for|,)?\s*(?P<name>[^,;:?]+)$",
        rf"\b{LABELS} is missing:?\s*(?P<name>[^,;:]+)$",
        rf"\badd\s+(?P<name>\S+)\s+(?:as an? |to the |to )(?:new )?{LABELS}$",
        r"\bfüge?\s+(?:das label |ein label )?(?P<name>\S+)\s+hinzu$",
        r"\b(?:añade|falta)\s+(?:la etiqueta )?(?P<name>\S+)$",
        r"^(?P<name>\S+?)(?:というラベル)?を追加",
    )
    for form in forms:
        found = match(form, line)
        name = found["name"].strip(" '\"`") if found else ""
        if name and len(name.split()) <= 2 and known(name, place.labels) is None:
            return Edit(what="add", names=(name,))
    return None
