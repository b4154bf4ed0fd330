"""Verdicts that leave no doubt. Whatever else is typed at a question decides nothing by itself."""

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
