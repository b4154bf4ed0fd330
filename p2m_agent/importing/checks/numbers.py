"""Outputs that are amounts: neither label nor text. Regression is not offered; buckets are."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from p2m_agent.errors import ToolError
from p2m_agent.rows.column_profile import text_of
from p2m_agent.rows.reading import Row
from p2m_agent.types.doubts import Doubt

_NUMBER = re.compile(r"[-+\u2212]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?|[-+\u2212]?[.,]\d+")
_UNIT = re.compile(
    r"^(?:[€$£¥₹₽]|usd|eur|gbp|chf)\s?|\s?(?:[€$£¥₹₽%‰°]|usd|eur|gbp|chf|zł|kč|kr|tl|元|円|원|руб\.?|euros?|dollars?|percent|prozent"
    r"|points?|pts?|punkte|minutes?|min|stunden|hours?|h|days?|tage|jours?|días|km|kg|m|cm|g|l)\.?$",
    re.IGNORECASE,
)
"""What stands beside an amount."""
_GROUPED = re.compile(
    r"[-+]?[1-9]\d{0,2}(?:(?:[.,'\u00a0\u202f ]\d{3}){2,}"
    r"|['\u00a0\u202f ]\d{3}|\.\d{3}(?=,)|,\d{3}(?=\.))(?:[.,]\d{1,2})?"
)
"""A point or a comma before three digits may be that of a decimal, unless more says that it is none."""
_THOUSANDS = re.compile(r"(?<=\d)[.,'\u00a0\u202f ](?=\d{3}(?!\d))")
FEW_VALUES = 20
"""So few different numbers are grades, which are labels."""
IN_INPUT = 0.5
"""Share of rows whose number stands in the input, from which on it is read out and not judged."""
_ESTIMATED = re.compile(
    r"\b(?:predict|estimat|rate\b|rating|scor|forecast|how (?:likely|satisf|happy|toxic|positive|similar)|regress|grade"
    r"|price|vorhersag|schätz|bewert|prédi|estim|évalu|note\b|prever|predec|punt|stima|valut|voorspel|schat)",
    re.IGNORECASE,
)
_COMPUTED = re.compile(
    r"\b(?:calculat|comput|solv|add\b|sum\b|multipl|count|convert|arithmetic|equation|math|berechn|rechn|lös|zähl"
    r"|calcul|résou|compt|calcula|resuelv|cuent)",
    re.IGNORECASE,
)


def number_of(text: str) -> float | None:
    """The number that a text is, with a point or a comma, thousands set apart or a unit beside it; None for others."""
    bare = _UNIT.sub("", text.strip())
    bare = _THOUSANDS.sub("", bare) if _GROUPED.fullmatch(bare) else bare
    found = _NUMBER.fullmatch(bare)
    return float(found[0].replace(",", ".").replace("\u2212", "-")) if found else None


def is_amount(rows: Sequence[Row], inputs: Sequence[str], output: str, request: str) -> bool:
    """Whether a column holds numbers to be estimated, rather than grades, codes, or what is read out of a text."""
    known = _unexplained(rows, inputs, output, request)
    whole = sum(number == int(number) for number in known) >= 0.9 * len(known)
    return bool(known) and (_ESTIMATED.search(request) is not None or not whole)


def may_be_amounts(rows: Sequence[Row], inputs: Sequence[str], output: str, request: str) -> tuple[Doubt, ...]:
    """That whole numbers which stand in no input may be codes or amounts."""
    known = _unexplained(rows, inputs, output, request)
    if not known:
        return ()
    return (
        Doubt(
            kind="target",
            text=f"The output {output} holds {len(set(known))} different numbers from {min(known):g} to {max(known):g} "
            "that do not stand in the inputs.",
            where=output,
            rows=len(known),
            done="They are taken for codes, each of which is right or wrong as a whole.",
            settle="If they are amounts to be estimated, have them put into ranges: --buckets 5.",
            grave=True,
        ),
    )


def _unexplained(rows: Sequence[Row], inputs: Sequence[str], output: str, request: str) -> list[float]:
    """The numbers of a column of many different ones, unless they are codes, read out of the input, or computed."""
    told = [(row, text) for row in rows if (text := text_of(row.get(output)))]
    known = [number for _, text in told if (number := number_of(text)) is not None]
    if len(known) < 0.95 * len(told) or len(set(known)) <= FEW_VALUES or len(set(known)) < 0.1 * len(known):
        return []
    if any(re.match(r"[-+]?0\d", text) for _, text in told) or _COMPUTED.search(request):
        return []
    inside = sum(_stands_in(text, " ".join(text_of(row.get(name)) for name in inputs)) for row, text in told)
    return [] if inside >= IN_INPUT * len(told) else known


def refuse_amounts(output: str, rows: Sequence[Row]) -> ToolError:
    """What to say to a person whose output is an amount."""
    numbers = [number for row in rows if (number := number_of(text_of(row.get(output)))) is not None]
    return ToolError(
        f"The output {output} holds {len(set(numbers))} different numbers from {min(numbers):g} to {max(numbers):g}: "
        "amounts to be estimated are neither labels nor texts, and regression is not offered.",
        "Have them put into ranges: --buckets 5 makes five of about equal size, --buckets 0.25,0.5,0.75 sets the "
        "edges. If they are codes or read out of the text, say so: `kind: text_to_text` in the task file.",
    )


@dataclass(frozen=True)
class NumberRanges:
    """Ranges of numbers, each a label."""

    edges: tuple[float, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Their names, from low to high."""
        edges = [f"{edge:g}" for edge in self.edges]
        between = [f"{low} to below {high}" for low, high in pairwise(edges)]
        return (f"below {edges[0]}", *between, f"{edges[-1]} or more")

    def label_of(self, text: str) -> str:
        """The range of a number; empty where the text is none."""
        number = number_of(text)
        return "" if number is None else self.labels[bisect_right(self.edges, number)]


def buckets_of(said: str, rows: Sequence[Row], output: str) -> NumberRanges:
    """The ranges that a person asks for: how many, of about equal size, or their edges.

    Args:
        said: `5`, or `0.25,0.5,0.75`.
        rows: training rows.
        output: the column of numbers.

    Raises:
        ToolError: it says neither, or the column has too few different numbers.
    """
    parts = [part.strip() for part in said.split(",") if part.strip()]
    numbers = sorted(number for row in rows if (number := number_of(text_of(row.get(output)))) is not None)
    given = [number_of(part) for part in parts]
    if len(numbers) < 0.95 * sum(bool(text_of(row.get(output))) for row in rows) or not numbers:
        raise ToolError(f"The column {output} holds texts that are no numbers.", "Leave --buckets out.")
    if not parts or None in given:
        raise ToolError(
            f"--buckets {said!r} is neither a number nor edges.", "Say --buckets 5, or --buckets 0.25,0.5,0.75."
        )
    edges = [number for number in given if number is not None]
    if len(parts) == 1 and edges[0] == int(edges[0]) and edges[0] >= 2:
        count = int(edges[0])
        edges = [numbers[round(place * len(numbers) / count)] for place in range(1, count)]
    edges = sorted(set(edges) - ({numbers[0]} if len(parts) == 1 else set()))
    if not edges:
        raise ToolError(f"The numbers of {output} are too much alike for ranges.", "Name the edges: --buckets 0.25,0.5")
    return NumberRanges(tuple(edges))


def _stands_in(number: str, text: str) -> bool:
    return re.search(rf"(?<![\d.,]){re.escape(number)}(?![\d]|[.,]\d)", text) is not None
