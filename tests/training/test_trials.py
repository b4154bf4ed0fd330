from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent.delivery.predictor import load_predictor
from p2m_agent.errors import ToolError
from p2m_agent.training import trials as module
from p2m_agent.training.job import Trained, TrainEnv, TrainRows
from p2m_agent.training.recipes.encoder import Encoder
from p2m_agent.training.recipes.linear_head import LinearHead
from p2m_agent.training.trials import search
from p2m_agent.types.recipe import Recipe
from p2m_agent.types.student import CurvePoint
from tests.fakes.tiny_models import sorted_mail, task
from tests.training.conftest import Around

ROWS = TrainRows(task(labels=("delivery", "billing")), sorted_mail(40), sorted_mail(60)[40:])
RECIPE = Encoder(base="tiny", epochs=4, learning_rate=1e-3)


class Trainings:
    """Stands in for `train`: dev is best where the rate is highest; epochs and pruning as in the loop."""

    def __init__(self) -> None:
        self.recipes: list[Recipe] = []
        self.epochs: list[int] = []
        self.dies_at = self.fails_at = -1

    def __call__(self, recipe: Recipe, rows: TrainRows, folder: Path, run: TrainEnv) -> Trained:
        assert isinstance(recipe, Encoder)
        if len(self.recipes) == self.dies_at:
            raise KeyboardInterrupt
        self.recipes.append(recipe)
        if len(self.recipes) == self.fails_at:
            raise ToolError("too large", "smaller")
        dev = recipe.learning_rate * 100
        done = next((n for n in range(1, recipe.epochs) if run.hopeless(n, dev)), recipe.epochs)
        self.epochs.append(done)
        folder.mkdir(parents=True)
        (folder / "p2m.json").write_text(f"{dev}")
        return Trained(dev, None, (CurvePoint(epoch=1, dev=dev),), 10, 0.1, ("a note",))


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> Trainings:
    made = Trainings()
    monkeypatch.setattr(module, "train", made)
    return made


def test_the_trials_that_are_stated_are_run_and_the_best_is_kept(
    trainings: Trainings, tmp_path: Path, around: Around
) -> None:
    found = search(RECIPE, 8, ROWS, tmp_path, around.env)
    assert len(trainings.recipes) == 8
    assert trainings.recipes[0] == RECIPE, "the first is the recipe as it is"
    best = max(trainings.recipes, key=lambda r: r.learning_rate)  # type: ignore[union-attr]
    assert found.recipe == best
    assert (tmp_path / "p2m.json").read_text() == f"{found.trained.dev}"
    assert [path.name for path in tmp_path.iterdir()] == ["p2m.json"], "the losers and the log are gone"
    note = next(note for note in found.trained.notes if "trials" in note)
    assert note.startswith("8 of 8 trials were run (")
    assert found.trained.notes[0] == "a note"
    assert found.trained.curve == (CurvePoint(epoch=1, dev=found.trained.dev),)
    assert min(trainings.epochs) < 4, "some were stopped early"
    assert f"{sum(n < 4 for n in trainings.epochs)} stopped early" in note


def test_a_killed_search_goes_on_and_ends_as_it_would_have(
    trainings: Trainings, tmp_path: Path, around: Around
) -> None:
    whole = search(RECIPE, 6, ROWS, tmp_path / "whole", around.env)
    all_of_it = list(trainings.recipes)
    trainings.recipes.clear()
    trainings.dies_at = 3
    with pytest.raises(KeyboardInterrupt):
        search(RECIPE, 6, ROWS, tmp_path / "cut", around.env)
    trainings.dies_at = -1
    again = search(RECIPE, 6, ROWS, tmp_path / "cut", around.env)
    assert trainings.recipes == all_of_it
    assert again == whole


def test_without_time_fewer_trials_are_run_and_said_so(trainings: Trainings, tmp_path: Path, around: Around) -> None:
    around.left = 0.0
    found = search(RECIPE, 5, ROWS, tmp_path, around.env)
    assert len(trainings.recipes) == 1
    assert any(note.startswith("1 of 5 trials were run") for note in found.trained.notes)
    assert "There was no time for the other trials." in found.trained.notes


def test_a_trial_that_fails_is_counted(trainings: Trainings, tmp_path: Path, around: Around) -> None:
    trainings.fails_at = 2
    found = search(RECIPE, 4, ROWS, tmp_path, around.env)
    assert any("1 failed" in note for note in found.trained.notes)


def test_where_all_fail_the_fault_is_told(trainings: Trainings, tmp_path: Path, around: Around) -> None:
    trainings.fails_at = 1
    with pytest.raises(ToolError, match="no trial came to an end: too large"):
        search(RECIPE, 1, ROWS, tmp_path, around.env)


def test_a_real_search_leaves_a_student(bert: Path, tmp_path: Path, around: Around) -> None:
    found = search(LinearHead(base=str(bert)), 3, ROWS, tmp_path / "student", around.env)
    predictor = load_predictor(tmp_path / "student", around.settings)
    assert LinearHead.of(predictor.card.recipe) == found.recipe
    assert predictor.predict([{"text": "parcel"}])
