"""The exceptions that are part of the product.

P2MError                what a person can mend: shown as message and hint, no traceback
├── UsageError          the command, the task file or the data given with it is wrong (exit 2)
└── ToolError           a tool cannot do what was asked; goes back to the controller
    └── BudgetExceeded  the next operation could pass the budget; refused before it started
"""

from __future__ import annotations


class P2MError(Exception):
    """A fault with a remedy."""

    def __init__(self, message: str, hint: str = "") -> None:
        """Take what is wrong, and what to do about it."""
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(P2MError):
    """The command line, the task file or the data named there is wrong."""


class ToolError(P2MError):
    """A tool cannot do what was asked of it, and says what could be done instead."""


class BudgetExceeded(ToolError):
    """The operation could pass the budget, so it was not started."""
