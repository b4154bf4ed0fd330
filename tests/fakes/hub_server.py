"""A stand-in for the Hugging Face Hub on loopback, for the unmodified client libraries.

In a test (`hub` serves a folder of datasets in Hub layout; `connect` points the libraries of this process at it):

    with FakeHub(tmp_path / "hub") as hub:
        hub.connect(monkeypatch, tmp_path / "cache")
        hub.repos["acme/letters"].gated = "manual"
        hub.order(Fault(path="/resolve/", status=503, times=2))
        ...
        assert hub.count("/resolve/") == 3 and hub.sent("train.jsonl") < 1_000_000

As a program, for subprocesses (prints its URL, which goes into HF_ENDPOINT; GET /_requests tells what was asked):

    python -m tests.fakes.hub_server FOLDER [--models FOLDER] [--port 8000] [--fault '{"status": 503}']
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import threading
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from tests.fakes.hub_repos import Commit, File, Query, Repo, repos_in
from tests.fakes.hub_requests import Asked, Fault

if TYPE_CHECKING:
    import pytest


class FakeHub:
    """The server; a context manager."""

    def __init__(self, datasets: Path | None = None, models: Path | None = None, *, port: int = 0) -> None:
        """Bind to a free loopback port; folders hold repos as `owner__name` or `owner/name`."""
        self.kinds = {"datasets": repos_in(datasets), "models": repos_in(models)}
        self.page = 100
        """Most entries of a listing that come at once."""
        self.asked: list[Asked] = []
        """All requests, in order of arrival."""
        self._connected = False
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Handler,), {"hub": self}))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def repos(self) -> dict[str, Repo]:
        """The datasets."""
        return self.kinds["datasets"]

    def order(self, *faults: Fault) -> None:
        """Let things go wrong; the first that matches a request is used."""
        self._faults += faults

    def add(self, name: str, folder: Path, kind: str = "datasets") -> Repo:
        """Put another repo on the Hub."""
        repos = self.kinds[kind]
        repos[name] = Repo(name, [Commit(folder)], downloads=len(repos))
        return repos[name]

    def commit(self, repo: str, folder: Path) -> str:
        """Push a new commit with the content of a folder; returns its sha."""
        self.repos[repo].commits.append(Commit(folder))
        return self.repos[repo].commits[-1].sha

    def count(self, path: str, method: str = "") -> int:
        """How many requests had a path that matches."""
        return sum(1 for each in self.asked if re.search(path, each.path) and method in {"", each.method})

    def sent(self, path: str) -> int:
        """How many bytes of body went out for paths that match."""
        return sum(each.sent for each in self.asked if re.search(path, each.path))

    def connect(self, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
        """Point huggingface_hub and datasets of this process here; both read HF_ENDPOINT when they are imported.

        Whether the Hub answers is found out anew, and once: no minute goes by.
        """
        import datasets
        from huggingface_hub import constants

        from p2m_agent.weights import faults

        faults._answers.cache_clear()
        monkeypatch.setattr(faults, "this_minute", lambda: 0)
        for name, value in {
            "ENDPOINT": self.url,
            "HUGGINGFACE_CO_URL_TEMPLATE": self.url + "/{repo_id}/resolve/{revision}/{filename}",
            "HF_HUB_OFFLINE": False,
            "HF_HUB_CACHE": str(cache / "hub"),
        }.items():
            monkeypatch.setattr(constants, name, value)
        for name, value in {
            "HF_ENDPOINT": self.url,
            "HUB_DATASETS_URL": self.url + "/datasets/{repo_id}/resolve/{revision}/{path}",
            "HF_HUB_OFFLINE": False,
            "HF_DATASETS_CACHE": cache / "datasets",
            "DOWNLOADED_DATASETS_PATH": cache / "downloads",
        }.items():
            monkeypatch.setattr(datasets.config, name, value)
        self._connected = True

    def start(self) -> FakeHub:
        """Serve from a thread."""
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop serving and free the port."""
        if self._connected:
            from huggingface_hub import close_session

            close_session()
        self._http.shutdown()
        self._http.server_close()

    def __enter__(self) -> FakeHub:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def note(self, asked: Asked) -> None:
        """Write down a request."""
        with self._lock:
            self.asked.append(asked)

    def fault_for(self, method: str, path: str) -> Fault:
        """What is to go wrong with a request; an empty fault where nothing is."""
        with self._lock:
            for fault in self._faults:
                if fault.times and fault.method in {"", method} and re.search(fault.path, path):
                    fault.times -= 1
                    return fault
        return Fault()


