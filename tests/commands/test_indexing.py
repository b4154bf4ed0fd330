"""`p2m index` and `p2m search datasets` as a person runs them."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
from pathlib import Path

import pytest

from p2m_agent.cli import main
from p2m_agent.search.datasets.index import Index
from tests.conftest import ROOT
from tests.fakes.hub import CountingEmbedder, make_dataset
from tests.fakes.hub_server import FakeHub, Fault
from tests.search.datasets.test_index import make_cards

PESTS = "Letters of gardeners about slugs, snails and mildew, sorted by the pest they complain of."


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("p2m_agent.weights.embedding.load_embedder", lambda _: CountingEmbedder())
    make_dataset(tmp_path / "lake", "acme__pests", PESTS)
    make_dataset(tmp_path / "lake", "acme__ships", "Log entries of ships at sea, sorted by the weather met.")
    return tmp_path / "lake"


def test_building_says_what_changed(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "datasets", PESTS, "--hub", str(lake)]) == 0  # what a search reads is not indexed by that
    capsys.readouterr()
    assert main(["index", "build", "--hub", str(lake)]) == 0
    assert capsys.readouterr().out == f"{lake}: 2 added, 0 changed, 0 removed, 0 unchanged\n"
    make_dataset(lake, "acme__bees", "Notes of bee keepers.")
    (lake / "acme__ships" / "README.md").unlink()
    assert main(["index", "build"]) == 0  # what was built is brought up to date
    shown = capsys.readouterr()
    assert shown.out == f"{lake}: 1 added, 0 changed, 1 removed, 1 unchanged\n"
    assert "embedded 1 text in" in shown.err
    assert main(["index", "build", "--hub", str(lake), "--limit", "1", "--json"]) == 0
    [source] = json.loads(capsys.readouterr().out)["sources"]
    assert source == {"source": str(lake), "added": 0, "changed": 0, "removed": 0, "unchanged": 1}


def test_show_and_remove(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["index", "build"]) == 2
    assert "nothing to index" in capsys.readouterr().err
    main(["index", "build", "--hub", str(lake)])
    capsys.readouterr()
    assert main(["index", "show", "--json"]) == 0
    [source] = json.loads(capsys.readouterr().out)["sources"]
    assert (source["source"], source["cards"]) == (str(lake), 2)
    assert main(["index", "remove", "--hub", str(lake)]) == 0
    assert main(["index", "remove", "--hub", str(lake)]) == 2
    capsys.readouterr()
    assert main(["index", "show"]) == 0
    assert "nothing is indexed" in capsys.readouterr().out


def test_a_search_finds_what_was_built_and_shows_a_row(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["index", "build", "--hub", str(lake)])
    capsys.readouterr()
    assert main(["search", "datasets", PESTS, "-k", "1"]) == 0
    shown = capsys.readouterr().out
    for part in ("acme/pests", "4 rows", "licence mit", "text, label_text", "text: text 0", "slug"):
        assert part in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert main(["search", "datasets", PESTS, "-k", "1", "--json"]) == 0
    [found] = json.loads(capsys.readouterr().out)
    assert found["sample"] == {"text": "text 0", "label_text": "good_one"}
    assert main(["search", "datasets", PESTS, "--language", "sw", "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out) == []
    assert "Nothing relevant" in shown.err


def test_models_are_searched_within_limits(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "models", "sort mail", "-k", "1"]) == 0
    assert capsys.readouterr().out
    assert main(["search", "models", "sort mail", "--language", "de", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found
    assert all({"de", "multilingual"} & set(model["languages"]) for model in found)


KILLED = """
import os, sys
from pathlib import Path
from p2m_agent.search.datasets.index import Index
from tests.fakes.hub import CountingEmbedder
from tests.search.datasets.test_index import make_cards
index = Index(Path(sys.argv[1]), CountingEmbedder())
index.put("lake", make_cards(300), whole=True)
index.embed(report=lambda done, every, share: os._exit(9))
"""


def test_a_killed_build_goes_on_in_a_new_process(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    assert subprocess.run(command, check=False, cwd=ROOT, timeout=60).returncode == 9
    index = Index(tmp_path, CountingEmbedder())
    _, changes = index.put("lake", make_cards(300), whole=True)
    assert changes.unchanged == 300
    assert index.embed() == 300 - 128, "of the batch that was on disk nothing is done again"
    index.close()


def test_a_damaged_index_is_said_and_built_anew(lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["index", "build", "--hub", str(lake)])
    [store] = tmp_path.glob("cache/p2m_agent/index-*/cards.sqlite")
    content = bytearray(store.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    store.write_bytes(content)
    capsys.readouterr()
    assert main(["index", "build", "--hub", str(lake)]) == 0
    shown = capsys.readouterr()
    assert "damaged" in shown.err
    assert shown.out == f"{lake}: 2 added, 0 changed, 0 removed, 0 unchanged\n"


def test_a_second_build_at_the_same_time_is_told_so(lake: Path, tmp_path: Path) -> None:
    main(["index", "build", "--hub", str(lake)])
    [root] = tmp_path.glob("cache/p2m_agent/index-*")
    with (root / "lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert main(["index", "build", "--hub", str(lake)]) == 1
        assert main(["search", "datasets", PESTS]) == 0


def test_the_hub_is_indexed_and_then_searched_without_it(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeHub(lake) as server:
        server.connect(monkeypatch, tmp_path / "hf")
        assert main(["index", "build", "--hub", "huggingface", "--limit", "1"]) == 0
        assert capsys.readouterr().out == "huggingface: 1 added, 0 changed, 0 removed, 0 unchanged\n"
        assert main(["index", "build", "--hub", "huggingface"]) == 0
        assert capsys.readouterr().out == "huggingface: 1 added, 0 changed, 0 removed, 1 unchanged\n"
        server.order(Fault(path="/api/datasets$", status=404, times=-1))
        assert main(["index", "build", "--hub", "huggingface"]) == 1
        assert "cannot be listed" in capsys.readouterr().err
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert main(["search", "datasets", "Acme pests", "-k", "1", "--json"]) == 0
    [found] = json.loads(capsys.readouterr().out)
    assert (found["repo"], found["hub"], found["sample"]) == ("acme/pests", "huggingface", None)
    assert "cannot be reached" in found["risks"][0]
