"""Nothing decides by a sentence: the same run told in other words goes the same way."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.agent.planner.choice import Choice, Words
from p2m_agent.agent.planner.legality import check
from p2m_agent.agent.planner.rules import next_move
from p2m_agent.agent.policy import Policy
from p2m_agent.agent.session import Parts, Session
from p2m_agent.importing.adoption import settle_kind, with_metric
from p2m_agent.run.state import Failure, Message, RunState
from p2m_agent.run.tooling import load_tools
from p2m_agent.search.datasets.rerank import rerank
from p2m_agent.settings import Settings
from p2m_agent.task.drafting import Said, draft_spec
from p2m_agent.types.candidates import DatasetCandidate
from p2m_agent.types.mixture import MixtureScore
from p2m_agent.types.probe import ModelProbe, ProbedModel
from p2m_agent.types.questions import Answer
from p2m_agent.types.task import Task
from tests.agent.planner import test_rules
from tests.fakes import recordings
from tests.fakes.openai_server import STRONG, WEAK, FakeOpenAI
from tests.fakes.rewording import on_other_words, outline, reworded, same, with_other_words
from tests.fakes.rows import example, sentence
from tests.fakes.scripted_llm import ScriptedLLM
from tests.fakes.transforming import Teacher, stars
from tests.importing.test_label_alignment import TEXTS
from tests.tools.test_import_rows import make_dataset
from tests.tools.test_transform_session import MEANING, TASK, script_of, settings_of, task_of

TOOLS = load_tools()


@pytest.fixture(autouse=True)
def without_embeddings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("p2m_agent.weights.embedding.load_embedder", lambda settings: None)


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    """A few labelled rows of the person's, and a hub with reviews that have stars instead of labels."""
    own = [{"text": sentence(2000 + n), "label": ("happy", "unhappy")[n % 2]} for n in range(60)]
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in own))
    rows: list[dict[str, object]] = [{"review": sentence(n), "stars": (5, 1, 3, 4)[n % 4]} for n in range(40)]
    make_dataset(tmp_path / "hub", "shop__customer-reviews", "mit", train=rows)
    return tmp_path


def until_training(state: RunState) -> Choice:
    """The rules, up to the point where training would begin."""
    move = next_move(state)
    over = isinstance(move, Words) or move.tool in ("choose_mixture", "search_models")
    return Words(text="That is all.") if over else move


def ran(settings: Settings, task: Task, name: str, talk: Callable[[Session], None], parts: Parts) -> RunState:
    attended = name.endswith("attended")
    with Session.create(settings, task, Policy(attended=attended, yes=True), run_id=name, parts=parts) as session:
        talk(session)
        return session.status().state


def in_both_wordings(
    settings: Settings,
    task: Task,
    choose: Callable[[RunState], Choice] = until_training,
    talk: Callable[[Session], None] = Session.step,  # type: ignore[assignment]
    *,
    attended: bool = False,
) -> RunState:
    """The end of a run, once it was made sure that in other words every step of it is the same."""
    who = "-attended" if attended else ""
    state = ran(settings, task, f"said{who}", talk, Parts(choose=choose))
    parts = Parts(choose=on_other_words(choose), tools=with_other_words(TOOLS))
    otherwise = ran(settings, task, f"reworded{who}", talk, parts)
    assert outline(otherwise) == outline(state)
    assert (otherwise.ended and otherwise.ended.why) == (state.ended and state.ended.why)
    return state


def test_a_misfit_is_transformed(reviews: Path) -> None:
    with FakeOpenAI(script_of(Teacher([MEANING], stars)), capability=STRONG) as server:
        state = in_both_wordings(settings_of(reviews, server), task_of(reviews))
    assert [dataset.origin for dataset in state.datasets()] == ["user", "transformed"]


def test_what_a_person_says_is_heard_once(reviews: Path) -> None:
    def talk(session: Session) -> None:
        remarks = iter(["use half stars too"])
        standing = session.step()
        while standing.question is not None:
            said = next(remarks, "") if standing.question.about == "plan" else ""
            standing = session.step(answer=Answer(verdict="reject" if said else "accept", remarks=said))
        for said in ("Three stars are unhappy.", "Irony is unhappy."):
            standing = session.step(message=said)
            while standing.question is not None:
                standing = session.step(answer=Answer(verdict="accept"))

    with FakeOpenAI(script_of(Teacher([MEANING], stars)), capability=STRONG) as server:
        state = in_both_wordings(settings_of(reviews, server), task_of(reviews), talk=talk, attended=True)
    tools = Counter(decision.tool for decision in state.decisions)
    assert (tools["transform_dataset"], tools["refine_prompt"]) == (3, 2)


def test_a_guessed_kind_gives_way_to_the_rows(tmp_path: Path) -> None:
    rows = [{"text": sentence(n), "label": ("fine", "bad")[n % 2]} for n in range(300)]
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "hub").mkdir()
    with FakeOpenAI([], capability=WEAK) as server:
        state = in_both_wordings(
            settings_of(tmp_path, server),
            Task(request="Write the mood of a message.", data=str(tmp_path / "own.jsonl")),
        )
    assert [spec.kind for spec in state.artifacts if spec.artifact == "spec"] == ["text_to_text", "classification"]


