"""A run's folder: its record, its lock, and the calls that have finished."""

from __future__ import annotations

import fcntl
import os
import platform
import re
import shutil
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TextIO

from p2m_agent.errors import P2MError, UsageError
from p2m_agent.run.state import Parent
from p2m_agent.run.tooling import Outcome
from p2m_agent.types.task import Task
from p2m_agent.types.value import Value

VERSION = 3
KEPT_ACROSS_TRIES = "checkpoint"
"""Folder in a call's folder that a killed call leaves for its next try."""
LONGEST_STEM = 24
"""Of a run's name, taken from the first words of the request."""
RECORDED_PACKAGES = ("torch", "transformers", "scikit-learn", "langgraph", "openai", "numpy")


class RunRecord(Value):
    """`run.json`: what a run was started with, enough to make it again."""

    version: int = VERSION
    run: str
    created: datetime
    task: Task
    settings: dict[str, object]
    """Without keys and tokens."""
    attended: bool
    packages: dict[str, str]
    python: str
    parent: Parent | None = None
    """The run that it was started from."""
    commit: str | None
    """Git commit of this program, with `+` behind it where files were changed; None outside a checkout."""


class RunFolder:
    """One run on disk; holding it means holding its lock."""

    def __init__(self, root: Path) -> None:
        """Refer to a run's folder; nothing is touched yet."""
        self.root = root
        self._lock: TextIO | None = None

    @property
    def name(self) -> str:
        """The run's id."""
        return self.root.name

    def lock(self) -> None:
        """Take the run for this process.

        Raises:
            P2MError: another process works on it.
        """
        lock = (self.root / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            with lock:
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
            raise P2MError(
                f"The run {self.name} is being worked on by process {holder}.", "Wait for it, or stop it first."
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def busy(self) -> bool:
        """Whether another process works on it; nothing is written to find out."""
        path = self.root / "lock"
        if not path.exists():
            return False
        with path.open("r") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def unlock(self) -> None:
        """Let other processes have the run."""
        if self._lock:
            self._lock.close()
            self._lock = None

    def write_record(self, record: RunRecord) -> None:
        """Write `run.json`."""
        write_whole(self.root / "run.json", record.model_dump_json(indent=2))

    def read_record(self) -> RunRecord:
        """Read `run.json`.

        Raises:
            P2MError: it is damaged, or of another version.
        """
        try:
            return RunRecord.model_validate_json((self.root / "run.json").read_text())
        except ValueError as error:
            raise P2MError(f"{self.root / 'run.json'} cannot be read: {error}") from error

    def call_folder(self, call_id: str) -> Path:
        """Where a call keeps its files."""
        return self.root / "calls" / call_id

    def finished(self, call_id: str) -> Outcome | None:
        """The outcome of a call that ran to its end, however long ago."""
        manifest = self.call_folder(call_id) / "manifest.json"
        return Outcome.model_validate_json(manifest.read_text()) if manifest.exists() else None

    def prepare(self, call_id: str) -> Path:
        """A folder for a call to work in, free of what an interrupted try left, its checkpoints apart."""
        folder = self.call_folder(call_id)
        folder.mkdir(parents=True, exist_ok=True)
        for entry in folder.iterdir():
            if entry.name == KEPT_ACROSS_TRIES:
                continue
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        return folder

    def finish(self, call_id: str, outcome: Outcome) -> None:
        """Record a call as finished; its manifest is the last thing written."""
        write_whole(self.call_folder(call_id) / "manifest.json", outcome.model_dump_json(indent=1))

    def set_aside(self, call_id: str) -> None:
        """Move an undone call out of the way, so that its id can be used again. Nothing is deleted."""
        folder = self.call_folder(call_id)
        if folder.exists():
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
            folder.rename(folder.with_name(f"undone-{stamp}-{call_id}"))


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is either there whole or not there: temporary name, fsync, rename."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def create_run(runs_dir: Path, request: str, run_id: str | None) -> RunFolder:
    """Make the folder of a new run.

    Raises:
        UsageError: the id is taken or is no plain name, or the folder cannot be written.
    """
    if run_id is not None and not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,99}", run_id):
        raise UsageError(f"{run_id!r} cannot be a run id.", "Use letters, digits, dots, dashes and underscores.")
    root = runs_dir / (run_id or _fresh_name(runs_dir, request))
    try:
        (root / "calls").mkdir(parents=True)
    except FileExistsError as error:
        hint = f"Go on with it: p2m resume {root.name}. Or take another --run-id."
        raise UsageError(f"There is a run {root.name} already.", hint) from error
    except OSError as error:
        raise UsageError(f"{runs_dir} cannot be written: {error.strerror}.", "Name another with --runs-dir.") from error
    return RunFolder(root.resolve())


def open_run(runs_dir: Path, run: str) -> RunFolder:
    """Find a run by its id or by its path.

    Raises:
        UsageError: there is none; the message names the nearest.
    """
    for root in (runs_dir / run, Path(run)):
        if (root / "run.json").is_file():
            return RunFolder(root.resolve())
    import difflib

    near = difflib.get_close_matches(run, list_runs(runs_dir), 1)
    hint = f"Did you mean {near[0]}?" if near else "`p2m runs` lists them; --runs-dir says where they are."
    raise UsageError(f"There is no run {run} in {runs_dir}.", hint)


def list_runs(runs_dir: Path) -> list[str]:
    """Ids of the runs in a folder, newest last."""
    records = sorted(runs_dir.glob("*/run.json"), key=lambda path: path.stat().st_mtime)
    return [record.parent.name for record in records]


def new_record(folder: RunFolder, task: Task, settings: dict[str, object]) -> RunRecord:
    """What is worth knowing about this run and this program, now."""
    return RunRecord(
        run=folder.name,
        created=datetime.now(UTC),
        task=task,
        settings=settings,
        attended=False,
        packages={name: _version(name) for name in ("p2m_agent", *RECORDED_PACKAGES)},
        python=platform.python_version(),
        commit=_commit(),
    )


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "absent"


def _commit() -> str | None:
    here = Path(__file__).parent
    git = shutil.which("git")
    if not git or not (here.parent / ".git").exists():
        return None

    def ask(*args: str) -> str | None:
        done = subprocess.run([git, "-C", str(here), *args], capture_output=True, text=True, check=False)  # noqa: S603
        return done.stdout.strip() if done.returncode == 0 else None

    head = ask("rev-parse", "--short=12", "HEAD")
    return head and head + ("+" if ask("status", "--porcelain") else "")


def _fresh_name(runs_dir: Path, request: str) -> str:
    stem = ""
    for word in re.findall(r"[a-z0-9]{3,20}", request.lower()):
        if len(stem) + len(word) > LONGEST_STEM:
            break
        stem = f"{stem}-{word}" if stem else word
    stem = stem or "run"
    number = 1
    while (runs_dir / f"{stem}-{number}").exists():
        number += 1
    return f"{stem}-{number}"
