"""Exit codes of the command line."""

from __future__ import annotations

EXIT_OURS = 1
EXIT_USAGE = 2
EXIT_TARGET = 3
EXIT_BUDGET = 4
EXIT_DIFFERS = 5
"""An export does not answer as its student does."""
EXIT_INTERRUPTED = 130


EXIT_CODES = {
    "delivered": 0,
    "target_not_met": EXIT_TARGET,
    "wrong_question": EXIT_TARGET,
    "budget": EXIT_BUDGET,
    "bad_input": EXIT_USAGE,
    "gave_up": EXIT_OURS,
}
"""Of a run that has ended, by why it did."""
