"""How workers share the test files: each begins at its end of the list, and they meet in the middle.

So the longest files are run at once, and the large libraries of one end are loaded by one worker.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from xdist.scheduler import LoadFileScheduling

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

_LEARNING = ("training", "weights", "probes", "delivery", "search/models", "tools", "verification", "evaluation")
ORDER = (
    ("test_readme.py", "test_wheel.py"),
    (
        *_LEARNING,
        "agent/planner/test_latency.py",
        "search/hubs/test_hub_faults.py",
        "commands/test_doctor.py",
        "test_adding.py",
    ),
    ("",),
    ("search", "llm/test_embedded.py", "agent/test_resume.py", "test_readme_runs.py"),
)
"""Files and rooms from one end of the list to the other; a name that is not here is in the middle.

Those of the second line load torch, transformers and scikit-learn, which takes seconds in every process that does.
"""


def place(file: str) -> int:
    """The index in `ORDER` of the longest name that `file` is in."""
    path = PurePosixPath(file)
    found = [
        (len(name), rank) for rank, names in enumerate(ORDER) for name in names if path.is_relative_to(f"tests/{name}")
    ]
    return max(found)[1]


class FromBothEnds(LoadFileScheduling):  # type: ignore[misc]
    """Every second worker takes files from the end of the list."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        if self.nodes.index(node) % 2:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)
