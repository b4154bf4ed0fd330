"""A run that starts from another: what it takes over, what it counts, and what it refuses."""

from __future__ import annotations

import fcntl
import io
import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.agent.graph import Machine, build_graph
from p2m_agent.agent.lineage import read_heritage, start_from
from p2m_agent.agent.planner.choice import Move
from p2m_agent.agent.planner.rules import next_move
from p2m_agent.agent.policy import Policy
from p2m_agent.agent.session import Parts, Session
from p2m_agent.cli import main
from p2m_agent.errors import UsageError
from p2m_agent.llm.cache import Answers
from p2m_agent.rows.holdout import file_sha256, open_test
from p2m_agent.rows.pool import training_pool
from p2m_agent.rows.reading import write_examples
from p2m_agent.run.checkpoints import open_checkpoints
from p2m_agent.run.result import result_of
from p2m_agent.run.state import Decision, RunState
from p2m_agent.run.store import RunFolder, new_record
from p2m_agent.settings import Settings
from p2m_agent.terminal.screen import fixed_screen
from p2m_agent.terminal.views.show import show
from p2m_agent.types.analysis import ErrorAnalysis, Suggestion
from p2m_agent.types.budget import Budget
from p2m_agent.types.candidates import DatasetSearch, ModelSearch
from p2m_agent.types.plan import TransformationPlan
from p2m_agent.types.questions import Answer, ColumnChoice, PromptChange, Question, Review
from p2m_agent.types.rows import Dataset, Holdout
from p2m_agent.types.scores import EvalReport, Score
from p2m_agent.types.student import Delivery, TrainingRun
from p2m_agent.types.task import Constraints, Task, TaskSpec
from tests.fakes.machine import Bench, move, scripted
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.student import StudentRun, example

REQUEST = "Sort our mail | into <queues>"
LOOK = "005-evaluate"
NOTHING_NEW = Task(request="")


@pytest.fixture
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI([]) as server:  # nothing here may ask a model
        yield server


@pytest.fixture
def settings(tmp_path: Path, server: FakeOpenAI) -> Settings:
    return Settings(runs_dir=tmp_path / "runs", teacher=f"{server.url}#fake")


def parent(settings: Settings, *more: Any, without: type | None = None, target: float | None = None) -> StudentRun:
    """A finished run `p`, with one look at its locked test."""
    run = StudentRun(settings.runs_dir / "p", target=target)
    score = Score(metric="accuracy", value=0.9, ci95=(0.8, 1.0), scored=40)
    student = run.state.best()
    assert student
    test = EvalReport(
        id="eval_report-5", training_run=student.id, split="test", proxy=False, score=score, looks=1, made_by=LOOK
    )
    dev = test.model_copy(update={"id": "eval_report-3", "split": "dev", "looks": 0})
    handed = Delivery(id="delivery-6", training_run=student.id, path="p", report=test.id, size_mb=1, made_by="6")
    run.state.artifacts += [dev, test, handed, *more]
    tools = ("import_rows", "fine_tune", "clean_labels", "evaluate", "evaluate", "deliver")
    run.state.decisions = [
        Decision(call_id=f"{n:03d}-{tool}", tool=tool, why="w", by="rules", ok=tool != "clean_labels", outcome="o")
        for n, tool in enumerate(tools, 1)
    ]
    run.state.decisions[0] = run.state.decisions[0].model_copy(update={"args": {"source": "user"}})
    for decision in run.state.decisions:
        (run.root / "calls" / decision.call_id).mkdir(exist_ok=True)
    kept = [a for a in run.state.artifacts if without is None or not isinstance(a, without)]
    open_test(run.root, run.holdout, LOOK)
    folder = RunFolder(run.root)
    (run.root / "lock").touch()
    folder.write_record(new_record(folder, Task(request=REQUEST), {"seed": 7, "hubs": ["rows"], "max_rounds": 9}))
    with closing(Answers(run.root / "llm.sqlite")) as answers:
        answers.keep("sha", "m", {"said": "yes", "usage": {"total_tokens": 5}}, 0.25)
    checkpoint(run.root, task=Task(request=REQUEST), artifacts=kept, decisions=run.state.decisions)
    return run


