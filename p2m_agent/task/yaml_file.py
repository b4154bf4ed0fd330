"""`task.yaml`: what a person says about a task, read strictly."""

from __future__ import annotations

import difflib
from pathlib import Path

import yaml
from pydantic import ValidationError

from p2m_agent.errors import UsageError
from p2m_agent.task.checking import metric_fault
from p2m_agent.types.task import Constraints, Task

PROMPT_ENDINGS = {".txt", ".md"}
TASK_ENDINGS = {".yaml", ".yml"}


def read_task(path: Path) -> Task:
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
    valid = list(Task.model_fields)
    for key in map(str, content):
        if key not in valid:
            near = difflib.get_close_matches(key, valid, 1, cutoff=0.5)
            hint = f"Did you mean `{near[0]}`?" if near else f"Valid keys: {', '.join(valid)}."
            raise UsageError(f"{path}: unknown key `{key}`.", hint)


def _checked(path: Path, content: dict[str, object]) -> Task:
    try:
        task = Task.model_validate(Task.model_validate(content).model_dump(mode="json"))  # dates become texts
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "request"
        nested = list(Constraints.model_fields) if where.startswith("constraints.") else []
        near = difflib.get_close_matches(where.rpartition(".")[2], nested, 1, cutoff=0.5)
        raise UsageError(f"{path}: `{where}`: {first['msg']}.", f"Did you mean `{near[0]}`?" if near else "") from error
    fault = metric_fault(task.metric, task.kind) if task.metric is not None else None
    if fault:
        raise UsageError(f"{path}: `metric`: {fault[0]}", fault[1])
    beside = {name: path.parent / file for name in Task.files() if (file := getattr(task, name))}
    return task.model_copy(update={name: str(file) for name, file in beside.items() if file.exists()})


def is_rows(word: str) -> bool:
    """Whether what stands in the place of the words is a file or folder that is there, and no description."""
    path = Path(word)
    ending = path.suffix.lower() if len(word) < 500 else ""
    return bool(ending) and ending not in TASK_ENDINGS | PROMPT_ENDINGS and path.exists()


def read_request(words_or_file: str) -> Task:
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
    elif is_rows(words_or_file):
        raise UsageError(
            f"{path} holds rows, not words.", f'Say what the model should do: p2m auto "Sort …" --data {path}'
        )
    if not words_or_file.strip():
        raise UsageError("The prompt is empty.", 'Say what the model should do: p2m auto "Sort support mail into …"')
    return Task(request=words_or_file.strip())
