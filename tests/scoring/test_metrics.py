from __future__ import annotations

import random

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.scoring.label_counts import confusions, per_label
from p2m_agent.scoring.metrics import metric_value
from p2m_agent.types.label_sets import joined, parted

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
    mine = per_label([(each,) for each in expected], [(each,) for each in predicted])
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


def test_no_rows_or_unequal_lists_are_refused() -> None:
    with pytest.raises(ValueError, match="needs as many"):
        metric_value("accuracy", [], [])
    with pytest.raises(ValueError, match="needs as many"):
        metric_value("chrf", ["a"], ["a", "b"])


def test_embedding_similarity_is_the_mean_cosine_and_never_below_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    from p2m_agent.scoring import similarity

    places = {"up": [0.0, 1.0], "down": [0.0, -1.0], "right": [1.0, 0.0]}

    class Embedder:
        def encode(self, texts: list[str]) -> object:
            return np.array([places[text] for text in texts], np.float32)

    monkeypatch.setattr(similarity, "shared_embedder", Embedder)
    expected, predicted = ["up", "up", "up", "right"], ["up", "down", "right", "right"]
    assert metric_value("embedding_similarity", expected, predicted) == pytest.approx(0.5)
    monkeypatch.setattr(similarity, "shared_embedder", lambda: None)
    with pytest.raises(ToolError, match="embedding model"):
        metric_value("embedding_similarity", expected, predicted)


def label_sets(seed: int, n: int = 120) -> tuple[list[str], list[str]]:
    draw = random.Random(seed)
    expected = [[label for label in LABELS[:4] if draw.random() < 0.3] for _ in range(n)]
    predicted = [each if draw.random() < 0.5 else draw.sample(LABELS[:4], draw.randrange(3)) for each in expected]
    return [joined(each) for each in expected], ["; ".join(reversed(parted(joined(each)))) for each in predicted]


@pytest.mark.parametrize("seed", range(3))
def test_scores_of_label_sets_agree_with_scikit_learn(seed: int) -> None:
    from sklearn.metrics import accuracy_score, f1_score
    from sklearn.preprocessing import MultiLabelBinarizer

    expected, predicted = label_sets(seed)
    coder = MultiLabelBinarizer(classes=LABELS[:4])
    true, said = (coder.fit_transform([parted(each) for each in part]) for part in (expected, predicted))
    f1 = {name: f1_score(true, said, average=name, zero_division=0) for name in ("micro", "macro")}
    assert metric_value("micro_f1", expected, predicted) == pytest.approx(f1["micro"])
    assert metric_value("label_f1", expected, predicted) == pytest.approx(f1["macro"])
    assert metric_value("subset_accuracy", expected, predicted) == pytest.approx(accuracy_score(true, said))


def test_nothing_labelled_and_nothing_said_is_no_division_by_zero() -> None:
    assert metric_value("micro_f1", ["", ""], ["", ""]) == 0
    assert metric_value("subset_accuracy", ["", "a; b"], ["", "b; a"]) == 1


def test_a_label_of_several_counts_for_itself() -> None:
    found = per_label([("a", "b"), ("b",), ()], [("a",), ("b", "a"), ()])
    assert found["a"] == {"precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "support": 1.0}
    assert found["b"] == {"precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3), "support": 2.0}
