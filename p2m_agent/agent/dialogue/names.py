"""Names in what people type: lists of them, and the one that is meant among those that are known."""

from __future__ import annotations

import re

AND = r"(?:\s*(?:,|;|/|、|\+|&)\s*(?:(?:and|or|und|oder|y|o)\s+)?|\s+(?:and|or|und|oder|y|o|with|mit|con)\s+|\s*と\s*)"


def split_names(text: str) -> tuple[str, ...]:
    """`a, b and c` as names; quotes and articles are not theirs."""
    parts = (part.strip(" '\"`„“”«»") for part in re.split(AND, text))
    return tuple(dict.fromkeys(re.sub(r"^(?:the|die|der|das|el|la)\s+", "", p, flags=re.I) for p in parts if p))


def known(name: str, names: tuple[str, ...]) -> str | None:
    """The name among those known, whatever its case, underscores and plural."""
    plain = {plainly(each): each for each in names}
    bare = re.sub(r"^(?:an? |the |label )+|(?: label| labels)$", "", plainly(name.strip(" '\"`")))
    return plain.get(bare) or plain.get(bare.rstrip("s")) or plain.get(bare + "s")


def plainly(name: str) -> str:
    """Without case and with blanks for underscores."""
    return re.sub(r"[\s_-]+", " ", name.casefold())
