"""Arrow batches as rows of plain Python values, class numbers by their names."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from p2m_agent.rows.tables.opened import Row

INDEX_COLUMN = "__index_level_"
"""How pandas calls the index that it writes into a file."""


def rows_of(batches: Iterable[Any], schema: Any, features: Mapping[str, Any]) -> Iterator[Row]:
    """The rows of Arrow record batches.

    Args:
        batches: pyarrow record batches.
        schema: their pyarrow schema.
        features: the columns as the datasets library describes them; empty where it did not write the file.
    """
    kept = [name for name in schema.names if not name.startswith(INDEX_COLUMN)]
    mend = {name: change for name in kept if (change := _change(schema.field(name).type, features.get(name)))}
    for batch in batches:
        for row in batch.select(kept).to_pylist():
            for name, change in mend.items():
                row[name] = change(row[name])
            yield row


def features_of(metadata: Mapping[bytes, bytes] | None) -> dict[str, Any]:
    """What the datasets library wrote about the columns into a file."""
    if not metadata or b"huggingface" not in metadata:
        return {}
    features = json.loads(metadata[b"huggingface"]).get("info", {}).get("features", {})
    return features if isinstance(features, dict) else {}


def plain(value: object) -> object:
    """A value that JSON could hold: times as ISO text, exact decimals as text, no NaN."""
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() and not value.tzinfo else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value) if isinstance(value, Decimal | timedelta) else value


def _change(kind: Any, feature: Any) -> Callable[[object], object] | None:
    """What is done to the values of a column; None where they are plain already."""
    from pyarrow import types

    names = _names_of_classes(feature)
    if names:
        return lambda value: _class_name(value, names)
    inner = kind.value_type if types.is_dictionary(kind) else kind
    if types.is_map(inner):
        return lambda value: plain(dict(value)) if isinstance(value, list) else value
    is_plain = (
        types.is_string(inner) or types.is_large_string(inner) or types.is_integer(inner) or types.is_boolean(inner)
    )
    return None if is_plain else plain


def _class_name(value: object, names: Sequence[str]) -> object:
    """The name of a class number; numbers without a name stay, such as -1 for "no label"."""
    if isinstance(value, list):
        return [_class_name(each, names) for each in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return names[value] if 0 <= value < len(names) else value
    return value


def _names_of_classes(feature: Any) -> list[str]:
    if isinstance(feature, list):
        feature = feature[0] if feature else {}
    held = feature.get("feature", feature) if isinstance(feature, dict) else {}
    named = held.get("names") if isinstance(held, dict) and held.get("_type") == "ClassLabel" else None
    return [str(each) for each in named] if isinstance(named, list) else []