def _first(query: Query, name: str, default: str = "") -> str:
    return query.get(name, [default])[0]


def _true(query: Query, name: str) -> bool:
    return _first(query, name).lower() in {"true", "1"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self._answer()

    def _answer(self) -> None:
        url = urlsplit(self.path)
        self._path, self._query = unquote(url.path), parse_qs(url.query)
        self._url_query, self._raw = url.query, url.path
        self._fault = self.hub.fault_for(self.command, self._path)
        if self._fault.status:
            self._json({"error": "a fault that was ordered"}, self._fault.status, self._fault.headers)
        elif self._path == "/_requests":
            self._json([asdict(asked) for asked in self.hub.asked])
        elif match := re.fullmatch(r"/api/(datasets|models)", self._path):
            self._list(match[1])
        elif match := re.fullmatch(
            r"/api/(datasets|models)/([^/]+/[^/]+)(?:/(\w[\w-]*)/([^/]+)(?:/(.+))?)?", self._raw
        ):
            self._about(match[1], *(unquote(part or "") for part in match.groups()[1:]))
        elif match := re.fullmatch(r"/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", self._raw):
            self._resolve((match[1] or "models/")[:-1], *(unquote(part) for part in match.groups()[1:]))
        elif match := re.fullmatch(r"/cdn/(datasets|models)/([^/]+/[^/]+)/([^/]+)/(.+)", self._path):
            commit = self.hub.kinds[match[1]][match[2]].at(match[3])
            assert commit is not None
            self._file(commit.files[match[4]], {})
        else:
            self._refuse(404, "", f"no such path {self._path}")

    def _list(self, kind: str) -> None:
        """A page of repos, most downloaded first, with a link to the next."""
        found = [repo for repo in self.hub.kinds[kind].values() if repo.matches(self._query) and not repo.private]
        found.sort(key=lambda repo: (-repo.downloads, repo.id))
        expand = self._query.get("expand", [])
        size = min(int(_first(self._query, "limit", str(self.hub.page))), self.hub.page)
        self._pages([repo.summary(expand=expand) for repo in found], size)

    def _pages(self, entries: list[Any], size: int) -> None:
        start = int(_first(self._query, "cursor", "0"))
        headers = {}
        if start + size < len(entries):
            query = {**self._query, "cursor": [str(start + size)]}
            headers["Link"] = f'<{self.hub.url}{self._raw}?{urlencode(query, doseq=True)}>; rel="next"'
        self._json(entries[start : start + size], 200, headers)

    def _about(self, kind: str, name: str, what: str, revision: str, below: str) -> None:
        """Facts of a repo, its tree, or some of its paths."""
        commit = self._commit(kind, name, revision or "main", gate=False)
        if commit is None:
            return
        if what in {"", "revision"}:
            repo = self.hub.kinds[kind][name]
            expand = self._query.get("expand", [])
            self._json(repo.summary(commit, expand=expand, blobs=_true(self._query, "blobs")))
        elif what == "tree":
            entries = commit.tree(below, recursive=_true(self._query, "recursive"))
            if entries is None:
                self._refuse(404, "EntryNotFound", f"{below} is not there")
            else:
                self._pages(entries, self.hub.page)
        elif what == "paths-info":
            wanted = parse_qs(self._body).get("paths", [])
            self._json([commit.files[path].entry(path) for path in wanted if path in commit.files])
        else:
            self._refuse(404, "", f"no such path {self._path}")

    def _resolve(self, kind: str, name: str, revision: str, path: str) -> None:
        commit = self._commit(kind, name, revision, gate=True)
        if commit is None:
            return
        headers = {"X-Repo-Commit": commit.sha}
        file = commit.files.get(path)
        if file is None:
            self._refuse(404, "EntryNotFound", f"{path} is not there", headers)
        elif file.lfs:
            linked = {"X-Linked-Size": str(file.size), **self._etag(file, "X-Linked-Etag")}
            other_host = self.hub.url.replace("127.0.0.1", "localhost")  # these files are not on the Hub itself
            place = f"{other_host}/cdn/{kind}/{name}/{commit.sha}/{path}"
            self._send(302, b"", {**headers, **linked, "Location": place})
        else:
            self._file(file, headers)

    def _commit(self, kind: str, name: str, revision: str, *, gate: bool) -> Commit | None:
        """The state asked for; None where the request was refused. Facts of a gated repo are public, its files not."""
        repo = self.hub.kinds[kind].get(name)
        inside = repo is not None and self._token in repo.allowed
        if repo is None or (repo.private and not inside):
            self._refuse(404 if self._token else 401, "RepoNotFound", "Repository not found")
        elif gate and repo.gated and not inside:
            said = f"Access to dataset {name} is restricted."
            self._refuse(403 if self._token else 401, "GatedRepo", said)
        elif (commit := repo.at(revision)) is None:
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        else:
            return commit
        return None

    def _file(self, file: File, headers: dict[str, str]) -> None:
        """The content, whole or the range asked for."""
        headers = {**headers, "Accept-Ranges": "bytes", **self._etag(file, "ETag")}
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        first = int(asked[1]) if asked else 0
        last = min(int(asked[2] or file.size - 1), file.size - 1) if asked else file.size - 1
        if asked and first >= file.size:
            self._send(416, b"", {**headers, "Content-Range": f"bytes */{file.size}"})
            return
        with file.path.open("rb") as content:
            content.seek(first)
            part = content.read(last - first + 1)
        if asked:
            headers["Content-Range"] = f"bytes {first}-{last}/{file.size}"
        self._send(206 if asked else 200, part, headers)

    def _etag(self, file: File, name: str) -> dict[str, str]:
        etag = file.etag if self._fault.etag is None else self._fault.etag
        return {name: f'"{etag}"'} if etag else {}

    @property
    def _token(self) -> str:
        return (self.headers.get("Authorization") or "").removeprefix("Bearer ")

    def _refuse(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        said = {"X-Error-Message": message, **({"X-Error-Code": code} if code else {})}
        self._json({"error": message}, status, {**said, **(headers or {})})

    def _json(self, value: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        asked_range = self.headers.get("Range")
        asked = Asked(self.command, self._path, self._url_query, asked_range, self._token, status)
        if self._path != "/_requests":
            self.hub.note(asked)
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self._write(body, asked)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client has gone

    def _write(self, body: bytes, asked: Asked) -> None:
        fault = self._fault
        end = len(body) if fault.cut_after is None else min(fault.cut_after, len(body))
        for start in range(0, end, fault.block):
            if fault.slow_s:
                threading.Event().wait(fault.slow_s)
            part = body[start : min(start + fault.block, end)]
            asked.sent += len(part)
            self.wfile.write(part)
        if end < len(body):
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("datasets", type=Path)
    parser.add_argument("--models", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--fault", action="append", default=[], help="JSON of a Fault; may be repeated")
    given = parser.parse_args()
    hub = FakeHub(given.datasets, given.models, port=given.port)
    hub.order(*(Fault(**json.loads(fault)) for fault in given.fault))
    hub.start()
    print(hub.url, flush=True)  # noqa: T201
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        hub.stop()


if __name__ == "__main__":
    main()
