from __future__ import annotations

import pytest

from p2m_agent.errors import UsageError
from p2m_agent.terminal.edits import as_lines, changed, check_edits, read_edit
from tests.fakes.recordings import SPEC


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
