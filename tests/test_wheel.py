"""The wheel holds what an installation needs, and starts without anything else."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

from tests.conftest import ROOT


def test_the_wheel_is_whole_and_shows_its_help(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}
    subprocess.run(build, check=True, capture_output=True, env=quiet)
    [wheel] = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    ours = {
        path.relative_to(ROOT).as_posix()
        for folder in ("p2m_agent", "tools", "prompts")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".md", ".jsonl", ".yaml"} and "__pycache__" not in path.parts
    }
    installed = {name if name.startswith("p2m_agent/") else f"p2m_agent/{name}" for name in ours}
    assert installed <= names
    assert not [name for name in names if name.startswith(("tests/", "examples/", "tools/", "prompts/"))]

    venv.create(tmp_path / "empty", with_pip=False)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "empty" / "site")
    python = tmp_path / "empty" / "bin" / "python"
    alone = {"PATH": "", "PYTHONPATH": str(tmp_path / "empty" / "site")}
    done = subprocess.run(
        [python, "-m", "p2m_agent.cli", "--help"], capture_output=True, text=True, env=alone, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "PROMPT" in done.stdout or "auto" in done.stdout
