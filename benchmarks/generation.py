"""The teacher client and the engine under load, faults, kills and budgets.

    python benchmarks/generation.py [--short] [--only 1 2 3 4 5 memory]

Proofs 1 to 4 and `memory` run against a stand-in of an OpenAI-compatible endpoint (`_standin.py`) in a process of its
own; proof 5 asks the packaged model. The last line is one JSON object; a figure that was not measured is null.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import _kills, _peers, _rows  # noqa: E402
from benchmarks._standin import Nature, Standin  # noqa: E402
from p2m_agent.errors import BudgetExceeded  # noqa: E402

ROUNDS = 40
"""Rows for each place in flight, where the share of the limit is measured."""
USD_PER_MILLION = 1000.0
FIGURES = ("share_of_limit", "vs_curator", "vs_distilabel", "rows_lost", "paid_twice", "over_budget", "unique_ratio")


def throughput(short: bool) -> dict[str, Any]:
    """Proof 1. The limit is concurrency / mean service time; the slow start, parsing and the disk are inside.

    One row is made before the clock starts: it opens the connection and finds out whether schemas are enforced.
    """
    shares = {}
    for concurrency in (8, 32, 128):
        with Standin(Nature()) as standin:
            rows = ROUNDS * concurrency
            rate = _our_rate(standin.url, rows, concurrency)
            limit = concurrency / standin.nature.service_s()
            shares[str(concurrency)] = round(rate / limit, 4)
            most = standin.counters()["most"]["flying"]
        print(
            f"1  concurrency {concurrency:>3}: {rate:6.1f} of {limit:6.1f} rows/s, {rate / limit:.1%}; at once {most}"
        )
    return {"share_of_limit": shares, **_beside_peers(2000, (32,) if short else (8, 32, 128))}


def _beside_peers(rows: int, concurrencies: tuple[int, ...]) -> dict[str, Any]:
    """The worst ratio over the concurrencies: ours is at least as fast as each where it is 1 or more."""
    ratios: dict[str, list[float]] = {peer: [] for peer in _peers.PACKAGES}
    failed = set()
    for concurrency in concurrencies:
        with Standin(Nature()) as standin:
            ours = _our_rate(standin.url, rows, concurrency)
        print(f"1  {rows} rows, concurrency {concurrency}: ours {ours:.1f} rows/s")
        for peer in _peers.PACKAGES:
            with Standin(Nature()) as standin:
                rate, note = (
                    (None, "failed before") if peer in failed else _peers.rate(peer, standin.url, rows, concurrency)
                )
                most = standin.counters()["most"]["flying"]
            print(f"1    {peer}: {'no figure' if rate is None else f'{rate:.1f} rows/s'} ({note}; at once {most})")
            if rate is None:
                failed.add(peer)
            else:
                ratios[peer].append(ours / rate)
    return {f"vs_{peer}": round(min(each), 2) if each and peer not in failed else None for peer, each in ratios.items()}


def _our_rate(url: str, rows: int, concurrency: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        # With a price, as an endpoint that costs nothing needs no note of what is sent.
        given = {"llm_concurrency": concurrency, "price": f"{USD_PER_MILLION}/{USD_PER_MILLION}"}
        with _rows.opened(url, Path(folder) / "llm.sqlite", **given) as llms:
            _rows.make(llms, 1, Path(folder) / "first.jsonl", "warm ")
            made, seconds = _rows.make(llms, rows, Path(folder) / "rows.jsonl")
        if made != rows:
            raise SystemExit(f"{made} of {rows} rows were made")
        return rows / seconds


def faults(short: bool) -> dict[str, Any]:
    """Proof 2: 20 % 429, 5 % 500, 5 % cut or malformed; limits of requests and tokens by the minute."""
    rows, rpm = (250, 300) if short else (2000, 900)
    tpm = rpm * 80
    nature = Nature(busy=0.2, broken=0.05, garbled=0.05, rpm=rpm, tpm=tpm)
    with Standin(nature) as standin, tempfile.TemporaryDirectory() as folder:
        limits = {"llm_concurrency": 32, "llm_rpm": rpm, "llm_tpm": tpm}
        with _rows.opened(standin.url, Path(folder) / "llm.sqlite", **limits) as llms:
            made, seconds = _rows.make(llms, rows, Path(folder) / "rows.jsonl")
        count = standin.counters()
    most = count["most"]
    print(f"2  {made} of {rows} rows in {seconds:.0f} s, {count['requests']} requests: {count['429']} x 429,")
    print(f"2    {count['500']} x 500, {count['garbled']} cut or malformed; {count.get('over_limit', 0)} above limits;")
    print(f"2    in a minute at most {most['a_minute']} of {rpm} requests, {most['tokens_a_minute']} of {tpm} tokens")
    return {"faulty_rows_missing": rows - made, "over_limit": count.get("over_limit", 0)}


def kills(short: bool) -> dict[str, Any]:
    """Proof 3."""
    found = _kills.measure(8 if short else 100)
    print(f"3  {found}")
    return {
        "rows_lost": found["rows_lost"],
        "paid_twice": found["asked_again"] + found["billed_twice"],
        "in_flight_repeated": found["in_flight_repeated"],
        "kills": found["kills"],
    }


def budgets(_short: bool) -> dict[str, Any]:
    """Proof 4: what the stand-in has billed, lost and garbled answers included, never passes the budget."""
    dice, over, closest = random.Random(5), 0, 0.0
    nature = Nature(latency_s=0.02, jitter_s=0.02, tokens_per_s=0, garbled=0.05)
    with Standin(nature) as standin, tempfile.TemporaryDirectory() as folder:
        for turn in range(50):
            budget = dice.uniform(0.05, 6.0)
            before = standin.counters()["tokens"]
            price = f"{USD_PER_MILLION}/{USD_PER_MILLION}"
            limits = {"llm_concurrency": dice.choice((1, 4, 16, 64)), "price": price}
            with suppress(BudgetExceeded), _rows.opened(standin.url, None, budget, **limits) as llms:
                _rows.make(llms, 100, Path(folder) / "rows.jsonl", f"budget {turn} ")
            time.sleep(0.1)  # what was in flight has been counted
            spent = (standin.counters()["tokens"] - before) * USD_PER_MILLION / 1e6
            over += spent > budget + 1e-9
            closest = max(closest, spent / budget)
    print(f"4  {over} of 50 random budgets passed; at most {closest:.1%} of one was spent")
    return {"over_budget": over}


def unique(short: bool) -> dict[str, Any]:
    """Proof 5."""
    from benchmarks import _unique

    return {"unique_ratio": _unique.measure(short)["unique_ratio"]}


def memory(short: bool) -> dict[str, Any]:
    """Peak memory of a process that streams rows to disk, the store included."""
    peaks = {}
    for rows in (1_000, 10_000) if short else (1_000, 10_000, 100_000):
        nature = Nature(latency_s=0, jitter_s=0, tokens_per_s=0)
        with Standin(nature) as standin, tempfile.TemporaryDirectory() as folder:
            given = [standin.url, f"{folder}/llm.sqlite", str(rows), f"{folder}/rows.jsonl", "32"]
            command = [sys.executable, "-m", "benchmarks._rows", *given]
            ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        told = json.loads(ran.stdout.splitlines()[-1])
        peaks[str(rows)] = round(told["peak_mb"], 1)
        print(f"memory  {told['rows']:>7} rows: peak {told['peak_mb']:.0f} MB, {rows / told['seconds']:.0f} rows/s")
    return {"peak_mb": peaks}


PROOFS: dict[str, Callable[[bool], dict[str, Any]]] = {
    "1": throughput,
    "2": faults,
    "3": kills,
    "4": budgets,
    "5": unique,
    "memory": memory,
}


def main() -> None:
    """Run the proofs that were asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--short", action="store_true", help="smaller; under ten minutes once the peers are installed")
    parser.add_argument("--only", nargs="+", choices=PROOFS, default=list(PROOFS), metavar="PROOF")
    given = parser.parse_args()
    figures: dict[str, Any] = dict.fromkeys(FIGURES)
    for name in given.only:
        figures |= PROOFS[name](given.short)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
