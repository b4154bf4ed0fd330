"""Kill -9 at random moments: what is lost, and what is paid twice.

Three counts, each by the stand-in:

- `asked_again`: requests whose answer lay on disk at a kill and that arrived again afterwards. Must be 0.
- `billed_twice`: requests billed more than once by an endpoint that knows `Idempotency-Key`. Must be 0.
- `in_flight_repeated`: requests that arrived again because the kill came before their answer was on disk. An endpoint
  that ignores the key bills these twice; there are at most as many for each kill as requests were in flight.
"""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks._standin import Nature, Standin

ROOT = Path(__file__).resolve().parent.parent
CONCURRENCY = 16
_ROWS_A_KILL = 120
_LONGEST_S = 1.0
"""From the first new answer to the kill, at most."""


def measure(kills: int) -> dict[str, Any]:
    """Kill a stream of rows so often, then let it end."""
    rows, dice = kills * _ROWS_A_KILL, random.Random(4)
    nature = Nature(latency_s=0.1, jitter_s=0.05, tokens_per_s=800)
    done = 0
    with Standin(nature) as standin, tempfile.TemporaryDirectory() as folder:
        store, out = Path(folder) / "llm.sqlite", Path(folder) / "rows.jsonl"
        at_kill: dict[str, int] = {}
        while done < kills:
            if not _killed(_child(standin.url, store, rows, out), dice):
                break
            done += 1
            time.sleep(2 * nature.service_s())  # what was in flight has been counted
            arrivals = standin.arrivals()
            for sha in _kept(store):
                at_kill.setdefault(sha, arrivals[sha])
        last = _child(standin.url, store, rows, out)
        last.communicate(timeout=600)
        counters, arrivals = standin.counters(), standin.arrivals()
        lines = out.read_text("utf-8").splitlines()
        return {
            "kills": done,
            "rows": rows,
            "rows_lost": rows - len(set(lines)),
            "asked_again": sum(arrivals[sha] - count for sha, count in at_kill.items()),
            "billed_twice": counters["billed"] - len(set(_kept(store))),
            "in_flight_repeated": counters["repeats"],
        }


def _child(url: str, store: Path, rows: int, out: Path) -> subprocess.Popen[str]:
    given = [url, str(store), str(rows), str(out), str(CONCURRENCY)]
    command = [sys.executable, "-m", "benchmarks._rows", *given]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _killed(child: subprocess.Popen[str], dice: random.Random) -> bool:
    """Wait for a new answer, then a random time, then kill; False where it was done already."""
    assert child.stdout
    if child.stdout.readline().strip() != "working":
        return False
    time.sleep(dice.uniform(0, _LONGEST_S))
    child.kill()
    child.wait()
    return True


def _kept(store: Path) -> list[str]:
    with closing(sqlite3.connect(store)) as database:
        return [sha for (sha,) in database.execute("SELECT sha FROM answers")]
