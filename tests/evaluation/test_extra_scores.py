"""Which other metrics stand in a report."""

from __future__ import annotations

import pytest

from p2m_agent.evaluation.report import extra_scores
from tests.evaluation.studies import spec

JSON_METRICS = ("field_f1", "field_precision", "field_recall", "valid_json")
EXPECTED = ['{"a": 1, "b": 2}', '{"a": [3]}']
GIVEN = ['{"b": 2, "a": 1, "c": 0}', "none"]


def test_json_is_scored_by_field_beside_exact_match_and_the_share_that_is_valid() -> None:
    found = extra_scores(spec("text_to_text", "field_f1"), EXPECTED, GIVEN, 0)
    shown = {name: found[name].value for name in ("field_precision", "field_recall", "exact_match", "valid_json")}
    assert shown == pytest.approx(
        {"field_precision": 2 / 3, "field_recall": 2 / 3, "exact_match": 0.0, "valid_json": 0.5}
    )
    assert "field_f1" not in found


def test_json_is_scored_by_field_under_another_metric_too() -> None:
    assert {*extra_scores(spec("text_to_text", "exact_match"), EXPECTED, GIVEN, 0)} >= {*JSON_METRICS}


def test_texts_have_no_scores_of_json() -> None:
    assert not {*extra_scores(spec("text_to_text", "chrf"), ["one", "two"], ["{}", "two"], 0)} & {*JSON_METRICS}
