"""Requests to the stand-in Hub: what was asked, and what is to go wrong."""

from __future__ import annotations

from dataclasses import dataclass, field

_BLOCK = 1 << 16


@dataclass
class Fault:
    """Something to go wrong with the next requests whose path matches."""

    path: str = ""
    """Regular expression, searched in the path."""
    method: str = ""
    """`GET` or `HEAD`; empty for both."""
    times: int = 1
    """How often; -1 for ever."""
    status: int | None = None
    """Answer with this instead."""
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    """Close the connection after so many bytes of the body."""
    etag: str | None = None
    """Say this instead of the right etag; empty for none."""
    slow_s: float = 0.0
    """Wait so long before each block of the body."""
    block: int = _BLOCK
    """Bytes of a block."""


@dataclass
class Asked:
    """A request and what was answered."""

    method: str
    path: str
    query: str
    range: str | None
    token: str
    status: int
    sent: int = 0
    """Bytes of the body that went out."""
