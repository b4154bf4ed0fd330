"""From a request to transformed rows: a whole run with a strong teacher, in the hands of the rules."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.agent.planner.choice import Choice, Words
from p2m_agent.agent.planner.rules import next_move
from p2m_agent.agent.policy import Policy
from p2m_agent.agent.session import Parts, RunStatus, Session
from p2m_agent.events import CallFailed, LLMCalled, QuestionAsked, read_events
from p2m_agent.rows.holdout import held_out_rows
from p2m_agent.rows.pool import training_pool
from p2m_agent.run.state import RunState
from p2m_agent.settings import Settings
from p2m_agent.terminal.conversation import review
from p2m_agent.terminal.screen import fixed_screen
from p2m_agent.types.plan import TransformationPlan
from p2m_agent.types.questions import Answer, Review
from p2m_agent.types.rows import Dataset, Holdout
from p2m_agent.types.task import Task
from tests.fakes.openai_server import STRONG, WEAK, FakeOpenAI
from tests.fakes.rows import sentence
from tests.fakes.transforming import WRITTEN, Teacher, plan, stars, template
from tests.terminal.conftest import Page
from tests.tools.test_import_rows import make_dataset

REQUEST = "Tell from a customer review whether the customer is happy or unhappy."
TASK = {"request": REQUEST, "kind": "classification", "labels": ("happy", "unhappy"), "input_fields": ("text",)}
MEANING = plan(
    {"text": template('{{ row["review"] }}'), "label": WRITTEN}, instruction="Read the mood.", reads=["stars"]
)


@pytest.fixture(autouse=True)
def without_embeddings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("p2m_agent.weights.embedding.load_embedder", lambda settings: None)


@pytest.fixture
def surroundings(tmp_path: Path) -> Path:
    """The person's few labelled rows, and a hub with reviews that have stars instead of labels."""
    own = [{"text": sentence(2000 + n), "label": ("happy", "unhappy")[n % 2]} for n in range(60)]
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in own))
    rows = [{"review": sentence(n), "stars": (5, 1, 3, 4)[n % 4]} for n in range(200)]
    make_dataset(tmp_path / "hub", "shop__customer-reviews", "mit", train=rows, test=rows[:4])
    card = tmp_path / "hub" / "shop__customer-reviews" / "README.md"
    card.write_text(card.read_text().replace("Rows.", "Customer reviews: is the customer happy or unhappy?"))
    return tmp_path


def script_of(teacher: Teacher) -> Any:
    """What a strong model says to everything that such a run asks."""

    def script(body: dict[str, Any]) -> Any:
        properties = body["response_format"]["json_schema"]["schema"]["properties"]
        if "fits" in properties or "usable" in properties:
            return teacher.script(body)
        if "metric" in properties:
            said = {"kind": "classification", "instruction": "Say whether the customer is happy.", "language": "en"}
            return (
                said
                | {k: TASK[k] for k in ("labels", "input_fields")}
                | {"output_field": "label", "metric": "accuracy"}
            )
        if "inputs" in properties:
            return {"why": "they read so", "inputs": ["review"], "output": "stars"}
        return dict.fromkeys(properties)  # labels that mean nothing in the task

    return script


def until_transformed(state: RunState) -> Choice:
    """The rules, up to the point where training would begin."""
    move = next_move(state)
    over = isinstance(move, Words) or move.tool in ("choose_mixture", "search_models")
    return Words(text="That is all.") if over else move


def settings_of(root: Path, server: FakeOpenAI, **given: Any) -> Settings:
    where = {"runs_dir": root / "runs", "hubs": (str(root / "hub"),)}
    return Settings(_env_file=None, teacher=f"{server.url}#fake", cache_dir=root / "cache", **where, **given)  # type: ignore[call-arg]


def task_of(root: Path, **more: Any) -> Task:
    """The task with the person's own rows."""
    return Task.model_validate({**TASK, "data": str(root / "own.jsonl"), **more})


def begun(settings: Settings, *, attended: bool) -> Session:
    parts = Parts(choose=until_transformed)
    task = task_of(settings.runs_dir.parent)
    return Session.create(settings, task, Policy(attended=attended), run_id="r", parts=parts)


@pytest.fixture
def teacher() -> Teacher:
    return Teacher([MEANING], stars)


