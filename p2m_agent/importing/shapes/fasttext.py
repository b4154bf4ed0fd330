"""fastText lines: words with a prefix, `__label__roads`, are the labels, and the rest is the text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from p2m_agent.importing.schema.annotated import Annotations, Item
from p2m_agent.importing.schema.cells import peek, share, text_of
from p2m_agent.importing.schema.shaped import Asked, Row, Shape, Shaped
from p2m_agent.rows.column_profile import columns_of

_PREFIX = re.compile(r"^(__[^\W_]+(?:_[^\W_]+)*__)\S")
_BETWEEN = " ,;\t"
"""What stands between labels, and between them and the text."""


def _read(rows: Iterable[Row], request: Asked) -> Shaped:
    sample, stream = peek(rows)
    columns, prefix = columns_of(sample), _prefix(sample)
    found = Annotations("fastText lines", "label")
    for row in stream:
        words = re.split(r"(\s+)", _line(row, columns).replace(f",{prefix}", f" {prefix}"))
        marked = [word.removeprefix(prefix).rstrip(_BETWEEN) for word in words if word.startswith(prefix)]
        labels = tuple(dict.fromkeys(marked))
        text = "".join(word for word in words if not word.startswith(prefix)).strip().lstrip(_BETWEEN)
        if text or labels:
            found.items.append(Item(row, {"text": text}, {"": labels} if labels else {}))
    return found.shaped(request)


def _sniff(rows: Sequence[Row]) -> float:
    names, prefix = columns_of(rows), _prefix(rows)
    unnamed = all(re.fullmatch(r"column_\d+", name) for name in names)
    if not prefix or (len(names) > 1 and not unnamed):
        return 0.0
    return share(prefix in line for row in rows if (line := _line(row, names)))


def _line(row: Row, columns: Sequence[str]) -> str:
    """A line, which a tab may have cut in two."""
    return " ".join(filter(None, (str(row.get(name) or "") for name in columns))).strip()


def _prefix(rows: Sequence[Row]) -> str:
    """What most lines begin with, between double underscores; `__label__` unless somebody chose another."""
    lines = [text_of(value) for row in rows for value in row.values()]
    found = Counter(match[1] for line in lines if (match := _PREFIX.match(line)))
    return found.most_common(1)[0][0] if found else ""


SHAPE = Shape("fastText lines", _sniff, _read, specific=3)
