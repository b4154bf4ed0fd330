"""Header rows beyond the first: Qualtrics writes the question and an import id below the column names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from p2m_agent.rows.delimited.header import ColumnPlan, Record
from p2m_agent.types.doubts import Doubt

IMPORT_ID = ('{"ImportId":', "{'ImportId':")
LOOKED_AT = 4


def with_survey_rows(columns: ColumnPlan, sample: Sequence[Record]) -> ColumnPlan:
    """Pass over the rows of questions and import ids, and keep the questions as descriptions."""
    below = [(line, cells) for line, cells in sample if line > columns.after and any(cells)][:LOOKED_AT]
    ids = next((index for index, (_, cells) in enumerate(below) if _holds_ids(cells)), None)
    if ids is None or not columns.header_line:
        return columns
    questions = below[ids - 1][1] if ids else []
    described = {
        name: " ".join(questions[place].split())
        for name, place in zip(columns.names, columns.places, strict=True)
        if place < len(questions)
    }
    text = f"{ids + 1} more header rows of a survey (questions and import ids, as Qualtrics writes them)."
    doubt = Doubt(kind="format", text=text, where=f"line {below[ids][0]}", done="They are no rows.")
    return replace(columns, after=below[ids][0], descriptions=described, doubts=(*columns.doubts, doubt))


def _holds_ids(cells: Sequence[str]) -> bool:
    return any(cell.strip().startswith(IMPORT_ID) for cell in cells)
