from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.events import Progressed
from p2m_agent.training.recipes.causal import Causal
from p2m_agent.training.trackers import tracked


def test_without_trackers_reports_go_their_way(tmp_path: Path) -> None:
    heard: list[Progressed] = []
    with tracked((), Causal(base="x"), tmp_path, heard.append) as report:
        report(Progressed(message="m", numbers={"loss": 1.0}))
    assert [event.message for event in heard] == ["m"]
    assert not list(tmp_path.iterdir())


def test_tensorboard_gets_the_curves(tmp_path: Path) -> None:
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    heard: list[Progressed] = []
    with tracked(("tensorboard",), Causal(base="x"), tmp_path, heard.append) as report:
        for loss in (2.0, 1.5):
            report(Progressed(message="m", numbers={"loss": loss}))
        report(Progressed(message="no numbers"))
    assert len(heard) == 3
    read = events.EventAccumulator(str(tmp_path / "curves" / "p2m_agent")).Reload()
    assert [(one.step, one.value) for one in read.Scalars("loss")] == [(0, 2.0), (1, 1.5)]


def test_a_tracker_that_is_not_installed_is_named(tmp_path: Path) -> None:
    import importlib.util

    if importlib.util.find_spec("wandb"):
        pytest.skip("wandb is installed")
    with (
        pytest.raises(ToolError, match="the tracker wandb is not installed"),
        tracked(("wandb",), Causal(base="x"), tmp_path, lambda _event: None),
    ):
        pass
