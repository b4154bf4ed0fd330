"""How numbers read: times, money, counts, scores. Everything here is a pure function."""

from __future__ import annotations

from p2m_agent.scoring.metrics import title_of
from p2m_agent.types.budget import Cost
from p2m_agent.types.scores import Score


def seconds(value: float) -> str:
    """`0.4 s`, `42 s`, `2 min 05 s`, `1 h 12 min`."""
    if value < 9.95:
        return f"{value:.1f} s"
    if value < 99.5:
        return f"{value:.0f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def money(usd: float) -> str:
    """Dollars; small sums keep the digits that matter."""
    if usd == 0:
        return "$0"
    return f"${usd:.2f}" if usd >= 0.095 else f"${usd:.4f}"


def many(number: float, unit: str = "") -> str:
    """`13,083 rows`, `1 row`."""
    text = f"{number:,.0f}"
    return text if not unit else f"{text} {unit if number == 1 else unit + 's'}"


def large(number: float) -> str:
    """`22.7 M`, `1.5 B`, `12 k`: for parameters and tokens."""
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            scaled = number / size
            return f"{scaled:.1f} {unit}" if scaled < 100 and unit != "k" else f"{scaled:.0f} {unit}"
    return f"{number:.0f}"


def megabytes(size: float) -> str:
    """`0.3 MB`, `91 MB`, `1.2 GB`."""
    if size >= 1000:
        return f"{size / 1000:.1f} GB"
    return f"{size:.1f} MB" if size < 10 else f"{size:.0f} MB"


def interval(ends: tuple[float, float]) -> str:
    """`0.861 to 0.921`."""
    return f"{ends[0]:.3f} to {ends[1]:.3f}"


def scored(score: Score) -> str:
    """`accuracy 0.893 (0.861 to 0.921)`."""
    return f"{title_of(score.metric)} {score.value:.3f} ({interval(score.ci95)})"


def cost(spent: Cost, *, unknown_price: bool = False) -> str:
    """Time and, where an LLM took part, money; empty where nothing measurable was spent."""
    parts = [seconds(spent.wall_s)] if spent.wall_s >= 0.05 else []
    if unknown_price:
        parts.append("unknown price")
    elif spent.usd:
        parts.append(money(spent.usd))
    return " · ".join(parts)


def sparkline(values: list[float]) -> str:
    """One block per value, scaled between their smallest and largest."""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    return "".join("▁▂▃▄▅▆▇█"[round((value - low) / span * 7)] for value in values)
