from __future__ import annotations

import pytest

from p2m_agent.errors import UsageError
from p2m_agent.terminal.edits import as_lines, changed, check_edits, read_edit, row_numbers
from tests.fakes.recordings import SPEC


def test_row_numbers_and_ranges() -> None:
    assert row_numbers("2 5-7", 9) == {2, 5, 6, 7}
    assert row_numbers("1,3", 3) == {1, 3}


@pytest.mark.parametrize("text", ["0", "10", "5-99999999999", "x", "2-", "-2", "1.5"])
def test_wrong_row_numbers_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        row_numbers(text, 9)


def test_a_field_is_set_and_lists_are_separated_by_commas() -> None:
    assert read_edit("labels = a, b ,c") == ("labels", ["a", "b", "c"])
    assert read_edit("Target = none") == ("target", None)
    assert read_edit('constraints = {"max_params": 1000}') == ("constraints", {"max_params": 1000})


def test_an_unknown_field_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="labels"):
        read_edit("lables = a")


def test_a_value_that_does_not_fit_is_refused_with_its_field() -> None:
    with pytest.raises(UsageError, match="target"):
        check_edits(SPEC, {"target": "high"})
    with pytest.raises(UsageError, match="metric"):
        check_edits(SPEC, {"metric": "vibes"})


def test_an_edited_text_gives_the_changes_only() -> None:
    assert changed(SPEC, as_lines(SPEC)) == {}
    assert changed(SPEC, as_lines(SPEC).replace("target = 0.8", "target = 0.9")) == {"target": 0.9}
    odd = SPEC.model_copy(update={"labels": ("a, b", "c")})
    assert changed(odd, as_lines(odd)) == {}
