from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from p2m_agent.run.state import Ended, RunState
from p2m_agent.terminal import units
from p2m_agent.terminal.views import tables
from p2m_agent.terminal.views.show import show
from p2m_agent.terminal.views.summary import example_input, quoted, summary
from p2m_agent.types.budget import Budget, Cost
from p2m_agent.types.rows import Example, Source
from p2m_agent.types.task import Task
from tests.fakes import recordings


@dataclass(frozen=True)
class Finding:
    topic: str
    ok: bool
    found: str
    fix: str


@pytest.mark.parametrize("width", [80, 60])
def test_the_summary_fits_and_holds_every_number(new_page, tmp_path: Path, width: int) -> None:
    page = new_page(width)
    summary(recordings.state(), tmp_path / recordings.RUN, page.screen)
    shown = " ".join(page.out.getvalue().split())
    for part in (
        "delivered, target 0.8 met", "accuracy 0.854 (0.781 to 0.917) 96 rows, 1 look", "this model 0.854",
        "teacher 0.325 0.200 to 0.475 +0.525", "majority class 0.135", "nearest neighbour 0.698", "untuned base –",
        "teacher: on a sample of 40 rows", "91 MB · 22.7 M parameters · 6.6 ms", "2 rounds · 2 min 53 s · $0.0123",
        "48 k LLM tokens", "Each message belongs in exactly one queue.",
    ):  # fmt: skip
        assert part in shown
    commands = [line.strip() for line in page.err.getvalue().splitlines() if "p2m " in line]
    assert [c.split()[1] for c in commands] == ["predict", "demo", "serve"]
    long = [line for line in page.out.getvalue().splitlines() if len(line) > width]
    assert all(str(tmp_path) in line for line in long)  # a path stays in one piece, for copying
    assert "SYNTHETIC" not in page.all


