"""A loopback server that speaks the OpenAI protocol and answers from a script.

In a test:

    with FakeOpenAI(["first answer", {"label": "a"}, Answer(status=429, headers={"Retry-After": "1"})]) as server:
        settings = Settings(teacher=f"{server.url}#fake")

A script is a list (one answer per request, in order of arrival), or a function of the request body. An answer is a
text, a JSON value, or an `Answer` with delays, faults, tool calls. A request beyond the end of a list gets a
500 that is not to be retried, and leaving the `with` block raises. The capability probes of p2m_agent are answered by
the server itself (`capability=` says as what kind of model) and kept apart in `probes`; `probe=None` scripts them too.
So is the question for the conditions of a request: it has none.

As a program, for subprocesses and demonstrations (prints its URL, answers every schema with a value that fits):

    python -m tests.fakes.openai_server --port 8000 [--answers answers.jsonl] [--log requests.jsonl]
"""

from __future__ import annotations

import argparse
import itertools
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

from p2m_agent.llm import capability as probes
from p2m_agent.prompting import render
from p2m_agent.types.completion import Capability

Body = dict[str, Any]
Fault = Literal["cut", "malformed"]
STRONG = Capability(tools=True, json_schema=True, reliable=True, reads=True)
MIDDLING = Capability(tools=True, json_schema=True, reliable=False, reads=True)
WEAK = Capability(tools=False, json_schema=True, reliable=False)
BARE = Capability(tools=False, json_schema=False, reliable=False)


@dataclass(frozen=True)
class Answer:
    """One scripted answer."""

    content: object = ""
    """Text, or a JSON value that becomes the text."""
    tool_calls: Sequence[tuple[str, dict[str, Any]]] = ()
    """Name and arguments of each."""
    delay_s: float = 0.0
    until: threading.Event | None = None
    """Wait for this before answering: order without sleeping."""
    fault: Fault | None = None
    """`cut`: close the connection without an answer; `malformed`: a body that is no JSON."""
    status: int = 200
    error: str = "scripted fault"
    """The message that goes with another status."""
    headers: dict[str, str] = field(default_factory=dict)
    usage: tuple[int, int] | None = None
    """Prompt and completion tokens; None counts words."""


Scripted = Answer | str | dict[str, Any] | list[Any]
Script = Sequence[Scripted] | Callable[[Body], Scripted]


