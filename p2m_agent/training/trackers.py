"""Curves for TensorBoard, W&B or MLflow, where a person asked for it. W&B and a remote MLflow send them elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from p2m_agent.errors import ToolError
from p2m_agent.events import Progressed
from p2m_agent.types.recipe import Recipe

_PROJECT = "p2m_agent"


@contextmanager
def tracked(
    names: Sequence[str], recipe: Recipe, folder: Path, report: Callable[[Progressed], None]
) -> Iterator[Callable[[Progressed], None]]:
    """A `report` that also writes loss, dev score and rows a second to trackers, by the number of the report.

    Raises:
        ToolError: a tracker's package is missing.
    """
    trackers = [_tracker(name, folder) for name in names]
    for tracker in trackers:
        tracker.start()
        tracker.store_init_configuration(_flat(recipe.model_dump()))
    step = 0

    def heard(event: Progressed) -> None:
        nonlocal step
        report(event)
        if event.numbers:
            for tracker in trackers:
                tracker.log(dict(event.numbers), step=step)
            step += 1

    try:
        yield heard
    finally:
        for tracker in trackers:
            tracker.finish()


def _tracker(name: str, folder: Path) -> Any:
    try:
        from accelerate.tracking import LOGGER_TYPE_TO_CLASS, get_available_trackers
    except ImportError as error:
        raise ToolError("trackers need accelerate", "pip install 'p2m_agent[trackers]'.") from error
    if name not in {str(known) for known in get_available_trackers()}:
        raise ToolError(f"the tracker {name} is not installed", f"pip install {name}, or take it out of P2M_TRACKERS.")
    kind = LOGGER_TYPE_TO_CLASS[name]
    return kind(_PROJECT, logging_dir=str(folder / "curves")) if kind.requires_logging_directory else kind(_PROJECT)


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    """One level, of plain values, as trackers take it."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        inner = {f"{key}.{name}": one for name, one in value.items()} if isinstance(value, dict) else {key: value}
        flat |= {name: "" if one is None else one for name, one in inner.items()}
    return flat
