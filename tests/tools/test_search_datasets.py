"""search_datasets and search_models as the controller meets them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from p2m_agent.errors import BudgetExceeded, ToolError
from p2m_agent.run.state import Call, RunState
from p2m_agent.run.tooling import load_tools
from p2m_agent.settings import Settings
from p2m_agent.types.candidates import DatasetCandidate, ModelCandidate
from p2m_agent.types.task import Constraints, TaskSpec
from tests.fakes.calls import run_tool
from tests.fakes.hub import CountingEmbedder, ListedHub
from tests.fakes.scripted_llm import ScriptedLLM

SPEC = TaskSpec(id="spec-001", request="Sort my letters", instruction="Sort.", kind="classification", metric="accuracy")
SET = DatasetCandidate(repo="acme/letters", hub="lake", title="Letters", rows={"train": 3}, score=0.8, why="close")
BASE = ModelCandidate(
    repo="tiny",
    hub="installed",
    architecture="encoder",
    params=1_000_000,
    licence="mit",
    available=True,
    train_gb=0.1,
    score=0.5,
    why="",
)


def context(hub: ListedHub, tool: str, planner: ScriptedLLM | None = None) -> Any:
    return SimpleNamespace(
        hub=hub,
        call=Call(id=f"003-{tool}", tool=tool, args={}),
        planner=planner,
        embedder=CountingEmbedder,
        settings=Settings(),
    )


@pytest.mark.parametrize("name", ["search_datasets", "search_models"])
def test_a_search_needs_a_task_and_new_words(name: str) -> None:
    tool = load_tools()[name]
    state = RunState()
    assert "define_task" in (tool.refusal(tool.args(), state) or "")
    state.artifacts.append(SPEC)
    assert tool.refusal(tool.args(), state) is None
    outcome = run_tool(tool, tool.args(), state, context(ListedHub((SET,), (BASE,)), name))
    state.artifacts.extend(outcome.artifacts)
    assert "searched for already" in (tool.refusal(tool.args(), state) or "")
    assert "searched for already" in (tool.refusal(tool.args(query=" Sort my letters "), state) or "")
    assert tool.refusal(tool.args(query="mail by topic"), state) is None


@pytest.mark.parametrize(("name", "shown"), [("search_datasets", "acme/letters"), ("search_models", "tiny")])
def test_the_request_is_the_query_and_the_best_is_named(name: str, shown: str) -> None:
    tool, hub = load_tools()[name], ListedHub((SET,), (BASE,))
    outcome = run_tool(tool, tool.args(), RunState(artifacts=[SPEC]), context(hub, name))
    assert hub.asked == [("Sort my letters", 5)]
    assert f"1. {shown}" in outcome.summary
    [found] = outcome.artifacts
    assert found.made_by == f"003-{name}"
    assert found.id == f"{found.artifact}-003-{name}"


def test_what_the_conditions_rule_out_is_left_out_aloud() -> None:
    tool = load_tools()["search_datasets"]
    tweets = SET.model_copy(update={"repo": "acme/tweets"})
    closed = SET.model_copy(update={"repo": "acme/closed", "licence": "cc-by-nc-4.0"})
    limits = Constraints(avoid_sources=("tweets",), refused_licences=("non-commercial",))
    state = RunState(artifacts=[SPEC.model_copy(update={"constraints": limits})])
    outcome = run_tool(tool, tool.args(), state, context(ListedHub((tweets, closed, SET)), "search_datasets"))
    [found] = outcome.artifacts
    assert [each.repo for each in found.candidates] == ["acme/letters"]
    assert "acme/tweets was left out" in outcome.summary
    assert "acme/closed was left out: its licence is cc-by-nc-4.0" in outcome.summary
    own = RunState(artifacts=[SPEC.model_copy(update={"constraints": Constraints(public_data=False)})])
    assert "no found data" in (tool.refusal(tool.args(), own) or "")


def test_nothing_found_is_said() -> None:
    tool = load_tools()["search_datasets"]
    hub = ListedHub(notes=("Nothing relevant was found.",))
    outcome = run_tool(tool, tool.args(), RunState(artifacts=[SPEC]), context(hub, "search_datasets"))
    assert outcome.summary == "Nothing relevant was found."
    none = run_tool(
        load_tools()["search_models"],
        load_tools()["search_models"].args(),
        RunState(artifacts=[SPEC]),
        context(ListedHub(), "search_models"),
    )
    assert "No base model is allowed" in none.summary


SETS = tuple(SET.model_copy(update={"repo": name}) for name in ("a", "b", "c"))
CARD = {"title": "Post", "description": "Mail of a shop.", "columns": [], "labels": []}


def searched(llm: ScriptedLLM, hub: ListedHub, **args: object) -> Any:
    tool = load_tools()["search_datasets"]
    return run_tool(tool, tool.args(**args), RunState(artifacts=[SPEC]), context(hub, "search_datasets", llm))


def test_a_reliable_planner_imagines_a_card_and_votes() -> None:
    hub = ListedHub(sets=SETS)
    outcome = searched(ScriptedLLM([CARD], always=lambda _: {"why": "", "best": ["c"]}), hub, k=2)
    assert [each.repo for each in outcome.artifacts[0].candidates] == ["c", "a"]
    assert hub.cards == ["Post. Mail of a shop."]
    assert hub.asked == [("Sort my letters", 25)]


def test_a_weak_planner_is_not_asked() -> None:
    hub, llm = ListedHub(sets=SETS), ScriptedLLM(reliable=False)
    assert [each.repo for each in searched(llm, hub).artifacts[0].candidates] == ["a", "b", "c"]
    assert (llm.asked, hub.cards, hub.asked) == ([], [""], [("Sort my letters", 5)])


@pytest.mark.parametrize("wall", [BudgetExceeded("no money"), ToolError("no answer")])
def test_without_money_or_answer_the_order_stays_and_it_is_said(wall: ToolError) -> None:
    outcome = searched(ScriptedLLM(always=lambda _: wall), ListedHub(sets=SETS))
    assert [each.repo for each in outcome.artifacts[0].candidates] == ["a", "b", "c"]
    assert "without a card imagined by the planner" in outcome.summary
    assert f"could not vote: {wall.message}" in outcome.summary
