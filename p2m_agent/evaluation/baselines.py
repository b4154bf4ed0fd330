"""What a student has to beat: the majority, the nearest neighbour, its own base without training."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from p2m_agent.errors import OutOfTime, P2MError
from p2m_agent.evaluation.contest import NO_TIME, Contest, predictions_of
from p2m_agent.evaluation.speed import speed_of
from p2m_agent.evaluation.teacher_baseline import teacher
from p2m_agent.events import Progressed
from p2m_agent.types.recipe import Recipe
from p2m_agent.types.rows import Example
from p2m_agent.types.scores import Baseline

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from p2m_agent.delivery.predictor import Predictor
    from p2m_agent.run.seams import LLM, Embedder
    from p2m_agent.settings import Settings

UNTUNED_ROWS = 100
"""Test rows an untuned causal model answers; classification by embedding is fast enough for more."""
UNTUNED_CLASSIFIER_ROWS = 5_000
NEIGHBOURS_FROM = 20_000
"""Training rows that are searched for the nearest neighbour."""
LOADING_S = 10.0
"""With less time left a model is not even loaded."""
_UNTUNED_SHARE, _RIVAL_SHARE = 0.3, 0.3
"""Of the time that is left."""


def compare(
    contest: Contest,
    *,
    recipe: Recipe,
    settings: Settings,
    embedder: Callable[[], Embedder | None],
    llm: LLM,
    budget_left_usd: float | None,
) -> dict[str, Baseline]:
    """All baselines on the contest's rows, the cheap ones first."""
    cheap = {
        "majority": majority(contest),
        "nearest_neighbour": nearest_neighbour(contest, embedder()),
        "untuned_base": untuned_base(contest, recipe, settings),
    }
    few_shot, spent_usd = teacher(contest, llm, budget_left_usd)
    left_usd = None if budget_left_usd is None else max(0.0, budget_left_usd - spent_usd)
    zero_shot, _ = teacher(contest, llm, left_usd, shots=False)
    return {**cheap, "teacher": few_shot, "teacher_zero_shot": zero_shot}


def majority(contest: Contest) -> Baseline:
    """Always the output that training rows have most often."""
    if not contest.train:
        return Baseline(note="there are no training rows")
    most = Counter(example.output for example in contest.train).most_common(1)[0][0]
    everything = range(len(contest.test))
    return contest.result(everything, [most for _ in everything])


def nearest_neighbour(contest: Contest, embedder: Embedder | None) -> Baseline:
    """The output of the training row whose input is most similar."""
    if not contest.train:
        return Baseline(note="there are no training rows")
    contest.report(Progressed(message="baseline: nearest neighbour"))
    train = _at_most(contest.train, NEIGHBOURS_FROM, contest.seed)
    ours, theirs = [example.text for example in train], [example.text for example in contest.test]
    if embedder is None:
        nearest, how = _by_characters(ours, theirs), "by character n-grams, since there is no embedding model"
    else:
        try:
            nearest, how = _by_meaning(embedder.encode(ours), embedder.encode(theirs)), f"by {embedder.name} embeddings"
        except OutOfTime as over:
            return Baseline(note=over.message)
    if len(train) < len(contest.train):
        how += f", among {len(train)} of {len(contest.train)} training rows"
    return contest.result(range(len(theirs)), [train[i].output for i in nearest], how)


def untuned_base(contest: Contest, recipe: Recipe, settings: Settings) -> Baseline:
    """The student's base model with the same prompt (or label names), before training."""
    from p2m_agent.delivery.predictor import load_untuned

    if contest.seconds_left() < LOADING_S:
        return Baseline(note=NO_TIME)
    contest.report(Progressed(message="baseline: the base model without training"))
    writes = not contest.spec.sorts
    rows = contest.sample(UNTUNED_ROWS if writes else UNTUNED_CLASSIFIER_ROWS)
    try:
        predictor = load_untuned(recipe, contest.spec.model_copy(update={"labels": contest.labels}), settings)
        limit_s = _UNTUNED_SHARE * contest.seconds_left()
        examples = [contest.test[i] for i in rows]
        what = "baseline: the base model without training"
        said = predictions_of(predictor, examples, contest.report, what, limit_s, contest.clock)
    except P2MError as error:
        return Baseline(note=f"could not be run: {error.message}")
    how = "the same prompt" if writes else "the label whose name is nearest in meaning"
    return contest.result(rows[: len(said)], [each.output for each in said], how)


def rival(contest: Contest, predictor: Predictor, timed_on: Sequence[Example], note: str) -> Baseline:
    """Another student of the same run, with its speed."""
    rows = contest.sample(len(contest.test))
    what, limit_s = "baseline: the linear head of this run", _RIVAL_SHARE * contest.seconds_left()
    said = predictions_of(predictor, [contest.test[i] for i in rows], contest.report, what, limit_s, contest.clock)
    result = contest.result(rows[: len(said)], [each.output for each in said], note)
    return result.model_copy(update={"speed": speed_of(predictor, timed_on, contest.report, contest.seconds_left)})


def _at_most(examples: Sequence[Example], most: int, seed: int) -> Sequence[Example]:
    return examples if len(examples) <= most else random.Random(seed).sample(list(examples), most)  # noqa: S311 (a sample, not a secret)


def _by_meaning(train: NDArray[numpy.float32], test: NDArray[numpy.float32]) -> list[int]:
    """Index of the training row with the largest dot product, 256 test rows at a time."""
    return [int(i) for start in range(0, len(test), 256) for i in (test[start : start + 256] @ train.T).argmax(axis=1)]


def _by_characters(train: Sequence[str], test: Sequence[str]) -> list[int]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer: Any = TfidfVectorizer(analyzer="char", ngram_range=(2, 4), sublinear_tf=True)
    known, asked = vectorizer.fit_transform(train), vectorizer.transform(test)
    similar = (asked[start : start + 256] @ known.T for start in range(0, len(test), 256))
    return [int(i) for part in similar for i in part.toarray().argmax(axis=1)]
