"""Reading data as a run would, before there is one."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from p2m_agent.importing.own_file import open_file, take_of
from p2m_agent.importing.schema.shaped import Asked
from p2m_agent.importing.sources import Opened, is_file, open_repo
from p2m_agent.importing.task_rows import Reading, plan_reading, read_task_rows
from p2m_agent.importing.to_examples import Judges, Wishes
from p2m_agent.settings import Settings
from p2m_agent.task.drafting import Said, draft_spec
from p2m_agent.types.task import Task, TaskSpec

if TYPE_CHECKING:
    from p2m_agent.run.seams import Embedder

CALL = "inspect"
"""Stands where a run has the id of a call."""
MAX_ROWS = 10_000
"""Training rows that are read at most, as an import does unless told otherwise."""


def read_as_a_run(path: str, task: Task, settings: Settings) -> Reading:
    """The rows as a run of these settings would read them first.

    Raises:
        UsageError: they cannot be read.
        ToolError: they do not fit the task.
    """

    @functools.cache
    def embedder() -> Embedder | None:
        from p2m_agent.weights.embedding import load_embedder

        return load_embedder(settings)

    task = task.model_copy(update={"data": path})
    spec = draft_spec(Said(task), CALL, None, embedder)
    wishes, judges = Wishes.of_own(spec, task), Judges(embedder)
    plan = plan_reading(_open(path, spec, task, settings, judges), wishes, judges, CALL)
    return read_task_rows(plan, judges, CALL)


def _open(path: str, spec: TaskSpec, task: Task, settings: Settings, judges: Judges) -> Opened:
    if is_file(path):
        return open_file(path, Asked(spec.request), take_of(task, MAX_ROWS, settings.seed))
    from p2m_agent.search.hub import IndexedHub

    hub = IndexedHub(settings, judges.embedder)
    return open_repo(
        path,
        spec,
        hub=hub,
        settings=settings,
        embedder=judges.embedder,
        max_rows=MAX_ROWS,
        report=lambda _: None,
    )
