"""Bringing the labels of a source together with the labels of the task."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from p2m_agent.importing.ask_columns import is_reliable
from p2m_agent.prompting import render
from p2m_agent.types.answer_form import by_name, form_of, one_of

if TYPE_CHECKING:
    from p2m_agent.run.seams import LLM, Embedder

MEANS_THE_SAME = 0.6
"""Cosine of two label names from which they are taken for the same."""
LEAD = 0.05
"""How much nearer the best label must be than the second."""
_SHOWN = 160
"""Characters of a sample that an LLM sees."""
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
    """Source label to how it was found: exact, spelling, abbreviation, meaning, asked, left over."""
    unmatched: dict[str, int]
    """Source labels that fit none, with their rows."""
    unused: tuple[str, ...]
    """Task labels that no source label fits."""


def align_labels(
    found: Mapping[str, int],
    wanted: Sequence[str],
    embedder: Callable[[], Embedder | None] = lambda: None,
    llm: LLM | None = None,
    samples: Mapping[str, Sequence[str]] | None = None,
) -> Alignment:
    """Find each source label among the task's: by spelling, by meaning, then by asking a reliable LLM.

    Args:
        found: rows per source label.
        wanted: the task's labels.
        embedder: for the meaning of names; called where spelling leaves some.
        llm: asked about what is left, only where it is known to be reliable.
        samples: a few inputs of each source label, which tell an LLM what a label such as `2` stands for.
    """
    same = {label: label for label in found if label in wanted}
    how = dict.fromkeys(same, "exact")

    def match(step: str, by: Callable[[list[str]], dict[str, str]]) -> None:
        new = by([label for label in found if label not in same])
        same.update(new)
        how.update(dict.fromkeys(new, step))

    match("spelling", lambda left: _by_spelling(left, found, wanted))
    match("abbreviation", lambda left: _by_beginning(left, found, _free(wanted, same)))
    match("meaning", lambda left: _by_meaning(left, _free(wanted, same), embedder))
    match("asked", lambda left: _by_asking(left, wanted, llm, samples or {}))
    match("left over", lambda left: _left_over(left, wanted, same))
    unmatched = {label: rows for label, rows in found.items() if label not in same}
    return Alignment(same, how, unmatched, tuple(label for label in wanted if label not in same.values()))


def as_written(found: Alignment | None, rows: Mapping[str, int], labels: Mapping[str, str]) -> Alignment:
    """The same alignment, from the texts that cells hold.

    Args:
        found: Between labels of the source and of the task; None where the task has the source's.
        rows: Rows per text.
        labels: Text to label of the source; texts that it lacks are no labels.
    """
    same, how = {}, {}
    for text in rows:
        label = labels.get(text, "")
        to = label if found is None else found.same.get(label, "")
        if to:
            step = "exact" if found is None else found.how[label]
            same[text], how[text] = to, "spelling" if step == "exact" and text != to else step
    unmatched = {text: count for text, count in rows.items() if text not in same}
    return Alignment(same, how, unmatched, found.unused if found else ())


def write_alignment(path: Path, alignment: Alignment, found: Mapping[str, int]) -> None:
    """Keep, for each label of a source, its rows, what it was taken for and how; null where nothing fits."""
    record = {
        label: {"rows": rows, "taken_for": alignment.same.get(label), "by": alignment.how.get(label)}
        for label, rows in found.items()
    }
    path.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def spoken(label: str) -> str:
    """A label as words: `atis_flightTimes` is `atis flight times`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", label)
    return " ".join(re.sub(r"[\W_]+", " ", spaced).casefold().split())


def _plain(label: str) -> str:
    words = [word[:-1] if len(word) > 3 and word.endswith("s") else word for word in spoken(label).split()]
    joined = " ".join(words) or label.strip()
    return _SAME.get(joined, joined)


