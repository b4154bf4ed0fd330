"""How the tests of this folder open files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.rows.tables.opened import Row, SourceTable
from p2m_agent.rows.tables.opening import open_table
from p2m_agent.types.task import ReadOptions

Bring = Callable[..., tuple[list[Row], SourceTable]]


@pytest.fixture
def bring(tmp_path: Path) -> Bring:
    """Write bytes or text under a name, open it and read its `train` split to the end."""

    def opened(name: str, content: bytes | str, **options: Any) -> tuple[list[Row], SourceTable]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        table = open_table(path, ReadOptions(**options))
        return list(table.splits["train"]), table

    return opened
