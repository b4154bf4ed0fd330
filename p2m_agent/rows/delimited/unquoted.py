"""Lines with too many cells because a text holds the delimiter without quotes: joined where only one way is possible.

Every other column must be closed (few values, each seen in whole lines), and the piece beside the cut must be none of
its values: `slow, but kind,positive` has one reading, `slow,negative,positive` has two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_VALUES = 50
ROWS_A_VALUE = 3
"""Rows for each value of a closed column at least, on average."""


@dataclass(frozen=True)
class ClosedColumns:
    """The values of each column that has few; empty for the others."""

    values: tuple[frozenset[str], ...] = ()

    def joined(self, cells: Sequence[str], delimiter: str) -> list[str] | None:
        """The cells with those of one column put together again; None where that is not certain."""
        extra = len(cells) - len(self.values)
        if extra < 1 or not any(self.values):
            return None
        fits = [place for place in range(len(self.values)) if self._fits(cells, place, extra)]
        if len(fits) != 1:
            return None
        (place,) = fits
        return [*cells[:place], delimiter.join(cells[place : place + extra + 1]), *cells[place + extra + 1 :]]

    def _fits(self, cells: Sequence[str], place: int, extra: int) -> bool:
        """Whether the column at this place can have taken the pieces, and none of them belongs elsewhere."""
        others = [*enumerate(cells[:place]), *enumerate(cells[place + extra + 1 :], place + 1)]
        if self.values[place] or not all(cell in self.values[column] for column, cell in others):
            return False
        anywhere = frozenset().union(*self.values)
        return not any(piece.strip() in anywhere for piece in cells[place : place + extra + 1])


def closed_columns(rows: Sequence[Sequence[str]], width: int) -> ClosedColumns:
    """What the whole lines of a sample say."""
    whole = [cells for cells in rows if len(cells) == width]
    return ClosedColumns(tuple(_closed([cells[place] for cells in whole]) for place in range(width)))


def _closed(cells: Sequence[str]) -> frozenset[str]:
    values = frozenset(cells) - {""}
    few = len(values) <= MOST_VALUES and len(values) * ROWS_A_VALUE <= len(cells)
    return values if few else frozenset()
