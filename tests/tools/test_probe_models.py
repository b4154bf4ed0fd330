"""The tool: candidates in, a table with a winner out, which training then takes."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.agent.planner.climbing import probe_bases
from p2m_agent.agent.planner.view import describe
from p2m_agent.probes.encoder_race import EncoderProbe
from p2m_agent.rows.holdout import file_sha256, seal
from p2m_agent.rows.reading import write_examples
from p2m_agent.run.result import result_of
from p2m_agent.run.state import Call, RunState
from p2m_agent.run.tooling import Outcome, Tool, load_tools
from p2m_agent.terminal.screen import fixed_screen
from p2m_agent.terminal.views.races import probe_table
from p2m_agent.types.budget import Budget, Cost
from p2m_agent.types.candidates import ModelCandidate, ModelSearch
from p2m_agent.types.probe import ModelProbe
from p2m_agent.types.rows import Dataset
from p2m_agent.types.task import TaskSpec
from tests.fakes.calls import Caller, Ticking, context_of, run_tool
from tests.fakes.tiny_models import sorted_mail, task, tiny_bert
from tests.probes.test_bases import blinded

TOOLS = load_tools()
TOOL: Tool[Any, Any] = TOOLS["probe_models"]


def found(*models: Path | str, available: bool = True, architecture: str = "encoder") -> ModelSearch:
    one = {"hub": "folder", "params": 9000, "architecture": architecture, "available": available}
    more = {"train_gb": 0.1, "score": 0.5, "why": "w"}
    candidates = tuple(ModelCandidate.model_validate({"repo": str(m), **one, **more}) for m in models)
    return ModelSearch(id="model_search-1", query="q", candidates=candidates, made_by="001-search_models")


class Run:
    """A run's folder with a task and rows, and two base models of which one is blind."""

    def __init__(self, root: Path) -> None:
        self.root = root / "run"
        folder = self.root / "calls" / "000-import_rows"
        folder.mkdir(parents=True)
        rows = sorted_mail(130)
        holdout = seal(self.root, folder, rows[:20], rows[20:30], origin="user", ref="r", made_by="000-import_rows")
        path = self.root / "rows.jsonl"
        write_examples(path, rows[30:])
        facts = {"id": "dataset-1", "path": path.name, "sha256": file_sha256(path), "rows": 100, "origin": "user"}
        dataset = Dataset.model_validate({**facts, "ref": "r", "made_by": "000-import_rows"})
        self.good = tiny_bert(root / "good")
        self.blind = blinded(self.good, root / "blind")
        self.state = RunState(artifacts=[task(), holdout, dataset, found(self.blind, self.good)])
        self.caller = Caller(self.root, self.state)

    def race(self, **args: object) -> tuple[ModelProbe, Outcome]:
        outcome = self.caller(TOOL, **args)
        [made] = outcome.artifacts
        assert isinstance(made, ModelProbe)
        return made, outcome

    def refusal(self, **args: object) -> str:
        return str(TOOL.refusal(TOOL.args(**args), self.state))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def printed(made: ModelProbe) -> str:
    out = io.StringIO()
    fixed_screen(80, out, io.StringIO()).data(probe_table(made))
    return out.getvalue()


def test_the_better_base_wins_and_everybody_sees_the_table(run: Run) -> None:
    missing = str(run.root / "missing" / "folder")
    made, outcome = run.race(models=(str(run.blind), str(run.good), missing))
    assert made.chosen == run.state.probed_base() == str(run.good)
    assert [Path(result.model).name for result in made.results] == ["good", "blind", "folder"]
    first, second, last = made.results
    assert made.rounds == (64, first.rows)
    assert 64 < first.rows <= 100, "rows that match held-out ones are left out"
    assert (first.eliminated, second.eliminated) == (None, 2)
    assert first.ci95 is not None
    assert first.score is not None
    assert first.ci95[0] < first.score < first.ci95[1]
    assert last.score is None
    assert "missing" in last.note
    for number in (f"{first.score:.3f}", f"{second.score:.3f}", "ahead of", f"on {first.rows} rows"):
        assert number in outcome.summary
    assert "no base model" in outcome.summary, "what failed is in the log"
    assert f"train {run.good}" in describe(made)
    [kept] = result_of(run.state, "r")["model_probes"]  # type: ignore[misc]
    assert kept["results"][0]["seconds"] == first.seconds
    text = printed(made)
    assert "not probed" in text
    assert "round 2" in text
    assert f"{first.score:.3f}" in text