def _by_spelling(left: Sequence[str], found: Collection[str], wanted: Sequence[str]) -> dict[str, str]:
    known = {_plain(label): label for label in reversed(wanted)}
    bare = _without_common(found)
    numbers = {label for label in found if label.isdecimal()}
    # 1 is a yes and 0 a no where these are all the numbers; among more classes they may be anything.
    open_left = [label for label in left if label not in numbers or numbers <= {"0", "1"} or label in known]
    return {label: known[form] for label in open_left for form in (_plain(bare[label]), _plain(label)) if form in known}


def _without_common(labels: Collection[str]) -> dict[str, str]:
    """Labels without the words that all of them begin or end with: `atis_flight`, `atis_meal` are flight and meal."""
    parts = {label: spoken(label).split() for label in labels}
    if len(parts) < 2 or any(len(words) < 2 for words in parts.values()):
        return {label: label for label in labels}
    first, last = {words[0] for words in parts.values()}, {words[-1] for words in parts.values()}
    start, end = int(len(first) == 1), -1 if len(last) == 1 else None
    return {label: " ".join(words[start:end]) or label for label, words in parts.items()}


def _by_beginning(left: Sequence[str], found: Collection[str], free: Sequence[str]) -> dict[str, str]:
    """`desc` is description where nothing else begins so: both ways round, three letters at least."""
    bare = _without_common(found)
    matched = {}
    for label in left:
        mine = spoken(bare[label])
        near = [each for each in free if _begins(mine, spoken(each))]
        rivals = [each for each in left if near and _begins(spoken(bare[each]), spoken(near[0]))]
        if len(near) == 1 and len(rivals) == 1:
            matched[label] = near[0]
    return matched


def _begins(first: str, second: str) -> bool:
    short, long = sorted((first, second), key=len)
    return len(short) >= 3 and long.startswith(short)


def _free(wanted: Sequence[str], same: Mapping[str, str]) -> list[str]:
    """Labels not yet matched first; where all are matched, further source labels may still join one of them."""
    return [label for label in wanted if label not in same.values()] or list(wanted)


def _by_meaning(left: Sequence[str], free: Sequence[str], load: Callable[[], Embedder | None]) -> dict[str, str]:
    embedder = load() if left and free else None
    if embedder is None:
        return {}
    near = embedder.encode([spoken(label) for label in left]) @ embedder.encode([spoken(label) for label in free]).T
    found = {}
    for label, row in zip(left, near, strict=True):
        ranked = sorted(zip(map(float, row), free, strict=True), reverse=True)
        second = ranked[1][0] if len(ranked) > 1 else 0.0
        if ranked[0][0] >= MEANS_THE_SAME and ranked[0][0] - second >= LEAD:
            found[label] = ranked[0][1]
    return found


def _by_asking(
    left: Sequence[str], wanted: Sequence[str], llm: LLM | None, samples: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    if llm is None or not left or not is_reliable(llm):
        return {}
    from p2m_agent.llm.client import ChatMessage, Request

    shown = {label: [text[:_SHOWN] for text in samples.get(label, ())] for label in left}
    prompt = render(
        "align_labels",
        found=shown,
        wanted=list(wanted),
    )
    message = ChatMessage(role="user", content=prompt)
    form = form_of(dict.fromkeys(left, one_of((*wanted, None))))
    reply = llm.ask(Request(messages=(message,), json_schema=form.json_schema(), max_tokens=40 + 30 * len(left)))
    said = form.read(reply)
    return {label: same for label, same in by_name(said).items() if same is not None} if said else {}


def _left_over(left: Sequence[str], wanted: Sequence[str], same: Mapping[str, str]) -> dict[str, str]:
    """One of each side left, all others matched: `ham` must be `not spam`."""
    unused = [label for label in wanted if label not in same.values()]
    matched = bool(same) and len(left) == len(unused) == 1
    return {left[0]: unused[0]} if matched and left[0].lstrip()[:1].isalnum() else {}
