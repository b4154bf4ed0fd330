from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from p2m_agent.delivery.predictor import load_predictor
from p2m_agent.errors import ToolError
from p2m_agent.probes.encoder_race import EncoderProbe
from p2m_agent.training.job import TrainRows
from p2m_agent.training.label_code import LabelCode
from p2m_agent.training.recipes.encoder import Encoder
from p2m_agent.training.recipes.linear_head import LinearHead
from p2m_agent.training.recipes.setfit import SetFit
from p2m_agent.training.trainer import train
from p2m_agent.types.label_sets import joined, parted
from p2m_agent.types.recipe import Recipe
from p2m_agent.types.rows import Example
from tests.fakes.tiny_models import row, task
from tests.training.conftest import Around

ABOUT = {"parcel": "delivery", "invoice": "billing", "card": "payment"}
LABELS = ("billing", "delivery", "payment")


def mail(count: int, start: int = 0) -> list[Example]:
    """Messages about none, one, two or all of three things, each named by one word."""
    fillers = ["please", "late", "again", "not here", "what now", "twice", "who"]
    made = []
    for number in range(start, start + count):
        words = [word for place, word in enumerate(ABOUT) if number >> place & 1]
        text = f"{fillers[number % 7]} {' '.join(words)} {fillers[number // 7 % 7]} {fillers[number // 49 % 7]}"
        made.append(row(" ".join(text.split()), joined(ABOUT[word] for word in words)))
    return made


ROWS = TrainRows(task("multi_label", metric="micro_f1", labels=LABELS), mail(160), mail(40, start=160))


def recipe(method: Literal["linear_head", "encoder"], bert: Path) -> Recipe:
    if method == "linear_head":
        return LinearHead(base=str(bert))
    return Encoder(base=str(bert), epochs=3, batch_size=16, learning_rate=5e-3)


@pytest.mark.parametrize("method", ["linear_head", "encoder"])
def test_a_student_gives_all_labels_that_apply_and_none_where_none_does(
    method: Literal["linear_head", "encoder"], bert: Path, tmp_path: Path, around: Around
) -> None:
    trained = train(recipe(method, bert), ROWS, tmp_path / "student", around.env)
    assert trained.dev > 0.95
    predictor = load_predictor(tmp_path / "student", around.settings)
    two, none = predictor.predict([{"text": "late parcel invoice again who"}, {"text": "please what now again"}])
    assert (two.output, none.output) == ("billing; delivery", "")
    assert set(two.scores) == set(none.scores) == set(LABELS)
    assert {label for label, share in two.scores.items() if share > 0.5} == {"billing", "delivery"}
    assert sum(two.scores.values()) > 1, "each label has a probability by itself"
    sure = [max(share, 1 - share) for share in two.scores.values()]
    assert two.confidence == pytest.approx(np.prod(sure), abs=1e-4)
    assert predictor.card.kind == "multi_label"
    assert predictor.card.labels == LABELS
    answers = [each.output for each in predictor.predict([r.input for r in ROWS.dev])]
    right = [set(parted(answer)) == set(parted(r.output)) for answer, r in zip(answers, ROWS.dev, strict=True)]
    assert np.mean(right) > 0.9


def test_the_score_is_that_of_the_saved_weights(bert: Path, tmp_path: Path, around: Around) -> None:
    from p2m_agent.scoring.metrics import metric_value

    trained = train(recipe("encoder", bert), ROWS, tmp_path / "student", around.env)
    predictor = load_predictor(tmp_path / "student", around.settings)
    answers = [each.output for each in predictor.predict([r.input for r in ROWS.dev])]
    assert metric_value("micro_f1", [r.output for r in ROWS.dev], answers) == pytest.approx(trained.dev, abs=1e-6)


def test_setfit_is_for_one_label_a_row(bert: Path, tmp_path: Path, around: Around) -> None:
    with pytest.raises(ToolError, match="setfit does not train a multi_label task"):
        train(SetFit(base=str(bert)), ROWS, tmp_path / "student", around.env)


def test_a_label_that_no_training_row_has_is_said(bert: Path, tmp_path: Path, around: Around) -> None:
    lacking = TrainRows(ROWS.spec, [r for r in ROWS.train if "payment" not in r.output], ROWS.dev)
    trained = train(LinearHead(base=str(bert)), lacking, tmp_path / "student", around.env)
    missed = sum("payment" in r.output for r in ROWS.dev)
    assert any("'payment'" in note and f"{missed} dev rows" in note for note in trained.notes)


CODE = LabelCode(LABELS, several=True)


def test_labels_become_zeros_and_ones_and_come_back() -> None:
    outputs = ["billing; payment", "", "delivery"]
    targets = CODE.targets(outputs)
    assert targets.tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]
    assert CODE.outputs(targets * 2.0 - 1.0) == outputs
    one = LabelCode(LABELS, several=False)
    assert one.targets(["payment", "billing"]).tolist() == [2, 0]
    assert one.outputs(np.array([[0.1, 0.2, 0.3]])) == ["payment"]


def test_a_label_of_all_rows_or_of_none_needs_no_regression() -> None:
    vectors = np.eye(4, dtype=np.float32)
    weight, bias = CODE.fit_head(vectors, np.array([[1, 0, 0], [1, 0, 1], [1, 0, 0], [1, 0, 1]]), 10.0)
    assert CODE.outputs(vectors @ weight.T + bias) == ["billing", "billing; payment", "billing", "billing; payment"]


def test_balance_gives_rare_labels_more_weight() -> None:
    targets = np.array([[1, 0, 0]] * 8 + [[0, 1, 0]] * 2)
    assert CODE.weights(targets, 0.0) == [1.0, 1.0, 1.0]
    frequent, rare, absent = CODE.weights(targets, 1.0)
    assert frequent == 1.0
    assert rare == pytest.approx(4.0)
    assert absent == pytest.approx(10.0)


def test_the_threshold_moves_to_where_the_rows_score_best_and_no_further() -> None:
    bias, logits = np.zeros(3, np.float32), np.array([[-0.6, -3, -3], [-3, -0.6, -3], [-3, -3, -0.6]])
    moved = CODE.shifted(bias, logits, ["billing", "delivery", "payment"], "micro_f1")
    assert moved.tolist() == [0.75, 0.75, 0.75]
    assert CODE.shifted(bias, logits * -1, ["", "", ""], "subset_accuracy").max() < 0
    assert LabelCode(LABELS, several=False).shifted(bias, logits, ["billing"] * 3, "accuracy") is bias


def test_the_probe_of_bases_knows_sets_of_labels(bert: Path, around: Around) -> None:
    rows = mail(80)
    good = EncoderProbe(rows, ROWS.spec, around.settings).scores(str(bert), 80)
    shuffled = [r.model_copy(update={"output": rows[(i * 37 + 11) % 80].output}) for i, r in enumerate(rows)]
    bad = EncoderProbe(shuffled, ROWS.spec, around.settings).scores(str(bert), 80)
    assert np.mean([value for value, _ in good]) > np.mean([value for value, _ in bad]) + 0.1
