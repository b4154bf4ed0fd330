"""What was written is what is read, or a doubt is said: over tables that nobody thought of."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2m_agent.rows.delimited.careful import careful_rows
from p2m_agent.rows.tables.opened import ReadingLog, Row, SourceTable
from p2m_agent.rows.tables.opening import open_table
from p2m_agent.types.task import ReadOptions

DELIMITERS = (",", ";", "\t", "|", "^")
TEXT = "waste roads the lamp is out 007 1,5 NA null naïve straße £ “so” a;b x|y it's 5\" #1 — ok"
WORDS = st.sampled_from(TEXT.split())
PIECES = st.one_of(WORDS, st.sampled_from([",", ";", "\t", "|", "^", '"', '""', "\n", "\r\n", "'", "\\", "{}", "[1]"]))
CELLS = st.lists(PIECES, max_size=6).map(" ".join)
ANY_CELLS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), include_characters="\n\t"), max_size=12
)


@st.composite
def tables(draw: st.DrawFn, cells: st.SearchStrategy[str] = CELLS) -> list[Row]:
    """At least two columns, of which the first has something in each row."""
    names = ["text", "label", "note", "source"][: draw(st.integers(2, 4))]
    row = st.tuples(st.sampled_from(["first", "the second row", "a third one"]), *(cells for _ in names[1:]))
    return [dict(zip(names, values, strict=True)) for values in draw(st.lists(row, min_size=1, max_size=12))]


def opened(name: str, content: bytes, **options: Any) -> tuple[list[Row], SourceTable]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        table = open_table(path, ReadOptions(**options))
        rows = list(table.splits["train"])
        source = getattr(table.splits["train"].read, "args", [None])[0]
        if source is not None and name.endswith(".csv"):
            assert rows == list(careful_rows(source, ReadingLog()))
        return rows, table


def written(rows: list[Row], **dialect: Any) -> str:
    out = io.StringIO()
    writer = csv.writer(out, **dialect)
    writer.writerow(rows[0])
    writer.writerows(row.values() for row in rows)
    return out.getvalue()


@settings(max_examples=80, deadline=None)
@given(
    rows=tables(),
    delimiter=st.sampled_from(DELIMITERS),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    ends=st.sampled_from(["\n", "\r\n"]),
)
def test_delimiters_quotes_and_line_breaks(rows: list[Row], delimiter: str, quoting: int, ends: str) -> None:
    content = written(rows, delimiter=delimiter, quoting=quoting, lineterminator=ends)
    read, table = opened("d.csv", content.encode(), delimiter=delimiter, header=True)
    assert read == rows
    assert not table.left_out
    guessed, table = opened("d.csv", content.encode())
    assert guessed == rows or table.doubts


@settings(max_examples=40, deadline=None)
@given(rows=tables(ANY_CELLS), codec=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "gb18030"]))
def test_encodings_that_hold_every_letter(rows: list[Row], codec: str) -> None:
    content = written(rows, lineterminator="\n").encode(codec)
    assert opened("d.csv", content, encoding=codec, header=True, delimiter=",")[0] == rows
    read, table = opened("d.csv", content)
    assert read == rows or table.doubts


SENTENCES = {
    "de": ("die Straße ist größer", "ein Schlagloch für Räder", "bitte prüfen", "Müll"),
    "fr": ("où est passé le camion", "la poubelle est très pleine", "ça a coûté cher", "réseau"),
    "es": ("el niño mañana", "no pasó el camión", "una queja más"),
    "sv": ("en ås är ett berg", "soporna har inte hämtats på två veckor", "återvinning"),
}
ALL_SENTENCES = [each for several in SENTENCES.values() for each in several]
CODE_PAGES = st.sampled_from(["cp1252", "mac_roman", "iso8859_15", "utf-8"])


@settings(max_examples=30, deadline=None)
@given(data=st.data(), language=st.sampled_from(sorted(SENTENCES)), codec=CODE_PAGES)
def test_code_pages(data: st.DataObject, language: str, codec: str) -> None:
    more = data.draw(st.lists(st.sampled_from(SENTENCES[language]), max_size=8))  # one letter alone tells no code page
    rows: list[Row] = [{"text": text, "label": "ok"} for text in (*SENTENCES[language][:2], *more)]
    assert opened("d.csv", written(rows).encode(codec))[0] == rows


@settings(max_examples=30, deadline=None)
@given(texts=st.lists(st.sampled_from(ALL_SENTENCES), min_size=1), codec=CODE_PAGES)
def test_code_pages_of_several_languages(texts: list[str], codec: str) -> None:
    rows: list[Row] = [{"text": text, "label": "ok"} for text in texts]
    read, table = opened("d.csv", written(rows).encode(codec))
    assert read == rows or (codec != "utf-8" and table.doubts)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.dictionaries(st.text(max_size=5), ANY_CELLS | st.none() | st.integers(), max_size=3), min_size=1)
)
@pytest.mark.parametrize("form", ["lines", "list", "indented"])
def test_json(form: str, rows: list[Row]) -> None:
    """A list of one object is a list still."""
    dump = {"lines": "\n".join(map(json.dumps, rows)), "list": json.dumps(rows), "indented": json.dumps(rows, indent=1)}
    read, table = opened("d.jsonl" if form == "lines" else "d.json", dump[form].encode())
    assert read == rows
    assert not table.doubts


@settings(max_examples=40, deadline=None)
@given(rows=tables(), extra=st.lists(st.sampled_from(["y", '5" pipe']), min_size=1, max_size=3))
def test_a_ragged_line_takes_no_other_with_it(rows: list[Row], extra: list[str]) -> None:
    rows = rows * 4
    lines = written(rows, quoting=csv.QUOTE_ALL, lineterminator="\n")
    place = lines.index("\n") + 1
    broken = ",".join(["x"] * len(rows[0]) + extra)
    content = f"{lines[:place]}{broken}\n{lines[place:]}"
    read, table = opened("d.csv", content.encode(), delimiter=",", header=True)
    assert read == rows
    assert sum(table.left_out.values()) == 1
    assert any(doubt.kind == "ragged" and "line 2" in doubt.text for doubt in table.doubts)