def checkpoint(root: Path, **fields: Any) -> None:
    nothing: Any = None
    saver = open_checkpoints(root)
    with closing(saver.conn):
        graph = build_graph(Machine(*[nothing] * 8), saver)
        graph.update_state({"configurable": {"thread_id": root.name}}, fields, as_node="act")


def begun(settings: Settings, *choices: Any, task: Task = NOTHING_NEW, run: str = "p") -> Session:
    """A child `c` of the run."""
    start = start_from(settings, task, run)
    parts = Parts(tools=Bench(settings.runs_dir).tools(), choose=scripted(*choices))
    return Session.create(start.settings, start.task, Policy(attended=False), run_id="c", parts=parts, start=start)


def child(settings: Settings, task: Task = NOTHING_NEW) -> tuple[Path, RunState]:
    with begun(settings, move("number", n=0), move("finish"), task=task) as session:
        return session.root, session.step().state


def raised(target: float = 0.95, **more: Any) -> Task:
    return Task(request="", target=target, **more)


def files(root: Path) -> dict[str, str]:
    found = (path for path in root.rglob("*") if path.is_file() and not path.name.endswith(("-shm", "-wal")))
    return {str(path.relative_to(root)): file_sha256(path) for path in found}


def test_it_takes_over_task_rows_students_and_decisions_and_leaves_the_parent_alone(settings: Settings) -> None:
    was = parent(settings)
    before = files(was.root)
    root, state = child(settings, raised())
    assert files(was.root) == before
    assert state.spec
    assert (state.spec.target, state.spec.instruction) == (0.95, was.state.spec and was.state.spec.instruction)
    best = state.best()
    assert best
    assert best.id == "training_run-002-fine_tune"
    assert (root / best.path / "weights.safetensors").read_bytes() == b"weights"
    assert not (root / best.path / "checkpoint").exists()
    assert [d.call_id for d in state.own_decisions] == ["007-number", "008-finish"], "ids go on from the parent's"
    assert not state.all(Delivery)
    assert state.own(TrainingRun) == []


def handed_over(settings: Settings, said: Task, root: Path) -> Path:
    """The folder of a child that nothing was done in yet."""
    root.mkdir()
    start = start_from(settings, said, "p")
    start.hand_over(root)
    assert read_heritage(root) == start.heritage
    return root


def test_what_worked_is_copied_but_for_the_delivery_and_weights_are_linked(settings: Settings, tmp_path: Path) -> None:
    was = parent(settings)
    root = handed_over(settings, raised(), tmp_path / "c")
    calls = sorted(folder.name for folder in (root / "calls").iterdir())
    assert calls == ["001-import_rows", "002-fine_tune", "004-evaluate", "005-evaluate"], "003 failed"
    weights, rows = "calls/002-fine_tune/student/weights.safetensors", "calls/001-import_rows/rows.jsonl"
    assert (root / weights).samefile(was.root / weights)
    assert not (root / rows).samefile(was.root / rows)
    assert (root / rows).read_bytes() == (was.root / rows).read_bytes()
    assert read_heritage(was.root) is None


