"""Rows through the engine's own path, for the benchmarks of generation.

What is timed: `LLM.ask_stream` with a JSON schema, the answer parsed and checked, on disk (SQLite, synchronous=FULL)
before it is handed out, and the row written to a JSONL file.

    python benchmarks/_rows.py URL STORE ROWS OUT CONCURRENCY
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from p2m_agent.llm.open import LLMs, open_llms
from p2m_agent.settings import Settings
from p2m_agent.types.completion import ChatMessage, Request

SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"input": {"type": "string"}, "output": {"type": "string", "enum": ["positive", "negative"]}},
    "required": ["input", "output"],
    "additionalProperties": False,
}
PROMPT = "Write a short film review and say whether it is positive or negative. Number {}."
MAX_TOKENS = 64


def requests(rows: int, name: str = "") -> Iterator[Request]:
    """One request for each row."""
    for number in range(rows):
        asked = ChatMessage(role="user", content=PROMPT.format(f"{name}{number}"))
        yield Request(messages=(asked,), json_schema=SCHEMA, temperature=1.0, max_tokens=MAX_TOKENS)


def opened(url: str, store: Path | None, left_usd: float = math.inf, **settings: Any) -> LLMs:
    """The models of a run at this endpoint."""
    return open_llms(Settings(teacher=f"{url}#standin", **settings), store, lambda _: None, lambda: left_usd)


def make(llms: LLMs, rows: int, out: Path, name: str = "", *, mark: bool = False) -> tuple[int, float]:
    """Stream rows to a file; how many came and in how many seconds."""
    made, began = 0, time.perf_counter()
    with out.open("w", encoding="utf-8") as file:
        for index, reply in llms.teacher.ask_stream(requests(rows, name)):
            if reply.error is None:
                made += 1
                file.write(json.dumps([index, reply.parsed], ensure_ascii=False) + "\n")
            if mark and not reply.cached:
                mark = False
                print("working", flush=True)
    return made, time.perf_counter() - began


def main() -> None:
    """As a process that can be killed, or whose memory can be looked at."""
    url, store, rows, out, concurrency = sys.argv[1:]
    with opened(url, Path(store), llm_concurrency=int(concurrency)) as llms:
        made, seconds = make(llms, int(rows), Path(out), mark=True)
    print(json.dumps({"rows": made, "seconds": seconds, "peak_mb": peak_mb()}), flush=True)


def peak_mb() -> float:
    """Most memory this program held. `getrusage` would also count what its parent held when it was forked."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main()
