"""Dev errors that are about the same, each group with a readable name."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from pydantic import Field

from p2m_agent.errors import P2MError
from p2m_agent.prompting import render
from p2m_agent.scoring.text_forms import words
from p2m_agent.types.analysis import ErrorCluster
from p2m_agent.types.answer_form import AnswerForm

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from p2m_agent.evaluation.study import Study
    from p2m_agent.run.seams import LLM

MOST, FEWEST_ERRORS = 8, 3
"""Clusters that are kept, and errors that make one."""
SHOWN = 5
"""Errors of a cluster that an LLM sees when it finds a title, and whose ids are kept."""
TERMS = 4
_CHARS = 300
_TITLE_CHARS = 60
_ASKING = frozenset({"who", "what", "when", "where", "why", "how", "which"})
"""Common words that tell kinds of questions apart."""


def error_clusters(study: Study, llm: LLM | None) -> tuple[ErrorCluster, ...]:
    """The largest groups of errors, found by meaning; those of one confusion together where there are labels.

    Args:
        study: dev rows with answers.
        llm: finds titles where it is reliable; None leaves the terms.
    """
    if len(study.wrong) < FEWEST_ERRORS:
        return ()
    groups = _grouped(study)
    nearest = _rows_of(groups, study.vectors[1])
    terms = _terms([[study.dev[i].text for i in group] for group in groups], [row.text for row in study.dev])
    found = []
    for group, own, rows in zip(groups, terms, nearest, strict=True):
        pairs = Counter((study.dev[i].output, study.answers[i]) for i in group)
        found.append(
            ErrorCluster(
                name=_plainly(own, pairs.most_common(1)[0][0] if study.sorting else None),
                terms=own,
                errors=len(group),
                rows=rows,
                confusion=pairs.most_common(1)[0][0] if study.sorting else None,
                example_ids=tuple(study.dev[i].id for i in group[:SHOWN]),
            )
        )
    return _distinct(found, _titles(found, study, llm) if llm else {})


def _grouped(study: Study) -> list[list[int]]:
    """Dev positions of each cluster, the nearest to its centre first; the largest cluster first."""
    import numpy as np
    from sklearn.cluster import KMeans

    vectors = study.vectors[1][study.wrong]
    count = max(1, min(MOST, len(study.wrong) // FEWEST_ERRORS))
    fitted = KMeans(count, n_init=4, random_state=study.seed).fit(vectors)
    members: dict[int, list[int]] = defaultdict(list)
    away = np.linalg.norm(vectors - fitted.cluster_centers_[fitted.labels_], axis=1)
    for place in np.argsort(away, kind="stable"):
        members[int(fitted.labels_[place])].append(study.wrong[place])
    large = [group for group in members.values() if len(group) >= FEWEST_ERRORS]
    return sorted(large or members.values(), key=lambda group: (-len(group), group))


def _rows_of(groups: Sequence[Sequence[int]], dev: NDArray[numpy.float32]) -> list[int]:
    """How many dev rows lie as near to each cluster's centre as the nearer half of its errors do."""
    import numpy as np

    counts = []
    for group in groups:
        near = dev @ dev[list(group)].mean(axis=0)
        as_near = int((near >= np.median(near[list(group)])).sum())
        counts.append(max(len(group), as_near))
    return counts


def _plainly(terms: Sequence[str], pair: tuple[str, str] | None) -> str:
    """A name without an LLM."""
    known = ", ".join(terms)
    if pair is None:
        return known or "no words in common"
    return f"{pair[0]} taken for {pair[1]}" + (f": {known}" if known else "")


def _terms(groups: Sequence[Sequence[str]], everything: Sequence[str]) -> list[tuple[str, ...]]:
    """The words that set each group apart: class-based TF-IDF over the groups and all dev rows as one more.

    A word counts once a text, and has to stand in two.

    Source: Grootendorst 2022, BERTopic (arXiv 2203.05794).
    """
    import numpy as np

    counted = [Counter(word for text in group for word in set(_content(text))) for group in [*groups, everything]]
    total = sum(counted, Counter[str]())
    average = sum(total.values()) / len(counted)
    usual, everywhere = counted[-1], max(1, sum(counted[-1].values()))
    found = []
    for own in counted[:-1]:
        size = max(1, sum(own.values()))
        # What is no more frequent here than among all rows tells nothing, however frequent it is.
        weights = {
            word: n / size * float(np.log1p(average / total[word]))
            for word, n in own.items()
            if n > 1 and n / size > usual[word] / everywhere
        }
        found.append(tuple(sorted(weights, key=lambda word: (-weights[word], word))[:TERMS]))
    return found


def _content(text: str) -> list[str]:
    """The words of a text without the commonest; pairs of characters where there are no spaces."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    split = words(text)
    if split and all(len(word) == 1 for word in split):
        return [a + b for a, b in pairwise(split)]
    return [word for word in split if len(word) > 2 and (word in _ASKING or word not in ENGLISH_STOP_WORDS)]


class ClusterTitle(AnswerForm):
    """What the inputs of a cluster have in common."""

    title: str = Field(max_length=_TITLE_CHARS)


def _titles(found: Sequence[ErrorCluster], study: Study, llm: LLM) -> Mapping[int, str]:
    """A title for each cluster by number; fewer where answers failed, none where the LLM is weak or unreachable."""
    from p2m_agent.llm.client import ChatMessage, Request

    texts = {row.id: row.text[:_CHARS] for row in study.dev}
    said = {row.id: answer[:_CHARS] for row, answer in zip(study.dev, study.answers, strict=True)}
    right = {row.id: row.output[:_CHARS] for row in study.dev}
    requests = []
    for cluster in found:
        errors = [{"input": texts[i], "expected": right[i], "answered": said[i]} for i in cluster.example_ids]
        prompt = render("name_errors", instruction=study.spec.instruction, terms=cluster.terms, errors=errors)
        requests.append(
            Request(
                messages=(ChatMessage(role="user", content=prompt),),
                json_schema=ClusterTitle.json_schema(),
                max_tokens=80,
            )
        )
    try:
        replies = llm.ask_many(requests) if llm.capability.reliable else []
    except P2MError:
        return {}
    named = {i: answer.title for i, reply in enumerate(replies) if (answer := ClusterTitle.read(reply))}
    return {i: " ".join(title.split()) for i, title in named.items() if title.strip()}


def _distinct(found: Sequence[ErrorCluster], titles: Mapping[int, str]) -> tuple[ErrorCluster, ...]:
    """The clusters under names that no two share."""
    taken: set[str] = set()
    named = []
    for number, cluster in enumerate(found):
        name = titles.get(number) or cluster.name
        name = name if name not in taken else f"{name} ({number + 1})"
        taken.add(name)
        named.append(cluster.model_copy(update={"name": name}))
    return tuple(named)
