"""What a run would take: steps, and what they ask of language models."""

from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent.agent.forecast import SEARCH_REQUESTS, ForecastInputs, estimate_run
from p2m_agent.run.tooling import load_tools
from p2m_agent.search.hub import IndexedHub
from p2m_agent.settings import Settings
from p2m_agent.types.budget import Cost
from p2m_agent.types.task import Task
from tests.fakes.hub import CountingEmbedder, make_dataset
from tests.fakes.scripted_llm import ScriptedLLM


class Paid(ScriptedLLM):
    """A model that costs a cent a request; asking it anything fails."""

    paid = True

    def estimate_usd(self, requests: int, prompt_tokens: int, completion_tokens: int) -> float | None:
        return 0.01 * requests


def steps_with(planner: ScriptedLLM, folder: Path, **given: object) -> dict[str, Cost]:
    make_dataset(folder / "hub", "letters", "Letters to a shop: good or bad?")
    settings = Settings(hubs=(str(folder / "hub"),), cache_dir=folder / "cache")
    embedder = CountingEmbedder()
    around = ForecastInputs(
        settings=settings,
        tools=load_tools(),
        hub=IndexedHub(settings, lambda: embedder),
        embedder=lambda: embedder,
        own_rows=0,
        teacher=ScriptedLLM(local=True),
        planner=planner,
    )
    task = Task.model_validate({"request": "Tell whether a letter to a shop is good or bad.", **given})
    return dict(estimate_run(task, around))


def test_a_run_ends_with_a_delivery_and_asks_nothing(tmp_path: Path) -> None:
    steps = steps_with(ScriptedLLM(local=True), tmp_path)
    assert list(steps)[:2] == ["define_task", "search_datasets"]
    assert list(steps)[-1] == "deliver"
    assert steps["search_datasets"] == Cost()


def test_with_a_target_the_errors_are_analysed_and_the_end_is_the_same(tmp_path: Path) -> None:
    steps = list(steps_with(ScriptedLLM(local=True), tmp_path, target=0.9))
    assert "analyse_errors" in steps
    assert steps[-2:] == ["evaluate (locked test)", "deliver"]


def test_a_search_counts_what_it_asks_of_a_paid_planner(tmp_path: Path) -> None:
    search = steps_with(Paid(), tmp_path)["search_datasets"]
    assert search.usd == pytest.approx(0.01 * SEARCH_REQUESTS)
    assert search.tokens > 0
