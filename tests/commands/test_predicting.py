"""A file of rows is checked before the model is loaded, answered as it goes, and gone on with."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.cli import build_parser
from p2m_agent.commands import predicting
from p2m_agent.commands.predicting import RowsToAnswer, answered, check_place, write_answers
from p2m_agent.errors import UsageError
from p2m_agent.types.scores import ErrorPromise
from tests.fakes.student import FakePredictor, by_word, student_card


def rows_file(folder: Path, *texts: str, **more: object) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps({"text": text, **more}) + "\n" for text in texts))
    return path


@pytest.mark.parametrize("args", [["--json", "RUN", "hi"], ["RUN", "--json", "hi"], ["RUN", "hi", "--json"]])
def test_flags_stand_anywhere_around_the_text(args: list[str]) -> None:
    parsed = build_parser().parse_args(["predict", *args])
    assert (parsed.run, parsed.text, parsed.json) == ("RUN", "hi", True)


@pytest.mark.parametrize("place", ["missing/dir/x", "."])
def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path, place: str) -> None:
    with pytest.raises(UsageError, match=r"no folder|is a folder"):
        check_place(tmp_path / place, resume=False)


def test_nothing_is_loaded_where_the_place_is_wrong(tmp_path: Path) -> None:
    args = build_parser().parse_args(["predict", "no-run", "--file", "none.jsonl", "-o", str(tmp_path / "a" / "b")])
    with pytest.raises(UsageError, match="no folder"):
        predicting.predict(args)


def test_a_row_that_cannot_be_answered_is_said_before_any_is(tmp_path: Path) -> None:
    path = rows_file(tmp_path, "a", "b")
    path.write_text(path.read_text() + '{"label": "x"}\n')
    with pytest.raises(UsageError, match="row 3 has no `text`"):
        RowsToAnswer.check(path, student_card())


def test_columns_of_the_file_keep_their_values(tmp_path: Path) -> None:
    path = rows_file(tmp_path, "an invoice", confidence=0.1, predicted_label="old")
    rows = RowsToAnswer.check(path, student_card())
    out = io.StringIO()
    write_answers(FakePredictor(by_word).predict, rows, out)
    assert json.loads(out.getvalue()) == {
        "text": "an invoice",
        "confidence": 0.1,
        "predicted_label": "old",
        "predicted_label_2": "billing",
        "confidence_2": 0.75,
    }


class Lines(io.StringIO):
    """Remembers how much had been written whenever the model was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def predict(self, inputs: Any) -> Any:
        self.seen.append(self.getvalue().count("\n"))
        return FakePredictor(by_word).predict(inputs)


def test_answers_are_written_as_they_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predicting, "AT_ONCE", 2)
    out = Lines()
    write_answers(out.predict, RowsToAnswer.check(rows_file(tmp_path, *"abcde"), student_card()), out)
    assert out.seen == [0, 2, 4]
    assert out.getvalue().count("\n") == 5


def test_a_file_is_gone_on_with_behind_its_last_whole_line(tmp_path: Path) -> None:
    rows = RowsToAnswer.check(rows_file(tmp_path, *"abcde"), student_card())
    whole = io.StringIO()
    write_answers(FakePredictor(by_word).predict, rows, whole)
    out = tmp_path / "out.jsonl"
    out.write_text(whole.getvalue()[: len(whole.getvalue()) // 2])
    done = answered(out, rows)
    assert 0 < done < 5
    with out.open("a") as more:
        write_answers(FakePredictor(by_word).predict, rows, more, skip=done)
    assert out.read_text() == whole.getvalue()


def test_answers_to_other_rows_are_not_gone_on_with(tmp_path: Path) -> None:
    rows = RowsToAnswer.check(rows_file(tmp_path, *"abcde"), student_card())
    out = tmp_path / "out.jsonl"
    for line in ('{"text": "z", "predicted_label": "x", "confidence": 1}\n', "no json\n", '{"text": "a"}\n' * 6):
        out.write_text(line)
        with pytest.raises(UsageError, match="does not hold answers to these rows"):
            answered(out, rows)
    assert answered(tmp_path / "new.jsonl", rows) == 0


def test_what_the_model_is_not_sure_enough_of_is_marked(tmp_path: Path) -> None:
    promise = ErrorPromise(max_error=0.02, threshold=0.9, rows=400, answered=0.5)
    card = student_card().model_copy(update={"promise": promise})
    rows = RowsToAnswer.check(rows_file(tmp_path, "an invoice", abstained="mine"), card)
    out = io.StringIO()
    write_answers(FakePredictor(by_word, card=card).predict, rows, out)
    line = json.loads(out.getvalue())
    assert (line["abstained"], line["abstained_2"], line["predicted_label"]) == ("mine", True, "billing")
