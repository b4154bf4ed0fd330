from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.rows.holdout import held_out_rows, inherit_looks, looks, open_test, read_dev, reseal, seal
from p2m_agent.types.rows import Example, Holdout
from tests.fakes.rows import examples

DEV, TEST = examples(5), examples(7, start=50)


@pytest.fixture
def holdout(tmp_path: Path) -> Holdout:
    return sealed(tmp_path)


def sealed(root: Path) -> Holdout:
    folder = root / "calls" / "003-import_rows"
    folder.mkdir(parents=True, exist_ok=True)
    return seal(root, folder, DEV, TEST, origin="user", ref="rows.csv", made_by="003-import_rows")


def test_what_is_sealed_comes_back_and_is_read_only(tmp_path: Path, holdout: Holdout) -> None:
    assert read_dev(tmp_path, holdout) == DEV
    assert open_test(tmp_path, holdout, "9-evaluate") == (TEST, 1)
    assert (tmp_path / holdout.test_path).stat().st_mode & 0o777 == 0o400
    assert (holdout.dev_rows, holdout.test_rows, holdout.id) == (5, 7, "holdout-003-import_rows")
    assert (holdout.dev_path, holdout.test_path) == ("calls/003-import_rows/dev.jsonl", "sealed/test.jsonl")


def test_each_call_that_opens_the_test_is_counted_once(tmp_path: Path, holdout: Holdout) -> None:
    assert looks(tmp_path) == 0
    assert [open_test(tmp_path, holdout, call)[1] for call in ("a", "a", "b", "a")] == [1, 1, 2, 2]
    lines = (tmp_path / "sealed" / "looks.jsonl").read_text().splitlines()
    assert [json.loads(line)["call"] for line in lines] == ["a", "b"]
    assert datetime.fromisoformat(json.loads(lines[0])["at"]).utcoffset() == timedelta(0)


def test_leak_checks_see_all_held_out_rows_without_a_look(tmp_path: Path, holdout: Holdout) -> None:
    assert held_out_rows(tmp_path, holdout) == DEV + TEST
    assert looks(tmp_path) == 0


def test_a_changed_test_is_not_scored(tmp_path: Path, holdout: Holdout) -> None:
    path = tmp_path / holdout.test_path
    path.chmod(0o600)
    path.write_text(path.read_text().replace('"a"', '"b"', 1))
    with pytest.raises(ToolError, match=r"locked test.*was changed"):
        open_test(tmp_path, holdout, "a")
    assert looks(tmp_path) == 0
    path.unlink()
    with pytest.raises(ToolError, match="is gone"):
        open_test(tmp_path, holdout, "a")


def test_a_repeated_call_seals_again_and_keeps_the_count(tmp_path: Path, holdout: Holdout) -> None:
    open_test(tmp_path, holdout, "a")
    assert sealed(tmp_path) == holdout
    assert open_test(tmp_path, holdout, "b")[1] == 2


def merged(row: Example) -> Example | None:
    """All labels become one, and the first of the locked rows goes."""
    return None if row == TEST[0] else row.model_copy(update={"output": "ab"})


def resealed(root: Path, old: Holdout) -> Holdout:
    folder = root / "calls" / "007-edit_task"
    folder.mkdir(exist_ok=True)
    return reseal(
        root, folder, old, [row.model_copy(update={"output": "ab"}) for row in DEV[1:]], merged, "007-edit_task"
    )


def test_a_change_of_all_rows_alike_is_sealed_beside_the_old_rows_and_is_no_look(
    tmp_path: Path, holdout: Holdout
) -> None:
    new = resealed(tmp_path, holdout)
    assert (new.id, new.made_by) == ("holdout-007-edit_task", "007-edit_task")
    assert (new.dev_path, new.test_path) == ("calls/007-edit_task/dev.jsonl", "sealed/test-007-edit_task.jsonl")
    assert (new.dev_rows, new.test_rows, new.origin, new.ref) == (4, 6, "user", "rows.csv")
    assert [row.output for row in held_out_rows(tmp_path, new)] == ["ab"] * 10
    assert (tmp_path / new.test_path).stat().st_mode & 0o777 == 0o400
    assert held_out_rows(tmp_path, holdout) == DEV + TEST
    assert looks(tmp_path) == 0
    assert resealed(tmp_path, holdout) == new, "a call that is repeated after a kill"


def test_rows_that_were_changed_by_hand_are_not_sealed_anew(tmp_path: Path, holdout: Holdout) -> None:
    path = tmp_path / holdout.test_path
    path.chmod(0o600)
    path.write_text("")
    with pytest.raises(ToolError, match=r"locked test.*was changed"):
        resealed(tmp_path, holdout)


def test_looks_of_the_run_before_are_looks_at_the_same_rows(tmp_path: Path, holdout: Holdout) -> None:
    inherit_looks(tmp_path, "before")
    assert looks(tmp_path) == 0
    for call in ("a", "b"):
        open_test(tmp_path, holdout, call)
    inherit_looks(tmp_path, "before")
    assert looks(tmp_path) == 2
    assert [open_test(tmp_path, holdout, call)[1] for call in ("a", "before/a")] == [3, 3]
