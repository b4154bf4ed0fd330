"""Answers on disk before they are used: a killed run finds every answer it has paid for."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

_TABLES = """
CREATE TABLE IF NOT EXISTS answers (
    sha TEXT PRIMARY KEY, model TEXT NOT NULL, response TEXT NOT NULL,
    usd REAL, at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS losses (usd REAL NOT NULL, at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE IF NOT EXISTS pledge (one INTEGER PRIMARY KEY CHECK (one = 1), usd REAL NOT NULL);
CREATE TABLE IF NOT EXISTS inherited (sha TEXT PRIMARY KEY, response TEXT NOT NULL);
"""
_FIND = "SELECT response FROM answers WHERE sha = ?1 UNION ALL SELECT response FROM inherited WHERE sha = ?1"
_HAND_OVER = """
INSERT OR REPLACE INTO inherited SELECT sha, response FROM answers;
DELETE FROM answers;
DELETE FROM losses;
DELETE FROM pledge;
"""
_ANSWER = "INSERT OR REPLACE INTO answers (sha, model, response, usd) VALUES (?, ?, ?, ?)"
_LOSS = "INSERT INTO losses (usd) VALUES (?)"
_BOUND = "INSERT OR REPLACE INTO pledge (one, usd) VALUES (1, ?)"
_CUT_OFF = """
INSERT INTO losses (usd) SELECT usd FROM pledge WHERE usd > 0;
DELETE FROM pledge;
"""

_Write = list[tuple[str, tuple[object, ...]]]
"""Statements of one commit, with their values."""
_NOTHING_USD = 1e-9
"""What is left of a sum after all its parts were taken away, as floats go."""


class Answers:
    """A store of whole responses by request hash, and of what was learnt about models. Safe from any thread.

    One process at a time: what one that was killed may have had on its way is counted as spent when it is opened again.
    """

    def __init__(self, path: Path | None) -> None:
        """Open or make the SQLite file; None keeps everything in memory."""
        self._lock = threading.Lock()
        self._db = _connect(path)
        self._db.executescript(_TABLES)
        self._db.executescript(f"BEGIN IMMEDIATE; {_CUT_OFF} COMMIT;")
        # Reading beside the writer: with one connection every look-up would wait for the disk.
        self._read_lock = threading.Lock() if path else self._lock
        self._reader = _connect(path) if path else self._db
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="p2m-answers")
        self._queue_lock = threading.Lock()
        self._queue: list[tuple[_Write, asyncio.Future[None]]] = []
        self._bound = _UpperBound(self._together)
        self._writing = False
        self._spent_when_closed: tuple[float, int] | None = None

    def find(self, sha: str) -> dict[str, object] | None:
        """The response to a request that was made before."""
        row = self._row(_FIND, sha)
        return json.loads(row) if row is not None else None

    def keep(self, sha: str, model: str, response: dict[str, object], usd: float | None) -> None:
        """Write a response; it is on disk when this returns."""
        self._commit([_kept(sha, model, response, usd)])

    async def keep_together(self, sha: str, model: str, response: dict[str, object], usd: float | None) -> None:
        """Write a response; it is on disk when this returns. Those that come while the disk is busy share a commit."""
        await self._together([_kept(sha, model, response, usd)])

    @asynccontextmanager
    async def at_most(self, usd: float) -> AsyncIterator[None]:
        """Around a request: should the process be killed inside, what it may cost counts as spent."""
        try:
            await self._bound.add(usd)
            yield
        finally:
            await self._bound.take(usd)

    def lose(self, usd: float) -> None:
        """Note what requests may have cost whose answer never came."""
        self._commit([(_LOSS, (usd,))])

    def known(self, fact: str) -> bool | None:
        """What was learnt before, or None."""
        row = self._row("SELECT value FROM facts WHERE name = ?", fact)
        return bool(json.loads(row)) if row is not None else None

    def learn(self, fact: str, value: bool) -> None:
        """Remember something about an endpoint."""
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (fact, json.dumps(value)))

    def spent(self) -> tuple[float, int]:
        """Dollars and tokens of all answers kept, with what lost ones may have cost: whatever became of the run."""
        if self._spent_when_closed is not None:
            return self._spent_when_closed
        tokens_of = "json_extract(response, '$.usage.total_tokens')"
        total = f"SELECT COALESCE(SUM(usd), 0), COALESCE(SUM({tokens_of}), 0) FROM answers"  # noqa: S608 (no input in it)
        lost = "SELECT COALESCE(SUM(usd), 0) FROM losses"
        with self._lock, closing(self._db.execute(total)) as cursor, closing(self._db.execute(lost)) as losses:
            usd, tokens = cursor.fetchone()
            return float(usd) + float(losses.fetchone()[0]), int(tokens)

    def close(self) -> None:
        """Let go of the file, which is whole by itself then; what was spent can still be asked. Safe to call twice."""
        if self._spent_when_closed is not None:
            return
        self._writer.shutdown()
        self._spent_when_closed = self.spent()
        for lock, connection in ((self._read_lock, self._reader), (self._lock, self._db)):
            with lock:
                connection.close()

    def _row(self, query: str, key: str) -> str | None:
        with self._read_lock, closing(self._reader.execute(query, (key,))) as cursor:
            row = cursor.fetchone()
        return str(row[0]) if row else None

    async def _together(self, write: _Write) -> None:
        """Group commit (DeWitt et al., "Implementation techniques for main memory database systems", 1984).

        The disk's pace bounds how long a write waits, not how many there can be.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        with self._queue_lock:
            self._queue.append((write, done))
            idle, self._writing = not self._writing, True
        if idle:
            self._writer.submit(self._drain, loop)
        await done

    def _drain(self, loop: asyncio.AbstractEventLoop) -> None:
        """Commit until nothing is left; each round takes all that has come during the one before."""
        while True:
            with self._queue_lock:
                batch, self._queue = self._queue, []
                if not batch:
                    self._writing = False
                    return
            fault: sqlite3.Error | None = None
            try:
                self._commit([statement for write, _ in batch for statement in write])
            except sqlite3.Error as error:
                fault = error
            if not loop.is_closed():
                loop.call_soon_threadsafe(_tell, [done for _, done in batch], fault)

    def _commit(self, write: _Write) -> None:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                for statement, values in write:
                    self._db.execute(statement, values)
                self._db.execute("COMMIT")
            except sqlite3.Error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise


def inherit_answers(source: Path, target: Path) -> None:
    """Begin a store with another run's answers and what it learnt about models. They count as nothing spent here."""
    for file in source.parent.glob(f"{source.name}*"):
        if not file.name.endswith("-shm"):  # a log beside the store holds its last answers; it comes along
            shutil.copy2(file, target.with_name(target.name + file.name.removeprefix(source.name)))
    if target.exists():
        with closing(_connect(target)) as db:
            db.executescript(f"{_TABLES} BEGIN IMMEDIATE; {_HAND_OVER} COMMIT;")


class _UpperBound:
    """An upper bound, on disk, of what the requests on their way may cost.

    It is raised to twice what is needed and goes back once nothing is on its way, so that hardly any request waits for
    the disk, and a kill counts at most twice what was on its way. Of one event loop.
    """

    def __init__(self, write: Callable[[_Write], Awaitable[None]]) -> None:
        self._write = write
        self._flying = self._on_disk = 0.0
        self._raising: asyncio.Task[None] | None = None

    async def add(self, usd: float) -> None:
        """Returns when the bound on disk covers this too. Whatever it ends with, `take` has to follow."""
        self._flying += usd
        while self._flying > self._on_disk:
            self._raising = self._raising or asyncio.create_task(self._raise(2 * self._flying))
            await asyncio.shield(self._raising)

    async def take(self, usd: float) -> None:
        """A request has ended, and what it cost is on disk; or nobody wants it any more."""
        self._flying -= usd
        while self._flying < _NOTHING_USD and self._raising:  # or it would be on disk after all
            with suppress(sqlite3.Error):
                await asyncio.shield(self._raising)
        if self._flying < _NOTHING_USD and self._on_disk:
            self._flying = self._on_disk = 0.0
            await asyncio.shield(self._write([(_BOUND, (0.0,))]))

    async def _raise(self, usd: float) -> None:
        try:
            await self._write([(_BOUND, (usd,))])
            self._on_disk = usd
        finally:
            self._raising = None


def _kept(sha: str, model: str, response: dict[str, object], usd: float | None) -> tuple[str, tuple[object, ...]]:
    return _ANSWER, (sha, model, json.dumps(response, ensure_ascii=False), usd)


def _connect(path: Path | None) -> sqlite3.Connection:
    connection = sqlite3.connect(path or ":memory:", check_same_thread=False, timeout=30, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    # FULL: an answer may have cost money, and a commit takes far less time than asking again.
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def _tell(waiting: Sequence[asyncio.Future[None]], fault: sqlite3.Error | None) -> None:
    for done in waiting:
        if done.done():
            continue
        if fault is None:
            done.set_result(None)
        else:
            done.set_exception(fault)
