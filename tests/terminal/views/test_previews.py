from __future__ import annotations

import io
from pathlib import Path

from p2m_agent.rows.reading import write_examples
from p2m_agent.terminal.screen import fixed_screen
from p2m_agent.terminal.views.previews import row_table, rows_of
from p2m_agent.types.questions import Question
from tests.fakes.rows import examples


def test_rows_whose_label_is_doubted_are_what_the_person_is_asked_about(tmp_path: Path) -> None:
    rows = examples(60)
    doubted = rows[7].model_copy(update={"source": rows[7].source.model_copy(update={"suspect": "a"})})
    write_examples(tmp_path / "rows.jsonl", [*rows[:7], doubted, *rows[8:]])
    question = Question(id="q", about="rows", text="?", preview={"path": "rows.jsonl"})
    shown = rows_of(question, tmp_path)
    assert [row.text for row in shown] == [rows[7].text]
    out = io.StringIO()
    fixed_screen(80, out, io.StringIO()).data(row_table([(1, shown[0])], set()))
    assert "or a?" in out.getvalue()
    write_examples(tmp_path / "rows.jsonl", rows)
    assert len(rows_of(question, tmp_path)) == 20
