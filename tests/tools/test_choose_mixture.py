"""The tool: a run's datasets in, a choice with its numbers out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.agent.graph import Machine, act
from p2m_agent.agent.planner.view import describe
from p2m_agent.agent.policy import Policy
from p2m_agent.probes import mixture_answers as mixture_probes
from p2m_agent.rows.holdout import file_sha256, seal
from p2m_agent.rows.reading import write_examples
from p2m_agent.run.result import result_of
from p2m_agent.run.state import Call, Decision, RunState
from p2m_agent.run.store import RunFolder
from p2m_agent.run.tooling import Outcome, Tool, load_tools
from p2m_agent.types.budget import Budget, Cost
from p2m_agent.types.mixture import Mixture
from p2m_agent.types.questions import Answer, Question, Review
from p2m_agent.types.rows import Dataset, Example, Origin, Source
from p2m_agent.types.task import Kind
from tests.fakes.calls import Caller, Ticking, context_of
from tests.fakes.tiny_models import task, tiny_llama

TOOLS = load_tools()
TOOL: Tool[Any, Any] = TOOLS["choose_mixture"]
FILLERS = ("please", "late", "again", "today", "twice", "who", "somewhere", "still", "really", "nothing", "quick")


def mail(count: int, start: int = 0, *, swapped: bool = False, only: str = "") -> list[Example]:
    """Messages that one word sorts; `swapped` labels are those of another scheme."""
    made = []
    for n in range(start, start + count):
        about = ("invoice", "parcel")[n % 2]
        label = {"invoice": "billing", "parcel": "delivery"}["parcel" if (about == "invoice") == swapped else "invoice"]
        text = f"{FILLERS[n % 11]} {FILLERS[n // 11 % 11]} {about} {FILLERS[n // 121 % 11]} {n}"
        made.append(Example(input={"text": text}, output=only or label, source=Source(origin="user", ref="r")))
    return made


class Run:
    """A run's folder with dev rows, a task and datasets."""

    def __init__(self, root: Path, dev: list[Example], kind: Kind = "classification", dev_origin: Any = "user") -> None:
        self.root = root
        folder = root / "calls" / "000-import_rows"
        folder.mkdir(parents=True)
        test = [row.model_copy(update={"input": {"text": f"{row.text} test"}}) for row in dev[:4]]
        holdout = seal(root, folder, dev, test, origin=dev_origin, ref="rows.csv", made_by="000-import_rows")
        self.state = RunState(artifacts=[task(kind), holdout])
        self.caller = Caller(root, self.state)

    def add(self, origin: Origin, ref: str, rows: list[Example]) -> Dataset:
        number = len(self.state.all(Dataset)) + 1
        path = self.root / f"rows-{number}.jsonl"
        write_examples(path, rows)
        dataset = Dataset(
            id=f"dataset-{number}",
            path=path.name,
            sha256=file_sha256(path),
            rows=len(rows),
            origin=origin,
            ref=ref,
            made_by=f"{number:03d}-import_rows",
        )
        self.state.artifacts.append(dataset)
        return dataset

    def choose(self, **args: object) -> tuple[Mixture, Outcome]:
        outcome = self.caller(TOOL, **args)
        [made] = outcome.artifacts
        assert isinstance(made, Mixture)
        return made, outcome


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run(tmp_path, mail(60, start=5000))
    run.add("user", "rows.csv", mail(6))
    return run


def test_rows_that_hurt_are_left_out_and_the_log_has_the_numbers(run: Run) -> None:
    run.add("hub", "other/scheme", mail(200, start=1000, swapped=True))
    made, outcome = run.choose()
    assert made.choice == "user"
    assert made.chosen == ("dataset-1",)
    assert run.state.chosen_datasets() == run.state.all(Dataset)[:1]
    alone, both, _ = made.scores
    assert both.score is not None
    assert both.gain is not None
    assert both.gain < -0.3
    for number in (alone.score, alone.accuracy, both.score, both.accuracy, both.gain):
        assert f"{number:.3f}" in outcome.summary
    assert "on 60 dev rows" in outcome.summary
    assert "Left out: other/scheme." in outcome.summary
    assert "user + other/scheme" in describe(made)
    [kept] = result_of(run.state, "r")["mixtures"]  # type: ignore[misc]
    assert kept["scores"][1]["gain_ci95"] == list(both.gain_ci95 or ())


