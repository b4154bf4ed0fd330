from __future__ import annotations

import json
from pathlib import Path

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.rows.holdout import held_out_rows, looks, open_test, read_dev, seal
from p2m_agent.types.rows import Holdout
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


def test_each_call_that_opens_the_test_is_counted_once(tmp_path: Path, holdout: Holdout) -> None:
    assert looks(tmp_path) == 0
    assert [open_test(tmp_path, holdout, call)[1] for call in ("a", "a", "b", "a")] == [1, 1, 2, 2]
    lines = (tmp_path / "sealed" / "looks.jsonl").read_text().splitlines()
    assert [json.loads(line)["call"] for line in lines] == ["a", "b"]


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
