"""How a card and a request are put in words: what is embedded, and what BM25 reads."""

from __future__ import annotations

import re

from p2m_agent.search.hubs.card import Card

VERSION = 2
"""Of these texts; a change of it needs a new index."""
_CHARS, _WORDS = 1000, 2000
"""Characters that are embedded (what the model reads at most), and of a description that BM25 reads."""
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_ATTRIBUTION = re.compile(r"\s(?:Image )?Source: .{0,300}$", re.DOTALL)
_OPENING = re.compile(
    r"^\W*(?:i|we|our|i'm|we're|i'd|this paper|this work|the paper|our goal is)\b\W*"
    r"(?:(?:want|would|like|need|aim|am|are|plan|wish|try|trying|going|to|see|if|propos(?:e[ds]?|ing)|present(?:s|ed)?|"
    r"introduc(?:e[ds]?|ing)|describe[ds]?|develop(?:ed|s)?|provides?|investigate|explore|analyze|study|design|"
    r"build(?:ing)?|create|train|make|work|on|looking|for|using|use|apply|enhance|modify|improve|evaluate|learn)\b\s*)+",
    re.IGNORECASE,
)
_METHOD = re.compile(
    r"^(?:(?:a|an|the|two|our|novel|new|simple|generic|efficient|deep|neural|model|models|method|methods|approach|system|"
    r"framework|technique|algorithm|architecture|network|learning|that|which|for|to|of|is|can)\b[\s,]*)+",
    re.IGNORECASE,
)


def passage(card: Card) -> str:
    """What is embedded.

    One text for name, title and description together finds more than one for each (benchmarks/dataset_search.py).
    """
    names = ", ".join(map(_spaced, card.labels[:40])) or ", ".join(map(_spaced, card.columns))
    return f"{_called(card)}. {_plain(card.description)[:900]} {names}".strip()[:_CHARS]


def words(card: Card) -> str:
    """What BM25 reads."""
    names = [*card.labels[:40], *card.columns, *card.aliases[:20]]
    return f"{_called(card)} {_plain(card.description)[:_WORDS]} {' '.join(map(_spaced, names))}"


def subject(request: str) -> str:
    """What a request is about, without how it begins: "We propose a novel method for ..." is in half of them."""
    rest = _METHOD.sub("", _OPENING.sub("", request))
    return rest if len(rest.split()) > 1 else request


def _called(card: Card) -> str:
    """Name and title, or one of them where they are the same."""
    name = _spaced(card.repo.rsplit("/", 1)[-1])
    return name if not card.title or _spaced(card.title).casefold() == name.casefold() else f"{name}. {card.title}"


def _plain(text: str) -> str:
    """Without the marks of Markdown and a closing note on whose words these are."""
    return " ".join(_ATTRIBUTION.sub("", _LINK.sub(r"\1", text.replace("**", ""))).split())


def _spaced(name: str) -> str:
    return name.replace("_", " ").strip()