class FakeOpenAI:
    """The server; a context manager."""

    def __init__(
        self,
        script: Script,
        *,
        models: Sequence[str] = ("fake",),
        capability: Capability | None = STRONG,
        key: str | None = None,
        port: int = 0,
    ) -> None:
        """Bind to a free loopback port.

        Args:
            script: the answers.
            models: what /v1/models lists.
            capability: how probes are answered; None leaves them to the script.
            key: the only API key that is accepted; None accepts all.
            port: 0 takes a free one.
        """
        self.models, self.capability, self.key = list(models), capability, key
        self.requests: list[Body] = []
        """Bodies of chat completion requests in order of arrival, probes aside."""
        self.probes: list[Body] = []
        self.keys: list[str] = []
        """What each request authenticated with."""
        self.on_headers: Callable[[Mapping[str, str]], None] = lambda _headers: None
        """Gets the headers of each request, their names in lower case."""
        self.overrun = 0
        """Requests beyond the end of the script."""
        self._script = script
        self._next = itertools.count()
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Handler,), {"fake": self}))
        self._http.daemon_threads = True
        self.port = self._http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def count(self, body: Body) -> int:
        """How often exactly this body arrived."""
        return self.counts[json.dumps(body, sort_keys=True)]

    @property
    def counts(self) -> Counter[str]:
        """How often each body arrived, by its JSON with sorted keys."""
        return Counter(json.dumps(body, sort_keys=True) for body in self.requests)

    def start(self) -> FakeOpenAI:
        """Serve from a thread."""
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop serving and free the port."""
        self._http.shutdown()
        self._http.server_close()

    def __enter__(self) -> FakeOpenAI:
        return self.start()

    def __exit__(self, kind: object, *_: object) -> None:
        self.stop()
        if self.overrun and kind is None:
            raise AssertionError(f"the script was over, and {self.overrun} more requests came")

    def answer(self, body: Body) -> Answer:
        """What to say to a request; notes it down."""
        with self._lock:
            if self.capability and (probed := _answer_probe(body, self.capability)) is not None:
                self.probes.append(body)
                return probed
            self.requests.append(body)
            turn = next(self._next)
        # Outside of the lock: scripts may wait for each other.
        scripted = self._script(body) if callable(self._script) else self._at(turn)
        return scripted if isinstance(scripted, Answer) else Answer(scripted)

    def _at(self, turn: int) -> Scripted:
        assert not callable(self._script)
        if turn < len(self._script):
            return self._script[turn]
        self.overrun += 1
        said = f"the script of {len(self._script)} answers is over"
        return Answer(status=500, error=said, headers={"x-should-retry": "false"})


def fill(schema: dict[str, Any], number: int = 0) -> Any:
    """A value that fits a JSON schema; `number` makes it differ."""
    if "$ref" in schema or "$defs" in schema:
        return fill(_resolved(schema, schema.get("$defs", {})), number)
    if "const" in schema:
        return schema["const"]
    if options := schema.get("enum"):
        return options[number % len(options)]
    if branches := schema.get("anyOf") or schema.get("oneOf"):
        return fill(branches[number % len(branches)], number)
    kind = schema.get("type", "string")
    if kind == "object":
        return {
            name: fill(node, number + turn) for turn, (name, node) in enumerate(schema.get("properties", {}).items())
        }
    if kind == "array":
        count = max(1, schema.get("minItems", 1))
        return [fill(schema.get("items", {}), number + turn) for turn in range(count)]
    low = schema.get("minimum", 0)
    simple = {"integer": int(low) + number % 2, "number": float(low), "boolean": bool(number % 2), "null": None}
    return simple.get(kind, f"text {number}")


def by_schema() -> Callable[[Body], Answer]:
    """A script that always has an answer: values that fit the schema or the required tool, else a line of text."""
    numbers = itertools.count()

    def script(body: Body) -> Answer:
        number = next(numbers)
        wanted = body.get("response_format") or {}
        if wanted.get("type") == "json_schema":
            return Answer(fill(wanted["json_schema"]["schema"], number))
        if body.get("tools"):
            function = body["tools"][number % len(body["tools"])]["function"]
            return Answer(tool_calls=[(function["name"], fill(function.get("parameters", {"type": "object"}), number))])
        return Answer(f"answer {number}")

    return script


def _resolved(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_resolved(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _resolved(definitions[node["$ref"].rsplit("/", 1)[-1]], definitions)
    return {name: _resolved(value, definitions) for name, value in node.items() if name != "$defs"}


def _answer_probe(body: Body, capability: Capability) -> Answer | None:
    """What a model of this capability says to a probe; None where the request is no probe."""
    asked = str(body["messages"][0].get("content", ""))
    if asked == render(probes.SCHEMA_PROBE):
        return Answer({"colour": "teal-7", "count": 1} if capability.json_schema else "The sea is blue.")
    if asked == render(probes.TOOL_PROBE):
        calls = [("report_colour", {"colour": "green"})] if capability.tools else []
        return Answer("" if calls else "Green.", tool_calls=calls)
    if asked == render(probes.READING_PROMPT):
        probe = str(body["messages"][-1]["content"]).startswith(probes.READING_PROBE)
        found = {"words": "Do not use tweets", "kind": "avoid_source", "value": "tweets"}
        return Answer({"conditions": [found] if probe and capability.reads else []})
    for prompt, right in probes.SOUND_PROBES.items():
        if asked.startswith(render(prompt)):
            return Answer(right if capability.reliable else "Yes.")
    return None


def _payload(answer: Answer, body: Body) -> dict[str, Any]:
    content = answer.content if isinstance(answer.content, str) else json.dumps(answer.content, ensure_ascii=False)
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if answer.tool_calls:
        message["tool_calls"] = [
            {"id": f"call_{turn}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
            for turn, (name, arguments) in enumerate(answer.tool_calls)
        ]
    prompt, completion = answer.usage or (len(str(body["messages"]).split()), max(1, len(content.split())))
    return {
        "id": "chatcmpl-fake",
        "object": "chat.completion",
        "created": 0,
        "model": body.get("model", "fake"),
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if answer.tool_calls else "stop"}],
        "usage": {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion},
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeOpenAI

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        if self._allowed():
            models = [{"id": name, "object": "model", "created": 0, "owned_by": "fake"} for name in self.fake.models]
            self._send(200, json.dumps({"object": "list", "data": models}))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        if not self._allowed():
            return
        self.fake.on_headers({name.lower(): value for name, value in self.headers.items()})
        answer = self.fake.answer(body)
        if answer.until:
            answer.until.wait(30)
        time.sleep(answer.delay_s)
        if answer.fault == "cut":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif answer.fault == "malformed":
            self._send(200, '{"choices": [{"mess', answer.headers)
        elif answer.status != 200:
            self._send(answer.status, json.dumps({"error": {"message": answer.error}}), answer.headers)
        else:
            self._send(200, json.dumps(_payload(answer, body)), answer.headers)

    def _allowed(self) -> bool:
        given = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        self.fake.keys.append(given)
        if self.fake.key is None or given == self.fake.key:
            return True
        # Real servers quote the key, too.
        self._send(401, json.dumps({"error": {"message": f"Incorrect API key provided: {given}"}}))
        return False

    def _send(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        data = text.encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client has gone, which some tests want


class _Logged(FakeOpenAI):
    """Writes each request to a file, for whoever looks from another process."""

    def __init__(self, script: Script, log: Path | None, port: int) -> None:
        super().__init__(script, port=port)
        self._log = log

    def answer(self, body: Body) -> Answer:
        answer = super().answer(body)
        if self._log:
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(body, ensure_ascii=False) + "\n")
        return answer


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--answers", type=Path, help="JSONL: one answer per line, a text or a JSON value, in order")
    parser.add_argument("--log", type=Path, help="write the requests here, one JSON per line")
    given = parser.parse_args()
    lines = given.answers.read_text(encoding="utf-8").splitlines() if given.answers else None
    script: Script = [json.loads(line) for line in lines] if lines is not None else by_schema()
    server = _Logged(script, given.log, given.port).start()
    print(server.url, flush=True)  # noqa: T201
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        server.stop()


if __name__ == "__main__":
    main()
