from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.importing.adoption import settle_kind, settle_labels
from p2m_agent.importing.label_alignment import align_labels, write_alignment
from p2m_agent.importing.labels.output_column import OutputColumn
from p2m_agent.types.task import TaskSpec
from tests.fakes.embedder import LaidEmbedder
from tests.importing.test_columns import Chooser, spec


def first_letter(text: str) -> list[float]:
    """Texts with the same first letter mean the same."""
    return [float(place == ord(text[0]) - 97) for place in range(26)]


def test_spelling_is_looked_through() -> None:
    found = align_labels(
        {"Sci/Tech": 1, "RefundRequests": 2, "1": 3, "b": 4}, ("sci_tech", "refund request", "yes", "b")
    )
    assert found.same == {"Sci/Tech": "sci_tech", "RefundRequests": "refund request", "1": "yes", "b": "b"}
    assert not found.unmatched
    assert not found.unused


def test_meaning_then_an_llm_then_what_is_left() -> None:
    found = align_labels({"money": 1, "xylo": 2}, ("mortgage", "other"), lambda: LaidEmbedder(first_letter))
    assert found.how == {"money": "meaning", "xylo": "left over"}
    llm = Chooser({"x": "a", "y": None, "z": None})
    asked = align_labels({"x": 1, "y": 2, "z": 3}, ("a", "b"), llm=llm)
    assert asked.same == {"x": "a"}
    assert asked.unmatched == {"y": 2, "z": 3}
    assert asked.unused == ("b",)


def test_what_all_labels_share_and_abbreviations_are_looked_through() -> None:
    prefixed = align_labels({"atis_flight": 1, "atis_ground_service": 2}, ("flight", "ground service"))
    assert prefixed.same == {"atis_flight": "flight", "atis_ground_service": "ground service"}
    short = align_labels({"DESC": 1, "HUM": 2, "NUM": 3, "AB": 4}, ("description", "human", "numeric", "location"))
    assert short.same == {"DESC": "description", "HUM": "human", "NUM": "numeric", "AB": "location"}
    assert short.how["HUM"] == "abbreviation"
    assert short.how["AB"] == "left over"


def test_an_abbreviation_of_two_labels_is_none() -> None:
    found = align_labels({"comp": 1, "x": 2}, ("complaint", "compliment", "other"))
    assert "comp" not in found.same


def test_an_llm_sees_texts_of_labels_that_say_nothing() -> None:
    llm = Chooser({"1": "urgent", "2": None})
    found = align_labels({"1": 1, "2": 1}, ("urgent", "late"), llm=llm, samples={"1": ["help now"]})
    assert found.same == {"1": "urgent", "2": "late"}
    assert "help now" in llm.asked[0].messages[0].content


def test_the_alignment_is_kept_on_disk(tmp_path: Path) -> None:
    outputs = {"Positive": 5, "neutral": 3}
    write_alignment(tmp_path / "labels.json", align_labels(outputs, ("positive", "negative", "other")), outputs)
    kept = json.loads((tmp_path / "labels.json").read_text())
    assert kept["Positive"] == {"rows": 5, "taken_for": "positive", "by": "spelling"}
    assert kept["neutral"]["taken_for"] is None


def labelled(labels: tuple[str, ...] = (), **changes: object) -> TaskSpec:
    return spec(labels=labels, **changes)


TEXTS = OutputColumn("y", "one")


def settle(outputs: dict[str, int], task: TaskSpec, *, binding: bool = True) -> Any:
    return settle_labels(Counter(outputs), task, "a/b", binding=binding)


def test_a_task_without_labels_takes_those_of_the_data() -> None:
    terms = settle({"b": 2, "a": 1}, labelled())
    assert (terms.labels, terms.notes) == (("a", "b"), ("Labels taken from a/b: 2 of them.",))


def test_rows_of_other_labels_are_left_out_and_said() -> None:
    terms = settle({"Positive": 5, "negative": 5, "neutral": 3}, labelled(("positive", "negative")))
    assert terms.same == {"Positive": "positive", "negative": "negative"}
    assert [(doubt.kind, doubt.rows, doubt.grave) for doubt in terms.doubts] == [
        ("label_names", 0, False),
        ("label_names", 3, True),
        ("target", 3, False),
    ]
    assert "neutral (3)" in terms.doubts[1].text


def test_labels_that_do_not_match_are_refused_by_name() -> None:
    with pytest.raises(ToolError, match=r"sport fit none of positive, negative \(0 of 5"):
        settle({"sport": 5}, labelled(("positive", "negative")))


def test_labels_that_were_only_guessed_give_way_to_the_data() -> None:
    task = labelled(("delivery", "refund", "cancelling it"))
    outputs = {"delivery": 5, "refund": 5, "cancel_order": 5, "returns": 1}
    assert settle(outputs, task, binding=False).labels == ("cancel_order", "delivery", "refund", "returns")
    assert settle(outputs, task).labels == task.labels


def test_free_answers_are_no_labels() -> None:
    outputs = Counter({f"answer {n}": 1 for n in range(200)})
    with pytest.raises(ToolError, match="200 different outputs"):
        settle_kind(TEXTS, outputs, labelled(), kind_is_given=True)


@pytest.mark.parametrize(
    ("outputs", "given", "kind"),
    [
        ({"valid": 50, "invalid": 50}, False, "classification"),
        ({"valid": 50, "invalid": 50}, True, "text_to_text"),
        ({"(A)": 50, "(B)": 50}, False, "text_to_text"),
        ({"1": 50, "2": 50}, False, "text_to_text"),
        ({f"w{n}": 2 for n in range(60)}, False, "text_to_text"),
    ],
)
def test_few_recurring_outputs_are_labels_where_the_kind_was_a_guess(
    outputs: dict[str, int], given: bool, kind: str
) -> None:
    task = spec(kind="text_to_text", assumed={"kind": "It is text to text."})
    assert settle_kind(TEXTS, Counter(outputs), task, kind_is_given=given) == kind


def test_many_labels_of_two_rows_are_labels_and_few_rows_are_said() -> None:
    outputs = Counter({f"P{n:03}": 2 for n in range(150)})
    assert settle_kind(TEXTS, outputs, labelled(), kind_is_given=True) == "classification"
    terms = settle(outputs, labelled())
    assert len(terms.labels) == 150
    assert [(doubt.kind, doubt.rows) for doubt in terms.doubts] == [("target", 300)]
    assert "P007 (2)" in terms.doubts[0].text


def test_class_numbers_are_not_taken_for_yes_or_no_among_more_of_them() -> None:
    assert align_labels({"0": 9, "1": 9}, ("no", "yes")).same == {"0": "no", "1": "yes"}
    assert align_labels({"0": 9, "1": 9, "2": 9}, ("yes", "maybe", "no")).same == {}
