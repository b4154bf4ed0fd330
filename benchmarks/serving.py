"""What a request costs, side by side on one delivered folder: a plain server, LitServe (where installed) and ours.

Each server gets the same texts from 1, 32 and 128 clients that keep their connections; its processor time is that of
its process and its children. `predict` is rows a second with torch against ONNX Runtime. The last line is JSON.

    python benchmarks/serving.py FOLDER_OF_A_MODEL --requests 600 --minutes 5
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from p2m_agent.delivery.predictor import load_predictor
from p2m_agent.rows.reading import read_rows
from p2m_agent.settings import Settings

HERE = Path(__file__).parent
CLIENTS = (1, 32, 128)
LITSERVE_BATCHES = (1, 16, 64)


@dataclass(frozen=True)
class Load:
    """What one number of clients saw."""

    per_s: float
    p50_ms: float
    p95_ms: float
    cpu_ms: float
    """Of the server, a request."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=Path, default=Path("examples/support/data/test.jsonl"))
    parser.add_argument("--requests", type=int, default=600, help="for each number of clients")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long memory is watched")
    args = parser.parse_args()
    texts = [str(row["text"]) for row in read_rows(args.rows)]
    commands = {"plain": ["_plain_servers.py", "plain", str(args.folder)]}
    if importlib.util.find_spec("litserve"):
        for batch in LITSERVE_BATCHES:
            commands[f"litserve {batch}"] = ["_plain_servers.py", "litserve", str(args.folder), f"--batch={batch}"]
    else:
        print("litserve is not installed and is left out")
    found = {name: serve_and_ask(_command(command), texts, args.requests)[0] for name, command in commands.items()}
    ours = [sys.executable, "-m", "p2m_agent.cli", "serve", str(args.folder), "-q", "--port"]
    found["ours"], growth = serve_and_ask(ours, texts, args.requests, args.minutes)
    for name, loads in found.items():
        for clients, load in loads.items():
            print(f"{name:12} {clients:4} clients  {load}")
    print(json.dumps({**ratios(found), "predict_ratio": predict_ratio(args.folder, texts), "mem_growth": growth}))


def _command(command: list[str]) -> list[str]:
    script, kind, folder, *more = command
    return [sys.executable, str(HERE / script), kind, folder, *more]


def ratios(found: dict[str, dict[int, Load]]) -> dict[str, float | None]:
    """Ours against the others at 32 clients; of LitServe its best setting."""
    ours, plain = found["ours"][32], found["plain"][32]
    others = [loads[32] for name, loads in found.items() if name.startswith("litserve")]
    return {
        "cpu_ratio_plain": round(ours.cpu_ms / plain.cpu_ms, 3),
        "cpu_ratio_litserve": round(ours.cpu_ms / min(one.cpu_ms for one in others), 3) if others else None,
        "rps_ratio_plain": round(ours.per_s / plain.per_s, 2),
        "rps_ratio_litserve": round(ours.per_s / max(one.per_s for one in others), 2) if others else None,
    }


def serve_and_ask(
    command: list[str], texts: Sequence[str], requests: int, minutes: float = 0.0
) -> tuple[dict[int, Load], float]:
    """Loads by number of clients, and by how much memory grew while it was watched."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with subprocess.Popen([*command, str(port)]) as process:
        try:
            _wait(port, process)
            server = psutil.Process(process.pid)
            asyncio.run(ask(port, texts, 16, 64))  # warm
            loads = {clients: measured(server, port, texts, clients, requests) for clients in CLIENTS}
            return loads, watched(server, port, texts, minutes)
        finally:
            process.terminate()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            asyncio.run(ask(port, ["hello"], 1, 1))
        except (OSError, asyncio.IncompleteReadError, AssertionError):
            time.sleep(0.5)
        else:
            return
    raise SystemExit("a server did not start")


def measured(server: psutil.Process, port: int, texts: Sequence[str], clients: int, requests: int) -> Load:
    """One load."""
    cpu, began = cpu_seconds(server), time.perf_counter()
    times = asyncio.run(ask(port, texts, clients, requests))
    took, cpu = time.perf_counter() - began, cpu_seconds(server) - cpu
    ms = sorted(1e3 * each for each in times)
    p95 = ms[int(len(ms) * 0.95)]
    return Load(round(len(ms) / took, 1), round(statistics.median(ms), 1), round(p95, 1), round(1e3 * cpu / len(ms), 2))


def cpu_seconds(server: psutil.Process) -> float:
    processes = [server, *server.children(recursive=True)]
    return sum(sum(each.cpu_times()[:2]) for each in processes)


def watched(server: psutil.Process, port: int, texts: Sequence[str], minutes: float) -> float:
    """Memory at the end of so many minutes under load, against a tenth of the way in; 1 is none more."""
    until, early = time.monotonic() + 60 * minutes, None
    while time.monotonic() < until:
        asyncio.run(ask(port, texts, 32, 500))
        if early is None and time.monotonic() > until - 54 * minutes:
            early = server.memory_info().rss
    return round(server.memory_info().rss / (early or server.memory_info().rss), 3)


async def ask(port: int, texts: Sequence[str], clients: int, requests: int) -> list[float]:
    """Seconds of each request; as many at once as there are clients."""
    left = iter(range(requests))
    times: list[float] = []

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in left:
            body = json.dumps({"messages": [{"role": "user", "content": texts[number % len(texts)]}]}).encode()
            began = time.perf_counter()
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
            writer.write(f"{head}Content-Type: application/json\r\n\r\n".encode() + body)
            await _read(reader)
            times.append(time.perf_counter() - began)
        writer.close()

    await asyncio.gather(*(client() for _ in range(min(clients, requests))))
    return times


async def _read(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    assert " 200 " in head.splitlines()[0], head
    length = int(head.partition("content-length:")[2].split()[0])
    await reader.readexactly(length)


def predict_ratio(folder: Path, texts: Sequence[str]) -> float:
    """Rows a second as they were answered before, 256 at a time by torch, against as they are now."""
    inputs = [{"text": text} for text in texts] * 4
    rates = {}
    runtimes: tuple[tuple[Any, int], ...] = (("torch", 256), ("onnx", 1024))
    for runtime, at_once in runtimes:
        predictor = load_predictor(folder, Settings(_env_file=None), runtime)
        predictor.predict(inputs[:32])
        began = time.perf_counter()
        for start in range(0, len(inputs), at_once):
            predictor.predict(inputs[start : start + at_once])
        rates[runtime] = len(inputs) / (time.perf_counter() - began)
        print(f"predict {runtime:6} {rates[runtime]:.1f} rows/s")
    return round(rates["onnx"] / rates["torch"], 2)


if __name__ == "__main__":
    main()
