from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from p2m_agent.delivery.publishing import publish, to_be_sent
from p2m_agent.errors import UsageError
from p2m_agent.settings import Settings


class Hub:
    """A model hub that takes repositories and commits, as the client library sends them."""

    def __init__(self) -> None:
        self.created: list[dict[str, Any]] = []
        self.files: dict[str, bytes] = {}
        self.tokens: set[str] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None: ...

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                hub.tokens.add(self.headers["Authorization"])
                answer = json.dumps(hub._answer(self.path, body)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        return Handler

    def _answer(self, path: str, body: bytes) -> dict[str, Any]:
        if path.endswith("/repos/create"):
            self.created.append(json.loads(body))
            return {"url": f"{self.url}/me/sorter", "id": "0"}
        if "/preupload/" in path:
            asked = json.loads(body)["files"]
            return {"files": [{"path": each["path"], "uploadMode": "regular", "shouldIgnore": False} for each in asked]}
        if "/commit/" in path:
            for line in map(json.loads, body.decode().splitlines()):
                if line["key"] == "file":
                    self.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            return {"commitUrl": f"{self.url}/me/sorter/commit/0", "commitOid": "0" * 40, "success": True}
        return {"errors": [], "warnings": []}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    from huggingface_hub import constants

    hub = Hub()
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    yield hub
    hub.close()


def folder_of(root: Path) -> Path:
    (root / "encoder").mkdir(parents=True)
    for name in ("README.md", "encoder/config.json", "export.json", "rows.jsonl"):
        (root / name).write_text(f"{{}} {name}" if name != "README.md" else "# A model\n")
    return root


def test_a_folder_is_published_private_and_without_records_and_rows(tmp_path: Path, hub: Hub) -> None:
    folder = folder_of(tmp_path / "out")
    settings = Settings(_env_file=None, HF_TOKEN="hf_a_token")  # type: ignore[call-arg]
    address = publish(folder, "me/sorter", settings, public=False)
    assert address.endswith("/me/sorter")
    assert hub.created[0]["visibility"] == "private"
    assert set(hub.files) == {"README.md", "encoder/config.json"} == {name for name, _ in to_be_sent(folder)}
    assert hub.tokens == {"Bearer hf_a_token"}
    publish(folder, "me/sorter", settings, public=True)
    assert hub.created[1]["visibility"] == "public"


def test_nothing_is_published_without_a_token(tmp_path: Path, hub: Hub) -> None:
    with pytest.raises(UsageError, match="needs a token"):
        publish(folder_of(tmp_path / "out"), "me/sorter", Settings(_env_file=None), public=False)
    assert (hub.created, hub.files) == ([], {})
