from __future__ import annotations

import importlib
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.run.state import RunState
from p2m_agent.run.store import RunFolder
from p2m_agent.run.tooling import Tool
from p2m_agent.training import loop
from p2m_agent.training.recipes.encoder import Encoder
from p2m_agent.training.recipes.setfit import SetFit
from p2m_agent.types.budget import Budget, Cost
from p2m_agent.types.candidates import ModelCandidate, ModelSearch
from p2m_agent.types.rows import Dataset, Holdout
from p2m_agent.types.student import TrainingRun
from p2m_agent.types.task import Constraints, TaskSpec
from p2m_agent.weights.locate import EMBEDDINGS
from tests.fakes.calls import run_tool
from tests.fakes.student import StudentRun
from tests.fakes.tiny_models import tiny_bert

TOOL: Tool[Any, Any] = importlib.import_module("p2m_agent.tools.fine_tune").TOOL


def args(**given: object) -> Any:
    return TOOL.args.model_validate(given)


def without(state: RunState, *kinds: type) -> RunState:
    return RunState(artifacts=[a for a in state.artifacts if not isinstance(a, kinds)])


def constrained(state: RunState, constraints: Constraints) -> RunState:
    changed = [
        a.model_copy(update={"constraints": constraints}) if isinstance(a, TaskSpec) else a for a in state.artifacts
    ]
    return RunState(artifacts=changed)


@pytest.fixture
def run(tmp_path: Path) -> StudentRun:
    return StudentRun(tmp_path / "run")


@pytest.mark.parametrize(
    ("missing", "said"),
    [(TaskSpec, "call define_task"), (Holdout, "no held-out rows"), (Dataset, "no training rows")],
)
def test_it_says_what_to_call_first(run: StudentRun, missing: type, said: str) -> None:
    assert said in str(TOOL.refusal(args(), without(run.state, missing)))


def test_it_refuses_what_cannot_work(run: StudentRun) -> None:
    assert "causal does not train a classification task" in str(TOOL.refusal(args(method="causal"), run.state))
    assert "there is no dataset nowhere" in str(TOOL.refusal(args(datasets=["nowhere"]), run.state))
    small = constrained(run.state, Constraints(max_params=1_000_000))
    assert "at most 1,000,000 are allowed" in str(TOOL.refusal(args(), small))
    assert "at most 10 MB are allowed" in str(TOOL.refusal(args(), constrained(run.state, Constraints(max_size_mb=10))))
    assert "to be avoided" in str(TOOL.refusal(args(), constrained(run.state, Constraints(avoid_bases=("minilm",)))))
    unfree = constrained(run.state, Constraints(refused_licences=("permissive",)))
    assert "permissive must not be used" in str(TOOL.refusal(args(), unfree))
    free = constrained(run.state, Constraints(licences=("mit",)))
    assert "has the licence apache-2.0 and only mit may be used" in str(TOOL.refusal(args(), free))
    for allowed in ("Apache-2.0", "apache 2.0", "permissive"):
        assert TOOL.refusal(args(), constrained(run.state, Constraints(licences=(allowed,)))) is None


def test_it_refuses_an_exact_repeat(run: StudentRun) -> None:
    same = args(method="linear_head", base="tiny")
    assert "is exactly this recipe on the same rows" in str(TOOL.refusal(same, run.state))
    assert TOOL.refusal(args(method="linear_head"), run.state) is None, "another base"
    assert TOOL.refusal(args(method="linear_head", base="tiny", max_train_rows=10), run.state) is None
    spec = run.state.spec
    assert spec
    run.state.artifacts.append(spec.model_copy(update={"id": "spec-2", "instruction": "other", "target": 0.9}))
    assert TOOL.refusal(same, run.state), "what sorts does not read the instruction"
    run.state.artifacts.append(spec.model_copy(update={"id": "spec-3", "labels": ("billing", "other")}))
    assert TOOL.refusal(same, run.state) is None, "the labels have changed since"


def test_the_default_method_is_the_first_untried_one(run: StudentRun) -> None:
    module = importlib.import_module("p2m_agent.tools.fine_tune")
    spec = run.state.spec
    assert spec
    assert module.method_of(args(), without(run.state, TrainingRun), spec) == "linear_head"
    assert module.method_of(args(), run.state, spec) == "encoder"
    assert module.recipe_of(args(epochs=3), run.state, spec).epochs == 3


def test_the_estimate_grows_with_the_rows_and_stays_in_the_time_left(run: StudentRun) -> None:
    quick, slow = (TOOL.estimate(args(method=method), run.state) for method in ("linear_head", "encoder"))
    assert 0 < quick.wall_s < slow.wall_s < math.inf
    many = [a.model_copy(update={"rows": 100_000}) if isinstance(a, Dataset) else a for a in run.state.artifacts]
    hour = RunState(artifacts=many, budget=Budget(wall_s=3600), spent=Cost(wall_s=600))
    assert TOOL.estimate(args(method="encoder"), hour).wall_s == 0.95 * (3600 - 600 - 120)  # the reserve stays
    late = RunState(artifacts=many, budget=Budget(wall_s=3600), spent=Cost(wall_s=3590))
    assert TOOL.estimate(args(method="encoder"), late).wall_s > 10, "too little time for anything is refused"


