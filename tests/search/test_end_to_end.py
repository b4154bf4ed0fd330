"""The program in its own process against a stand-in Hub: what is there is found, and rows come with their revision."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.fakes.hub_server import FakeHub
from tests.fakes.rows import rows

IMPORT = """
import json, sys
from pathlib import Path
from tests.tools.test_import_rows import Bench, search, spec
from p2m_agent.rows.reading import read_examples
from p2m_agent.run.state import RunState

root = Path(sys.argv[1])
(root / "hub").mkdir(parents=True)
bench = Bench(root, RunState(artifacts=[spec(), search("acme/moods")]))
bench.call()
path = root / "run" / bench.dataset.path
sources = {(e.source.origin, e.source.ref, e.source.revision, e.source.licence) for e in read_examples(path)}
print(json.dumps({"rows": bench.dataset.rows, "revision": bench.dataset.revision, "sources": sorted(sources)}))
"""


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    folder = tmp_path / "hub" / "acme__moods"
    (folder / "data").mkdir(parents=True)
    card = "---\nlicense: cc-by-4.0\nlanguage: en\ntask_categories: [text-classification]\npretty_name: {}\n---\n\n{}\n"
    (folder / "README.md").write_text(card.format("Moods of gardeners", "Letters of gardeners by their mood."))
    for split, content in {"train": rows(200), "test": rows(60, start=500)}.items():
        (folder / "data" / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in content))
    return tmp_path / "hub"


def run(server: FakeHub, home: Path, *command: str) -> str:
    """A program's standard output; the libraries find the stand-in by HF_ENDPOINT, and nothing is patched."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith(("P2M_", "HF_"))}
    surroundings |= {"HF_ENDPOINT": server.url, "HF_HOME": str(home / "hf"), "XDG_CACHE_HOME": str(home / "cache")}
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=surroundings, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.real
def test_a_search_finds_what_is_on_the_hub(hub: Path, tmp_path: Path) -> None:
    with FakeHub(hub) as server:
        query = "moods of gardeners in their letters"
        found = json.loads(run(server, tmp_path, "-m", "p2m_agent.cli", "search", "datasets", query, "--json"))
        best = next(each for each in found if each["hub"] == "huggingface" and each["repo"] == "acme/moods")
        assert best["revision"] == server.repos["acme/moods"].commits[0].sha
        assert best["licence"] == "cc-by-4.0"
        assert best["reachable"]
        assert server.count("^/api/datasets$") > 1


def test_rows_are_imported_with_their_revision(hub: Path, tmp_path: Path) -> None:
    with FakeHub(hub) as server:
        sha = server.repos["acme/moods"].commits[0].sha
        told = json.loads(run(server, tmp_path, "-c", IMPORT, str(tmp_path / "root")).splitlines()[-1])
        assert told["rows"] > 100
        assert told["revision"] == sha
        assert told["sources"] == [["hub", "acme/moods", sha, "cc-by-4.0"]]