def test_rows_that_help_are_taken_and_trained_on(run: Run) -> None:
    run.state.artifacts.pop()
    vague = [row.model_copy(update={"input": {"text": word}}) for row, word in zip(mail(2), ("hm", "so"), strict=True)]
    run.add("user", "rows.csv", vague)
    run.add("hub", "same/scheme", mail(200, start=1000))
    made, outcome = run.choose()
    assert made.choice == "user + same/scheme"
    assert "Nothing is left out." in outcome.summary
    assert TOOLS["fine_tune"].refusal(TOOLS["fine_tune"].args(), run.state) is None
    module = __import__("importlib").import_module("p2m_agent.tools.fine_tune")
    assert [d.id for d in module.chosen(module.FineTune(), run.state)] == list(made.chosen)
    other = module.FineTune(datasets=(made.chosen[0],))
    assert [d.id for d in module.chosen(other, run.state)] == [made.chosen[0]], "arguments have the last word"


def test_rows_that_change_nothing_are_left_out(run: Run) -> None:
    run.add("hub", "copy/of-mine", mail(6))
    made, _ = run.choose()
    assert made.choice == "user"
    assert made.scores[1].gain == 0


def test_nothing_of_several_sources_is_trained_on_before(run: Run) -> None:
    refused = TOOL.refusal(TOOL.args(), run.state)
    assert refused is not None
    assert "not two datasets" in refused
    run.add("hub", "same/scheme", mail(20, start=1000))
    fine_tune = TOOLS["fine_tune"]
    assert "call choose_mixture first" in str(fine_tune.refusal(fine_tune.args(), run.state))
    assert fine_tune.refusal(fine_tune.args(datasets=["dataset-1"]), run.state) is None
    run.choose()
    assert fine_tune.refusal(fine_tune.args(), run.state) is None
    assert "go on with fine_tune" in str(TOOL.refusal(TOOL.args(), run.state))


