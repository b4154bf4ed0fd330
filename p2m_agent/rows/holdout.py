"""The two held-out splits of a run: dev, which the loop tunes on, and the locked test."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from p2m_agent.errors import ToolError
from p2m_agent.rows.reading import read_examples, write_examples
from p2m_agent.types.rows import Example, Holdout

SEALED = "sealed"
"""Folder of the locked test, below the run's folder."""


def seal(  # noqa: PLR0913 (where, what, and from where: each said by name)
    root: Path,
    folder: Path,
    dev: Sequence[Example],
    test: Sequence[Example],
    *,
    origin: Literal["user", "hub", "synthetic"],
    ref: str,
    made_by: str,
) -> Holdout:
    """Write dev into the call's folder and lock the test rows away, read-only, with their hash.

    Repeating a killed call writes the same files again; looks that were counted stay counted.
    """
    sealed = root / SEALED
    sealed.mkdir(exist_ok=True)
    dev_path, test_path = folder / "dev.jsonl", sealed / "test.jsonl"
    write_examples(dev_path, dev)
    fresh = sealed / "test.jsonl.new"
    fresh.unlink(missing_ok=True)
    write_examples(fresh, test)
    fresh.chmod(0o400)
    fresh.replace(test_path)
    return Holdout(
        id=f"holdout-{made_by}",
        dev_path=dev_path.relative_to(root).as_posix(),
        dev_rows=len(dev),
        dev_sha256=file_sha256(dev_path),
        test_path=test_path.relative_to(root).as_posix(),
        test_rows=len(test),
        test_sha256=file_sha256(test_path),
        origin=origin,
        ref=ref,
        made_by=made_by,
    )


def reseal(
    root: Path,
    folder: Path,
    old: Holdout,
    dev: Sequence[Example],
    change: Callable[[Example], Example | None],
    made_by: str,
) -> Holdout:
    """Held-out rows after a change that holds for all rows alike, such as merged labels, beside the old ones.

    It is decided without looking at a row and answers nothing, so it counts no look.
    """
    test = [new for row in _checked(root / old.test_path, old.test_sha256, "locked test") if (new := change(row))]
    dev_path, test_path = folder / "dev.jsonl", root / SEALED / f"test-{made_by}.jsonl"
    write_examples(dev_path, dev)
    test_path.unlink(missing_ok=True)
    write_examples(test_path, test)
    test_path.chmod(0o400)
    update = {
        "id": f"holdout-{made_by}",
        "dev_path": dev_path.relative_to(root).as_posix(),
        "dev_rows": len(dev),
        "dev_sha256": file_sha256(dev_path),
        "test_path": test_path.relative_to(root).as_posix(),
        "test_rows": len(test),
        "test_sha256": file_sha256(test_path),
        "made_by": made_by,
    }
    return old.model_copy(update=update)


def read_dev(root: Path, holdout: Holdout) -> list[Example]:
    """The rows that the loop tunes on.

    Raises:
        ToolError: the file is gone, or is not the one that was fixed.
    """
    return _checked(root / holdout.dev_path, holdout.dev_sha256, "dev split")


def open_test(root: Path, holdout: Holdout, call_id: str) -> tuple[list[Example], int]:
    """The locked test, and how often it has been opened, this time included.

    A call that is repeated after a kill counts once. The look is on disk before a row is read.

    Raises:
        ToolError: the file is gone, or is not the one that was fixed.
    """
    examples = _checked(root / holdout.test_path, holdout.test_sha256, "locked test")
    calls = _looks(root)
    if call_id not in calls:
        with (root / SEALED / "looks.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"call": call_id, "at": datetime.now(UTC).isoformat()}) + "\n")
            file.flush()
            os.fsync(file.fileno())
        calls.append(call_id)
    return examples, len(calls)


def held_out_rows(root: Path, holdout: Holdout) -> list[Example]:
    """Dev and test rows together, to keep them out of training data.

    For leak checks alone, which is why it counts no look: nothing derived from a test row may
    reach a prompt, a score or a person through this function.
    """
    return read_dev(root, holdout) + _checked(root / holdout.test_path, holdout.test_sha256, "locked test")


def looks(root: Path) -> int:
    """How often the locked test has been opened."""
    return len(_looks(root))


def inherit_looks(root: Path, parent: str) -> None:
    """Count the looks of the run whose locked test was taken over: they were looks at the same rows."""
    calls = _looks(root)
    if calls:
        lines = (json.dumps({"call": f"{parent}/{call}"}) for call in calls)
        (root / SEALED / "looks.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _looks(root: Path) -> list[str]:
    path = root / SEALED / "looks.jsonl"
    if not path.exists():
        return []
    calls = [json.loads(line)["call"] for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return list(dict.fromkeys(calls))


def _checked(path: Path, sha256: str, name: str) -> list[Example]:
    if not path.exists():
        raise ToolError(f"The {name} {path} is gone.", "Restore the run's folder from a copy, or start a new run.")
    if file_sha256(path) != sha256:
        raise ToolError(
            f"The {name} {path} was changed after it had been fixed, so no score on it would be honest.",
            "Restore the file from a copy, or start a new run.",
        )
    return read_examples(path)
