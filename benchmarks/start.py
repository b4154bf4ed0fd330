"""How long the program takes to start: what a person waits for after `p2m --help`, and after verbs that load little.

    python benchmarks/start.py [--rounds 5]

Each command runs in a process of its own, beside an empty Python, and once before its rounds so that its files are in
memory. Best of the rounds, as a busy machine is not the program's fault. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

P2M = ["-m", "p2m_agent.cli"]
COMMANDS = {
    "python": ["-c", "pass"],
    "p2m --help": [*P2M, "--help"],
    "p2m auto --help": [*P2M, "auto", "--help"],
    "p2m runs": [*P2M, "runs"],
}


def seconds(command: Sequence[str], rounds: int, folder: str) -> float:
    took = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        subprocess.run([sys.executable, *command], check=True, capture_output=True, cwd=folder)
        took.append(time.perf_counter() - began)
    return round(min(took[1:]), 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as empty:
        found = {name: seconds(command, args.rounds, empty) for name, command in COMMANDS.items()}
    for name, took in found.items():
        print(f"{name:16} {took:.3f} s")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
