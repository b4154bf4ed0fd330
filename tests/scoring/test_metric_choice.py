from __future__ import annotations

from typing import get_args

import pytest

from p2m_agent.scoring.metric_choice import METRICS_OF, OPEN_ENDED, choose_metric
from p2m_agent.types.scores import MetricName
from p2m_agent.types.task import Kind

DATES = ["2024-01-01", "2024-02-02"]


@pytest.mark.parametrize(
    ("kind", "request_", "outputs", "metric"),
    [
        ("classification", "Translate or not?", ["a", "b"], "accuracy"),
        ("text_to_text", "", DATES, "exact_match"),
        ("text_to_text", "", [], "exact_match"),
        ("text_to_text", "", ["word " * 40], "chrf"),
        ("text_to_text", "", ["x" * 200], "chrf"),
        ("text_to_text", "Translate short signs into French", ["sortie", "entrée"], "chrf"),
        ("text_to_text", "Write dates as ISO 8601", DATES, "exact_match"),
        ("text_to_text", "Give the title and the year as JSON", ['{"title": "Emma", "year": 1815}'] * 3, "field_f1"),
        ("text_to_text", "", ["[]"] * 9 + ["none"], "field_f1"),
        ("text_to_text", "", ["[]"] * 8 + ["none"] * 2, "exact_match"),
    ],
)
def test_the_metric_follows_from_the_task_with_a_reason(
    kind: Kind, request_: str, outputs: list[str], metric: str
) -> None:
    chosen, why = choose_metric(kind, request=request_, outputs=outputs)
    assert chosen == metric
    assert chosen in METRICS_OF[kind]
    assert why


def test_the_command_line_knows_every_metric() -> None:
    from p2m_agent.cli import METRICS

    assert get_args(MetricName) == METRICS
    assert {name for metrics in METRICS_OF.values() for name in metrics} == set(METRICS)


def test_every_metric_has_a_name_and_a_meaning_for_people() -> None:
    from p2m_agent.delivery.model_card import MEANINGS
    from p2m_agent.terminal.units import METRICS

    assert {*get_args(MetricName)} <= {*MEANINGS} & {*METRICS}


def test_open_ended_metrics_are_of_texts() -> None:
    assert set(METRICS_OF["text_to_text"]) >= OPEN_ENDED
