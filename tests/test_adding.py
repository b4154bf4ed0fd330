"""What CONTRIBUTING says can be added with one file: each is written into a temporary folder and used."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from p2m_agent.importing.shapes import load_shapes, shape_of
from p2m_agent.rows.tables.opening import load_readers, open_table
from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import load_tools
from p2m_agent.search.hub import IndexedHub
from p2m_agent.settings import Settings
from p2m_agent.types.task import Task
from tests.fakes.calls import run_tool

HUB = '''
"""Datasets of the office: names that begin with `office:`."""

from p2m_agent.search.hubs.card import Card
from p2m_agent.types.candidates import HubDataset
from p2m_agent.search.hubs.protocol import HubKind


class Office:
    name = "office:mail"

    def why_not(self):
        return None

    def cards(self, query=None, limit=None):
        yield Card("office/mail", self.name, title="Office mail", description="Mail to an office, by queue.")

    def open(self, repo, config=None):
        rows = [{"text": f"letter {n}", "queue": "post"} for n in range(3)]
        return HubDataset("office/mail", self.name, "1", splits={"train": 3}, read=lambda split, limit: iter(rows))


HUB = HubKind(order=0, open=lambda name, huggingface: Office() if name.startswith("office:") else None)
'''
TOOL = '''
"""Count the words of the request."""

from p2m_agent.run.tooling import Args, Effect, NotYet, Outcome, Tool


class CountWords(Args):
    """Count the words of the request."""


def needs(args, state):
    return state.task.request or NotYet("there is no request yet")


def run(args, request, context):
    return Outcome(summary=f"{len(request.split())} words")


TOOL = Tool(name="count_words", args=CountWords, run=run, needs=needs, effect=Effect.READ)
'''


READER = '''
"""Address books: `name :: queue`, a line each."""

from p2m_agent.rows.tables.opened import Reader, SourceTable, one_split


def read(path, options):
    lines = path.read_text().splitlines()
    rows = [dict(zip(("text", "queue"), line.split(" :: "))) for line in lines]
    return SourceTable(format="an address book", splits=one_split(lambda log: iter(rows)), path=path)


READER = Reader("book", (".book",), lambda path, head: 3 if b" :: " in head else 0, read)
'''
SHAPE = '''
"""The forms of the town hall: a remark and what a clerk ticked."""

from p2m_agent.importing.schema.shaped import Shape, Shaped


def read(rows, asked):
    flat = [{"remark": row["form"]["remark"], "tick": row["form"]["tick"]} for row in rows]
    return Shaped("town hall", flat, ("remark",), "tick", read=len(flat))


SHAPE = Shape("town hall", lambda rows: sum("form" in row for row in rows) / len(rows), read, specific=9)
'''


@pytest.fixture
def add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a file beside those of a package."""

    def put(package: str, name: str, text: str) -> None:
        (tmp_path / package).mkdir(exist_ok=True)
        (tmp_path / package / f"{name}.py").write_text(text)
        module = importlib.import_module(package)
        monkeypatch.setattr(module, "__path__", [*module.__path__, str(tmp_path / package)])
        monkeypatch.delitem(sys.modules, f"{package}.{name}", raising=False)

    return put


def test_a_hub(add, tmp_path: Path) -> None:
    add("p2m_agent.search.hubs.kinds", "office", HUB)
    hub = IndexedHub(Settings(hubs=("office:mail",), cache_dir=tmp_path / "cache"), lambda: None)
    assert [row["queue"] for row in hub.open_dataset("office/mail").rows("train")] == ["post"] * 3


def test_a_tool(add) -> None:
    add("p2m_agent.tools", "count_words", TOOL)
    tool = load_tools()["count_words"]
    assert tool.description == "Count the words of the request."
    assert run_tool(tool, tool.args(), RunState(task=Task(request="Sort my mail")), None).summary == "3 words"


def test_a_file_format(add, tmp_path: Path) -> None:
    add("p2m_agent.rows.formats", "address_book", READER)
    (tmp_path / "mail.book").write_text("The lamp is out :: roads\nMy bin is full :: waste\n")
    load_readers.cache_clear()
    table = open_table(tmp_path / "mail.book")
    load_readers.cache_clear()
    assert table.format == "an address book"
    assert [row["queue"] for row in table.splits["train"]] == ["roads", "waste"]


def test_the_files_of_a_tool(add) -> None:
    add("p2m_agent.importing.shapes", "town_hall", SHAPE)
    load_shapes.cache_clear()
    shaped = shape_of([{"form": {"remark": "The lamp is out", "tick": "roads"}}])
    load_shapes.cache_clear()
    assert shaped is not None
    assert (shaped.shape, shaped.inputs, shaped.rows[0]["tick"]) == ("town hall", ("remark",), "roads")
