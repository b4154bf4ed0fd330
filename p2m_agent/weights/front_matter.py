"""YAML front matter of dataset and model cards."""

from __future__ import annotations

import re

import yaml

_FRONT_MATTER = re.compile(r"\A\ufeff?---\s*\n(.*?)\n---\s*(?:\n|\Z)(.*)", re.DOTALL)


_UNKNOWN_LICENCES = {"unknown", "other", "none", "n/a", ""}


def split_card(text: str) -> tuple[dict[str, object], str]:
    """Front matter and body of a card.

    Raises:
        ValueError: there is no front matter, or it is not a YAML mapping.
    """
    match = _FRONT_MATTER.match(text)
    if match is None:
        raise ValueError("its README.md has no YAML front matter")
    try:
        meta = yaml.safe_load(match[1])
    except yaml.YAMLError as error:
        raise ValueError(f"the front matter of its README.md is not YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(meta, dict):
        raise ValueError("the front matter of its README.md is not a mapping")
    return {str(key): value for key, value in meta.items()}, match[2]


def licence_of(value: object) -> str | None:
    """SPDX-like ids in lower case, commas between several that all bind; None where the card does not say which."""
    named = dict.fromkeys(each.strip().lower() for each in strings(value))
    return None if _UNKNOWN_LICENCES & named.keys() else ", ".join(named) or None


def languages_of(value: object) -> tuple[str, ...]:
    """ISO codes in lower case, without what stands behind a hyphen."""
    return tuple(code.split("-")[0].lower() for code in strings(value))


def strings(value: object) -> tuple[str, ...]:
    """The texts in a field of front matter, which may be one or a list."""
    if isinstance(value, str):
        return (value,)
    # YAML 1.1 reads the language code `no` as false
    return tuple("no" if item is False else str(item) for item in value) if isinstance(value, list) else ()
