"""Objects in rows: one that is the answer stays whole, as JSON text; the parts of others become columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from p2m_agent.importing.column_names import input_score, output_score, telling_words, words_of
from p2m_agent.importing.schema.cells import is_wordy
from p2m_agent.rows.column_profile import as_json, columns_of, flatten, text_of
from p2m_agent.rows.reading import Row
from p2m_agent.types.doubts import Doubt

_JSON = re.compile(
    r"\bjson\b|\bobjects?\b|\bstructur|\bfields?\b|\brecords?\b|\bobjekt|\bobjet|\bobjeto|\bfelder\b|\bchamps\b|結構|对象",
    re.I,
)
_EXTRACT = re.compile(
    r"\bextra(?:ct|h|i|e|ir)\w*|\bestra\w+|\bpull\b|\bread\b.*\b(?:out of|from)\b|\blies\b.*\baus\b"
    r"|извлек|抽出|提取|추출|استخرج",
    re.I,
)
_ANSWER = 4.0
"""Points of `column_names` from which a name is one of an answer."""
SENTENCE = 25
"""Mean characters from which a column holds texts to read from rather than what is read."""
_PARTS = re.compile(r"text|answer_start|[a-z]{2}(?:[-_][a-z]{2,4})?|texts|label", re.IGNORECASE)
"""Names of parts that are an input or an answer by themselves: a translation's languages, an answer and its place."""


def unnested(rows: Sequence[Row], request: str, output: str = "") -> tuple[list[Row], tuple[Doubt, ...]]:
    """Rows without objects in their cells.

    Args:
        rows: As they were read.
        request: What is asked of them.
        output: The column that a person named as output; empty where none.
    """
    whole = answer_objects(rows, request, output)
    found = [
        flatten({name: as_json(cell) if name in whole and _is_object(cell) else cell for name, cell in row.items()})
        for row in rows
    ]
    return found, tuple(_doubt(rows, name) for name in whole)


def answer_objects(rows: Sequence[Row], request: str, output: str = "") -> list[str]:
    """The columns whose objects are answers, with all that is in them."""
    found = []
    for name in columns_of(rows):
        cells = [row[name] for row in rows if row.get(name) is not None]
        objects = [cell for cell in cells if isinstance(cell, dict)]
        parts = list(dict.fromkeys(str(key) for cell in objects for key in cell))
        if objects and len(objects) * 2 > len(cells) and (name == output or _is_answer(name, parts, request, output)):
            found.append(name)
    return found


def fields_asked(rows: Sequence[Row], request: str) -> list[str]:
    """Columns that a request wants read out of a text, two or more of them: together they are one answer."""
    if not (_JSON.search(request) or _EXTRACT.search(request)):
        return []
    said = words_of(request)
    columns = columns_of(rows)
    named = [name for name in columns if (words := telling_words(name)) and words <= said]
    texts = [name for name in columns if _are_sentences(rows, name)]
    named = [name for name in named if name not in texts and not any(_is_nested(row.get(name)) for row in rows)]
    whole = any(output_score(name) >= _ANSWER and name not in named for name in columns)
    return named if len(named) > 1 and texts and not whole else []


def as_object(row: Row, fields: Sequence[str], name: str) -> Row:
    """The row with these columns as one, a JSON object without those that are empty."""
    held = {field: row[field] for field in fields if text_of(row.get(field))}
    return {key: cell for key, cell in row.items() if key not in fields} | {name: as_json(held)}


def _are_sentences(rows: Sequence[Row], name: str) -> bool:
    cells = [text for row in rows if (text := text_of(row.get(name)))]
    return bool(cells) and sum(len(cell) for cell in cells) >= SENTENCE * len(cells) and is_wordy(rows, name)


def _is_nested(cell: object) -> bool:
    return isinstance(cell, dict | list)


def _is_answer(name: str, parts: Sequence[str], request: str, output: str) -> bool:
    """Whether an object is wanted as a whole: it is called an answer, or JSON is asked for; and no part is meant."""
    if output.startswith(f"{name}.") or input_score(name) > output_score(name):
        return False
    asked = _JSON.search(request) is not None
    if parts and (all(_PARTS.fullmatch(part) for part in parts) or (len(parts) == 1 and not asked)):
        return False
    named = [part for part in parts if _named(part, request)]
    if len(named) == 1 and len(parts) > 1 and not asked:
        return False
    return output_score(name) >= _ANSWER or (asked and (len(named) > 1 or not any(input_score(part) for part in parts)))


def _named(part: str, request: str) -> bool:
    words = re.sub(r"[\W_]+", " ", part).strip()
    return bool(words) and re.search(rf"\b{re.escape(words)}s?\b", request, re.IGNORECASE) is not None


def _is_object(cell: object) -> bool:
    return isinstance(cell, Mapping)


def _doubt(rows: Sequence[Row], name: str) -> Doubt:
    first = next(cell for row in rows if isinstance(cell := row.get(name), dict))
    return Doubt(
        kind="target",
        text=f"{name} holds objects with {', '.join(map(str, list(first)[:8]))}.",
        where=name,
        done="The whole object is the answer, written as JSON.",
        settle=f"If one part is enough, name it: --output {name}.{next(iter(first), 'part')}.",
    )
