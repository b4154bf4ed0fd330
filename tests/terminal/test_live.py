from __future__ import annotations

import pytest

from p2m_agent.terminal.live import Running, details, left, line

ROW = Running(
    "fine_tune", began=0.0, message="epoch 3 of 8", share=0.38, eta_s=42.0, heard=10.0,
    numbers=(("loss", 0.31), ("dev", 0.8124), ("rows/s", 512.0)),
)  # fmt: skip


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
def test_one_line_fills_the_width_and_no_more(width: int) -> None:
    assert line(ROW, 12.0, width).cell_len == width


def test_it_says_what_how_far_and_how_long() -> None:
    assert details(ROW) == "epoch 3 of 8 · loss 0.310 · dev 0.812 · rows/s 512"
    assert line(ROW, 12.0, 100).plain.rstrip().endswith("38 %         40 s left")


def test_time_left_counts_down_between_reports_and_time_passed_stands_in() -> None:
    assert left(ROW, 30.0) == "22 s left"
    assert left(Running("x", began=5.0), 17.0) == "12 s"


def test_answers_are_counted_where_a_tool_reports_no_numbers() -> None:
    assert details(Running("generate_examples", began=0.0, message="asking", answers=41)) == "asking · 41 LLM answers"


def test_the_right_hand_side_does_not_move_as_the_message_changes() -> None:
    short = Running("x", began=0.0, message="a", share=0.05, eta_s=5.0)
    long = Running("x", began=0.0, message="a" * 300, share=1.0, eta_s=3599.0)
    bars = [line(row, 0.0, 80).plain.index("━" if row is long else "─") for row in (short, long)]
    assert abs(bars[0] - bars[1]) <= 1
