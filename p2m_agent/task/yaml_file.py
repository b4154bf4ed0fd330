"""`task.yaml`: what a person says about a task, read strictly."""

from __future__ import annotations

import difflib
from pathlib import Path

import yaml
from pydantic import ValidationError

from p2m_agent.errors import UsageError
from p2m_agent.types.scores import MetricName
from p2m_agent.types.task import Constraints, Kind
from p2m_agent.types.value import Value

PROMPT_ENDINGS = {".txt", ".md"}
TASK_ENDINGS = {".yaml", ".yml"}
FILES = ("data", "unlabelled", "attributes")
"""Keys that name a file, relative to the task file."""


class TaskFile(Value):
    """A task as a person describes it. Only `request` is needed."""

    request: str
    """What the model should do, in plain words."""
    kind: Kind | None = None
    input_fields: tuple[str, ...] | None = None
    output_field: str | None = None
    labels: tuple[str, ...] | None = None
    metric: MetricName | None = None
    language: str | None = None
    target: float | None = None
    examples: tuple[dict[str, object], ...] | None = None
    """A few rows with their right outputs."""
    data: str | None = None
    """A labelled file (relative to the task file) or a Hub dataset id."""
    unlabelled: str | None = None
    """A file of real inputs without outputs (relative to the task file); the teacher labels them."""
    attributes: str | None = None
    """A YAML file (relative to the task file) of what generated inputs differ in."""
    constraints: Constraints | None = None

    def given(self) -> dict[str, object]:
        """The keys that were set, without the request, as plain values."""
        return self.model_dump(mode="json", exclude_none=True, exclude={"request"})


def read_task(path: Path) -> TaskFile:
    """Read a task file.

    Raises:
        UsageError: the file is missing, is not YAML, has an unknown key (the nearest valid one is named), or a value
            of the wrong type.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path} holds no task.", "Write at least a line `request: what the model should do`.")
    _refuse_unknown(path, content)
    return _checked(path, content)


def _refuse_unknown(path: Path, content: dict[object, object]) -> None:
    valid = list(TaskFile.model_fields)
    for key in map(str, content):
        if key not in valid:
            near = difflib.get_close_matches(key, valid, 1, cutoff=0.5)
            hint = f"Did you mean `{near[0]}`?" if near else f"Valid keys: {', '.join(valid)}."
            raise UsageError(f"{path}: unknown key `{key}`.", hint)


def _checked(path: Path, content: dict[str, object]) -> TaskFile:
    try:
        task = TaskFile.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "request"
        nested = list(Constraints.model_fields) if where.startswith("constraints.") else []
        near = difflib.get_close_matches(where.rpartition(".")[2], nested, 1, cutoff=0.5)
        raise UsageError(f"{path}: `{where}`: {first['msg']}.", f"Did you mean `{near[0]}`?" if near else "") from error
    named = {name: getattr(task, name) for name in FILES}
    beside = {name: path.parent / file for name, file in named.items() if file}
    return task.model_copy(update={name: str(file) for name, file in beside.items() if file.exists()})


def read_request(words_or_file: str) -> TaskFile:
    """The positional argument of `p2m auto`: words, a text file with the words, or a task file.

    Raises:
        UsageError: it is empty, or looks like a file that is not there.
    """
    path = Path(words_or_file)
    ending = path.suffix.lower() if len(words_or_file) < 500 and " " not in words_or_file.strip() else ""
    if ending in TASK_ENDINGS:
        return read_task(path)
    if ending in PROMPT_ENDINGS:
        if not path.is_file():
            raise UsageError(f"There is no file {path}.", "Give the task in words, or the path of a task file.")
        words_or_file = path.read_text(encoding="utf-8")
    if not words_or_file.strip():
        raise UsageError("The prompt is empty.", 'Say what the model should do: p2m auto "Sort support mail into …"')
    return TaskFile(request=words_or_file.strip())
