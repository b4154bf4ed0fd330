"""Charts as SVG, drawn in the colours of the page they stand in and readable without colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

_WIDTH, _HEIGHT = 560, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 16, 12, 36
_TICKS = 5


@dataclass(frozen=True)
class Point:
    """Something at a place of a chart."""

    x: float
    y: float
    low: float | None = None
    """Lower end of its interval."""
    high: float | None = None
    name: str = ""
    strong: bool = False
    """Drawn filled and larger: the one that was chosen."""


@dataclass(frozen=True)
class Axes:
    """What the two directions of a chart mean."""

    title: str
    """Read out in place of the picture."""
    x: str
    y: str
    x_range: tuple[float, float]
    y_range: tuple[float, float] = (0.0, 1.0)
    x_names: tuple[str, ...] = ()
    """Names of the places 1, 2, … where the axis has names instead of numbers."""

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Pixels of a place."""
        across = (x - self.x_range[0]) / ((self.x_range[1] - self.x_range[0]) or 1)
        up = (y - self.y_range[0]) / ((self.y_range[1] - self.y_range[0]) or 1)
        return (
            _LEFT + across * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM),
        )


def chart(axes: Axes, points: Sequence[Point], *, joined: bool = True, line: float | str | None = None) -> str:
    """Points with their intervals, in a line or each by itself; across lies a level, or the diagonal (`"diagonal"`)."""
    parts = [*_frame(axes)]
    if line == "diagonal":
        parts.append(_line(axes, (0, 0), (1, 1), "level"))
    elif isinstance(line, int | float):
        parts.append(_line(axes, (axes.x_range[0], line), (axes.x_range[1], line), "level"))
    if joined and len(points) > 1:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (axes.at(each.x, each.y) for each in points))
        parts.append(f'<polyline class="path" points="{path}"/>')
    for each in points:
        parts += _drawn(axes, each)
    return _svg(axes.title, _WIDTH, _HEIGHT, parts)


def _drawn(axes: Axes, point: Point) -> Iterator[str]:
    x, y = axes.at(point.x, point.y)
    if point.low is not None and point.high is not None:
        yield _line(axes, (point.x, point.low), (point.x, point.high), "interval")
    told = escape(f"{point.name}: {point.y:.3f}" if point.name else f"{point.y:.3f}")
    kind, radius = ("point strong", 6) if point.strong else ("point", 4)
    yield f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"><title>{told}</title></circle>'


def _frame(axes: Axes) -> Iterator[str]:
    left, bottom = axes.at(axes.x_range[0], axes.y_range[0])
    right, top = axes.at(axes.x_range[1], axes.y_range[1])
    for step in range(_TICKS + 1):
        value = axes.y_range[0] + (axes.y_range[1] - axes.y_range[0]) * step / _TICKS
        _, y = axes.at(axes.x_range[0], value)
        yield f'<line class="grid" x1="{left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>'
        yield _text(left - 6, y + 4, f"{value:.2f}", "end")
    for value, name in _marks(axes):
        x, _ = axes.at(value, axes.y_range[0])
        yield _text(x, bottom + 16, name, "middle")
    yield _text((left + right) / 2, _HEIGHT - 4, axes.x, "middle")
    yield f'<text class="label" transform="translate(11 {(top + bottom) / 2:.0f}) rotate(-90)">{escape(axes.y)}</text>'


def _marks(axes: Axes) -> Iterator[tuple[float, str]]:
    if axes.x_names:
        yield from ((float(place), name) for place, name in enumerate(axes.x_names, 1))
        return
    low, high = axes.x_range
    for step in range(_TICKS):
        value = low + (high - low) * step / (_TICKS - 1)
        yield value, f"{value:.2f}" if high - low <= _TICKS else f"{value:,.0f}"


def _line(axes: Axes, start: tuple[float, float], end: tuple[float, float], kind: str) -> str:
    (x1, y1), (x2, y2) = axes.at(*start), axes.at(*end)
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(title: str, width: int, height: int, parts: Sequence[str]) -> str:
    inside = "".join(parts)
    return f'<svg role="img" aria-label="{escape(title)}" viewBox="0 0 {width} {height}">{inside}</svg>'


_BOX_WIDTH, _BOX_HEIGHT, _GAP = 150, 44, 14


def flow(title: str, columns: Sequence[Sequence[tuple[str, str]]]) -> str:
    """What became of what, from left to right: boxes of a name and a line below; each feeds all of the next column."""
    columns = [column for column in columns if column]
    height = max((len(column) for column in columns), default=1) * (_BOX_HEIGHT + _GAP) + _GAP
    width = len(columns) * (_BOX_WIDTH + 40)
    places = [
        [(index * (_BOX_WIDTH + 40) + 4, _GAP + row * (_BOX_HEIGHT + _GAP)) for row in range(len(column))]
        for index, column in enumerate(columns)
    ]
    middle = _BOX_HEIGHT / 2
    parts = [
        f'<line class="path" x1="{x + _BOX_WIDTH}" y1="{y + middle}" x2="{to_x}" y2="{to_y + middle}"/>'
        for before, after in pairwise(places)
        for x, y in before
        for to_x, to_y in after
    ]
    for column, spots in zip(columns, places, strict=True):
        for (name, below), (x, y) in zip(column, spots, strict=True):
            parts.append(f'<rect class="box" x="{x}" y="{y}" width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}" rx="6"/>')
            parts.append(f'<text class="name" x="{x + 8}" y="{y + 18}">{escape(_short(name))}</text>')
            parts.append(f'<text x="{x + 8}" y="{y + 34}">{escape(_short(below))}</text>')
    return _svg(title, max(width, 200), height, parts)


def _short(text: str) -> str:
    longest = 22
    return text if len(text) <= longest else text[: longest - 1] + "…"
