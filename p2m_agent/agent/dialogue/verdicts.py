"""Verdicts: those that leave no doubt, and sentences whose every word belongs to a verdict."""

from __future__ import annotations

import re
from typing import Literal

Verdict = Literal["accept", "edit", "reject"]

_ALONE: dict[Verdict, str] = {
    "accept": r"a|accept(?:ed)?|y|yes|yep|yeah|yup|ja|jo|sí|si|oui|ok|okay|はい|うん|是|好",
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

_YES = (
    r"sure thing|i agree|(?:matches|is) (?:exactly )?what i (?:want|wanted|meant|mean)|verstanden|venga"
    r"|yes|yep|yup|yeah|sure|ok|okay|alright|fine|perfect|great|good(?: enough)?|right|correct|exactly"
    r"|agreed|approved?|confirm(?:ed)?"
    r"|go (?:ahead|on|for it)|proceed|do it|do that|run it|start(?: it)?|deliver(?: it)?|ship it"
    r"|hand it over|carry on|let us (?:do it|go)"
    r"|take (?:it|them|that)|use (?:it|them|that)|accept(?:ed)?|sounds (?:good|right|great|fine|better)"
    r"|looks? (?:good|right|great|fine|ok|better)|is better|what i had in mind|describes it well"
    r"|happy with (?:it|that|them)"
    r"|(?:use|take) the new (?:one|wording|instruction|version)|nothing (?:is )?wrong|transform (?:it|them)"
    r"|ja|jo|jep|passt|stimmt|genau|richtig|einverstanden|gut|in ordnung|mach(?:e)?(?: das| es)?"
    r"|leg(?:e)? los|los|gerne|meinetwegen"
    r"|klar|so hab(?:e)? ich mir das gedacht|gefällt mir"
    r"|sí|si|claro|vale|correcto|de acuerdo|adelante|perfecto|(?:está |esta |todo )?bien|hazlo"
)
_NO = (
    r"no|nope|nah|not|do not|never|stop|wait|hold off|skip|cancel|rather not|too (?:expensive|dear|much"
    r"|slow|long|costly)"
    r"|keep training|(?:keep|leave)|reject|discard|throw|the old (?:one|wording|instruction|version)"
    r"|(?:old|previous) (?:one|wording|instruction|version)|more than i want"
    r"|nein|nö|nicht|noch nicht|lieber nicht|zu (?:teuer|lang(?:e)?|langsam|viel)|lass(?:en)?|abbrechen|warte"
    r"|todavía no|aún no|ahora no|mejor no|muy caro|demasiado caro|espera|cancela"
)
_FILLER = (
    r"takes?|thing|i|am|would|will|think|that|this|it|is|are|was|were|they|these|those|them|the|a|an|about|to|me|my"
    r"|mind|then|now|just|wrong|well"
    r"|please|you|can|for|with|by|in|all|so|very|quite|new|wording|version|instruction|one|ones|columns?"
    r"|rows?|labels?|and|be|yet|there|here"
    r"|as|of|on|us|we|let|happy|such|do|run|pay|want|money|time|first|had|what|away|alone|leave|like"
    r"|generate|spend|deliver|take|use"
    r"|looks?|sounds?|seems?|enough|really|absolutely|course|thanks|thank|anything|everything|accept"
    r"|start|rather|prefer|was|off|wait|than"
    r"|more|good|better|reject|throw|keep|old|previous|own"
    r"|das|es|ist|so|dann|na|mir|ich|bitte|alle[s]?|auch|gut|wir|die|der|jetzt|lieber|viel|noch|danke|zu|mal|doch|mich"
    r"|es|está|todo|por favor|eso|gracias|muy|así|lo|la|el|ahora"
)
_HEDGES = r"\b(?:but|except|if|unless|maybe|perhaps|only|instead|aber|wenn|vielleicht|außer|nur|pero|quizá|salvo)\b"
_JAPANESE: dict[Verdict, str] = {
    "accept": r"(?:はい、?)?(?:お願いします|それで(?:いい|良い|大丈夫)(?:です)?|大丈夫です"
    r"|いいです(?:よ)?|正しいです|合っています"
    r"|進めてください|問題ありません|オーケー)",
    "edit": r"(?!)",
    "reject": r"(?:いいえ、?)?(?:やめて(?:ください)?|結構です|まだです|だめです|違います)",
}


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


def spoken_verdict(line: str, names: tuple[str, ...] = ()) -> Verdict | None:
    """A verdict in a sentence that says nothing besides it, in English, German, Spanish or Japanese.

    Every word has to be a cue or a filler: `take only the refunds` holds a word that is neither, so it is no yes.

    Args:
        line: the sentence.
        names: columns and the like that may be named beside a yes.
    """
    text = " ".join(line.split()).replace("’", "'").lower()
    for verdict, form in _JAPANESE.items():
        if re.fullmatch(form + _END, text):
            return verdict
    if text.endswith(("?", "？")) or re.search(_HEDGES, text) or len(text.split()) > 12:
        return None
    text = re.sub(r"[,.!;:…。！、-]+", " ", _expanded(text))
    for name in names:
        text = re.sub(rf"\b{re.escape(name.lower())}\b", " it ", text)
    said_no = re.search(
        rf"\b(?:{_NO})\b", re.sub(r"\bnothing (?:is )?wrong\b|\bold (?:one|wording)? ?was\b", " ", text)
    )
    said_yes = re.search(rf"\b(?:{_YES})\b", text)
    rest = re.sub(rf"\b(?:{_NO})\b|\b(?:{_YES})\b|\b(?:{_FILLER})\b", " ", text)
    if rest.strip():
        return None
    if said_no or re.search(r"\b(?:old|previous) (?:one|wording|instruction|version)\b", text):
        return None if _only_hesitates(text) else "reject"
    return "accept" if said_yes and not _only_polite(text) else None


def _expanded(text: str) -> str:
    """Contractions in full, so that a word is a word."""
    for short, full in (("can't", "can not"), ("won't", "will not"), ("n't", " not"), ("'m", " am"), ("'re", " are"),
                        ("'d", " would"), ("let's", "let us"), ("'s", " is"), ("'ll", " will")):  # fmt: skip
        text = text.replace(short, full)
    return text


def _only_hesitates(text: str) -> bool:
    """`wait` and `not sure` put a decision off."""
    hesitates = (
        r"(?:please )?(?:wait|warte|espera)(?: a (?:second|moment|bit)| mal| please)?|not (?:so "
        r"|quite |really )?sure|i do not"
    )
    return re.fullmatch(hesitates, text.strip()) is not None


def _only_polite(text: str) -> bool:
    """A word of praise or thanks alone comments; it does not decide."""
    return (
        re.fullmatch(r"(?:(?:great|good|so|very|well|thanks?|you|danke|gut|gracias|bien|muy)\s*)+", text.strip())
        is not None
    )
