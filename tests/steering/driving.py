"""A small real run for clients from outside: rows, a server's command line, and the way to a delivered model."""

from __future__ import annotations

import csv
import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT
from tests.fakes.openai_server import WEAK, FakeOpenAI, by_schema

PROMPT = "Say whether a message to our garden shop is about a delivery or about a payment."
DELIVERY = ("where is my parcel", "the driver never came", "my order has not arrived", "it was left at the wrong door")
PAYMENT = ("you charged my card twice", "the invoice is wrong", "can I pay by transfer", "I was billed for nothing")
THINGS = ("the hose", "two rakes", "a bag of soil", "the shears", "my seeds", "the bench", "a lamp", "six pots")


def write_rows(path: Path, rows: int = 160) -> Path:
    """Labelled rows of two kinds, none twice."""
    chance = random.Random(0)
    texts = [(f"{said}, {thing}, number {n}", label) for n, thing in enumerate(THINGS * 6)
             for label, all_said in (("delivery", DELIVERY), ("payment", PAYMENT)) for said in all_said]  # fmt: skip
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("message", "queue"))
        writer.writerows(chance.sample(texts, rows))
    return path


@contextmanager
def server_command(runs: Path, *more: str) -> Iterator[list[str]]:
    """The command that serves runs in a folder, with a teacher that costs nothing and knows nothing."""
    with FakeOpenAI(by_schema(), capability=WEAK) as teacher:
        command = [sys.executable, "-m", "p2m_agent.cli", "mcp", "--runs-dir", str(runs)]
        yield [*command, "--teacher", f"{teacher.url}#fake", "--max-rounds", "1", "--controller", "rules", *more]


def environment(cache: Path) -> dict[str, str]:
    """Of a server: ours, without settings, and with a cache of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("P2M_", "OPENAI_"))}
    return {**kept, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "P2M_CACHE_DIR": str(cache)}
