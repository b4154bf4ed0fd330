from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest

from p2m_agent import events as e
from p2m_agent.events import read_events
from p2m_agent.terminal.console import RunConsole
from p2m_agent.types.budget import Cost
from tests.fakes import recordings

EVENTS = recordings.FOLDER


def replay(name: str, page, **more) -> None:
    console = RunConsole(page.screen, **more)
    with console:
        for event in read_events(EVENTS / f"{name}.jsonl"):
            console(event)


@pytest.mark.parametrize("name", sorted(recordings.STORIES))
def test_recordings_are_what_the_events_of_today_write(name: str, tmp_path: Path) -> None:
    recordings.record(name, tmp_path / "again.jsonl")
    again, kept = list(read_events(tmp_path / "again.jsonl")), list(read_events(EVENTS / f"{name}.jsonl"))
    assert again == kept, "run: python -m tests.fakes.recordings"


def test_a_finished_call_leaves_tool_deed_time_and_money(page) -> None:
    replay("support", page)
    shown = page.err.getvalue()
    assert "● import_rows  its labels match the eight queues · llm" in shown
    assert re.search(r"✓ Accuracy 0\.854 on 96 locked rows\. +5\.0 s · \$0\.0041\n", shown)
    assert page.out.getvalue() == ""


def test_refusals_and_tool_errors_are_told_in_words(page) -> None:
    replay("support", page)
    shown = page.err.getvalue()
    assert "– not now: there is no model yet; call fine_tune first" in shown
    assert "✗ The teacher's answers were all duplicates." in shown
    assert "→ Evaluate with what there is" in shown


@pytest.mark.parametrize("width", [80, 60])
@pytest.mark.parametrize("terminal", [False, True])
def test_no_line_overflows_or_breaks_a_word(new_page, width: int, terminal: bool) -> None:
    page = new_page(width, terminal=terminal)
    replay("support", page)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", page.err.getvalue()).replace("\r", "\n")
    assert max(map(len, shown.splitlines())) <= width
    words = set(" ".join(a.summary for a in read_events(EVENTS / "support.jsonl") if hasattr(a, "summary")).split())
    assert words <= set(shown.split())


def test_without_a_terminal_there_are_no_codes_and_few_lines(page) -> None:
    replay("support", page)
    shown = page.err.getvalue()
    assert "\x1b" not in shown
    assert "\r" not in shown
    progress = [line for line in shown.splitlines() if "epoch" in line and "left" in line]
    assert 4 <= len(progress) <= 8, progress  # 24 reports in a minute
    assert all(line == line.rstrip() for line in shown.splitlines())


def test_no_color_on_a_terminal(new_page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    page = new_page(terminal=True)
    replay("support", page)
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", page.err.getvalue())


def test_quiet_shows_faults_only(new_page) -> None:
    page = new_page(quiet=True)
    replay("support", page)
    assert page.all == ""
    replay("hostile", page)
    assert "fault" in page.err.getvalue()


def test_foreign_text_cannot_act_on_the_terminal(page) -> None:
    replay("hostile", page)
    assert not [c for c in page.all if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 or c == "\u202e"]
    assert "owned" not in page.all  # the title sequence went as a whole
    assert "[red]danger[/red]" in page.all
    assert ":smile:" in page.all


def test_an_unknown_price_is_said(page) -> None:
    replay("unpriced", page)
    assert re.search(r"100 examples made\. +2\.0 s · unknown price", page.err.getvalue())


def test_unattended_answers_are_on_record_and_attended_ones_are_left_to_the_asking(new_page) -> None:
    alone, asked = new_page(), new_page()
    replay("hostile", alone)
    replay("hostile", asked, attended=True)
    assert "reject · person" in alone.err.getvalue()
    assert "reject · person" not in asked.err.getvalue()


def test_events_may_come_from_many_threads(new_page, tmp_path: Path) -> None:
    page = new_page(terminal=True)
    log = e.EventLog(tmp_path / "events.jsonl", "r")
    console = RunConsole(page.screen)
    log.listen(console)

    def work(n: int) -> None:
        log(e.CallStarted(call=f"{n}", tool=f"tool_{n}", estimate=Cost()))
        for step in range(20):
            log(e.Progressed(call=f"{n}", message="on it", share=step / 20))
        log(e.CallFinished(call=f"{n}", tool=f"tool_{n}", summary=f"finished-{n}", cost=Cost(wall_s=1)))

    with console:
        threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
    assert all(page.err.getvalue().count(f"finished-{n}") == 1 for n in range(6))


def test_words_of_the_agent_are_data(page) -> None:
    console = RunConsole(page.screen)
    console(e.AgentSaid(text="Which languages?"))
    assert page.out.getvalue().strip() == "Which languages?"
    assert console.said == "Which languages?"
