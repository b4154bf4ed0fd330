"""What a schema reader gives: flat rows whose columns have known roles, and all that it left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from p2m_agent.rows.reading import Row
from p2m_agent.rows.rejected import Rejected
from p2m_agent.types.doubts import Doubt

__all__ = ["MOSTLY", "Asked", "OutputKind", "Row", "Shape", "Shaped"]

OutputKind = Literal["label", "labels", "text"]

MOSTLY = 0.8
"""Share of the sampled rows that must bear a shape's marks."""

_EMPTY_IF = (  # by language: what is empty, and the words for a condition
    ("nothing|blank|empty", "if|when|where|unless|otherwise"),
    ("leer|nichts", "wenn|falls|sofern|sonst"),
    ("rien|vide", "si|s'il|sinon|quand|lorsque"),
    ("nada|vac[ií][oa]|vazio", "si|cuando|se|quando"),
    ("niente|vuoto", "se|quando"),
    ("leeg|niets", "als|indien|anders"),
)
_NOTHING = re.compile(
    "|".join(
        [
            *(rf"\b({empty})\b.{{0,40}}\b({case})\b|\b({case})\b.{{0,60}}\b({empty})\b" for empty, case in _EMPTY_IF),
            r"\b(or|oder|ou|o|of) (nothing|nichts|rien|nada|niente|niets|an empty|ein leer)",
            r"\b(may|can|kann|peut|puede) (be |sein |être |estar )?(left )?(empty|blank|leer|vide|vac[ií][oa])\b",
        ]
    ),
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class Asked:
    """What a person asked, as far as readers need it."""

    text: str = ""
    output: str = ""
    """The output that they named, where a file holds several; empty where they named none."""

    @property
    def empty_is_right(self) -> bool:
        """Whether it says that an empty answer may be right: `nothing if there is none`."""
        return bool(_NOTHING.search(self.text))


@dataclass(frozen=True)
class Shaped:
    """Rows of a known schema, as a flat table whose columns have roles."""

    shape: str
    """Name of the schema."""
    rows: list[Row]
    inputs: tuple[str, ...]
    """Columns that are inputs, in order."""
    output: str
    """Column of the output; a text, or a list of texts where `output_kind` is `labels`."""
    output_kind: OutputKind | None = None
    """None where the schema does not tell a label from a text."""
    labels: tuple[str, ...] = ()
    """Labels that the file itself declares, so that a class named `None` is one."""
    group: str = ""
    """Column whose equal values must not be divided; empty where there is none."""
    split: str = ""
    """Column with the file's own split; empty where there is none."""
    instruction: str = ""
    """What every row's system message or instruction says; no input, since it is the same everywhere."""
    read: int = 0
    """Rows, tasks or conversations of the file."""
    rejected: list[Rejected] = field(default_factory=list)
    unread: tuple[str, ...] = ()
    """Columns of the file that are neither input nor output."""
    doubts: tuple[Doubt, ...] = ()

    @property
    def left_out(self) -> dict[str, int]:
        """Rows left out, by reason."""
        return dict(Counter(each.reason for each in self.rejected))


@dataclass(frozen=True)
class Shape:
    """A schema that a tool writes, and how it is read."""

    name: str
    """As its users call it."""
    sniff: Callable[[Sequence[Row]], float]
    """Share, 0 to 1, of sampled rows that bear its marks."""
    read: Callable[[Iterable[Row], Asked], Shaped]
    specific: int = 1
    """How many marks stand together; where several schemas fit, the highest wins."""
