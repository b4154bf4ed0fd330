"""Answers on disk before they are used: a killed run finds every answer it has paid for."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

_TABLES = """
CREATE TABLE IF NOT EXISTS answers (
    sha TEXT PRIMARY KEY, model TEXT NOT NULL, response TEXT NOT NULL,
    usd REAL, at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class Answers:
    """A store of whole responses by request hash, and of what was learnt about models. Safe from any thread."""

    def __init__(self, path: Path | None) -> None:
        """Open or make the SQLite file; None keeps everything in memory."""
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, timeout=30, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        # FULL: an answer may have cost money, and a commit takes far less time than asking again.
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_TABLES)

    def find(self, sha: str) -> dict[str, object] | None:
        """The response to a request that was made before."""
        row = self._row("SELECT response FROM answers WHERE sha = ?", sha)
        return json.loads(row) if row is not None else None

    def keep(self, sha: str, model: str, response: dict[str, object], usd: float | None) -> None:
        """Write a response; it is on disk when this returns."""
        content = json.dumps(response, ensure_ascii=False)
        with self._lock:
            self._db.execute(
                "INSERT OR REPLACE INTO answers (sha, model, response, usd) VALUES (?, ?, ?, ?)",
                (sha, model, content, usd),
            )

    def known(self, fact: str) -> bool | None:
        """What was learnt before, or None."""
        row = self._row("SELECT value FROM facts WHERE name = ?", fact)
        return bool(json.loads(row)) if row is not None else None

    def learn(self, fact: str, value: bool) -> None:
        """Remember something about an endpoint."""
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (fact, json.dumps(value)))

    def spent(self) -> tuple[float, int]:
        """Dollars and tokens of all answers kept: what this store has cost, whatever became of the run."""
        tokens_of = "json_extract(response, '$.usage.total_tokens')"
        total = f"SELECT COALESCE(SUM(usd), 0), COALESCE(SUM({tokens_of}), 0) FROM answers"  # noqa: S608 (no input in it)
        with self._lock, closing(self._db.execute(total)) as cursor:
            usd, tokens = cursor.fetchone()
        return float(usd), int(tokens)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def _row(self, query: str, key: str) -> str | None:
        with self._lock, closing(self._db.execute(query, (key,))) as cursor:
            row = cursor.fetchone()
        return str(row[0]) if row else None
