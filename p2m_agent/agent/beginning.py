"""What has to hold before a run is begun: everything that can be wrong by then is found here, at no cost."""

from __future__ import annotations

from pathlib import Path

from p2m_agent.delivery.place import delivered_in, is_model
from p2m_agent.errors import UsageError
from p2m_agent.run.store import RunFolder, open_run
from p2m_agent.settings import Settings
from p2m_agent.types.task import Task


def check_data(task: Task) -> None:
    """Read the person's own files once before a run is begun, so that a fault in one costs nothing.

    Raises:
        UsageError: a file cannot be read; the message says where.
    """
    from p2m_agent.generation.attributes import read_attributes
    from p2m_agent.generation.unlabelled import read_inputs
    from p2m_agent.rows.tables.opening import open_table

    if task.data and (Path(task.data).exists() or Path(task.data).suffix):
        open_table(Path(task.data), task.read_options).count()
    if task.test:
        open_table(Path(task.test), task.read_options).count()
    if task.unlabelled:
        read_inputs(Path(task.unlabelled))
    if task.attributes:
        read_attributes(Path(task.attributes))


def check_hubs(settings: Settings) -> None:
    """Every hub has to be there, before anything is begun.

    Raises:
        UsageError: one is not.
    """
    from p2m_agent.search.hubs.huggingface import HuggingFace
    from p2m_agent.search.hubs.listing import hub_named

    for hub in settings.hubs:
        hub_named(hub, HuggingFace(settings))


def model_folder(settings: Settings, run: str) -> Path:
    """The delivered model of a run, or the folder itself where a model's folder was named.

    Raises:
        UsageError: there is no such run, or it has not delivered yet.
    """
    return Path(run) if is_model(Path(run)) else delivered_by(open_run(settings.runs_dir, run), run)


def delivered_by(run: RunFolder, named: str) -> Path:
    """The delivered model of a run, which a person named so.

    Raises:
        UsageError: there is none yet.
    """
    found = delivered_in(run.root)
    if found is None:
        raise UsageError(f"The run {named} has not delivered a model yet.", f"Go on with it: p2m resume {named}")
    return found


def paid_models(settings: Settings) -> list[str]:
    """The language models of these settings whose answers cost money."""
    from p2m_agent.llm.open import open_llms

    llms = open_llms(settings, None, lambda _: None, lambda: 0.0)
    try:
        return [llm.model for llm in (llms.planner, llms.teacher, llms.judge) if llm.paid]
    finally:
        llms.close()
