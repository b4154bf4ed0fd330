"""Outputs that are JSON are scored by the leaves that are right, counted by hand here."""

from __future__ import annotations

import json

import pytest

from p2m_agent.scoring.intervals import bootstrap
from p2m_agent.scoring.json_fields import LeafCounts, are_json, is_json, leaf_counts, same_fields
from p2m_agent.scoring.metrics import matches, metric_value
from p2m_agent.types.scores import MetricName

JSON_METRICS = ("field_f1", "field_precision", "field_recall", "valid_json")
ORDER = '{"item": "pizza", "size": "large"}'


@pytest.mark.parametrize(
    ("expected", "predicted"),
    [
        (ORDER, '{ "size":"large",\n"item":"pizza" }'),
        ('{"n": 1}', '{"n": 1.0}'),
        ('{"s": "a"}', '{"s": " a "}'),
        ('{"s": "café ☕"}', '{"s": "caf\\u00e9 \\u2615"}'),
        ("[1, 2, 2, 3]", "[2, 3, 2, 1]"),
        ('{"a": {"b": [{"c": 1}, {"c": 2}]}}', '{"a": {"b": [{"c": 2}, {"c": 1}]}}'),
        ("[[1, 2], [3]]", "[[3], [2, 1]]"),
        ("{}", " {} "),
        ("[]", "[]"),
        ('{"a": []}', '{"a": []}'),
        ("not json", " not json "),
    ],
)
def test_the_same_value_written_otherwise_is_right(expected: str, predicted: str) -> None:
    assert metric_value("field_f1", [expected], [predicted]) == 1.0
    assert same_fields(expected, predicted)
    assert matches("field_f1", expected, predicted)


@pytest.mark.parametrize(
    ("expected", "predicted", "counts"),
    [
        (ORDER, '{"item": "pizza", "size": "small"}', (1, 2, 2)),
        (ORDER, '{"item": "pizza"}', (1, 2, 1)),
        (ORDER, '{"item": "Pizza", "size": "large", "extra": null}', (1, 2, 3)),
        ("[1, 2, 2]", "[2, 1, 1]", (2, 3, 3)),
        ('{"a": {"b": 1, "c": 2}}', '{"a": {"b": 1}, "c": 2}', (1, 2, 2)),
        ('{"a": ["x", {"b": 1}]}', '{"a": [{"b": 1}, "y"]}', (1, 2, 2)),
        ('{"a": {"b": 1}}', '{"a": [1]}', (0, 1, 1)),
        ("[]", "{}", (0, 1, 1)),
        ("[]", "[1, 2]", (0, 1, 2)),
        ('{"a": [1]}', '{"a": []}', (0, 1, 1)),
        ('{"a": true, "b": null, "c": "1", "d": 0}', '{"a": 1, "b": false, "c": 1, "d": false}', (0, 4, 4)),
        (ORDER, "I would say pizza", (0, 2, 0)),
        (ORDER, '{"item": "pizza"', (0, 2, 0)),
        (ORDER, "", (0, 2, 0)),
        (ORDER, '"pizza"', (0, 2, 1)),
        ("plain", ORDER, (0, 1, 1)),
    ],
)
def test_leaves_are_counted_under_their_path(expected: str, predicted: str, counts: tuple[int, int, int]) -> None:
    assert leaf_counts(expected, predicted) == LeafCounts(*counts)
    assert not matches("field_f1", expected, predicted)


def test_objects_of_a_list_are_paired_so_that_most_leaves_are_right() -> None:
    expected = [{"a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3}]
    predicted = [{"a": 1, "b": 2, "c": 9}, {"a": 1, "d": 0}]
    for truth in (expected, expected[::-1]):
        for said in (predicted, predicted[::-1]):
            assert leaf_counts(json.dumps(truth), json.dumps(said)) == LeafCounts(3, 5, 5)


def test_the_best_pair_gives_way_where_two_others_share_more() -> None:
    expected = [{"a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3, "d": 4}]
    predicted = [{"a": 1, "b": 2, "c": 3}, {"c": 3, "d": 4}]
    assert leaf_counts(json.dumps(expected), json.dumps(predicted)) == LeafCounts(4, 6, 5)


def test_the_leaves_of_all_rows_are_pooled() -> None:
    expected = [ORDER, '{"a": 1}', '{"a": [1, 2, 3]}']
    predicted = ['{"item": "pizza", "size": "small"}', "no JSON", '{"a": [1, 2, 3, 4]}']
    assert metric_value("field_precision", expected, predicted) == pytest.approx(4 / 6)
    assert metric_value("field_recall", expected, predicted) == pytest.approx(4 / 6)
    assert metric_value("field_f1", expected, predicted) == pytest.approx(8 / 12)
    assert metric_value("valid_json", expected, predicted) == pytest.approx(2 / 3)
    precise = metric_value("field_precision", [ORDER], ['{"item": "pizza"}'])
    assert (precise, metric_value("field_recall", [ORDER], ['{"item": "pizza"}'])) == (1.0, 0.5)


def test_nothing_but_invalid_json_scores_zero() -> None:
    for metric in JSON_METRICS:
        assert metric_value(metric, [ORDER, ORDER], ["", "{'item': 'pizza'}"]) == 0.0


@pytest.mark.parametrize("text", ['{"a": NaN}', "[Infinity]", "```json\n{}\n```", "{} {}", "[" * 5000 + "]" * 5000])
def test_what_only_resembles_json_is_none(text: str) -> None:
    assert not is_json(text)


def test_a_value_of_many_levels_is_compared() -> None:
    deep = "[" * 90 + "1" + "]" * 90
    assert leaf_counts(deep, deep) == LeafCounts(1, 1, 1)
    assert leaf_counts(ORDER, "[" * 400 + "]" * 400) == LeafCounts(0, 2, 0)


def test_outputs_are_json_where_nine_in_ten_are_objects_or_lists() -> None:
    assert are_json(["{}"] * 8 + ["[1]", "none"])
    assert not are_json(["{}"] * 8 + ["none", "none"])
    assert not are_json(["1", "2", "true"])
    assert not are_json([])


@pytest.mark.parametrize("metric", JSON_METRICS)
def test_every_metric_has_an_interval_around_it(metric: MetricName) -> None:
    expected = [ORDER] * 30
    predicted = [*[ORDER] * 10, *['{"item": "pizza", "size": "small"}'] * 10, *["no JSON"] * 10]
    found = bootstrap(metric, expected, predicted)
    assert found
    assert 0 <= found.ci95[0] < found.value < found.ci95[1] <= 1
    assert found.value == pytest.approx(metric_value(metric, expected, predicted))


def test_valid_json_in_every_row_still_has_an_interval() -> None:
    found = bootstrap("valid_json", [ORDER] * 20, ["[]"] * 20)
    assert found
    assert found.value == found.ci95[1] == 1.0
    assert 0.8 < found.ci95[0] < 0.9