def test_where_nothing_can_be_linked_weights_are_copied(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("another file system")

    was = parent(settings)
    monkeypatch.setattr(os, "link", refuse)
    weights = "calls/002-fine_tune/student/weights.safetensors"
    copied = handed_over(settings, raised(), tmp_path / "c") / weights
    assert copied.read_bytes() == b"weights"
    assert not copied.samefile(was.root / weights)


def test_a_call_that_was_under_way_is_not_taken_over(settings: Settings) -> None:
    was = parent(settings)
    checkpoint(was.root, decisions=[Decision(call_id="007-fine_tune", tool="fine_tune", why="w", by="rules")])
    heritage = start_from(settings, raised(), "p").heritage
    assert [d.call_id for d in heritage.decisions][-1] == "006-deliver"
    assert (heritage.parent.decisions, heritage.parent.artifacts) == (6, len(heritage.artifacts))
    assert heritage.parent.path == str(was.root)
    assert heritage.parent.ancestors == ()


def test_proposals_are_taken_over_with_their_verdict_or_not_at_all(settings: Settings) -> None:
    change = PromptChange(id="change", before="a", after="b", why="w", made_by="7")
    columns = ColumnChoice(
        id="columns", ref="x/y", inputs=("a",), output="b", columns=("a", "b"), sample=(), why="", made_by="7"
    )
    plan = TransformationPlan(id="plan", source="x/y", why="w", by="llm", rows=9, read=9, made_by="7")
    question = Question(id="q", about="prompt", text="?", subject="change")
    review = Review(id="review", question=question, answer=Answer(verdict="reject"), made_by="8")
    parent(settings, change, columns, plan, review)
    kept = {artifact.id for artifact in start_from(settings, raised(), "p").heritage.artifacts}
    assert kept & {"change", "columns", "plan"} == {"change"}


def test_another_hub_is_something_new_and_is_searched(settings: Settings) -> None:
    parent(settings, DatasetSearch(id="search", query="q", candidates=(), made_by="7"))
    more = settings.model_copy(update={"hubs": ("other", "rows")})
    start = start_from(more, NOTHING_NEW, "p")
    assert start.settings.hubs == ("other", "rows")
    assert start.heritage.artifacts
    assert "search" not in {artifact.id for artifact in start.heritage.artifacts}
    same = start_from(settings, raised(), "p")
    assert same.settings.hubs == ("rows",)
    assert "search" in {artifact.id for artifact in same.heritage.artifacts}


def test_what_is_gone_on_from_is_said(settings: Settings) -> None:
    was = parent(settings)
    best = was.state.best()
    assert best
    told = (
        "goes on from p: 30 training rows, 1 student (best 0.900 on dev), the same 40 locked test rows, looked at once"
    )
    assert start_from(settings, raised(), "p").notes[-1] == told
    checkpoint(was.root, artifacts=[best.model_copy(update={"id": "second", "dev": 0.92})])
    (was.root / "sealed" / "looks.jsonl").unlink()
    said = start_from(settings, raised(), "p").notes[-1]
    assert said.endswith("2 students (best 0.920 on dev), the same 40 locked test rows, not looked at yet")
    for look in ("a", "b", "c"):
        open_test(was.root, was.holdout, look)
    assert start_from(settings, raised(), "p").notes[-1].endswith("locked test rows, looked at 3 times")


def test_a_run_without_a_student_is_gone_on_from_as_it_is(settings: Settings) -> None:
    parent(settings, without=TrainingRun)
    said = start_from(settings, NOTHING_NEW, "p").notes[-1]
    assert said == "goes on from p: 30 training rows, the same 40 locked test rows, looked at once"


def test_lineage_is_on_record(settings: Settings) -> None:
    parent(settings)
    root, state = child(settings, raised())
    record = RunFolder(root).read_record()
    assert record.parent
    assert (record.parent.run, record.parent.looks) == ("p", 1)
    assert state.parent == record.parent
    assert '"parent":"p"' in (root / "events.jsonl").read_text()


def test_the_locked_test_is_the_same_and_a_further_look_is_the_second(settings: Settings) -> None:
    was = parent(settings)
    root, state = child(settings, raised())
    holdout = state.latest(Holdout)
    assert holdout == was.holdout
    rows, looks = open_test(root, was.holdout, "009-evaluate")
    assert (rows, looks) == (was.test, 2)
    assert open_test(root, was.holdout, LOOK)[1] == 3, "a call of the same name as the parent's is a look of its own"
    assert (root / "sealed" / "test.jsonl").stat().st_mode & 0o777 == 0o400


def test_new_rows_are_checked_against_the_inherited_holdout(settings: Settings, tmp_path: Path) -> None:
    was = parent(settings)
    root, _ = child(settings, raised())
    path = root / "new.jsonl"
    write_examples(path, [was.test[0], example("a new one about an invoice", "billing")])
    more = Dataset(
        id="n", path="new.jsonl", sha256=file_sha256(path), rows=2, origin="user", ref="new", made_by="007-import_rows"
    )
    pool = training_pool(root, [more], was.holdout, None)
    assert (len(pool.examples), pool.leaks_removed) == (1, {"exact": 1})


def test_settings_come_along_but_not_the_limits(settings: Settings) -> None:
    parent(settings)
    start = start_from(settings, raised(), "p")
    assert (start.settings.seed, start.settings.hubs, start.settings.max_rounds) == (7, ("rows",), 6)


def test_answers_of_the_teacher_come_along_and_are_not_spent_again(settings: Settings) -> None:
    was = parent(settings)
    root, _ = child(settings, raised())
    with closing(Answers(root / "llm.sqlite")) as answers:
        assert answers.find("sha") == {"said": "yes", "usage": {"total_tokens": 5}}
        assert answers.spent() == (0.0, 0)
    with closing(Answers(was.root / "llm.sqlite")) as answers:
        assert answers.spent() == (0.25, 5)


def test_a_grandchild_knows_both(settings: Settings) -> None:
    was = parent(settings)
    with begun(settings, move("number", n=0), move("finish"), task=raised()) as session:
        session.step()
    open_test(session.root, was.holdout, "009-evaluate")
    start = start_from(settings, raised(0.99), "c")
    line = start.heritage.parent
    assert (line.run, line.ancestors, line.looks) == ("c", ("p",), 2)
    assert [d.call_id for d in start.heritage.decisions][-1] == "008-finish"


def test_undo_stops_at_what_was_taken_over(settings: Settings) -> None:
    parent(settings)
    with begun(settings, move("number", n=0), move("finish"), task=raised()) as session:
        session.step()
        session.undo()
        assert [d.call_id for d in session.undo().state.decisions][-1] == "006-deliver"
        assert (session.root / "calls" / "002-fine_tune" / "student").is_dir()


def test_new_rows_are_imported_and_known_ones_are_not(settings: Settings, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"text": "a", "label": "billing"}\n')
    known = Dataset(
        id="d", path="calls/001-import_rows/rows.jsonl", sha256="", rows=30, origin="user", ref=str(rows), made_by="1",
        revision=file_sha256(rows),
    )  # fmt: skip
    was = parent(settings)
    (old,) = was.state.all(Dataset)
    checkpoint(was.root, artifacts=[known.model_copy(update={"sha256": old.sha256})])
    brought = raised(data=str(rows))
    same = start_from(settings, brought, "p")
    assert same.task.data is None
    assert "has not changed" in same.notes[0]
    assert ", 1 student (best " in same.notes[-1]
    rows.write_text('{"text": "a", "label": "billing"}\n{"text": "b", "label": "delivery"}\n')
    assert start_from(settings, brought, "p").task.data == str(rows)


def state_of(settings: Settings, said: Task, **fields: Any) -> RunState:
    start = start_from(settings, said, "p")
    heritage = start.heritage
    return RunState(
        task=start.task, parent=heritage.parent,
        artifacts=list(heritage.artifacts), decisions=list(heritage.decisions), **fields,
    )  # fmt: skip


def chosen(state: RunState) -> Move:
    choice = next_move(state)
    assert isinstance(choice, Move)
    return choice


def test_a_raised_target_goes_on_from_the_best_student(settings: Settings) -> None:
    was = parent(settings)
    best, spec = was.state.best(), was.state.spec
    assert best
    assert spec
    facts = {"id": "error_analysis-9", "training_run": best.id, "metric": "accuracy", "value": 0.9, "rows": 9}
    suggested = Suggestion(kind="other_recipe", why="w", gain=0.05, basis="guess", method="setfit")
    found = ErrorAnalysis.model_validate({**facts, "errors": 1, "suggestions": (suggested,), "made_by": "9"})
    searched = DatasetSearch(id="s", query="q", candidates=(), made_by="9")
    bases = ModelSearch(id="m", query="q", candidates=(), made_by="9")
    checkpoint(was.root, artifacts=[searched, bases, found])
    state = state_of(settings, raised(), budget=Budget(rounds=1))
    made = chosen(state)
    assert (made.tool, made.args.get("method")) == ("fine_tune", "setfit"), (
        "not the ladder, and not the parent's rounds"
    )
    assert best.dev == 0.9


def test_rows_brought_to_the_child_are_imported_though_the_parent_had_some(settings: Settings, tmp_path: Path) -> None:
    parent(settings)
    rows = tmp_path / "more.jsonl"
    rows.write_text('{"text": "a", "label": "billing"}\n')
    made = chosen(state_of(settings, raised(data=str(rows))))
    assert (made.tool, made.args) == ("import_rows", {"source": "user"})


def test_a_changed_prompt_keeps_what_the_students_are_about(settings: Settings) -> None:
    parent(settings)
    _, state = child(settings, Task(request="Classify each message by queue. Invoices go to billing."))
    assert state.spec
    assert (state.spec.kind, state.spec.labels) == ("classification", ("billing", "delivery"))
    assert "Invoices go to billing" in state.spec.instruction
    assert state.best()


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ({"labels": ("spam", "ham")}, "`labels` is spam, ham now and billing, delivery there"),
        ({"kind": "text_to_text"}, "`kind` is text_to_text now and classification there"),
        ({"metric": "macro_f1"}, "`metric` is macro_f1 now"),
        (
            {"request": "Classify mail into refunds, complaints or praise"},
            "the prompt lists refunds, complaints, praise",
        ),
        ({"request": "Translate each message into French"}, "by its words the task is text_to_text"),
    ],
)
def test_another_task_is_refused(settings: Settings, task: dict[str, Any], said: str) -> None:
    parent(settings)
    with pytest.raises(UsageError) as refused:
        start_from(settings, Task(**{"request": REQUEST, **task}), "p")
    assert said in refused.value.message
    assert "Start afresh, without --from" in refused.value.hint