def test_fine_tune_takes_the_winner_unless_told_otherwise(run: Run) -> None:
    module = __import__("importlib").import_module("p2m_agent.tools.fine_tune")
    spec = run.state.spec
    assert isinstance(spec, TaskSpec)
    before = module.recipe_of(module.FineTune(), run.state, spec).base
    run.race()
    assert before != str(run.good)
    assert module.recipe_of(module.FineTune(), run.state, spec).base == str(run.good)
    assert module.recipe_of(module.FineTune(base=str(run.blind)), run.state, spec).base == str(run.blind)


@pytest.mark.parametrize(
    ("without", "said"), [(0, "call define_task first"), (1, "import_rows"), (2, "import_rows"), (3, "search_models")]
)
def test_it_refuses_before_there_is_a_task_rows_or_candidates(run: Run, without: int, said: str) -> None:
    del run.state.artifacts[without]
    assert said in run.refusal()
    if without:
        assert probe_bases(run.state) is None


@pytest.mark.parametrize(
    "search",
    [found("one"), found("one", "two", available=False), found("one", "two", architecture="seq2seq"), found()],
)
def test_one_base_is_no_race(run: Run, search: ModelSearch) -> None:
    run.state.artifacts.append(search)
    assert "only one base model" in run.refusal()
    assert probe_bases(run.state) is None


def test_rules_race_once_where_there_is_time(run: Run) -> None:
    move = probe_bases(run.state)
    assert move is not None
    assert move.tool == "probe_models"
    hurried = RunState(artifacts=run.state.artifacts, budget=Budget(wall_s=350))
    assert probe_bases(hurried) is None
    run.race()
    assert probe_bases(run.state) is None
    assert "has raced these" in run.refusal()


def test_it_stays_in_the_time_there_is(run: Run) -> None:
    assert TOOL.estimate(TOOL.args(), run.state).wall_s == 120
    short = RunState(artifacts=run.state.artifacts, budget=Budget(wall_s=400), spent=Cost(wall_s=140))
    assert TOOL.estimate(TOOL.args(), short).wall_s == pytest.approx(0.2 * (400 - 140 - 60))


def test_a_race_that_was_cut_short_may_be_repeated_with_more_time(run: Run) -> None:
    run.caller.clock = Ticking(1.7)
    made, outcome = run.race(models=(str(run.blind), str(run.good), str(run.blind) + "/"), seconds=20)
    assert made.chosen == str(run.good), "the first round still tells"
    assert "the time was over before round 2" in outcome.summary
    assert run.refusal(seconds=300) == "None"


def test_a_killed_race_is_not_paid_for_twice(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call's folder keeps `checkpoint` when a run is resumed; a later call reads what an earlier one kept."""
    call = Call(id="009-probe_models", tool="probe_models", args={})
    scores, asked = EncoderProbe.scores, []

    def killed(self: EncoderProbe, model: str, rows: int) -> Any:
        asked.append(model)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return scores(self, model, rows)

    monkeypatch.setattr(EncoderProbe, "scores", killed)
    with pytest.raises(KeyboardInterrupt):
        run_tool(TOOL, TOOL.args(), run.state, context_of(run.root, call))
    [made] = run_tool(TOOL, TOOL.args(), run.state, context_of(run.root, call)).artifacts
    assert isinstance(made, ModelProbe)
    assert asked == [str(run.blind), str(run.good), str(run.good)]
    assert "1 scores were known from an earlier race." in made.notes
    run.state.artifacts.append(made)
    later, _ = run.race(models=(str(run.good), str(run.blind), "no/such"))
    assert len(asked) == 4 + 1, "round 1 of three is on fewer rows; round 2 was known"
    assert later.chosen == made.chosen


def test_the_same_rows_and_seed_give_the_same_numbers(run: Run) -> None:
    first, _ = run.race()
    run.state.artifacts.pop()
    kept = run.root / first.path
    texts = kept.read_text()
    kept.unlink()
    second, _ = run.race()
    assert [r.score for r in first.results] == [r.score for r in second.results]
    assert {len(scores) for scores, _seconds in json.loads(texts).values()} == {first.results[0].rows}
