from __future__ import annotations

import random

import pytest

from p2m_agent.evaluation.metrics import choose_metric, confusions, extra_metrics, metric_value, per_label

LABELS = ("refund", "delivery", "account", "product", "never predicted")


def rows(seed: int, n: int = 120) -> tuple[list[str], list[str]]:
    draw = random.Random(seed)
    expected = [draw.choice(LABELS) for _ in range(n)]
    predicted = [e if draw.random() < 0.6 else draw.choice(LABELS[:4]) for e in expected]
    return expected, predicted


@pytest.mark.parametrize("seed", range(4))
def test_accuracy_and_macro_f1_agree_with_scikit_learn(seed: int) -> None:
    from sklearn.metrics import accuracy_score, f1_score

    expected, predicted = rows(seed)
    assert metric_value("accuracy", expected, predicted) == pytest.approx(accuracy_score(expected, predicted))
    f1 = f1_score(expected, predicted, average="macro", zero_division=0)
    assert metric_value("macro_f1", expected, predicted) == pytest.approx(f1)


def test_per_label_agrees_with_scikit_learn() -> None:
    from sklearn.metrics import precision_recall_fscore_support

    expected, predicted = rows(9)
    mine = per_label(expected, predicted)
    names = sorted(mine)
    theirs = precision_recall_fscore_support(expected, predicted, labels=names, zero_division=0)
    for row, name in enumerate(("precision", "recall", "f1", "support")):
        assert [mine[label][name] for label in names] == pytest.approx(list(theirs[row]))


@pytest.mark.parametrize(
    ("expected", "predicted"),
    [
        (["the cat sat on the mat", "what year was it?"], ["the cat sits on a mat", "what year is it?"]),
        (["2024-04-04", "2019-02-05"], ["2024-04-05", "no idea"]),
        (["a", "bb"], ["", "x"]),
        (["日本語の文です", "もう一つ"], ["日本語です", "一つ"]),
    ],
)
def test_chrf_agrees_with_sacrebleu(expected: list[str], predicted: list[str]) -> None:
    from sacrebleu.metrics import CHRF

    theirs = CHRF(word_order=2).corpus_score(predicted, [expected]).score / 100
    assert metric_value("chrf", expected, predicted) == pytest.approx(theirs, abs=1e-9)


def test_exact_match_ignores_white_space_and_nothing_else() -> None:
    assert metric_value("exact_match", ["a  b\n"], [" a b"]) == 1
    assert metric_value("exact_match", ["a b", "a b", "ab"], ["A b", "a b.", "a b"]) == 0


def test_confusions_are_the_wrong_pairs_most_frequent_first() -> None:
    assert confusions(["a", "a", "b", "c"], ["b", "b", "a", "c"]) == (("a", "b", 2), ("b", "a", 1))


def test_the_metric_follows_from_the_task() -> None:
    assert choose_metric("classification", ["a", "b"])[0] == "accuracy"
    assert choose_metric("text_to_text", ["2024-01-01", "2024-02-02"])[0] == "exact_match"
    assert choose_metric("text_to_text", [])[0] == "exact_match"
    assert choose_metric("text_to_text", ["word " * 40])[0] == "chrf"


def test_extra_metrics_are_the_others_of_the_kind() -> None:
    assert set(extra_metrics("classification", "accuracy", ["a"], ["a"])) == {"macro_f1"}
    assert set(extra_metrics("text_to_text", "exact_match", ["a b"], ["a b"])) == {"chrf"}


def test_no_rows_or_unequal_lists_are_refused() -> None:
    with pytest.raises(ValueError, match="needs as many"):
        metric_value("accuracy", [], [])
    with pytest.raises(ValueError, match="needs as many"):
        metric_value("chrf", ["a"], ["a", "b"])
