"""From which confidence on a served model answers by itself, where a fallback stands behind it."""

from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent.cli import build_parser
from p2m_agent.commands.serve_options import threshold_of
from p2m_agent.errors import UsageError
from p2m_agent.types.scores import ErrorPromise
from tests.fakes.student import FakePredictor, by_word, student_card

KEPT = ErrorPromise(max_error=0.02, threshold=0.83, rows=400, answered=0.9, error=0.01)
BROKEN = ErrorPromise(max_error=0.02, rows=40, rows_needed=149)


def served(promise: ErrorPromise | None, *flags: str, run: str = "no-run") -> tuple[float, str]:
    args = build_parser().parse_args(["serve", run, "--fallback", "http://teacher/v1", *flags])
    card = student_card().model_copy(update={"promise": promise})
    return threshold_of(args, FakePredictor(by_word, card=card))


def test_the_model_s_own_promise_sets_it() -> None:
    threshold, said = served(KEPT)
    assert threshold == 0.83
    assert "answers 90% of the inputs with at most 2.0% error" in said


def test_a_model_that_can_promise_nothing_says_how_many_rows_would_do() -> None:
    with pytest.raises(UsageError, match="about 149 labelled dev rows would do"):
        served(BROKEN)


def test_a_folder_has_no_dev_rows_to_set_another_by(tmp_path: Path) -> None:
    (tmp_path / "p2m.json").write_text("{}")
    with pytest.raises(UsageError, match="no dev rows"):
        served(KEPT, "--max-error", "0.1", run=str(tmp_path))
