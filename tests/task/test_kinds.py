from __future__ import annotations

import pytest

from p2m_agent.task.kinds import guess_kind
from p2m_agent.task.listed_labels import listed_labels
from p2m_agent.types.task import Demonstration

from .requests import MORE, REQUESTS

ALL = [(request, kind) for request, kind, _ in REQUESTS] + MORE


def test_the_kind_is_right_for_nearly_all_requests_without_any_model() -> None:
    wrong = [request for request, kind in ALL if guess_kind(request).kind != kind]
    assert len(wrong) <= 0.05 * len(ALL), wrong


@pytest.mark.real
def test_similar_requests_help(embedder) -> None:
    wrong = [request for request, kind in ALL if guess_kind(request, (), embedder).kind != kind]
    assert len(wrong) <= 0.03 * len(ALL), wrong


@pytest.mark.parametrize(
    ("request_", "labels"), [(r, labels) for r, kind, labels in REQUESTS if kind == "classification"]
)
def test_labels_that_are_enumerated_are_found_and_no_others(request_: str, labels: tuple[str, ...]) -> None:
    assert listed_labels(request_) == labels


def shown(*outputs: str) -> list[Demonstration]:
    return [Demonstration(input={"text": str(number)}, output=output) for number, output in enumerate(outputs)]


def test_outputs_that_recur_speak_for_labels_and_long_ones_for_text() -> None:
    assert guess_kind("Do as in the examples", shown("a", "b", "a", "b")).kind == "classification"
    assert (
        guess_kind("Do as in the examples", shown("it is a whole sentence that nobody else has written")).kind
        == "text_to_text"
    )


@pytest.fixture(scope="module")
def embedder():
    from p2m_agent.settings import Settings
    from p2m_agent.weights.embedding import load_embedder

    return load_embedder(Settings(_env_file=None)) or pytest.skip("no embedding model is installed")


@pytest.mark.parametrize(
    "request_",
    [
        "Tag each support ticket with all the topics that apply",
        "Label news articles with one or more categories: politics, sport, culture, science",
        "Multi-label classification of toxic comments",
        "Which emotions does a comment express? There can be more than one emotion.",
        "Assign several genres to a film from its plot",
        "Which things does this message ask for? A message may ask for several, or none.",
    ],
)
def test_requests_for_several_labels_are_told_from_those_for_one(request_: str) -> None:
    assert guess_kind(request_).kind == "multi_label"


def test_examples_with_several_labels_tell_it_too() -> None:
    assert guess_kind("Sort mail into queues", shown("a; b", "a", "b", "a")).kind == "multi_label"
    assert guess_kind("Sort mail into queues", shown("a", "b", "a", "b")).kind == "classification"
