from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent.scanning import members


def test_a_file_that_holds_another_kind_of_thing_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "scanned_things"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "_private.py").write_text("raise RuntimeError('never imported')\n")
    (folder / "first.py").write_text("THING = 'first'\n")
    (folder / "second.py").write_text("THING = 2\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = members("scanned_things", "THING", str)
    assert next(found) == "first"
    with pytest.raises(RuntimeError, match=r"second\.py in scanned_things has to hold THING = str\(…\)$"):
        next(found)
    with pytest.raises(RuntimeError, match="of the name 'first'"):
        list(members("scanned_things", "THING", str, lambda _thing: "third"))