def test_the_same_labels_in_another_order_are_the_same_task(settings: Settings) -> None:
    parent(settings)
    task = Task(request=REQUEST, labels=("Delivery", "billing"))
    assert start_from(settings, task.model_copy(update={"target": 0.95}), "p").task.request == REQUEST


def test_a_run_that_is_not_there_is_named(settings: Settings) -> None:
    parent(settings)
    with pytest.raises(UsageError, match="There is no run q"):
        start_from(settings, NOTHING_NEW, "q")


def test_a_run_without_held_out_rows_cannot_be_gone_on_from(settings: Settings) -> None:
    parent(settings, without=Holdout)
    with pytest.raises(UsageError, match="no held-out rows yet") as refused:
        start_from(settings, NOTHING_NEW, "p")
    assert "p2m resume p" in refused.value.hint


def test_a_run_at_work_has_to_end_first(settings: Settings) -> None:
    was = parent(settings)
    with (was.root / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UsageError, match="is being worked on"):
            start_from(settings, raised(), "p")


@pytest.mark.parametrize("change", [{"version": 0}, {"unknown": 1}])
def test_a_record_of_another_version_is_refused(settings: Settings, change: dict[str, Any]) -> None:
    path = parent(settings).root / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(UsageError, match="made by another version") as refused:
        start_from(settings, raised(), "p")
    assert "without --from" in refused.value.hint


