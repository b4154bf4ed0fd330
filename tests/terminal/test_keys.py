"""Long pasted texts are folded to a word about them and are whole again when the line is sent."""

from __future__ import annotations

from p2m_agent.terminal.keys import Pastes


def test_a_long_paste_is_folded_and_unfolded() -> None:
    pastes, text = Pastes(), "\r\n".join(f"line {n}" for n in range(2000))
    shown = pastes.folded(text)
    assert shown == "[2,000 lines pasted, 1]"
    assert pastes.unfolded(f"see {shown} please") == "see " + text.replace("\r\n", "\n") + " please"


def test_two_pastes_are_kept_apart_and_short_ones_stand_as_they_are() -> None:
    pastes = Pastes()
    first, second = pastes.folded("a\n" * 9), pastes.folded("b\n" * 9)
    assert first != second
    assert pastes.unfolded(first + second) == "a\n" * 9 + "b\n" * 9
    assert pastes.folded("one\ntwo") == "one\ntwo"
