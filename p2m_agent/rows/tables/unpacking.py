"""Bytes out of archives and compressed files into a temporary folder, bounded and never outside of it."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from dataclasses import replace
from pathlib import Path
from typing import IO

from p2m_agent.errors import UsageError
from p2m_agent.rows.tables.opened import SourceTable
from p2m_agent.types.task import ReadOptions

MOST_BYTES = 50 << 30
RATIO = 2_000
"""Text packs 3 to 100 times; beyond this it is a bomb, unless it is small."""
SMALL = 1 << 28


class Unpacked:
    """A temporary folder that lives as long as this object."""

    def __init__(self, source: Path) -> None:
        """Take what is unpacked, for messages and for the bound on sizes."""
        self.source = source
        self.path = Path(tempfile.mkdtemp(prefix="p2m-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
        self._left = min(MOST_BYTES, max(SMALL, RATIO * source.stat().st_size), shutil.disk_usage(self.path).free // 2)

    def put(self, name: str, file: IO[bytes]) -> Path:
        """Write one file.

        Raises:
            UsageError: it unpacks to more than is sane.
        """
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as out:
            while block := file.read(1 << 20):
                self._left -= len(block)
                if self._left < 0:
                    raise UsageError(
                        f"{self.source} unpacks to far more than its size suggests.",
                        "Unpack it yourself if you trust it.",
                    )
                out.write(block)
        return target

    def opened(self, path: Path, options: ReadOptions, how: str) -> SourceTable:
        """What was unpacked, opened, as a table of the packed file; the folder stays as long as its rows."""
        from p2m_agent.rows.tables.opening import open_table

        table = open_table(path, options)
        splits = {name: replace(rows, held=(self, rows.held)) for name, rows in table.splits.items()}
        return replace(table, format=f"{table.format}, {how}", path=self.source, splits=splits)


def safe_name(name: str) -> str:
    """A member's path inside the folder; empty where it is none of a person's files or leads out of the folder."""
    parts = name.replace("\\", "/").split("/")
    if name.endswith("/") or any(
        part in ("", "..") or part.startswith((".", "__MACOSX")) or ":" in part for part in parts
    ):
        return ""
    return "/".join(parts)