def test_new_rows_call_for_new_probes_only(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.add("hub", "same/scheme", mail(40, start=1000))
    first, _ = run.choose()
    asked: list[int] = []
    answers = mixture_probes.LinearProbe.answers

    def counted(self: Any, rows: Any) -> Any:
        asked.append(len(rows))
        return answers(self, rows)

    monkeypatch.setattr(mixture_probes.LinearProbe, "answers", counted)
    run.add("synthetic", "004-generate_examples", mail(30, start=2000, swapped=True))
    assert run.state.mixture() is None
    second, _ = run.choose()
    assert sorted(asked) == [30, 36, 76], "alone, with the person's, and everything"
    assert second.scores[0].score == first.scores[0].score
    assert "3 of 6 mixtures were known" in " ".join(second.notes)


def test_a_rejected_dataset_brings_the_earlier_choice_back(run: Run) -> None:
    run.add("hub", "same/scheme", mail(40, start=1000))
    first, _ = run.choose()
    third = run.add("hub", "third/set", mail(40, start=3000))
    run.choose()
    question = Question(id="q", about="rows", text="?", subject=third.id)
    run.state.artifacts.append(Review(id="v", question=question, answer=Answer(verdict="reject"), made_by="9"))
    assert run.state.mixture() == first


def test_it_stays_in_the_time_there_is(run: Run) -> None:
    run.add("hub", "same/scheme", mail(40, start=1000))
    assert TOOL.estimate(TOOL.args(), run.state).wall_s == 55
    short = RunState(artifacts=run.state.artifacts, budget=Budget(wall_s=200), spent=Cost(wall_s=70))
    assert TOOL.estimate(TOOL.args(), short).wall_s == 0.2 * (200 - 70 - 30)


def test_what_there_was_no_time_for_is_said_and_can_be_asked_for(run: Run) -> None:
    run.add("hub", "same/scheme", mail(40, start=1000))
    run.caller.clock = Ticking(20)
    made, outcome = run.choose()
    assert "Not probed, as the time was over: user + same/scheme, same/scheme." in outcome.summary
    assert made.choice == "user"
    assert TOOL.refusal(TOOL.args(seconds=300), run.state) is None
    again = made.model_copy(update={"seconds": 20.0})
    assert TOOL.refusal(TOOL.args(seconds=20), RunState(artifacts=[*run.state.artifacts, again])) is not None


def test_a_source_without_usable_rows_is_named(run: Run) -> None:
    run.add("hub", "leaky/set", mail(60, start=5000))
    made, _ = run.choose()
    assert made.choice == "user"
    assert "All rows of leaky/set match held-out rows; it was left out." in made.notes
    assert [part.sampled for part in made.parts] == [6, 0]


def test_a_mixture_that_lacks_a_label_is_scored_as_it_would_do(run: Run) -> None:
    run.add("hub", "one/label", mail(50, start=1000, only="billing"))
    made, _ = run.choose()
    only = next(score for score in made.scores if score.parts == ("one/label",))
    assert only.accuracy == pytest.approx(0.5, abs=0.02)
    assert "same output" in only.note
    assert made.choice == "user"


@pytest.mark.parametrize(("origin", "said"), [("synthetic", "synthetic proxy"), ("hub", "Dev comes from rows.csv")])
def test_dev_rows_that_are_not_the_persons_are_named(tmp_path: Path, origin: str, said: str) -> None:
    run = Run(tmp_path, mail(60, start=5000), dev_origin=origin)
    run.add("synthetic" if origin == "synthetic" else "hub", "rows.csv", mail(20))
    run.add("hub", "x/y", mail(20, start=1000))
    _, outcome = run.choose()
    assert said in outcome.summary


def test_missing_rows_are_an_error_that_says_so(run: Run) -> None:
    lost = run.add("hub", "x/y", mail(20, start=1000))
    (run.root / lost.path).unlink()
    with pytest.raises(Exception, match="are gone or were changed"):
        run.choose()


def said(fillers: str, output: str) -> list[Example]:
    source = Source(origin="hub", ref="h")
    return [
        Example(input={"text": f"{filler} {word}"}, output=output, source=source)
        for filler in fillers.split()
        for word in ("one", "two", "three", "four")
    ]


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    base = tiny_llama(tmp_path / "tiny")
    monkeypatch.setattr("p2m_agent.tools.choose_mixture.SMALL_LM", str(base))
    monkeypatch.setattr("p2m_agent.probes.quick_causal.LEARNING_RATE", 3e-3)
    run = Run(tmp_path / "run", said("no i mean clean", "parcel"), kind="text_to_text")
    run.add("user", "rows.csv", [*said("uh", "parcel")[:2], *said("who", "card")[:2]])
    return run


def test_text_to_text_is_probed_by_a_short_fine_tune(texts: Run) -> None:
    texts.add("hub", "good/set", said("please late again not here what", "parcel"))
    texts.add("hub", "bad/set", said("charged twice refund the a where", "invoice"))
    made, outcome = texts.choose()
    assert made.measure == "log_likelihood"
    assert "24 steps of 4 rows on the last 1 of 2 blocks of tiny" in made.probe
    assert made.choice == "user + good/set"
    scores = {score.name: score.score or 0.0 for score in made.scores}
    assert scores["user + good/set"] > scores["user"] > scores["user + bad/set"] > scores["bad/set"]
    assert all(score < 0 for score in scores.values())
    assert "log likelihood" in outcome.summary


def test_a_probe_begins_anew_from_the_base_model(texts: Run) -> None:
    """Else what one mixture taught would be known in the next."""
    texts.add("hub", "good/set", said("please late again not here what", "parcel"))
    good, _ = texts.choose()
    texts.add("hub", "bad/set", said("charged twice refund the a where", "invoice"))
    reused, _ = texts.choose()
    assert any("3 of 6 mixtures were known" in note for note in reused.notes)
    texts.state.artifacts.pop()
    for old in texts.root.glob("calls/*/probes.json"):
        old.unlink()
    again, _ = texts.choose()
    assert again.scores[0].score == pytest.approx(good.scores[0].score)
    assert again.scores[4].name == good.scores[2].name == "good/set"


def test_text_to_text_falls_back_to_neighbours_and_says_why(texts: Run) -> None:
    texts.add("hub", "good/set", said("please late again not here what", "parcel"))
    made, _ = texts.choose(seconds=10)
    assert made.measure == "chrf"
    assert "nearest row" in made.probe
    assert any("too little time" in note for note in made.notes)


def test_probes_are_kept_beside_the_call(run: Run) -> None:
    run.add("hub", "x/y", mail(20, start=1000))
    made, _ = run.choose()
    kept = json.loads((run.root / made.path).read_text())
    assert sorted(map(len, kept.values())) == [60, 60, 60]


def test_a_finished_comparison_is_not_made_again_after_a_kill(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.add("hub", "x/y", mail(20, start=1000))
    nothing: Any = None
    machine = Machine(
        tools=TOOLS,
        policy=Policy(attended=False),
        choose=nothing,
        context=lambda call: context_of(run.root, call),
        folder=RunFolder(run.root),
        emit=lambda _event: None,
        spent_usd=lambda: 0.0,
        spent_tokens=lambda: 0,
    )
    run.state.pending = Call(id="001-choose_mixture", tool="choose_mixture", args={})
    run.state.decisions = [Decision(call_id="001-choose_mixture", tool="choose_mixture", why="w", by="rules")]
    before = act(machine, run.state)
    monkeypatch.setattr(mixture_probes.LinearProbe, "answers", lambda *_: pytest.fail("it was probed again"))
    after = act(machine, run.state)
    assert after["artifacts"] == before["artifacts"]
    [decision] = after["decisions"]  # type: ignore[misc]
    assert "log likelihood (accuracy 1.000) -" in decision.outcome, "the decision log has the choice and its numbers"
