"""The kind of task that rows show, where the request has no word for it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from p2m_agent.importing import column_names as names
from p2m_agent.importing.labels.flags import flags_in
from p2m_agent.importing.labels.lists import as_list, holds_lists
from p2m_agent.importing.labels.output_column import looks_several
from p2m_agent.rows.column_profile import Column, flatten, profile
from p2m_agent.rows.reading import Row

LONGEST_LABEL = 60
"""Mean characters of what may be labels."""
RECURRING = 0.9
"""Share of rows whose output another row has too, from which outputs are labels."""
READ_OUT = 0.8
"""Share of rows whose output stands in the text, from which it is read out of it and not judged."""
FLAGS = 3
"""Yes-or-no columns from which on they are labels."""


def shows_labels(rows: Sequence[Row]) -> bool:
    """Whether a column beside the text holds labels, or several say yes or no."""
    columns = [column for column in profile([flatten(row) for row in rows]) if column.filled > 0]
    texts = [column for column in columns if _is_text(column)]
    if not texts:
        return False
    if len(flags_in(rows, ()).labels) >= FLAGS:
        return True
    labels = [column for column in columns if column not in texts and _are_labels(column, rows)]
    if len(texts) > 1:  # one of them may be the answer
        labels = [column for column in labels if names.output_score(column.name) >= 3.8]
        labels = [] if any(names.output_score(text.name) >= 3.8 for text in texts) else labels
    return any(_read_out(column, texts) < READ_OUT for column in labels)


def _is_text(column: Column) -> bool:
    return column.distinct_share > 0.5 and not (column.one_word or column.technical or column.listed or column.numeric)


def _are_labels(column: Column, rows: Sequence[Row]) -> bool:
    if names.leaves_out(column.name) or column.technical or column.distinct < 2:
        return False
    cells = [row.get(column.name) for row in rows]
    if holds_lists(cells):
        return looks_several([items for cell in cells if (items := as_list(cell)) is not None])
    counts = Counter(value for value in column.values if value)
    recurring = sum(count for count in counts.values() if count > 1)
    return column.length <= LONGEST_LABEL and recurring >= RECURRING * counts.total()


def _read_out(column: Column, texts: Sequence[Column]) -> float:
    """Share of the rows whose value stands in one of the texts, as a word."""
    pairs = list(zip(column.values, *(text.values for text in texts), strict=True))
    found = sum(_stands_in(value, " ".join(given)) for value, *given in pairs if value)
    return found / max(1, sum(bool(value) for value, *_ in pairs))


def _stands_in(value: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text, re.IGNORECASE) is not None
