"""Headings of rounds, and what a log file has that a screen has not."""

from __future__ import annotations

import re

from p2m_agent import events as e
from p2m_agent.events import read_events
from p2m_agent.terminal.console import RunConsole
from p2m_agent.terminal.headings import Rounds
from p2m_agent.types.budget import Cost
from p2m_agent.types.shortfall import Stop
from p2m_agent.types.task import Constraints
from tests.fakes import recordings

SUPPORT = list(read_events(recordings.FOLDER / "support.jsonl"))


def headings(events: list[e.Event], rounds: Rounds | None = None) -> list[str]:
    rounds = rounds or Rounds()
    return [said for event in events if (said := rounds.heading(event))]


def decided(tool: str, **args: object) -> e.CallDecided:
    return e.CallDecided(call=f"9-{tool}", tool=tool, args=args, why="w", by="rules")


def trained(student: object) -> e.CallFinished:
    return e.CallFinished.model_validate(
        {"call": "9", "tool": "fine_tune", "summary": "", "artifacts": (student,), "cost": Cost()}
    )


def test_a_round_is_a_training_with_the_work_before_it() -> None:
    assert headings(SUPPORT) == [
        "round 1 · target 0.8",
        "round 2 · best accuracy 0.781 on dev · target 0.8",
        "round 3 · best accuracy 0.844 on dev · target 0.8",  # rows are made for it
        "handing over · best accuracy 0.844 on dev · target 0.8",
    ]


def test_how_many_there_may_be_is_said() -> None:
    begun = e.RunStarted(request="r", settings={"max_rounds": 4})
    assert headings([begun, decided("fine_tune")]) == ["round 1 of 4"]


def test_a_refused_training_begins_no_second_round() -> None:
    refused = [decided("fine_tune"), e.CallRefused(tool="fine_tune", reason="no"), decided("fine_tune")]
    assert headings(refused) == ["round 1"]


def test_looking_at_errors_belongs_to_the_round_before() -> None:
    told = [decided("fine_tune"), trained(recordings.FIRST), decided("evaluate"), decided("analyse_errors")]
    assert headings(told) == ["round 1"]
    assert headings([*told, decided("clean_labels"), decided("fine_tune")])[1:] == [
        "round 2 · best accuracy 0.781 on dev"
    ]


def test_a_student_that_is_too_slow_is_not_the_best() -> None:
    limited = recordings.SPEC.model_copy(update={"constraints": Constraints(max_latency_ms=2), "target": None})
    slow = recordings.FIRST.model_copy(update={"p95_ms": 30})
    told = [decided("fine_tune"), trained(limited), trained(slow), decided("fine_tune")]
    assert headings(told) == ["round 1", "round 2"]
    fast = recordings.FIRST.model_copy(update={"p95_ms": 1})
    assert headings([*told, trained(fast), decided("fine_tune")])[-1] == "round 3 · best accuracy 0.781 on dev"


def test_nothing_is_handed_over_where_nothing_was_trained() -> None:
    assert headings([decided("give_up")]) == []


def shown(page, events: list[e.Event], before: list[e.Event] | None = None, **more: bool) -> str:
    console = RunConsole(page.screen, **more)
    console.recall(before or [])
    with console:
        for event in events:
            console(event)
    return page.err.getvalue()


def test_a_log_has_times_dates_and_the_name_of_the_run(page) -> None:
    log = shown(page, SUPPORT, stamped=True)
    lines = log.splitlines()
    assert lines[1:3] == ["2026-11-22 09:00:00 UTC · run support-mail-7f3a", "begins"]
    for event in SUPPORT:
        if isinstance(event, e.CallDecided):
            assert re.search(rf"^{event.at:%H:%M:%S}  \S {event.tool}  ", log, re.MULTILINE), event.tool
    heads = [lines[i + 1] for i, line in enumerate(lines) if line.endswith("UTC · run support-mail-7f3a")]
    assert heads[1:] == [*headings(SUPPORT), "ended: delivered"]
    assert max(map(len, lines)) <= 80


def test_progress_in_a_log_has_its_time_too(page) -> None:
    progress = [line for line in shown(page, SUPPORT, stamped=True).splitlines() if "epoch" in line and "left" in line]
    assert progress
    assert all(re.match(r"09:0\d:\d\d  ", line) for line in progress)


def test_the_end_names_the_reason_for_the_stop(page) -> None:
    stop = Stop(kind="plateau", text="three rounds brought nothing")
    ended = e.RunEnded(why="target_not_met", reason="r", spent=Cost(), stop=stop)
    assert "ended: target_not_met · stopped: plateau, three rounds brought nothing" in shown(
        page, [ended], stamped=True
    )


def test_a_resumed_run_counts_on_and_says_which_it_is(page) -> None:
    first = next(
        i for i, event in enumerate(SUPPORT) if isinstance(event, e.CallFinished) and event.tool == "fine_tune"
    )
    resumed = e.RunStarted(request="r", resumed=True, run="support-mail-7f3a", at=SUPPORT[first + 1].at)
    log = shown(page, [resumed, *SUPPORT[first + 1 :]], SUPPORT[: first + 1], stamped=True)
    lines = log.splitlines()
    assert lines[1:3] == [f"{resumed.at:%Y-%m-%d %H:%M:%S} UTC · run support-mail-7f3a", "goes on"]
    assert "round 1" not in log
    assert "round 2 · best accuracy 0.781" in log


def test_a_screen_has_headings_and_no_times(new_page) -> None:
    alone, talking = new_page(), new_page()
    log = shown(alone, SUPPORT)
    assert "\nround 2 · best accuracy 0.781 on dev · target 0.8\n" in log
    assert "UTC" not in log
    assert "round 2" not in shown(talking, SUPPORT, attended=True)
