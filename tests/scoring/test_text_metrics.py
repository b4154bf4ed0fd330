"""Each metric against the reference implementation: sacrebleu, rouge-score, and SQuAD's script as it is published."""

from __future__ import annotations

import random
import re
import string
from collections import Counter

import pytest

from p2m_agent.scoring.intervals import bootstrap
from p2m_agent.scoring.metrics import metric_value, row_statistics
from p2m_agent.scoring.metrics.rouge_l import rouge_l
from p2m_agent.scoring.metrics.squad_f1 import squad_f1
from p2m_agent.types.scores import MetricName

PAIRS = [
    ("The cat sat on the mat.", "the cat sits on a mat"),
    ("What year was the treaty signed?", "What year is it?"),
    ("Paris, France", "paris france"),
    ("a well-known author's 2nd book", "The well known author's second book!"),
    ("short", ""),
    ("", "nothing was expected"),
    ("exactly the same words here", "exactly the same words here"),
    ("one two three four five six", "six five four three two one"),
    ("snake_case and naïve café", "snake case and naive cafe"),
]
EXPECTED, PREDICTED = [e for e, _ in PAIRS], [p for _, p in PAIRS]


def squad_script_tokens(text: str) -> list[str]:
    """`normalize_answer` and `get_tokens` of the official SQuAD 2 evaluation script."""
    bare = "".join(ch for ch in text.lower() if ch not in set(string.punctuation))
    return re.sub(re.compile(r"\b(a|an|the)\b", re.UNICODE), " ", bare).split()


def squad_script_f1(gold: str, predicted: str) -> float:
    gold_toks, pred_toks = squad_script_tokens(gold), squad_script_tokens(predicted)
    num_same = sum((Counter(gold_toks) & Counter(pred_toks)).values())
    if len(gold_toks) == 0 or len(pred_toks) == 0:
        return int(gold_toks == pred_toks)
    if num_same == 0:
        return 0
    precision, recall = num_same / len(pred_toks), num_same / len(gold_toks)
    return 2 * precision * recall / (precision + recall)


def test_squad_metrics_agree_with_the_script() -> None:
    f1 = [squad_script_f1(e, p) for e, p in PAIRS]
    assert metric_value("squad_f1", EXPECTED, PREDICTED) == pytest.approx(sum(f1) / len(f1))
    em = [squad_script_tokens(e) == squad_script_tokens(p) for e, p in PAIRS]
    assert metric_value("squad_em", EXPECTED, PREDICTED) == pytest.approx(sum(em) / len(em))
    assert 0 < sum(em) < len(em)


@pytest.mark.parametrize(("expected", "predicted"), PAIRS[:-1])
def test_rouge_l_agrees_with_googles_package(expected: str, predicted: str) -> None:
    scorer = pytest.importorskip("rouge_score.rouge_scorer", reason="needs rouge-score (pip install '.[dev]')")
    theirs = scorer.RougeScorer(["rougeL"]).score(expected, predicted)["rougeL"].fmeasure
    assert rouge_l(expected, predicted) == pytest.approx(theirs)


@pytest.mark.parametrize("text", ["東京は日本の首都です", "où est la gare", "ประเทศไทย"])
def test_other_scripts_than_latin_count(text: str) -> None:
    assert rouge_l(text, text) == 1
    assert squad_f1(text, text) == 1
    assert 0 < rouge_l(text, text[: len(text) // 2]) < 1


def test_unspaced_texts_are_compared_by_character() -> None:
    assert squad_f1("東京都", "東京") == pytest.approx(2 * 2 / 5)


@pytest.mark.parametrize("seed", range(5))
def test_bleu_agrees_with_sacrebleu(seed: int) -> None:
    from sacrebleu.metrics import BLEU

    draw = random.Random(seed)
    words = ["the", "a", "red", "blue", "wine", "beer", "glass", "table", "sits", "stands", "on", "under", "near"]
    expected = [" ".join(draw.choices(words, k=draw.randint(3, 12))) for _ in range(30)]
    predicted = [" ".join(w if draw.random() < 0.8 else draw.choice(words) for w in e.split()) for e in expected]
    theirs = BLEU().corpus_score(predicted, [expected]).score / 100
    assert metric_value("bleu", expected, predicted) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize(
    ("expected", "predicted"),
    [
        (["a b c d e"], ["a x c y e"]),  # no match of two words: smoothed
        (["a b c d e"], ["a b"]),  # too short for four words
        (["a b"], ["a b c d e f g"]),
        (["a b c d"], [""]),
        (["a b c d"], ["x y z w"]),
    ],
)
def test_bleu_agrees_with_sacrebleu_at_the_edges(expected: list[str], predicted: list[str]) -> None:
    from sacrebleu.metrics import BLEU

    theirs = BLEU().corpus_score(predicted, [expected]).score / 100
    assert metric_value("bleu", expected, predicted) == pytest.approx(theirs, abs=1e-9)


def test_bleu_of_unspaced_texts_goes_by_character() -> None:
    from sacrebleu.metrics import BLEU

    expected, predicted = ["日本語の文です", "今日はいい天気"], ["日本語文です", "今日は天気がいい"]
    theirs = BLEU(tokenize="char").corpus_score(predicted, [expected]).score / 100
    assert metric_value("bleu", expected, predicted) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("metric", ["bleu", "chrf", "rouge_l", "squad_f1", "squad_em"])
def test_every_metric_has_an_interval_around_it(metric: MetricName) -> None:
    expected, predicted = EXPECTED * 6, [*PREDICTED * 5, *EXPECTED]
    found = bootstrap(metric, expected, predicted)
    assert found
    assert 0 <= found.ci95[0] < found.value < found.ci95[1] <= 1
    assert found.value == pytest.approx(metric_value(metric, expected, predicted))


def test_the_statistics_of_rows_add_up() -> None:
    whole = row_statistics("bleu", EXPECTED * 2, PREDICTED * 2)
    once = metric_value("bleu", EXPECTED, PREDICTED)
    assert float(whole.value_of(whole.rows.sum(axis=0))) == pytest.approx(once)
