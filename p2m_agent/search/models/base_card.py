"""What is known of a model before it is loaded, and how it is put in words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from p2m_agent.languages import NAMES

_SUMMARY, _TAGS = 450, 200
"""Characters of a description that are embedded, and of tags."""
_MARKUP = re.compile(r"<[^>]+>|!?\[([^\]]*)\]\([^)]*\)|https?://\S+|[#*`|]+")
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_a-zA-Z]+")
_MANY_LANGUAGES = 8
_AMBIGUOUS = frozenset({"no", "he", "is", "it", "id", "el", "da", "de", "et", "ms"})
"""Codes that are words or parts of names as well: counted in a name only beside another code."""


@dataclass(frozen=True)
class ModelCard:
    """A model as a catalogue or a Hub describes it."""

    repo: str
    description: str = ""
    summary: str = ""
    """A sentence or two, where there is one apart from the description."""
    task: str | None = None
    """Pipeline tag of the Hub."""
    tags: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    """Names of what it was trained on."""
    languages: tuple[str, ...] = ()
    """ISO codes as stated, or `multilingual`."""

    @property
    def name(self) -> str:
        """The parts of its name as words: `bert-base-uncased` is three."""
        return " ".join(_PART.findall(self.repo.rsplit("/", 1)[-1]))

    @property
    def about(self) -> str:
        """Name and what it is, to be embedded and searched by words."""
        return f"{self.name}. {plain(self.summary or self.description)[:_SUMMARY]}"

    @property
    def label(self) -> str:
        """Name, tags and task: what it is, without sentences."""
        return f"{self.name} {' '.join(self.tags)[:_TAGS]}"

    @property
    def keywords(self) -> str:
        """What BM25 reads besides."""
        return f"{self.label} {' '.join(self.datasets)}"

    def speaks(self) -> frozenset[str]:
        """ISO codes it states, or that its name and description give away; `multilingual` where they are many."""
        said = {code.lower().split("-")[0] for code in self.languages}
        words = re.findall(r"[^\W\d_]+", f"{self.name} {plain(self.description)[:600]}".lower())
        found = said | {NAMES[word] for word in words if word in NAMES} | _codes(self.repo)
        many = len(found) > _MANY_LANGUAGES or "multilingual" in words or "multi" in said
        return frozenset(found | {"multilingual"} if many else found)

    def translates(self, source: str, target: str) -> bool:
        """Whether its name says that it goes from one language to the other."""
        return re.search(rf"(?:^|-){source}-{target}(?:-|$)", _dashed(self.repo)) is not None


def _codes(repo: str) -> set[str]:
    """Language codes that are parts of the name."""
    found = {*_dashed(repo).split("-")} & {*NAMES.values()}
    return found if len(found) > 1 else found - _AMBIGUOUS


def _dashed(repo: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", repo.rsplit("/", 1)[-1].lower())


def plain(text: str) -> str:
    """A text without its markup and links."""
    return " ".join(_MARKUP.sub(r" \1 ", text).split())
