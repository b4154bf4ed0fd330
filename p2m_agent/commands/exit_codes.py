"""Exit codes of the command line."""

from __future__ import annotations

EXIT_OURS = 1


EXIT_USAGE = 2


EXIT_TARGET = 3


EXIT_BUDGET = 4


EXIT_INTERRUPTED = 130
