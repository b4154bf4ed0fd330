"""Pages that are drawn from the code are up to date, and what they link to is there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_the_pictures_are_those_of_the_code() -> None:
    done = subprocess.run([sys.executable, "docs/draw.py", "--check"], cwd=ROOT, check=False)
    assert done.returncode == 0, "docs/architecture.md is stale: make docs"


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_files_that_a_page_names_are_there(page: str) -> None:
    named = re.findall(
        r"`((?:p2m_agent|tools|tests|docs|benchmarks|examples|prompts)/[\w/.]+)`", (ROOT / page).read_text("utf-8")
    )
    assert [name for name in named if not (ROOT / name).exists()] == []
