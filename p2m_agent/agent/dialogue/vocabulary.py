"""What words do in a line, by language: one TOML file for each, with the same lists; a further language is a file."""

from __future__ import annotations

import functools
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources

from p2m_agent.languages import bare

LANGUAGES = ("en", "de", "es", "ja")
"""In the order in which they win where a line could be in several."""
Roles = frozenset[str]
"""What a word does: the names of the lists that it stands in."""
NO_ROLES: Roles = frozenset()
EASTERN = r"\u3040-\u30ff\u4e00-\u9fff々ー"
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_TYPO_FROM = 5
"""Letters from which a word may have one that is wrong."""


@functools.lru_cache(maxsize=65536)
def plain(word: str) -> str:
    """A word without accents, as many type it; signs of syllables keep theirs."""
    return word.casefold() if re.search(f"[{EASTERN}]", word) else bare(word)


@dataclass(frozen=True)
class Vocabulary:
    """One language."""

    roles: Mapping[tuple[str, ...], Roles]
    """By words of a phrase, as it is written and without accents: `qué` asks, `que` does not."""
    stems: tuple[tuple[str, Roles], ...]
    numbers: Mapping[str, float]
    languages: Mapping[str, str]
    """Names of languages in it, and their codes."""
    longest: int
    """Words of the longest phrase; characters in Japanese."""
    phrasings: Mapping[str, tuple[str, ...]]
    """What people say, by what they want to know or tell."""

    def of_phrase(self, words: tuple[str, ...]) -> Roles | None:
        """The roles of words together, written like this or without accents; None where they are no phrase."""
        return self.roles.get(words) or self.roles.get(tuple(map(plain, words)))

    def of_word(self, word: str) -> Roles:
        """The roles of a single word, by itself or by its stem."""
        bare_word = plain(word)
        stemmed = [roles for stem, roles in self.stems if bare_word.startswith(stem)]
        return (self.of_phrase((word,)) or NO_ROLES).union(*stemmed)

    def corrected(self, word: str) -> str | None:
        """The known word from which one letter (or two that changed places) is off."""
        if len(word) < _TYPO_FROM or not word.isalpha():
            return None
        near = (known for size in (-1, 0, 1) for known in self._by_shape.get((word[0], len(word) + size), ()))
        return next((known for known in near if _one_off(word, known)), None)

    @functools.cached_property
    def _by_shape(self) -> dict[tuple[str, int], list[str]]:
        shapes: dict[tuple[str, int], list[str]] = defaultdict(list)
        for phrase in self.roles:
            if len(phrase) == 1 and len(phrase[0]) >= _TYPO_FROM:
                shapes[phrase[0][0], len(phrase[0])].append(phrase[0])
        return shapes


@functools.cache
def vocabulary(language: str) -> Vocabulary:
    """Read from the package, once."""
    file = resources.files(__package__) / "lexicon" / f"{language}.toml"
    lists = tomllib.loads(file.read_text(encoding="utf-8"))
    entries = [(role, phrase.casefold()) for role, phrase in _entries(lists)]
    own = {phrase for _, phrase in entries}
    roles: dict[tuple[str, ...], set[str]] = defaultdict(set)
    stems: dict[str, set[str]] = defaultdict(set)
    for role, phrase in entries:
        # `que` is a word of its own, so `qué` is not looked up by it
        for written in {phrase, *({plain(phrase), plain(phrase.translate(_UMLAUTS))} - own)}:
            if written.endswith("*"):
                stems[plain(written[:-1])].add(role)
            else:
                roles[(written,) if language == "ja" else split(written)].add(role)
    return Vocabulary(
        roles={phrase: frozenset(found) for phrase, found in roles.items()},
        stems=tuple((stem, frozenset(found)) for stem, found in stems.items()),
        numbers={plain(word): float(value) for word, value in (lists["numbers"] | lists["ordinals"]).items()},
        languages={plain(word): code for word, code in lists.get("languages", {}).items()},
        longest=max(len(phrase[0] if language == "ja" else phrase) for phrase in roles),
        phrasings={what: tuple(said.strip().splitlines()) for what, said in lists.get("phrasings", {}).items()},
    )


def _entries(lists: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    """Role and phrase."""
    for role, phrases in lists["words"].items():
        yield from ((role, phrase) for each in phrases.split(",") if (phrase := " ".join(each.split())))
    for unit, phrases in lists["units"].items():
        yield from ((f"unit_{unit}", phrase) for each in phrases.split(",") if (phrase := each.strip()))
    for group in ("numbers", "ordinals"):
        yield from ((group[:-1], word) for word in lists[group])
    yield from (("language_name", word) for word in lists.get("languages", {}))


def split(text: str) -> tuple[str, ...]:
    """Plain words of a phrase, short forms in full."""
    return tuple(part for word in re.findall(r"[^\s,.!?;:]+", text) for part in in_full(word))


_SHORT = {
    "can't": "can not", "cannot": "can not", "won't": "will not", "let's": "let us", "i'm": "i am", "lets": "let us",
    "dont": "do not", "doesnt": "does not", "isnt": "is not", "arent": "are not", "didnt": "did not",
    "wont": "will not",
    "cant": "can not", "wasnt": "was not", "whats": "what is", "thats": "that is", "its": "it is", "im": "i am",
    "theres": "there is", "gonna": "going to", "wanna": "want to", "gotta": "have to", "lemme": "let me", "u": "you",
    "hows": "how is", "wheres": "where is", "shouldnt": "should not", "wouldnt": "would not", "ive": "i have",
    "gimme": "give me", "r": "are", "havent": "have not", "ill": "i will", "id": "i would", "youre": "you are",
}  # fmt: skip


def in_full(word: str) -> list[str]:
    """A word's parts: `don't` is two words."""
    if word in _SHORT:
        return _SHORT[word].split()
    for ending, full in (
        ("n't", "not"),
        ("'s", "is"),
        ("'re", "are"),
        ("'ll", "will"),
        ("'d", "would"),
        ("'ve", "have"),
    ):
        if word.endswith(ending) and len(word) > len(ending):
            return [word.removesuffix(ending), full]
    return [word.replace("'", "")] if word != "'" else []


def _one_off(word: str, known: str) -> bool:
    """Whether one letter is wrong, missing or too many, or two neighbours changed places."""
    start = next((i for i, (a, b) in enumerate(zip(word, known, strict=False)) if a != b), min(len(word), len(known)))
    a, b = word[start:], known[start:]
    swapped = a[:2] == b[1::-1] and a[2:] == b[2:]
    return swapped or a[1:] == b[1:] or a[1:] == b or a == b[1:]