def test_with_nothing_in_reach_and_no_time_the_budget_is_the_reason(tmp_path: Path) -> None:
    card = {"repo": "shop/customer-reviews", "description": "Customer reviews: is the customer happy or unhappy?"}
    (tmp_path / "cards.jsonl").write_text(json.dumps(card) + "\n")
    where: Any = {"runs_dir": tmp_path / "runs", "hubs": (str(tmp_path / "cards.jsonl"),), "max_minutes": 2.0}
    with FakeOpenAI([], capability=WEAK) as server:
        settings = Settings(_env_file=None, teacher=f"{server.url}#fake", cache_dir=tmp_path / "cache", **where)  # type: ignore[call-arg]
        state = in_both_wordings(settings, Task.model_validate(TASK), next_move)
    assert [decision.tool for decision in state.decisions][-2:] == ["generate_examples", "give_up"]
    assert state.ended is not None
    assert state.ended.why == "budget"


def test_recorded_states_lead_on_in_the_same_way() -> None:
    end = recordings.state()
    known = [RunState(task=end.task, artifacts=end.artifacts[:n]) for n in range(len(end.artifacts))]
    assert all(same(next_move(state), next_move(reworded(state))) for state in [*known, end])


def refusal(tool: str, state: RunState, **args: object) -> str | None:
    """The kind of failure that the gate finds."""
    checked = check(TOOLS, state, tool, args)
    return checked.kind if isinstance(checked, Failure) else None


def mixed(score: float | None, note: str) -> RunState:
    """Rows of two sources, and a comparison of them."""
    parts = [{"parts": ("user",), "score": 0.8}, {"parts": ("user", "x/y"), "score": score, "note": note}]
    made = test_rules.mixture("dataset-own").model_copy(
        update={"scores": tuple(map(MixtureScore.model_validate, parts))}
    )
    return test_rules.state(*test_rules.own_and_found(), made)


def raced(*, late: bool) -> RunState:
    """Two base models, and a race between them."""
    results = [
        ProbedModel(model="b1", score=0.5),
        ProbedModel(model="b2", late=late, note="the time was over" if late else ""),
    ]
    made = ModelProbe.model_validate(
        {"id": "model_probe-6", "datasets": ("dataset-2",), "chosen": "b1", "why": "", "probe": "", "measure": ""}
        | {"rounds": (64,), "results": tuple(results), "seconds": 5, "path": "", "made_by": "6"}
    )
    return test_rules.state(test_rules.spec(), test_rules.data(), test_rules.holdout(), made)


@pytest.mark.parametrize(
    ("tool", "args", "state", "refused"),
    [
        ("choose_mixture", {"seconds": 100}, mixed(None, "not probed: the time was over"), None),
        ("choose_mixture", {"seconds": 100}, mixed(0.7, "all its rows have the same output"), "not_ready"),
        ("probe_models", {"seconds": 100, "models": ["b1", "b2"]}, raced(late=True), None),
        ("probe_models", {"seconds": 100, "models": ["b1", "b2"]}, raced(late=False), "not_ready"),
    ],
)
def test_what_was_cut_short_may_be_repeated(
    tool: str, args: dict[str, object], state: RunState, refused: str | None, tmp_path: Path
) -> None:
    assert refusal(tool, state, **args) == refused
    assert refusal(tool, reworded(state), **args) == refused


def test_remarks_are_settled_by_the_tool_that_took_them_up(tmp_path: Path) -> None:
    heard = [
        Message(role="person", text="Three stars are unhappy."),
        Message(role="tool", tool="refine_prompt", text="Proposed a new instruction."),
    ]
    for messages, refused in ((heard[:1], None), (heard, "not_ready")):
        state = test_rules.state(test_rules.spec(), messages=messages)
        assert refusal("refine_prompt", state) == refused
        assert refusal("refine_prompt", reworded(state)) == refused


def test_votes_leave_behind_what_cannot_be_reached() -> None:
    found = [DatasetCandidate(repo=repo, hub="x", score=1, why="it fits", reachable=repo != "a") for repo in "abc"]
    ballots = [{"why": "", "best": ["a", "c"]}] * 3

    def order(candidates: list[DatasetCandidate]) -> list[str]:
        return [each.repo for each in rerank(candidates, test_rules.spec(), "q", ScriptedLLM(ballots), 0)]

    assert order(found) == order(reworded(found)) == ["c", "b", "a"]


def test_an_assumption_goes_when_the_rows_say_otherwise() -> None:
    drafted = draft_spec(Said(Task(request="Say the date of the letter.")), "001-define_task", None, lambda: None)
    longer = [example(sentence(n), " ".join(sentence(n + each) for each in range(5))) for n in range(40)]
    for spec in (drafted, reworded(drafted)):
        assert settle_kind(TEXTS, Counter({"fine": 50, "bad": 50}), spec, kind_is_given=False) == "classification"
        read = with_metric(spec, longer, "2", Task(request="r"))
        assert (spec.metric, read.metric) == ("exact_match", "chrf")
        assert len(read.assumptions) == len(spec.assumptions)
        assert spec.assumed["metric"] not in read.assumptions
