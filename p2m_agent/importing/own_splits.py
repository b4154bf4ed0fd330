"""The column that says the split of each row, in words or as a flag."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from p2m_agent.importing.labels.flags import flags_in
from p2m_agent.rows.column_profile import columns_of, flatten, text_of
from p2m_agent.rows.reading import Row
from p2m_agent.types.rows import SplitName
from p2m_agent.types.split_names import named_split

_NAMED = re.compile(
    r"(?:.*[_./ -])?(?:ml_use|split|fold|partition|subset|set|phase|part|dataset|usage)|.*_set", re.IGNORECASE
)
"""Names of columns that say a split; the values must say it too."""
_FLAG = re.compile(r"(?:is|in|for)[_ ]?(?P<split>\w+)", re.IGNORECASE)
MAX_VALUES = 6
MOST_HELD_OUT = 0.5
"""Share of the rows of which a flag says that they are held out, up to which it may be one of a split."""


@dataclass(frozen=True)
class SplitColumn:
    """A column and the split that each of its values says."""

    name: str
    roles: dict[str, SplitName]

    def of(self, row: Row) -> SplitName:
        """The split of a row."""
        return self.roles.get(text_of(flatten(row).get(self.name)), "train")


def split_column(rows: Sequence[Row]) -> SplitColumn | None:
    """The column whose every value says a split, training among them; None where none does.

    A column of another name than `split` counts only where a further column might be the output.
    """
    rows = [flatten(row) for row in rows]
    columns = columns_of(rows)
    for column in columns:
        values = Counter(text_of(row.get(column)) for row in rows)
        if len(values) > MAX_VALUES:
            continue
        roles = _said(values) or (_flagged(rows, column, values) if len(columns) > 2 else {})
        if roles and (_NAMED.fullmatch(column.strip()) or len(columns) > 2):
            return SplitColumn(column, roles)
    return None


def _said(values: Counter[str]) -> dict[str, SplitName]:
    """Value to split, where each says one."""
    found = {value: split for value in values if value and (split := named_split(value))}
    return found if len(found) == len(values) > 1 and {"train"} < set(found.values()) else {}


def _flagged(rows: Sequence[Row], column: str, values: Counter[str]) -> dict[str, SplitName]:
    """The same for `is_test`, whose cells say yes or no."""
    meant = _FLAG.fullmatch(column.strip())
    split = named_split(meant["split"]) if meant else None
    flags = flags_in(rows, ()) if split and len(values) == 2 else None
    if split is None or flags is None or column not in flags.labels:
        return {}
    other: SplitName = "test" if split == "train" else "train"
    roles = {value: split if value.lower() in flags.yes[column] else other for value in values}
    held_out = sum(count for value, count in values.items() if roles[value] != "train")
    return roles if held_out <= MOST_HELD_OUT * values.total() else {}
