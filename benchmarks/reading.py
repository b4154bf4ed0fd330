"""How fast a large CSV is streamed, beside pyarrow.csv in the same run, and with how much memory.

    python benchmarks/reading.py [--rows 1000000] [--rounds 3]

A CSV of three columns (a number, a message of about 150 characters, a label; a third of the messages with commas, so
in quotes, some with line breaks) is written to a temporary folder. Each reader runs in a process of its own:
`pyarrow.csv` as Arrow batches (no Python values at all) and as rows (its batches made dictionaries), the standard
library's `csv.DictReader`, and this project's `open_table`, from opening the file (encoding, dialect and
header found out) to the last row. Best of the rounds; on a busy machine the seconds of CPU tell more. The last line is
JSON.
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import random
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

TEXT = """
the bins at our street were not emptied since monday please look into it a pothole near number twelve is deep
my permit has not come and the tax bill is wrong again can somebody call me back the lamp is out
"""
WORDS = TEXT.split()


def write(path: Path, rows: int) -> None:
    chooser = random.Random(0)
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["id", "text", "label"])
        for number in range(rows):
            text = " ".join(chooser.choices(WORDS, k=chooser.randrange(15, 50)))
            if chooser.random() < 0.33:
                text = text.replace(" ", ", ", 2)
            if chooser.random() < 0.02:
                text += '\n"as said" before'
            out.writerow([number, text, chooser.choice(("waste", "roads", "permits", "taxes"))])


def arrow_batches(path: Path) -> int:
    return sum(batch.num_rows for batch in _arrow(path))


def arrow_rows(path: Path) -> int:
    return sum(1 for batch in _arrow(path) for _ in batch.to_pylist())


def _arrow(path: Path):  # type: ignore[no-untyped-def]
    from pyarrow import csv as arrow_csv

    return arrow_csv.open_csv(path, parse_options=arrow_csv.ParseOptions(newlines_in_values=True))


def standard_library(path: Path) -> int:
    with path.open(newline="", encoding="utf-8") as file:
        return sum(1 for _ in csv.DictReader(file))


def ours(path: Path) -> int:
    from p2m_agent.rows.tables.opening import open_table

    return sum(1 for _ in open_table(path).splits["train"])


def ours_careful(path: Path) -> int:
    """The same with the first row ragged, so that the careful reader has to do it all."""
    from p2m_agent.rows.tables.opening import open_table

    ragged = path.with_name("ragged.csv")
    with path.open("rb") as whole, ragged.open("wb") as out:
        out.write(whole.readline() + b"1,2,3,4,5\n")
        while block := whole.read(1 << 20):
            out.write(block)
    started = time.perf_counter()
    rows = sum(1 for _ in open_table(ragged).splits["train"])
    return -round(rows / (time.perf_counter() - started))


def measure(reader: Callable[[Path], int], path: Path) -> dict[str, float]:
    import pyarrow.csv  # noqa: F401  (what is loaded is not timed)

    import p2m_agent.rows.tables.opening

    p2m_agent.rows.tables.opening.load_readers()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started, busy = time.perf_counter(), time.process_time()
    rows = reader(path)
    seconds, cpu = time.perf_counter() - started, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    speed = -rows if rows < 0 else round(rows / seconds)
    return {
        "rows_per_s": speed,
        "cpu_s": round(cpu, 2),
        "peak_mb": round(peak),
        "peak_over_start_mb": round(peak - before),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    readers = (arrow_batches, arrow_rows, standard_library, ours, ours_careful)
    best: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        write(path, args.rows)
        size = path.stat().st_size
        for _ in range(args.rounds):
            for reader in readers:
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    found = pool.apply(measure, (reader, path))
                print(reader.__name__, found, flush=True)
                if found["rows_per_s"] > best.get(reader.__name__, found)["rows_per_s"] or reader.__name__ not in best:
                    best[reader.__name__] = found
    of_batches = best["ours"]["rows_per_s"] / best["arrow_batches"]["rows_per_s"]
    of_rows = best["ours"]["rows_per_s"] / best["arrow_rows"]["rows_per_s"]
    summary = {"rows": args.rows, "mb": round(size / 1e6), "of_pyarrow_batches": round(of_batches, 3)}
    print(json.dumps({**summary, "of_pyarrow_rows": round(of_rows, 3), "peak_mb": best["ours"]["peak_mb"], **best}))


if __name__ == "__main__":
    main()
