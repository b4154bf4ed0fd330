"""The stand-in Hub does what its docstring says; the client libraries' own tests are in tests/hub."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT
from tests.fakes.hub import make_dataset
from tests.fakes.hub_requests import Fault
from tests.fakes.hub_server import FakeHub


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FakeHub]:
    make_dataset(tmp_path / "hub", "acme__letters", language="de")
    make_dataset(tmp_path / "hub", "acme__ships")
    (tmp_path / "hub" / "other").mkdir()
    make_dataset(tmp_path / "hub" / "other", "letters")
    with FakeHub(tmp_path / "hub") as server:
        yield server


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("search=LETTERS", {"acme/letters", "other/letters"}),
        ("search=letters&author=acme", {"acme/letters"}),
        ("filter=language:de&filter=license:mit", {"acme/letters"}),
        ("filter=license:gpl", set()),
        ("gated=true", {"acme/ships"}),
        ("gated=false&limit=1", {"other/letters"}),
    ],
)
def test_listings_are_filtered(server: FakeHub, query: str, found: set[str]) -> None:
    server.repos["acme/ships"].gated = "auto"
    assert {info["id"] for info in httpx.get(f"{server.url}/api/datasets?{query}").json()} == found


def test_listings_and_trees_come_in_pages(server: FakeHub) -> None:
    server.page = 2
    first = httpx.get(f"{server.url}/api/datasets?expand=sha")
    rest = httpx.get(first.links["next"]["url"])
    assert [len(first.json()), len(rest.json())] == [2, 1]
    assert set(rest.json()[0]) == {"_id", "id", "sha"}
    assert "next" not in rest.links
    tree = httpx.get(f"{server.url}/api/datasets/acme/letters/tree/main?recursive=true")
    more = httpx.get(tree.links["next"]["url"])
    assert [entry["path"] for entry in [*tree.json(), *more.json()]] == [
        "README.md",
        "data",
        "data/test.jsonl",
        "data/train.jsonl",
    ]


def test_ranges_are_answered_and_counted(server: FakeHub) -> None:
    url = f"{server.url}/datasets/acme/letters/resolve/main/data/train.jsonl"
    whole = httpx.get(url)
    part = httpx.get(url, headers={"Range": "bytes=2-5"})
    assert (part.status_code, part.text) == (206, whole.text[2:6])
    assert part.headers["ETag"] == whole.headers["ETag"]
    assert part.headers["X-Repo-Commit"] == server.repos["acme/letters"].commits[0].sha
    assert httpx.get(url, headers={"Range": "bytes=99999-"}).status_code == 416
    assert httpx.head(url).headers["Content-Length"] == str(len(whole.content))
    assert server.sent("train") == len(whole.content) + 4
    assert (server.count("train"), server.count("train", "HEAD")) == (4, 1)


def test_faults_come_in_their_order_and_end(server: FakeHub) -> None:
    server.order(Fault(status=429, headers={"Retry-After": "9"}, times=2), Fault(status=500))
    answers = [httpx.get(f"{server.url}/api/datasets") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [429, 429, 500, 200]
    assert answers[0].headers["Retry-After"] == "9"
    server.order(Fault(cut_after=3))
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{server.url}/api/datasets")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("api/datasets/acme/none", 401, "RepoNotFound"),
        ("api/datasets/acme/letters/revision/abc", 404, "RevisionNotFound"),
        ("datasets/acme/letters/resolve/main/none", 404, "EntryNotFound"),
        ("datasets/acme/ships/resolve/main/README.md", 401, "GatedRepo"),
    ],
)
def test_refusals_carry_the_hubs_codes(server: FakeHub, path: str, status: int, code: str) -> None:
    server.repos["acme/ships"].gated = "manual"
    answer = httpx.get(f"{server.url}/{path}")
    assert (answer.status_code, answer.headers["X-Error-Code"]) == (status, code)


def test_it_runs_as_a_program(tmp_path: Path) -> None:
    make_dataset(tmp_path / "hub", "acme__letters")
    fault = json.dumps({"path": "datasets", "status": 503})
    command = [sys.executable, "-m", "tests.fakes.hub_server", str(tmp_path / "hub"), "--fault", fault]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        url = program.stdout.readline().strip()
        assert [httpx.get(f"{url}/api/datasets").status_code for _ in range(2)] == [503, 200]
        assert [asked["status"] for asked in httpx.get(f"{url}/_requests").json()] == [503, 200]
        program.terminate()
