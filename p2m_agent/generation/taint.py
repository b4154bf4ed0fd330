"""The last door before a prompt leaves: nothing of a held-out row may stand in it.

Only hashes of the held-out texts are kept here, so that nothing can be read back out of it.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from p2m_agent.rows.duplicates import normalise

if TYPE_CHECKING:
    from p2m_agent.types.completion import Request
    from p2m_agent.types.rows import Example

RUN = 4
"""Words from which a held-out text is looked for inside of others; a shorter one must be a line of its own."""
_TOKEN = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+")
"""A word; a character in scripts that put no space between words."""
_LEAD = re.compile(r"^\s*(?:[-*•]|\d{1,3}[.)])\s+")


class HeldOutTexts:
    """Recognises texts of held-out rows, whatever their case, spacing and punctuation."""

    def __init__(self, held: Iterable[Example], said: Sequence[str] = ()) -> None:
        """Remember the hashes of the rows' inputs.

        Args:
            held: dev and locked-test rows.
            said: the person's own words about the task; what stands in them comes from there and is no leak.
        """
        self._short: set[bytes] = set()
        self._runs: dict[bytes, set[tuple[int, bytes]]] = defaultdict(set)
        for example in held:
            words = _words(example.text)
            if len(words) < RUN:
                self._short.add(_digest(words))
            else:
                self._runs[_digest(words[:RUN])].add((len(words), _digest(words)))
        for text in said:
            for start, found in list(self._found(_words(text))):
                self._runs[start].discard(found)
            self._short.difference_update(map(_digest, _lines(text)))

    def shown_in(self, text: str) -> bool:
        """Whether a held-out text stands in this one."""
        if self._short and any(_digest(line) in self._short for line in _lines(text)):
            return True
        return next(iter(self._found(_words(text))), None) is not None

    def shown_by(self, request: Request) -> bool:
        """Whether a request would show one."""
        return any(self.shown_in(message.content) for message in request.messages)

    def _found(self, words: Sequence[str]) -> Iterable[tuple[bytes, tuple[int, bytes]]]:
        if not self._runs:
            return
        for at in range(len(words) - RUN + 1):
            start = _digest(words[at : at + RUN])
            for length, digest in self._runs.get(start, ()):
                if _digest(words[at : at + length]) == digest:
                    yield start, (length, digest)


def _words(text: str) -> list[str]:
    return _TOKEN.findall(normalise(text))


def _lines(text: str) -> list[list[str]]:
    return [words for line in text.splitlines() if (words := _words(_LEAD.sub("", line)))]


def _digest(words: Sequence[str]) -> bytes:
    return hashlib.blake2b(" ".join(words).encode(), digest_size=12).digest()
