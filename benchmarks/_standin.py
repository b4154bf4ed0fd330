"""An OpenAI-compatible endpoint with set latency, token rate, limits and faults, in a process of its own.

It counts what a real one would bill and reads its counters out at `/counters`. Like APIs that know `Idempotency-Key`,
it generates and bills a request once, however often it arrives under the same key; `repeats` counts the other
arrivals, which are what an endpoint that ignores the key would have billed again.

    python benchmarks/_standin.py '{"latency_s": 0.2, "tokens_per_s": 100}'
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import time
import urllib.request
from collections import Counter, deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

MODEL = "standin"


@dataclass(frozen=True)
class Nature:
    """How the endpoint behaves."""

    latency_s: float = 0.2
    jitter_s: float = 0.05
    """Up to so much more or less."""
    tokens_per_s: float = 100.0
    """Of each answer; 0 for no limit."""
    answer_tokens: int = 40
    rpm: int | None = None
    tpm: int | None = None
    busy: float = 0.0
    """Share of 429, half of them with `Retry-After`."""
    broken: float = 0.0
    """Share of 500."""
    garbled: float = 0.0
    """Share of answers that are cut off or no JSON."""
    seed: int = 0

    def service_s(self) -> float:
        """Mean time of one answer."""
        return self.latency_s + (self.answer_tokens / self.tokens_per_s if self.tokens_per_s else 0.0)


class Standin:
    """The endpoint, for the process that uses it; a context manager."""

    def __init__(self, nature: Nature) -> None:
        """Start it and wait until it listens."""
        command = [sys.executable, str(Path(__file__).resolve()), json.dumps(asdict(nature))]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.url = self._process.stdout.readline().strip()
        self.nature = nature

    def counters(self) -> dict[str, Any]:
        """What has been counted since the start."""
        return self._read("counters")

    def arrivals(self) -> dict[str, int]:
        """How often each request has arrived and been answered, by its key."""
        return self._read("arrivals")

    def _read(self, what: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url.removesuffix('/v1')}/{what}") as answer:
            return json.load(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()


class _Endpoint:
    def __init__(self, nature: Nature) -> None:
        self.nature, self.random = nature, random.Random(nature.seed)
        self.count: Counter[str] = Counter()
        self.flying = self.most_flying = self.most_a_minute = self.most_tokens_a_minute = 0
        self.window: deque[tuple[float, int]] = deque()
        self.tokens = 0
        self.billed: dict[str, bytes] = {}
        self.arrivals: Counter[str] = Counter()

    def counters(self) -> dict[str, Any]:
        repeats = sum(self.arrivals.values()) - len(self.arrivals)
        most = {
            "flying": self.most_flying,
            "a_minute": self.most_a_minute,
            "tokens_a_minute": self.most_tokens_a_minute,
        }
        return {**self.count, "billed": len(self.billed), "most": most, "repeats": repeats, "tokens": self.tokens}

    def minute(self, tokens: int) -> float:
        """Count an arrival; how long until it is allowed, 0 where it is."""
        now, nature = time.monotonic(), self.nature
        while self.window and self.window[0][0] <= now - 60:
            self.tokens_in_window -= self.window.popleft()[1]
        self.most_a_minute = max(self.most_a_minute, len(self.window) + 1)
        if nature.rpm and len(self.window) >= nature.rpm:
            self.count["over_limit"] += 1
            return self.window[0][0] + 60 - now
        self.window.append((now, tokens))
        self.tokens_in_window += tokens
        self.most_tokens_a_minute = max(self.most_tokens_a_minute, self.tokens_in_window)
        if nature.tpm and self.tokens_in_window > nature.tpm:
            self.count["over_limit"] += 1
        return 0.0

    tokens_in_window = 0

    def answer(self, body: dict[str, Any], key: str) -> bytes:
        """The answer under a key; billed when it is first made."""
        if not key:
            key = f"none-{len(self.billed)}"
        if key not in self.billed:
            asked = str(body["messages"][-1]["content"])
            prompt = _prompt_tokens(asked)
            self.tokens += prompt + self.nature.answer_tokens
            self.billed[key] = _response(body, asked, prompt, self.nature.answer_tokens)
        return self.billed[key]


def _fill(schema: dict[str, Any], asked: str) -> Any:
    """A value that fits a plain schema."""
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        return {name: _fill(node, asked) for name, node in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [_fill(schema["items"], asked)]
    return {"integer": 1, "number": 1.0, "boolean": True}.get(str(schema.get("type")), f"row for {asked[-40:]}")


def _prompt_tokens(asked: str) -> int:
    return len(asked) // 4 + 8


def _response(body: dict[str, Any], asked: str, prompt: int, completion: int) -> bytes:
    row = json.dumps({"input": f"row for {asked[-40:]}", "output": "positive"})
    if "Answer briefly" in asked or "sea" in asked:
        row = json.dumps({"colour": "teal-7", "count": 1})
    if (wanted := body.get("response_format") or {}).get("type") == "json_schema":
        row = json.dumps(_fill(wanted["json_schema"]["schema"], asked))
    call = [{"id": "c", "type": "function", "function": {"name": "x", "arguments": row}}] if body.get("tools") else None
    if call:
        call[0]["function"]["name"] = body["tools"][0]["function"]["name"]  # type: ignore[index]
    message = {"role": "assistant", "content": row} | ({"tool_calls": call} if call else {})
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if call else "stop"}
    whole = {"id": "c", "object": "chat.completion", "created": 0, "model": MODEL, "choices": [choice], "usage": usage}
    return json.dumps(whole).encode()


async def _serve(endpoint: _Endpoint, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """HTTP/1.1 as far as clients need it: little enough that the client's cost shows, not this one's."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
            content = await reader.readexactly(int(headers.get("content-length", 0)))
            path = head[0].split(" ")[1]
            if path == "/counters":
                _send(writer, 200, json.dumps(endpoint.counters()).encode())
            elif path == "/arrivals":
                _send(writer, 200, json.dumps(endpoint.arrivals).encode())
            elif path.endswith("/models"):
                _send(writer, 200, json.dumps({"object": "list", "data": [{"id": MODEL, "object": "model"}]}).encode())
            elif not await _complete(endpoint, writer, json.loads(content), headers.get("idempotency-key", "")):
                break
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _complete(endpoint: _Endpoint, writer: asyncio.StreamWriter, body: dict[str, Any], key: str) -> bool:
    """Answer a chat completion; False where the connection was cut."""
    nature, dice = endpoint.nature, endpoint.random.random()
    endpoint.count["requests"] += 1
    if not body.get("messages"):  # curator asks for nothing to see the headers
        _send(writer, 400, _error("messages is empty"))
        return True
    asked = str(body["messages"][-1]["content"])
    late_s = endpoint.minute(nature.answer_tokens + _prompt_tokens(asked))
    if late_s:
        _send(writer, 429, _error("rate limit"), f"Retry-After: {late_s + 0.5:.0f}\r\n")
        return True
    endpoint.flying += 1
    endpoint.most_flying = max(endpoint.most_flying, endpoint.flying)
    try:
        if dice < nature.busy:
            endpoint.count["429"] += 1
            _send(writer, 429, _error("busy"), "retry-after-ms: 300\r\n" if dice < nature.busy / 2 else "")
            return True
        if dice < nature.busy + nature.broken:
            endpoint.count["500"] += 1
            _send(writer, 500, _error("broken"))
            return True
        if service := nature.service_s():
            await asyncio.sleep(service + nature.jitter_s * endpoint.random.uniform(-1, 1))
        answer = endpoint.answer(body, key)
        endpoint.arrivals[key] += 1
        if dice < nature.busy + nature.broken + nature.garbled:
            endpoint.count["garbled"] += 1
            if endpoint.count["garbled"] % 2:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n" + answer[: len(answer) // 2])
                return False
            endpoint.billed.pop(key, None)  # billed, but the next one under another key is
            _send(writer, 200, answer[: len(answer) // 2])
            return True
        endpoint.count["answered"] += 1
        _send(writer, 200, answer)
        return True
    finally:
        endpoint.flying -= 1


def _error(message: str) -> bytes:
    return json.dumps({"error": {"message": message}}).encode()


def _send(writer: asyncio.StreamWriter, status: int, content: bytes, more: str = "") -> None:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n{more}\r\n"
    writer.write(head.encode() + content)


async def _main(nature: Nature) -> None:
    endpoint = _Endpoint(nature)
    server = await asyncio.start_server(lambda r, w: _serve(endpoint, r, w), "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    parent = os.getppid()
    while os.getppid() == parent:  # ends with whoever started it
        await asyncio.sleep(1)


if __name__ == "__main__":
    given = Nature(**json.loads(sys.argv[1]))
    try:
        import uvloop
    except ImportError:
        asyncio.run(_main(given))
    else:
        uvloop.run(_main(given))
