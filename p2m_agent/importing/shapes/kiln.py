"""Kiln: runs of a task with ratings and repaired outputs, and its tables of input and output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from p2m_agent.importing.schema.cells import entry, is_absent, peek, share, text_of
from p2m_agent.importing.schema.shaped import Asked, Row, Shape, Shaped
from p2m_agent.rows.column_profile import columns_of
from p2m_agent.rows.rejected import Rejected

ASIDE = ("reasoning", "chain_of_thought", "tags")
"""Columns of its tables beside input and output."""
GOOD_STARS = 4
"""Its own rule for an output of high quality; of two grades the better one."""
POOR = "rated as poor and not repaired"


def _read(rows: Iterable[Row], request: Asked) -> Shaped:
    sample, stream = peek(rows)
    kept: list[Row] = []
    rejected: list[Rejected] = []
    for row in stream:
        answer, rated_poor = _answer(row)
        asked = text_of(row.get("input"))
        empty = not text_of(answer) and not (request.empty_is_right and answer is not None)
        if rated_poor or not asked or empty:
            rejected.append(Rejected(row, POOR if rated_poor else "empty answer" if asked else "empty input"))
        else:
            kept.append({"input": asked, "output": text_of(answer)})
    return Shaped(
        shape="Kiln",
        rows=kept,
        inputs=("input",),
        output="output",
        read=len(kept) + len(rejected),
        rejected=rejected,
        unread=tuple(name for name in columns_of(sample) if name not in ("input", "output")),
    )


def _sniff(rows: Sequence[Row]) -> float:
    names = set(columns_of(rows))
    if {"input", "output"} <= names and names & set(ASIDE) and names <= {"input", "output", *ASIDE}:
        return 1.0
    return share("input" in row and _is_run(row) for row in rows)


def _is_run(row: Row) -> bool:
    return "output" in entry(row.get("output")) and bool({"input_source", "model_type", "v"} & row.keys())


def _answer(row: Row) -> tuple[object, bool]:
    """The output, repaired where somebody did, and whether it is a poor one."""
    if not _is_run(row):
        return row.get("output"), False
    repaired = entry(row.get("repaired_output")).get("output")
    made = entry(row.get("output"))
    return (made.get("output"), _is_poor(entry(made.get("rating")))) if is_absent(repaired) else (repaired, False)


def _is_poor(rating: Mapping[str, object]) -> bool:
    value = rating.get("value")
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return value < (GOOD_STARS if rating.get("type") == "five_star" else 1)


SHAPE = Shape("Kiln", _sniff, _read, specific=3)
