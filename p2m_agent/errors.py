"""The exceptions that are part of the product.

P2MError                what a person can mend: shown as message and hint, no traceback
├── UsageError          the command, the task file or the data given with it is wrong (exit 2)
└── ToolError           a tool cannot do what was asked; goes back to the controller
    ├── BudgetExceeded  the next operation could pass the budget; refused before it started
    └── Misfit          a found dataset does not fit the task as it is, and its rows could be changed to
"""

from __future__ import annotations

import re
from typing import ClassVar, Literal

FailureKind = Literal[
    "no_tool",  # the controller named a tool that there is not
    "bad_arguments",
    "not_ready",  # something else has to be done first, or has been done already
    "over_budget",  # in money or in time
    "unallowed",  # by the policy: it publishes, and nobody agreed to that
    "declined",  # by the person
    "bad_input",  # what the person brought is wrong
    "misfit",
    "tool_error",
]
"""Why a call came to nothing: what is decided on, so that messages are for people alone."""

SHORTEST_KEY = 16
"""Characters of a key that is worth hiding. Servers at home take `x`, `test` or `none`, which are words."""
_NAMED = re.compile(
    rf"""(\b(?:bearer|basic)\s+                                                   # Authorization: Bearer …
        |(?:api[-_]?key|authorization|token|secret|password|\bkey|\bsig)["']?\s*[:=]\s*["']?)  # field: …, ?field=…
    (?=[^\s"'&,;@]*\d)[^\s"'&,;@]{{{SHORTEST_KEY},}}""",
    re.IGNORECASE | re.VERBOSE,
)
_IN_URL = re.compile(r"(://[^/\s:@]+:)[^/\s@]+(?=@)")


class P2MError(Exception):
    """A fault with a remedy."""

    kind: ClassVar[FailureKind] = "tool_error"

    def __init__(self, message: str, hint: str = "") -> None:
        """Take what is wrong, and what to do about it."""
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(P2MError):
    """The command line, the task file or the data named there is wrong."""

    kind = "bad_input"


class ToolError(P2MError):
    """A tool cannot do what was asked of it, and says what could be done instead."""


class BudgetExceeded(ToolError):
    """The operation could pass the budget, so it was not started."""

    kind = "over_budget"


class Misfit(ToolError):
    """A found dataset does not fit the task as it is, and a teacher could change its rows until they do."""

    kind = "misfit"

    def __init__(self, message: str, hint: str, source: str) -> None:
        """Take what is wrong, what to do about it, and the dataset's repo."""
        super().__init__(message, hint)
        self.source = source


class OutOfTime(BudgetExceeded):
    """The time was over before it was done; what had been done is kept where it can be."""

    def __init__(self) -> None:
        """It needs no more words."""
        super().__init__("there was no time left for it", "Give more time with --max-minutes.")


def masked(text: str, key: str | None = None) -> str:
    """A message as it may be shown and kept: without what stands where keys stand, and without `key` itself.

    For words about a fault only. An answer, a row or a file is never looked through: a short key is part of many words.
    """
    if key and len(key) >= SHORTEST_KEY:
        text = text.replace(key, "***")
    return _IN_URL.sub(r"\1***", _NAMED.sub(r"\1***", text))


def mask(error: BaseException | None) -> None:
    """Take keys out of an exception and its causes before it leaves: LangGraph keeps it with the run's state."""
    while error is not None:
        error.args = tuple(masked(part) if isinstance(part, str) else part for part in error.args)
        error = error.__cause__ or error.__context__
