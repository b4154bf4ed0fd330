"""Pages that are drawn from the code are up to date, and what they link to is there."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_the_pictures_are_those_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["docs/draw.py", "--check"])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(ROOT / "docs" / "draw.py"), run_name="__main__")
    assert stopped.value.code == 0, "a page of docs/ is stale: make docs"


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_files_that_a_page_names_are_there(page: str) -> None:
    named = re.findall(
        r"`((?:p2m_agent|tools|tests|docs|benchmarks|examples|prompts)/[\w/.]+)`", (ROOT / page).read_text("utf-8")
    )
    assert [name for name in named if not (ROOT / name).exists()] == []
