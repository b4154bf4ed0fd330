"""A line as words, with what each does there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from p2m_agent.agent.dialogue.vocabulary import NO_ROLES, Roles


@dataclass(frozen=True)
class Word:
    """A word or phrase of a line."""

    text: str
    """As typed."""
    at: int
    """Where it begins in the line."""
    roles: Roles = NO_ROLES
    known: bool = False
    """Whether it stands in the vocabulary as it is, no letter corrected."""
    label: str | None = None
    column: str | None = None
    file: str | None = None
    number: float | None = None
    after_break: bool = False
    """Whether a comma, a point or the like stands before it."""

    @property
    def named(self) -> bool:
        """Whether it is somebody's name for something, or a number."""
        return any(each is not None for each in (self.label, self.column, self.file, self.number))


@dataclass(frozen=True)
class Utterance:
    """What was typed, understood word by word."""

    text: str
    """In one line, with plain signs."""
    language: str
    words: tuple[Word, ...]
    quoted: tuple[str, ...] = field(default=())

    def has(self, *roles: str) -> bool:
        """Whether a word does one of these."""
        return any(not word.roles.isdisjoint(roles) for word in self.words)

    def within(self, *roles: str) -> bool:
        """Whether every word does one of these."""
        return bool(self.words) and all(not word.roles.isdisjoint(roles) for word in self.words)

    def unknown(self) -> list[Word]:
        """Words that are in no list and are no name or number."""
        return [word for word in self.words if not word.roles and not word.named]

    @property
    def labels(self) -> tuple[str, ...]:
        """Known labels that it mentions, in their order there."""
        return tuple(dict.fromkeys(word.label for word in self.words if word.label))

    @property
    def columns(self) -> tuple[str, ...]:
        """Known columns that it mentions."""
        return tuple(dict.fromkeys(word.column for word in self.words if word.column))

    @property
    def file(self) -> str | None:
        """A file that it names."""
        return next((word.file for word in self.words if word.file), None)

    def clauses(self) -> list[Utterance]:
        """Its parts between commas, points, and words that conclude."""
        parts: list[list[Word]] = [[]]
        for word in self.words:
            if parts[-1] and (word.after_break or "concludes" in word.roles):
                parts.append([])
            parts[-1].append(word)
        return [replace(self, words=tuple(part)) for part in parts if part]
