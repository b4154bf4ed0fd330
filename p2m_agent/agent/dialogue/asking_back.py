"""Whether a line asks for something to be told, or asks for something to be done."""

from __future__ import annotations

from p2m_agent.agent.dialogue.spoken import Utterance


def is_question(line: Utterance) -> bool:
    """Whether a line ends like a question, or opens like one after words that only lead up to it."""
    if line.text.endswith(("?", "？")) or "¿" in line.text:
        return True
    if line.language == "ja":
        return line.has("asks")
    opening = _opening(line)
    return opening is not None and "asks" in line.words[opening].roles


def requests(line: Utterance) -> bool:
    """Whether it is a question in form only: `could you …`, `kannst du …`, `…してもらえますか`."""
    if line.language == "ja":
        return line.has("request")
    opening = _opening(line)
    return opening is not None and "request" in line.words[opening].roles


def _opening(line: Utterance) -> int | None:
    """The first word that does more than lead up."""
    return next((at for at, word in enumerate(line.words) if "lead" not in word.roles or "asks" in word.roles), None)