def test_an_artifact_of_another_version_is_refused(settings: Settings) -> None:
    parent(settings, TrainingRun.model_construct(id="old", artifact="training_run", dev=0.5))
    with pytest.raises(UsageError, match="made by another version"):
        start_from(settings, raised(), "p")


@pytest.mark.parametrize(
    "file", ["calls/001-import_rows/rows.jsonl", "calls/001-import_rows/dev.jsonl", "sealed/test.jsonl"]
)
def test_changed_rows_are_noticed(settings: Settings, file: str) -> None:
    path = parent(settings).root / file
    path.chmod(0o600)
    path.write_text("")
    with pytest.raises(UsageError, match="cannot be gone on from"):
        start_from(settings, raised(), "p")


def test_a_missing_student_is_noticed(settings: Settings) -> None:
    (parent(settings).root / "calls/002-fine_tune/student/p2m.json").unlink()
    with pytest.raises(UsageError, match="holds no student"):
        start_from(settings, raised(), "p")


def test_nothing_new_is_said_before_a_run_is_begun(settings: Settings) -> None:
    parent(settings)
    with pytest.raises(UsageError, match="nothing new to do after p") as refused:
        start_from(settings, NOTHING_NEW, "p")
    assert "--target" in refused.value.hint
    for target in (0.8, 0.9):
        with pytest.raises(UsageError, match=rf"0\.900 on dev, target {target}"):
            start_from(settings, raised(target), "p")


