"""The commands of the README, and a copy of the checkout where they are run as one types them.

Only what would make it slow is added to a command (`EXTRA`).
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

SHORT = "--max-rounds 1 --controller rules"
EXTRA = {"auto": SHORT.split()}
OWN_RUNS = ("p2m auto", "p2m resume", "p2m chat", "p2m review", "export ", "p2m doctor")
"""`test_readme_runs.py` runs the commands that begin so, `test_readme.py` all others: minutes each, side by side."""


def commands() -> list[str]:
    """All lines of the bash blocks."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```bash\n(.*?)```", text, flags=re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def clone(folder: Path) -> Path:
    """A copy of what a clone has, with this environment as its `.venv`."""
    folder.mkdir()
    for name in ("examples", "Makefile", "pyproject.toml", "constraints.txt", "README.md"):
        source = ROOT / name
        shutil.copytree(source, folder / name) if source.is_dir() else shutil.copy(source, folder)
    (folder / ".venv" / "bin").mkdir(parents=True)
    for name, program in (("p2m", [sys.executable, "-m", "p2m_agent.cli"]), ("python", [sys.executable])):
        script = folder / ".venv" / "bin" / name
        script.write_text(f'#!/bin/sh\nexec {shlex.join(program)} "$@"\n')
        script.chmod(0o755)
    for stamp in (".demo", ".dev"):
        (folder / ".venv" / stamp).touch()
    return folder


class Shell:
    """Runs README commands with what they exported before."""

    def __init__(self, checkout: Path) -> None:
        self.checkout = checkout
        path = f"{checkout / '.venv/bin'}:{os.environ['PATH']}"
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("P2M_", "OPENAI_"))}
        self.environment = {**kept, "PATH": path, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
        self.environment["P2M_CACHE_DIR"] = str(checkout.parent / "cache")
        self.done: list[str] = []

    def run(self, *args: str, ok: tuple[int, ...] = (0,)) -> str:
        done = subprocess.run(
            args, cwd=self.checkout, env=self.environment, capture_output=True, text=True, check=False, timeout=600
        )
        assert done.returncode in ok, f"{shlex.join(args)}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def readme(self, line: str, **environment: str) -> str:
        """Run one line of the README; it is checked off."""
        assert line in commands(), line
        self.done.append(line)
        self.environment.update(environment)
        args = shlex.split(line)
        if args[0] == "make":
            flags = f"DEMO_FLAGS={SHORT}"
            return self.run("make", flags, *args[1:])
        extra = EXTRA.get(args[1], [])
        # a target that is missed is a result too
        return self.run(*args, *extra, ok=(0, 3))


def lines(*starts: str) -> list[str]:
    return [line for line in commands() if line.startswith(starts)]
