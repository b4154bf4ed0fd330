"""CSV and its kin as people export them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from p2m_agent.errors import UsageError
from p2m_agent.rows.delimited.careful import careful_rows
from p2m_agent.rows.delimited.dialect import Dialect
from p2m_agent.rows.tables.opened import ReadingLog
from p2m_agent.rows.tables.opening import open_table
from p2m_agent.types.task import ReadOptions

from .conftest import Bring

TWO = [{"text": "bin not emptied", "label": "waste"}, {"text": "a hole, deep", "label": "roads"}]

SAME_ROWS = {
    "comma": 'text,label\nbin not emptied,waste\n"a hole, deep",roads\n',
    "semicolon": "text;label\nbin not emptied;waste\na hole, deep;roads\n",
    "pipe": "text|label\nbin not emptied|waste\na hole, deep|roads\n",
    "tab": "text\tlabel\nbin not emptied\twaste\na hole, deep\troads\n",
    "caret": "text^label\nbin not emptied^waste\na hole, deep^roads\n",
    "tilde": "text~label\nbin not emptied~waste\na hole, deep~roads\n",
    "ctrl_a": "text\x01label\nbin not emptied\x01waste\na hole, deep\x01roads\n",
    "sep_line": "sep=;\ntext;label\nbin not emptied;waste\na hole, deep;roads\n",
    "sep_line_quoted": '"sep=|"\r\ntext|label\r\nbin not emptied|waste\r\na hole, deep|roads\r\n',
    "bom": '\ufefftext,label\nbin not emptied,waste\n"a hole, deep",roads\n',
    "bom_and_quotes": '\ufeff"text","label"\n"bin not emptied","waste"\n"a hole, deep","roads"\n',
    "windows_lines": 'text,label\r\nbin not emptied,waste\r\n"a hole, deep",roads\r\n',
    "old_mac_lines": 'text,label\rbin not emptied,waste\r"a hole, deep",roads\r',
    "no_last_line_end": 'text,label\nbin not emptied,waste\n"a hole, deep",roads',
    "header_spaces": ' text , label \nbin not emptied,waste\n"a hole, deep",roads\n',
    "blank_lines": '\ntext,label\n\nbin not emptied,waste\n\n\n"a hole, deep",roads\n\n',
    "header_with_newline": '"text\n","label"\nbin not emptied,waste\n"a hole, deep",roads\n',
    "pandas_index": ',text,label\n0,bin not emptied,waste\n1,"a hole, deep",roads\n',
    "pandas_index_twice_saved": 'Unnamed: 0,text,label\n0,bin not emptied,waste\n1,"a hole, deep",roads\n',
    "r_row_names": '"text" "label"\n'.replace(" ", ",") + '"1","bin not emptied","waste"\n"2","a hole, deep","roads"\n',
    "empty_trailing_columns": 'text,label,,\nbin not emptied,waste,,\n"a hole, deep",roads,,\n',
    "trailing_delimiters_in_rows": 'text,label\nbin not emptied,waste,\n"a hole, deep",roads,\n',
    "rows_of_nothing": 'text,label\nbin not emptied,waste\n,\n"a hole, deep",roads\n,\n',
    "title_above": 'Messages of June,\n,\ntext,label\nbin not emptied,waste\n"a hole, deep",roads\n',
    "comment_above": '# exported 2026-06-01\ntext,label\nbin not emptied,waste\n"a hole, deep",roads\n',
    "single_quotes": "'text','label'\n'bin not emptied','waste'\n'a hole, deep','roads'\n",
}


@pytest.mark.parametrize("kind", SAME_ROWS)
def test_any_dialect_gives_the_same_rows(bring: Bring, kind: str) -> None:
    assert bring("d.csv", SAME_ROWS[kind])[0] == TWO


@pytest.mark.parametrize("name", ["d.tsv", "d.dat", "export", "d.txt"])
def test_what_is_in_it_counts_not_its_name(bring: Bring, name: str) -> None:
    rows, table = bring(name, SAME_ROWS["tab"])
    assert rows == TWO
    assert (table.format, table.delimiter, table.header_line) == ("TSV, tab between cells, UTF-8", "\t", 1)


def test_cells_stay_text(bring: Bring) -> None:
    rows, _ = bring("d.csv", "text,code,flag\nx,007,NA\ny,1.0,true\nz,,null\n")
    assert rows == [
        {"text": "x", "code": "007", "flag": "NA"},
        {"text": "y", "code": "1.0", "flag": "true"},
        {"text": "z", "code": "", "flag": "null"},
    ]


def test_decimal_commas_are_no_delimiters(bring: Bring) -> None:
    rows, table = bring("d.csv", "id;text;score;share\n1;so so;0,51;1,0\n2;fine;0,29;0,5\n")
    assert table.delimiter == ";"
    assert rows[1] == {"id": "2", "text": "fine", "score": "0,29", "share": "0,5"}


def test_quotes_in_a_tsv_are_text(bring: Bring) -> None:
    content = 'text\tlabel\n"Urgent" - a hole\troads\n"The lamp is out\troads\nsize 5" pipe\twater\nplain\twater\n'
    rows, table = bring("d.tsv", content)
    assert [row["text"] for row in rows] == ['"Urgent" - a hole', '"The lamp is out', 'size 5" pipe', "plain"]
    assert "quotes are text" in table.format


def test_quotes_around_cells_of_a_tsv_are_not(bring: Bring) -> None:
    rows, _ = bring("d.tsv", 'text\tlabel\n"a ""hole""\nhere"\troads\n"x"\twaste\n')
    assert rows == [{"text": 'a "hole"\nhere', "label": "roads"}, {"text": "x", "label": "waste"}]


def test_a_quote_astray_takes_no_other_row_with_it(bring: Bring) -> None:
    lines = [f'"fine, number {n}",ok' for n in range(8)]
    lines[2], lines[5] = '"open to the end,ok', '"Urgent" - mend it,ok'
    rows, table = bring("d.csv", "text,label\n" + "\n".join(lines) + "\n")
    assert len(rows) == 8
    assert (rows[2]["text"], rows[5]["text"]) == ('"open to the end', '"Urgent" - mend it')
    assert rows[3]["text"] == "fine, number 3"
    (doubt,) = table.doubts
    assert doubt.kind == "ragged"
    assert "lines 4, 7" in doubt.text


def test_one_stray_quote_does_not_make_quotes_text(bring: Bring) -> None:
    content = '"text","label"\n' + '"fine","ok"\n' * 5 + '"a "bad" one","ok"\n' + '"fine","ok"\n'
    rows, table = bring("d.csv", content)
    assert rows[0] == {"text": "fine", "label": "ok"}
    assert any(doubt.kind == "ragged" and "line 7" in doubt.text for doubt in table.doubts)


def test_backslashes_escape_quotes_where_the_file_does_so(bring: Bring) -> None:
    rows, _ = bring("d.csv", 'text,label\n"he said \\"no\\", twice",a\n"plain, too",b\n"\\"x\\"",c\n')
    assert [row["text"] for row in rows] == ['he said "no", twice', "plain, too", '"x"']


def test_ragged_lines_are_counted_by_line(bring: Bring) -> None:
    content = "text,label\n" + "fine,ok\n" * 8 + "too,many,cells\nfew\n" + "fine,ok\n" * 3
    rows, table = bring("d.csv", content)
    assert rows == [{"text": "fine", "label": "ok"}] * 11
    assert table.left_out == {"more than 2 cells": 1, "fewer than 2 cells": 1}
    assert [doubt.rows for doubt in table.doubts] == [1, 1]
    assert "line 10" in table.doubts[0].text
    assert all(doubt.grave for doubt in table.doubts)


def test_a_comma_without_quotes_is_joined_where_one_reading_is_possible(bring: Bring) -> None:
    lines = [f"text {n},{('good', 'bad')[n % 2]}" for n in range(12)]
    lines += ["slow, but kind,good", "slow,bad,good", "one, two, three,fine"]
    rows, table = bring("d.csv", "text,label\n" + "\n".join(lines) + "\n")
    assert rows[-1] == {"text": "slow, but kind", "label": "good"}
    assert table.left_out == {"more than 2 cells": 2}
    assert any("line 14)" in doubt.text and "put together" in doubt.text for doubt in table.doubts)


def test_a_ragged_record_of_several_lines_is_left_out_as_one(bring: Bring) -> None:
    rows, table = bring("d.csv", "text,label\n" + "fine,ok\n" * 4 + 'x,"one\ntwo",late\n' + "fine,ok\n")
    assert rows == [{"text": "fine", "label": "ok"}] * 5
    assert table.left_out == {"more than 2 cells": 1}


def test_line_numbers_count_lines_not_records(bring: Bring) -> None:
    _, table = bring("d.csv", 'text,label\n"one\ntwo\nthree",ok\nfine,ok\nfine,ok\ntoo,many,cells\n')
    assert "line 7" in table.doubts[0].text


def test_a_file_that_mostly_does_not_fit_is_refused(bring: Bring) -> None:
    with pytest.raises(UsageError, match="line 2 has 4 cells") as raised:
        bring("d.csv", "text,label\na,b,c,x\na,b,x\na,b,c,d,x\nfine,x\n")
    assert "double quotes" in raised.value.hint


def test_a_missing_header_is_noticed(bring: Bring) -> None:
    content = "The lamp in our street is out again,roads\nMy bin was not emptied this week,waste\n" * 4
    rows, table = bring("d.csv", content)
    assert len(rows) == 8
    assert rows[0] == {"column_1": "The lamp in our street is out again", "column_2": "roads"}
    assert table.header_line == 0
    assert table.doubts[0].grave
    assert "--no-header" in table.doubts[0].settle


def test_the_person_settles_whether_there_is_a_header(bring: Bring) -> None:
    content = "one,two\nthree,four\n"
    assert len(bring("d.csv", content)[0]) == 1
    rows, table = bring("d.csv", content, header=False)
    assert rows[0] == {"column_1": "one", "column_2": "two"}
    assert not table.doubts
    assert list(bring("e.csv", "a b c d e f g h i,x\nk l,x\n" * 3, header=True)[0][0]) == ["a b c d e f g h i", "x"]


def test_question_headers_of_a_form_are_names(bring: Bring) -> None:
    header = (
        '"Timestamp","How happy are you with our service in general?","What could we do better for you next time?"\n'
    )
    row = '"2026/03/01 10:00:00 AM GMT+1","5","Shorter queues at the desk, please, they are long"\n'
    rows, table = bring("form.csv", header + row * 3)
    assert list(rows[0])[1] == "How happy are you with our service in general?"
    assert not table.doubts


def test_header_rows_of_qualtrics_are_no_rows(bring: Bring) -> None:
    ids = [json.dumps({"ImportId": each}) for each in ("startDate", "QID1", "QID2_TEXT")]
    quoted = ",".join('"' + each.replace('"', '""') + '"' for each in ids)
    content = (
        f'StartDate,Q1,Q2\nStart Date,"How happy\nare you?",Why?\n{quoted}\n2026-03-01 10:00:00,Very,"Quick, kind"\n'
    )
    rows, table = bring("survey.csv", content)
    assert rows == [{"StartDate": "2026-03-01 10:00:00", "Q1": "Very", "Q2": "Quick, kind"}]
    assert table.descriptions["Q1"] == "How happy are you?"


def test_same_names_are_numbered_and_said(bring: Bring) -> None:
    rows, table = bring("d.csv", "text,label,text\na,b,c\nd,e,f\n")
    assert rows[0] == {"text": "a", "label": "b", "text_2": "c"}
    assert [doubt.where for doubt in table.doubts] == ["text_2"]


def test_a_column_without_a_name_that_holds_something_is_kept(bring: Bring) -> None:
    rows, table = bring("d.csv", "text,label,\na,b,note\nd,e,\n")
    assert rows[0] == {"text": "a", "label": "b", "column_3": "note"}
    assert table.doubts[0].where == "column_3"


def test_a_value_below_no_name_is_said_even_far_down(bring: Bring) -> None:
    rows, table = bring("d.csv", "text,label,\n" + "a,b,\n" * 2_000 + "a,b,late\n")
    assert rows[-1] == {"text": "a", "label": "b"}
    assert any(doubt.kind == "ragged" and "2002" in doubt.text for doubt in table.doubts)


def test_one_column_is_no_delimiter(bring: Bring) -> None:
    rows, table = bring("d.csv", 'text\nWell, this is it\nno comma here\n"quoted, cell"\nI see, said he, and left\n')
    assert [row["text"] for row in rows] == [
        "Well, this is it",
        "no comma here",
        "quoted, cell",
        "I see, said he, and left",
    ]
    assert table.delimiter == ""


def test_lines_of_a_text_are_rows(bring: Bring) -> None:
    rows, table = bring("d.txt", "__label__a first, one\n\n__label__b second\n")
    assert rows == [{"text": "__label__a first, one"}, {"text": "__label__b second"}]
    assert table.format == "text, one row a line, UTF-8"


def test_the_person_names_the_delimiter(bring: Bring) -> None:
    rows, _ = bring("d.csv", "a,b;c\n1,2;3\n", delimiter=";")
    assert rows == [{"a,b": "1,2", "c": "3"}]


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff", "text,label\n"])
def test_nothing_in_it_is_said(bring: Bring, content: str) -> None:
    with pytest.raises(UsageError, match=r"empty|no rows"):
        bring("d.csv", content)


def test_both_parsers_give_the_same_rows_and_the_second_goes_on_where_the_first_stops(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    good = "".join(f'{n},"text, {n}\nsecond line",l{n % 3}\n' for n in range(60_000))
    path.write_text("id,text,label\n" + good + "1,2,3,4\n" + good, encoding="utf-8")
    table = open_table(path)
    rows = table.splits["train"]
    fast = list(rows)
    source = rows.read.args[0]  # type: ignore[attr-defined]
    assert fast == list(careful_rows(source, ReadingLog()))
    assert len(fast) == 120_000
    assert table.left_out == {"more than 3 cells": 1}
    assert list(rows) == fast
    assert table.left_out == {"more than 3 cells": 1}


def test_unknown_format_and_missing_file_name_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match="no format 'cvs'") as raised:
        open_table(tmp_path / "data.csv", ReadOptions(format="cvs"))
    assert "parquet" in raised.value.hint
    with pytest.raises(UsageError) as raised:
        open_table(tmp_path / "dta.csv")
    assert "data.csv" in raised.value.hint


def test_a_long_cell_is_read_and_the_limit_of_the_process_stays() -> None:
    before, long = csv.field_size_limit(), "x" * (csv.field_size_limit() + 1)
    records = Dialect(",").reader(iter([f"a,{long}\n", "b,c\n"]))
    assert next(records) == ["a", long]
    assert csv.field_size_limit() == before
    assert (list(records), records.line_num) == ([["b", "c"]], 2)
