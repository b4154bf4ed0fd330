from __future__ import annotations

import io

from rich.console import Console, RenderableType

from p2m_agent.agent.planner.view import describe
from p2m_agent.evaluation.error_analysis import AnalysisContext, analyse
from p2m_agent.terminal.screen import _THEME
from p2m_agent.terminal.views.analyses import analysis_parts
from p2m_agent.terminal.views.summary import evidence
from tests.evaluation.studies import rows, student, study
from tests.fakes.recordings import locked_report

CONTEXT = AnalysisContext(
    runs=[student(120, 0.8)],
    names={"dataset-a": "mail.csv"},
    race=None,
    llm=None,
    usd=lambda rows: None,
    report=lambda event: None,
)


def printed(parts: list[RenderableType], width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, theme=_THEME, markup=False)
    for part in parts:
        console.print(part)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return " ".join(text.split())


def test_an_analysis_shows_what_is_wrong_and_what_to_do() -> None:
    found = analyse(study(train=rows(120, 1, noise=0.2)), CONTEXT, "c")
    shown = printed(analysis_parts(found))
    assert "late" in shown
    assert "training labels look wrong" in shown
    assert "twice as many: about" in shown
    assert "more data" in shown
    assert "price unknown" in shown
    assert "proxy" not in shown
    assert "synthetic proxy" in printed(analysis_parts(found, proxy=True))


def test_names_from_data_are_shown_as_text() -> None:
    found = analyse(study(), CONTEXT, "c")
    cluster = found.clusters[0].model_copy(update={"name": "[bold]\x1b[31mred\nline"})
    shown = printed(analysis_parts(found.model_copy(update={"clusters": (cluster,)})))
    assert "[bold]" in shown
    assert "\x1b" not in shown


def test_the_controller_reads_suggestions_with_gain_and_cost() -> None:
    told = describe(analyse(study(), CONTEXT, "c"))
    assert "suggested: more_data" in told
    assert "gain +0." in told
    assert " s" in told
    assert "\n" not in told


def test_leaks_calibration_and_speed_stand_under_a_score() -> None:
    shown = printed(evidence(locked_report()))
    assert "macro F1 0.849" in shown
    assert "6.6 ms an input (p95 9.1), 310.0 a second" in shown
