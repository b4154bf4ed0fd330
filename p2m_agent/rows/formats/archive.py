"""Archives: .zip and .tar (packed or not); what is in them is read as a folder or, where it is one file, as that."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from p2m_agent.errors import UsageError
from p2m_agent.rows.formats.compressed import ARCHIVES
from p2m_agent.rows.tables.opened import Reader, SourceTable
from p2m_agent.rows.tables.unpacking import Unpacked, safe_name
from p2m_agent.types.task import ReadOptions


def sniff(path: Path, head: bytes) -> int:
    """Likely for a zip, which may be a workbook; certain for a tar by its mark or ending."""
    if head.startswith(b"PK\x03\x04"):
        return 2
    return 3 if head[257:262] == b"ustar" or path.name.lower().endswith(ARCHIVES) else 0


def read(path: Path, options: ReadOptions) -> SourceTable:
    """Open what the archive holds.

    Raises:
        UsageError: it is damaged, locked by a password, or holds nothing that can be read.
    """
    unpacked = Unpacked(path)
    try:
        files = [unpacked.put(name, file) for name, file in _members(path)]
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, RuntimeError, NotImplementedError) as error:
        raise UsageError(
            f"{path} cannot be unpacked: {error}.", "Unpack it yourself and give the file in it."
        ) from error
    if not files:
        raise UsageError(f"{path} holds no files.", "Was it downloaded completely?")
    return unpacked.opened(files[0] if len(files) == 1 else unpacked.path, options, "in an archive")


def _members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """The files inside, under names that stay inside."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if name := safe_name(info.filename):
                    with archive.open(info) as file:
                        yield name, file
        return
    with tarfile.open(path) as packed:
        for member in packed:
            name = safe_name(member.name.removeprefix("./"))
            inside = packed.extractfile(member) if name and member.isfile() else None
            if inside:
                yield name, inside


READER = Reader("archive", (".zip", ".tar", *ARCHIVES), sniff, read)
