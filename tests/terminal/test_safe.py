from __future__ import annotations

import pytest

from p2m_agent.terminal.safe import clean, one_line


@pytest.mark.parametrize(
    ("dirty", "harmless"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;title\x07after", "after"),
        ("\x9b2Jgone", "gone"),
        ("a\x07\x08b\x7f", "ab"),
        ("left\u202etfel", "lefttfel"),
        ("one\r\ntwo\rthree\tfour", "one\ntwo\nthree four"),
        ("zażółć 日本語 🙂", "zażółć 日本語 🙂"),
        ("ends in \x1b", "ends in "),
    ],
)
def test_clean(dirty: str, harmless: str) -> None:
    assert clean(dirty) == harmless


def test_one_line_is_one_line_and_no_longer_than_asked() -> None:
    assert one_line(" a\n\n b\tc ") == "a b c"
    assert one_line("abcdefgh", 5) == "abcd…"