@pytest.fixture
def strong(teacher: Teacher) -> Iterator[FakeOpenAI]:
    with FakeOpenAI(script_of(teacher), capability=STRONG) as server:
        yield server


def test_unattended_it_goes_from_a_misfit_to_training_rows(
    surroundings: Path, strong: FakeOpenAI, teacher: Teacher
) -> None:
    with begun(settings_of(surroundings, strong), attended=False) as session:
        state = session.step().state
        log = list(read_events(session.root / "events.jsonl"))
        tools = [decision.tool for decision in state.decisions]
        first = tools.index("transform_dataset")
        assert tools[first - 1] == "import_rows"
        assert tools[first:][:3] == ["transform_dataset", "ask_person", "transform_dataset"]
        assert any(isinstance(e, CallFailed) and "transform_dataset(source=" in e.hint for e in log)
        own, made = state.datasets()
        assert (own.origin, made.origin, made.ref, made.rows) == ("user", "transformed", "shop/customer-reviews", 150)
        verdict = state.latest(Review)
        assert verdict is not None
        assert (verdict.question.about, verdict.answer.verdict, verdict.answer.by) == ("plan", "accept", "policy")
        [holdout] = state.all(Holdout)
        assert holdout.origin == "user"
        pool = training_pool(session.root, state.datasets(), holdout, None)
        assert {example.source.origin for example in pool.examples} == {"user", "transformed"}
        held = {example.text for example in held_out_rows(session.root, holdout)}
        assert not held & {row["text"] for row in teacher.rows}
        rows = [json.dumps(body["messages"][-1]) for body in strong.requests if "<row>" in str(body["messages"][-1])]
        assert len(rows) == len(set(rows)) == 200
        assert sum(isinstance(e, LLMCalled) and e.cached for e in log) >= 3  # the rows on trial are not paid for again


def step_to(session: Session, about: str) -> RunStatus:
    """Say yes to everything before a question of this kind."""
    standing = session.step()
    while standing.question and standing.question.about != about:
        standing = session.step(answer=Answer(verdict="accept"))
    assert standing.question is not None, standing.said
    return standing


def test_a_person_sees_plan_and_rows_and_reviews_them_later(surroundings: Path, strong: FakeOpenAI) -> None:
    settings = settings_of(surroundings, strong)
    with begun(settings, attended=True) as session:
        question = step_to(session, "plan").question
        assert question is not None
        assert len(question.preview["shown"]) == 3
        asked = len(strong.requests)
    out, err = io.StringIO(), io.StringIO()
    page = Page(fixed_screen(120, out, err, quiet=False, terminal=False), out, err)
    with Session.open(settings, "r", Policy(attended=True), Parts(choose=until_transformed)) as session:
        assert review(session, page.screen, go_on=False, lines=page.lines("r use half stars too")) == 0
        assert len(strong.requests) == asked  # the answer is kept, and nothing is asked before somebody goes on
    with Session.open(settings, "r", Policy(attended=True), Parts(choose=until_transformed)) as session:
        state = step_to(session, "plan").state
        assert len(state.all(TransformationPlan)) == 2  # the rules had another proposed, with what the person said
        assert "use half stars too" in str(strong.requests[asked]["messages"])
        assert [d.origin for d in state.datasets()] == ["user"]
    with Session.open(settings, "r", Policy(attended=True), Parts(choose=until_transformed)) as session:
        review(session, page.screen, go_on=False, lines=page.lines("a"))
    with Session.open(settings, "r", Policy(attended=True), Parts(choose=until_transformed)) as session:
        datasets = session.step().state.datasets()
        assert [d.origin for d in datasets] == ["user", "transformed"]
        asked_about = [
            e.question.about for e in read_events(session.root / "events.jsonl") if isinstance(e, QuestionAsked)
        ]
        assert asked_about.count("plan") == 2
    seen = page.err.getvalue()
    assert "written by the teacher" in seen
    assert "Read the mood." in seen


def test_a_weak_teacher_is_never_asked_for_a_transformation(surroundings: Path) -> None:
    with FakeOpenAI([], capability=WEAK) as server:
        with begun(settings_of(surroundings, server), attended=False) as session:
            state = session.step().state
        assert server.requests == []
    assert "transform_dataset" not in [decision.tool for decision in state.decisions]
    assert [dataset.origin for dataset in state.all(Dataset)] == ["user"]