def test_a_target_that_was_not_met_is_reason_enough_to_go_on(settings: Settings) -> None:
    parent(settings, target=0.95)
    assert start_from(settings, NOTHING_NEW, "p").heritage.artifacts


@pytest.mark.parametrize(
    ("origin", "licence", "refused"),
    [
        ("hub", "cc-by-nc-4.0", "whose licence is cc-by-nc-4.0, "),
        ("transformed", "cc-by-nc-4.0", "whose licence is cc-by-nc-4.0, "),
        ("hub", None, "whose licence is unknown, "),
        ("hub", "mit", None),
        ("user", "cc-by-nc-4.0", None),
    ],
)
def test_data_under_a_licence_that_is_refused_now_stays_out(
    settings: Settings, origin: str, licence: str | None, refused: str | None
) -> None:
    was = parent(settings)
    (rows,) = was.state.all(Dataset)
    checkpoint(was.root, artifacts=[rows.model_copy(update={"origin": origin, "licence": licence})])
    strict = settings.model_copy(update={"refuse_licences": ("non-commercial", "unknown")})
    if refused is None:
        assert start_from(strict, raised(), "p").heritage.artifacts
        return
    with pytest.raises(UsageError) as said:
        start_from(strict, raised(), "p")
    assert f"The students of p learnt from rows.jsonl, {refused}" in said.value.message


def test_licences_that_the_task_names_hold_for_what_the_students_learnt_from(settings: Settings) -> None:
    was = parent(settings)
    (rows,), spec = was.state.all(Dataset), was.state.spec
    assert spec
    strict = spec.model_copy(update={"constraints": Constraints(licences=("mit",))})
    checkpoint(was.root, artifacts=[strict, rows.model_copy(update={"origin": "hub", "licence": "apache-2.0"})])
    with pytest.raises(UsageError, match=r"whose licence is apache-2\.0"):
        start_from(settings, raised(), "p")


def test_a_best_student_that_is_too_slow_by_now_is_reason_enough_to_go_on(settings: Settings) -> None:
    was = parent(settings)
    spec = was.state.spec
    assert spec
    limited = spec.model_copy(update={"constraints": Constraints(max_latency_ms=20)})
    slow = was.state.all(TrainingRun)[0].model_copy(update={"p95_ms": 15.0})
    checkpoint(was.root, artifacts=[limited, slow])
    with pytest.raises(UsageError, match="nothing new to do"):
        start_from(settings, NOTHING_NEW, "p")
    tighter = Task(request="", constraints=Constraints(max_latency_ms=10))
    assert start_from(settings, tighter, "p").heritage.artifacts


def test_a_task_with_only_a_new_target_is_not_told_anew(settings: Settings) -> None:
    parent(settings)
    state = state_of(settings, raised())
    assert len(state.all(TaskSpec)) == 2
    assert any(isinstance(artifact, TrainingRun) for artifact in state.since_redefined())


def test_show_and_json_name_the_parent(settings: Settings) -> None:
    parent(settings)
    root, state = child(settings, raised())
    out = io.StringIO()
    show(state, root, fixed_screen(80, out, io.StringIO()))
    shown = " ".join(out.getvalue().split())
    assert "goes on from p; the locked test had been looked at once there" in shown
    assert "6 decisions before these: p2m show p" in shown
    assert "no student here is better than p's best" in shown
    assert result_of(state, "c")["parent"] == RunFolder(root).read_record().model_dump()["parent"]


def test_the_command_line_says_what_is_wrong_and_how_to_mend_it(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    parent(settings)
    flags = ["-q", "--runs-dir", str(settings.runs_dir), "--teacher", str(settings.teacher)]
    assert main(["auto", "--from", "q", *flags]) == 2
    assert "There is no run q" in capsys.readouterr().err
    assert main(["auto", "--from", "p", *flags]) == 2
    assert "Give it a higher --target" in capsys.readouterr().err
    assert [path.name for path in settings.runs_dir.glob("*/run.json")] == ["run.json"], "nothing was begun"
