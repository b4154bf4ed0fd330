from __future__ import annotations

from difflib import SequenceMatcher

from p2m_agent.generation.typing_noise import hasten
from p2m_agent.types.rows import Example, Source

MADE = Source(origin="synthetic", ref="call")


def row(number: int) -> Example:
    text = f"Please tell Martha that order AB-{number} arrives tomorrow morning."
    return Example(input={"id": "x1", "text": text}, output="Delivery Date", source=MADE)


def test_about_the_share_is_touched_and_marked_and_nothing_else_changes() -> None:
    rows = [row(number) for number in range(400)]
    noisy = [hasten(each, 0.25, 0) for each in rows]
    touched = [(before, after) for before, after in zip(rows, noisy, strict=True) if before != after]
    assert 60 <= len(touched) <= 140
    assert len({after.source.noise for _, after in touched}) == 6
    for before, after in touched:
        assert after.source.noise
        assert after.output == before.output
        assert after.input["id"] == "x1"
        assert before.text != after.text
        assert "-" in after.text
        assert SequenceMatcher(None, before.text.lower(), after.text.lower()).ratio() > 0.95
        assert "".join(filter(str.isdigit, before.text)) == "".join(filter(str.isdigit, after.text))
    assert all(not after.source.noise for before, after in zip(rows, noisy, strict=True) if before == after)


def test_the_same_rows_are_touched_again() -> None:
    assert [hasten(row(n), 0.5, 3) for n in range(50)] == [hasten(row(n), 0.5, 3) for n in range(50)]
    assert [hasten(row(n), 0.5, 3) for n in range(50)] != [hasten(row(n), 0.5, 4) for n in range(50)]


def test_no_share_and_nothing_to_touch_leave_rows_as_they_are() -> None:
    assert hasten(row(1), 0.0, 0) == row(1)
    figures = Example(input={"text": "12 + 30 = 42"}, output="x", source=MADE)
    assert hasten(figures, 1.0, 0) == figures
