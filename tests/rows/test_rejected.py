"""Rejected rows: one record, one file, one writer."""

from __future__ import annotations

import json
from pathlib import Path

from p2m_agent.rows.rejected import REJECTED, Rejected, write_rejected
from tests.fakes.student import example

ROOT = Path(__file__).parents[2]


def test_every_record_has_the_same_keys_and_nothing_is_lost(tmp_path: Path) -> None:
    made = example("a text", "a")
    write_rejected(tmp_path, [Rejected({"stars": 1}, "empty", "stars")])
    write_rejected(tmp_path, [Rejected.example(made, "leak_near", held_out=True)], more=True)
    first, second = (json.loads(line) for line in (tmp_path / REJECTED).read_text().splitlines())
    assert first == {"reason": "empty", "detail": "stars", "held_out": False, "row": {"stars": 1}}
    assert list(second) == list(first)
    assert (second["held_out"], second["row"]) == (True, made.model_dump(mode="json"))
    write_rejected(tmp_path, ())
    assert (tmp_path / REJECTED).read_text() == ""


def test_one_module_knows_the_name_of_the_file() -> None:
    sources = [*(ROOT / "p2m_agent").rglob("*.py"), *(ROOT / "tools").glob("*.py")]
    assert [path.name for path in sources if f'"{REJECTED}"' in path.read_text()] == ["rejected.py"]
