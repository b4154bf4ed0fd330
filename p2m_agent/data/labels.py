"""Bringing the labels of a source together with the labels of the task."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from p2m_agent.data.ask_columns import is_sound
from p2m_agent.prompting import render

if TYPE_CHECKING:
    from p2m_agent.embedding import Embedder
    from p2m_agent.llm.client import LLM

MEANS_THE_SAME = 0.6
"""Cosine of two label names from which they are taken for the same."""
LEAD = 0.05
"""How much nearer the best label must be than the second."""
_SAME = {
    "1": "yes",
    "0": "no",
    "true": "yes",
    "false": "no",
    "y": "yes",
    "n": "no",
    "pos": "positive",
    "neg": "negative",
}


@dataclass(frozen=True)
class Alignment:
    """Which label of the source is which label of the task."""

    same: dict[str, str]
    """Source label to task label."""
    how: dict[str, str]
    """Source label to how it was found: exact, spelling, meaning, asked, left over."""
    unmatched: dict[str, int]
    """Source labels that fit none, with their rows."""
    unused: tuple[str, ...]
    """Task labels that no source label fits."""

    @property
    def matched_share(self) -> float:
        """Share of the source's label names that were aligned, 0 to 1."""
        return len(self.same) / max(1, len(self.same) + len(self.unmatched))


def align_labels(
    found: Mapping[str, int], wanted: Sequence[str], embedder: Embedder | None = None, llm: LLM | None = None
) -> Alignment:
    """Find each source label among the task's: by spelling, by meaning, then by asking a sound LLM.

    Args:
        found: rows per source label.
        wanted: the task's labels.
        embedder: for the meaning of names.
        llm: asked about what is left, only where it is known to be sound.
    """
    same = {label: label for label in found if label in wanted}
    how = dict.fromkeys(same, "exact")

    def match(step: str, by: Callable[[list[str]], dict[str, str]]) -> None:
        new = by([label for label in found if label not in same])
        same.update(new)
        how.update(dict.fromkeys(new, step))

    match("spelling", lambda left: _by_spelling(left, wanted))
    match("meaning", lambda left: _by_meaning(left, _free(wanted, same), embedder))
    match("asked", lambda left: _by_asking(left, wanted, llm))
    match("left over", lambda left: _left_over(left, wanted, same))
    unmatched = {label: rows for label, rows in found.items() if label not in same}
    return Alignment(same, how, unmatched, tuple(label for label in wanted if label not in same.values()))


def spoken(label: str) -> str:
    """A label as words: `atis_flightTimes` is `atis flight times`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", label)
    return " ".join(re.sub(r"[\W_]+", " ", spaced).casefold().split())


def _plain(label: str) -> str:
    words = [word[:-1] if len(word) > 3 and word.endswith("s") else word for word in spoken(label).split()]
    joined = " ".join(words) or label.strip()
    return _SAME.get(joined, joined)


def _by_spelling(left: Sequence[str], wanted: Sequence[str]) -> dict[str, str]:
    known = {_plain(label): label for label in reversed(wanted)}
    return {label: known[_plain(label)] for label in left if _plain(label) in known}


def _free(wanted: Sequence[str], same: Mapping[str, str]) -> list[str]:
    """Labels not yet matched first; where all are matched, further source labels may still join one of them."""
    return [label for label in wanted if label not in same.values()] or list(wanted)


def _by_meaning(left: Sequence[str], free: Sequence[str], embedder: Embedder | None) -> dict[str, str]:
    if embedder is None or not left or not free:
        return {}
    near = embedder.encode([spoken(label) for label in left]) @ embedder.encode([spoken(label) for label in free]).T
    found = {}
    for label, row in zip(left, near, strict=True):
        ranked = sorted(zip(map(float, row), free, strict=True), reverse=True)
        second = ranked[1][0] if len(ranked) > 1 else 0.0
        if ranked[0][0] >= MEANS_THE_SAME and ranked[0][0] - second >= LEAD:
            found[label] = ranked[0][1]
    return found


def _by_asking(left: Sequence[str], wanted: Sequence[str], llm: LLM | None) -> dict[str, str]:
    if llm is None or not left or not is_sound(llm):
        return {}
    from p2m_agent.llm.client import ChatMessage, Request

    prompt = render("align_labels", found=json.dumps(list(left)), wanted=json.dumps(list(wanted)))
    message = ChatMessage(role="user", content=prompt)
    reply = llm.ask(Request(messages=(message,), json_schema=_schema(left, wanted), max_tokens=40 + 30 * len(left)))
    parsed = reply.parsed if reply.error is None and isinstance(reply.parsed, dict) else {}
    return {label: str(parsed[label]) for label in left if parsed.get(label) in wanted}


def _schema(left: Sequence[str], wanted: Sequence[str]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": {label: {"enum": [*wanted, None]} for label in left},
        "required": list(left),
        "additionalProperties": False,
    }


def _left_over(left: Sequence[str], wanted: Sequence[str], same: Mapping[str, str]) -> dict[str, str]:
    """One of each side left, all others matched: `ham` must be `not spam`."""
    unused = [label for label in wanted if label not in same.values()]
    return {left[0]: unused[0]} if same and len(left) == 1 and len(unused) == 1 else {}