def test_it_trains_on_the_rows_of_the_run(run: StudentRun, tmp_path: Path) -> None:
    base = tiny_bert(tmp_path / "tiny")
    context = run.context("003-fine_tune", "fine_tune")
    seeded = replace(context, settings=context.settings.model_copy(update={"seed": 7}))
    outcome = run_tool(TOOL, args(base=str(base), method="linear_head"), run.state, seeded)
    made = outcome.artifacts[0]
    assert isinstance(made, TrainingRun)
    assert made.recipe.seed == 7
    assert (made.id, made.datasets) == ("training_run-003-fine_tune", ("dataset-001-import_rows",))
    assert (run.root / made.path / "p2m.json").is_file()
    assert 0 < made.dev <= 1
    assert "The licence of tiny is not known." in made.notes
    assert f"accuracy {made.dev:.3f} on dev" in outcome.summary
    assert run.emitted


def test_a_base_of_unknown_licence_is_refused_where_licences_are_set(run: StudentRun, tmp_path: Path) -> None:
    base = tiny_bert(tmp_path / "tiny")
    state = constrained(run.state, Constraints(licences=("mit",)))
    with pytest.raises(ToolError, match="has the licence unknown"):
        run_tool(TOOL, args(base=str(base)), state, run.context("003-fine_tune", "fine_tune"))


def test_other_methods_are_tried_only_where_they_are_asked_for(run: StudentRun) -> None:
    module = importlib.import_module("p2m_agent.tools.fine_tune")
    spec, tried = run.state.spec, run.state.latest(TrainingRun)
    assert spec
    assert tried
    encoder = tried.model_copy(update={"id": "two", "recipe": Encoder(base="tiny")})
    both = RunState(artifacts=[*run.state.artifacts, encoder])
    assert module.method_of(args(), both, spec) == "encoder"
    assert module.recipe_of(args(method="setfit"), both, spec) == SetFit(base=EMBEDDINGS)


def test_an_encoder_decoder_that_was_found_is_trained_as_one(run: StudentRun) -> None:
    module = importlib.import_module("p2m_agent.tools.fine_tune")
    spec = run.state.spec
    assert spec
    text = spec.model_copy(update={"kind": "text_to_text", "labels": (), "metric": "chrf"})
    found = ModelCandidate.model_validate(
        {"repo": "google/t5-x", "hub": "h", "architecture": "seq2seq", "params": 9, "available": True, "score": 1}
        | {"train_gb": 1, "why": ""}
    )
    search = ModelSearch(id="s", query="q", candidates=(found,), made_by="c")
    state = RunState(artifacts=[*without(run.state, TaskSpec).artifacts, text, search])
    assert module.method_of(args(base="google/t5-x"), state, text) == "seq2seq"
    assert module.method_of(args(), state, text) == "causal"
    assert "with a base of the T5 kind" in str(TOOL.refusal(args(method="seq2seq"), state))
    recipe = module.recipe_of(args(base="google/t5-x", beams=4), state, text)
    assert (recipe.decoding.beams, recipe.max_rows) == (4, 1500)
    lora = module.recipe_of(args(tuning="lora"), state, text)
    assert (lora.tuning, lora.learning_rate) == ("lora", 1e-3)


def test_rare_labels_weigh_more_where_the_metric_counts_labels_alike(run: StudentRun) -> None:
    module = importlib.import_module("p2m_agent.tools.fine_tune")
    spec = run.state.spec
    assert spec
    alike = spec.model_copy(update={"metric": "macro_f1"})
    assert module.recipe_of(args(), run.state, spec).balance == 0
    assert module.recipe_of(args(), run.state, alike).balance == 0.5
    assert module.recipe_of(args(balance=0), run.state, alike).balance == 0


def test_a_killed_call_goes_on_where_its_training_was(
    run: StudentRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tiny_bert(tmp_path / "tiny")
    given = args(base=str(base), method="encoder", epochs=3)
    context = run.context("003-fine_tune", "fine_tune")
    real = loop.Fit._epoch

    def dies(self: loop.Fit, epoch: int) -> bool:
        if epoch == 1:
            raise KeyboardInterrupt
        return real(self, epoch)

    monkeypatch.setattr(loop.Fit, "_epoch", dies)
    monkeypatch.setattr(loop.Fit, "_out_of_patience", lambda _self, _epoch: False)  # these rows are soon learned
    with pytest.raises(KeyboardInterrupt):
        run_tool(TOOL, given, run.state, context)
    monkeypatch.setattr(loop.Fit, "_epoch", real)
    RunFolder(run.root).prepare("003-fine_tune")
    made = run_tool(TOOL, given, run.state, context).artifacts[0]
    assert isinstance(made, TrainingRun)
    assert any("Went on after epoch 1" in note for note in made.notes)


def test_a_search_takes_the_time_of_its_trials_and_is_no_repeat(run: StudentRun) -> None:
    one, three = (TOOL.estimate(args(method="linear_head", trials=n), run.state).wall_s for n in (1, 3))
    assert three == pytest.approx(3 * one)
    assert TOOL.refusal(args(method="linear_head", base="tiny", trials=3), run.state) is None


def test_it_searches_and_keeps_the_recipe_that_won(run: StudentRun, tmp_path: Path) -> None:
    base = tiny_bert(tmp_path / "tiny")
    context = run.context("003-fine_tune", "fine_tune")
    outcome = run_tool(TOOL, args(base=str(base), method="linear_head", trials=2), run.state, context)
    made = outcome.artifacts[0]
    assert isinstance(made, TrainingRun)
    assert any(note.startswith("2 of 2 trials were run") for note in made.notes)
    card = json.loads((run.root / made.path / "p2m.json").read_text())
    assert card["recipe"] == made.recipe.model_dump()
