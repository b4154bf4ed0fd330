"""One compressed file: .gz, .bz2, .xz and .zst, unpacked and read as what is in it.

zstandard comes with pyarrow, the others with Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from p2m_agent.errors import UsageError
from p2m_agent.rows.tables.opened import Reader, SourceTable
from p2m_agent.rows.tables.unpacking import Unpacked
from p2m_agent.types.task import ReadOptions

MARKS = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


def sniff(path: Path, head: bytes) -> int:
    """Certain by the first bytes; of a packed archive, that reader is."""
    return 3 if _method(head) and not path.name.lower().endswith(ARCHIVES) else 0


ARCHIVES = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")


def read(path: Path, options: ReadOptions) -> SourceTable:
    """Open what the file holds.

    Raises:
        UsageError: it is damaged, or of no known format inside.
    """
    with path.open("rb") as file:
        method = _method(file.read(8))
    unpacked = Unpacked(path)
    inner = path.stem if path.name.lower().endswith(READER.endings) else path.name
    with _faults(path), _opened(path, method) as stream:
        target = unpacked.put(inner, stream)
    return unpacked.opened(target, options, method)


def _method(head: bytes) -> str:
    return next((method for mark, method in MARKS.items() if head.startswith(mark)), "")


def _opened(path: Path, method: str) -> Any:
    import bz2
    import gzip
    import lzma

    if method == "zstd":
        import pyarrow

        return pyarrow.input_stream(str(path), compression="zstd")
    opener: Any = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}[method]
    return opener(path, "rb")


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    import lzma
    import zlib

    try:
        yield
    except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise UsageError(f"{path} cannot be unpacked: {error}.", "Was it downloaded completely?") from error


READER = Reader("compressed", (".gz", ".bz2", ".xz", ".zst"), sniff, read)