def test_what_to_try_next_finds_the_run_where_it_is(page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary(recordings.state(), tmp_path / "my runs" / recordings.RUN, page.screen)
    assert f"p2m serve {recordings.RUN} --runs-dir '{tmp_path}/my runs'" in page.err.getvalue()
    monkeypatch.setenv("P2M_RUNS_DIR", str(tmp_path / "my runs"))
    page.err.truncate(0)
    summary(recordings.state(), tmp_path / "my runs" / recordings.RUN, page.screen)
    assert "--runs-dir" not in page.err.getvalue()


def test_a_synthetic_proxy_is_said_loudly(page, tmp_path: Path) -> None:
    summary(recordings.state(proxy=True), tmp_path / recordings.RUN, page.screen)
    assert "SYNTHETIC PROXY" in page.out.getvalue()


def test_a_missed_target_and_repeated_looks_are_said(page, tmp_path: Path) -> None:
    state = recordings.state()
    state.artifacts[0] = recordings.SPEC.model_copy(update={"target": 0.95})
    report = recordings.locked_report().model_copy(update={"looks": 3})
    state.artifacts[-2] = report
    state.ended = Ended(why="target_not_met", reason="0.854 is below 0.95")
    summary(state, tmp_path / recordings.RUN, page.screen)
    assert "delivered, target 0.95 not met" in page.out.getvalue()
    assert "opened 3 times" in page.out.getvalue()


def test_a_fine_tune_that_is_not_worth_it_is_said(page, tmp_path: Path) -> None:
    state = recordings.state()
    said = "The linear head is as good: accuracy 0.850 against 0.854. The fine-tune is not worth its cost here."
    summary(state, tmp_path / recordings.RUN, page.screen)
    assert "not worth" not in page.out.getvalue()
    state.artifacts[-2] = recordings.locked_report().model_copy(update={"not_worth": (said,)})
    summary(state, tmp_path / recordings.RUN, page.screen)
    assert f"! {said}" in " ".join(page.out.getvalue().split())


def test_a_run_without_a_model_says_why_and_how_to_go_on(page, tmp_path: Path) -> None:
    state = RunState(task=Task(request="x"), ended=Ended(why="gave_up", reason="No rows could be had."))
    summary(state, tmp_path / "r1", page.screen)
    assert "ended without a model" in page.out.getvalue()
    assert "No rows could be had." in page.out.getvalue()
    assert "p2m resume r1" in page.err.getvalue()


def test_an_unknown_price_is_not_called_free(page, tmp_path: Path) -> None:
    recordings.record("unpriced", tmp_path / "events.jsonl")
    state = recordings.state()
    state.spent = Cost(wall_s=3, tokens=20)
    summary(state, tmp_path, page.screen)
    assert "unknown price" in page.out.getvalue()


def test_the_example_is_a_dev_row_that_a_shell_takes(tmp_path: Path) -> None:
    state = recordings.state()
    dev = tmp_path / recordings.HELD_OUT.dev_path
    dev.parent.mkdir(parents=True)
    texts = ["costs $5 `now`", "x" * 200, "the kettle won't turn on"]
    rows = [Example(input={"text": t}, output="damaged", source=Source(origin="user", ref="f")) for t in texts]
    dev.write_text("".join(row.model_dump_json() + "\n" for row in rows))
    assert example_input(state, tmp_path) == "the kettle won't turn on"
    assert quoted("the kettle won't turn on") == '"the kettle won\'t turn on"'
    assert quoted("costs $5, isn't it") == "'costs $5, isn'\"'\"'t it'"


@pytest.mark.parametrize("width", [80, 60])
def test_show_tells_the_whole_run(new_page, tmp_path: Path, width: int) -> None:
    page = new_page(width)
    show(recordings.state(), tmp_path / recordings.RUN, page.screen)
    shown = " ".join(page.out.getvalue().split())
    for part in ("p2m/support-mail", "5 duplicate", "linear head", "0.844 ★", "expected +0.05", "96 locked test"):
        assert part in shown
    assert all(len(line) <= width for line in page.out.getvalue().splitlines() if str(tmp_path) not in line)


def test_show_of_a_run_that_has_not_begun(page, tmp_path: Path) -> None:
    show(RunState(task=Task(request="Sort mail")), tmp_path / "r1", page.screen)
    assert "Sort mail" in page.out.getvalue()


def test_small_tables(page) -> None:
    page.screen.data(
        tables.runs_table([tables.RunRow(run="r1", request="Sort [red]mail", status="delivered", score="0.854")]),
        tables.runs_table([]),
        tables.doctor_table([Finding("GPU", False, "none", "nothing to do for small models")]),
        tables.estimate_table([("generate_examples", Cost(usd=0.2, wall_s=60, tokens=9000))], Budget(usd=1)),
        tables.candidates_table([]),
        tables.budget_table(Cost(usd=0.2, wall_s=60), Budget(), 2),
    )
    shown = page.out.getvalue()
    for part in (
        "Sort [red]mail",
        "no runs yet",
        "→ nothing to do",
        "$0.20",
        "all together",
        "nothing found",
        "none set",
    ):
        assert part in shown


def test_many_labels_are_summed_up(page) -> None:
    page.screen.data(tables.labels_table({f"label {n}": 100 - n for n in range(77)}))
    assert "and 69 more with 24 to 92 rows each" in page.out.getvalue()


def test_numbers_read_well() -> None:
    assert [units.seconds(s) for s in (0.04, 9.9, 42, 125, 4320)] == [
        "0.0 s",
        "9.9 s",
        "42 s",
        "2 min 05 s",
        "1 h 12 min",
    ]
    assert [units.money(m) for m in (0, 0.0042, 1.5)] == ["$0", "$0.0042", "$1.50"]
    assert [units.large(n) for n in (22_713_216, 124_645_632, 1.5e9, 12_300, 20)] == [
        "22.7 M",
        "125 M",
        "1.5 B",
        "12 k",
        "20",
    ]
