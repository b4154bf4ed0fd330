"""Every sentence that the program writes, in other words: whoever decides by one is found out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, Literal, TypeVar, get_args, get_origin

from p2m_agent.agent.planner.choice import Choice, Words
from p2m_agent.run.state import Message, RunState
from p2m_agent.run.tooling import Tool
from p2m_agent.types.questions import Answer
from p2m_agent.types.scores import Mistake
from p2m_agent.types.task import Task
from p2m_agent.types.value import Value

FACTS = frozenset(
    {
        # what something is called
        "id", "call_id", "made_by", "tool", "name", "repo", "hub", "ref", "source", "subject", "revision", "sha256",
        "base", "model", "method", "metric", "training_run", "datasets", "chosen", "parts", "clusters", "run",
        "dev_sha256", "test_sha256", "against", "choice",
        # where it is
        "path", "dev_path", "test_path", "report",
        # what people, datasets and students say
        "request", "instruction", "before", "after", "labels", "input_fields", "output_field", "language", "languages",
        "licence", "licences", "tasks", "columns", "inputs", "output", "input", "sample", "title", "description",
        "query", "templates", "written", "reads", "examples", "example_ids", "ancestors", "confusion", "confusions",
        "terms", "args", "preview", "answers",
    }
)  # fmt: skip
"""Fields that are no sentences of the program's own. Texts in all others are reworded."""
SPOKEN = ("reason", "question", "remarks")
"""Arguments of tools that hold sentences."""
T = TypeVar("T")


def scrambled(text: str) -> str:
    """Other words for a text, always the same; nothing stays nothing."""
    return f"zq {hashlib.sha256(text.encode()).hexdigest()[:12]} qz" if text else text


def reworded(thing: T) -> T:
    """A state, an artifact or what else a tool is given, with its facts and in other words."""
    new: Any = thing
    if isinstance(thing, RunState):
        new = replace(thing, **{each.name: reworded(getattr(thing, each.name)) for each in fields(thing) if each.init})
    elif isinstance(thing, Answer | Mistake | Task) or (isinstance(thing, Message) and thing.role == "person"):
        pass  # what people and students say are facts
    elif isinstance(thing, Value):
        new = thing.model_copy(update={name: _field(thing, name) for name in type(thing).model_fields})
    elif isinstance(thing, list | tuple):
        new = type(thing)(reworded(each) for each in thing)
    made: T = new
    return made


def same(one: Choice, other: Choice) -> bool:
    """Whether two choices are the same in all but their wording."""
    if isinstance(one, Words) or isinstance(other, Words):
        return type(one) is type(other)
    return (one.tool, _facts(one.args)) == (other.tool, _facts(other.args))


def outline(state: RunState) -> list[tuple[object, ...]]:
    """What was called, whether it worked and what it made, in all but wording."""
    called = [(each.tool, _facts(each.args), each.ok) for each in state.decisions]
    parts = ("artifact", "kind", "labels", "metric", "rows", "chosen")
    return [*called, *(tuple(getattr(made, part, None) for part in parts) for made in state.artifacts)]


def on_other_words(choose: Callable[[RunState], Choice]) -> Callable[[RunState], Choice]:
    """A controller that is told everything in other words."""
    return lambda state: choose(reworded(state))


def with_other_words(tools: Mapping[str, Tool[Any, Any]]) -> dict[str, Tool[Any, Any]]:
    """The same tools, which are told everything in other words; what they run on comes from what they need."""
    return {name: replace(tool, needs=_told(tool.needs), estimate=_told(tool.estimate)) for name, tool in tools.items()}


def _told(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda args, state: function(args, reworded(state))


def _facts(args: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in args.items() if name not in SPOKEN}


def _field(thing: Value, name: str) -> object:
    value = getattr(thing, name)
    annotation = type(thing).model_fields[name].annotation
    if name in FACTS or Literal in {get_origin(each) for each in (annotation, *get_args(annotation))}:
        return value
    return _texts(value)


def _texts(value: Any) -> Any:
    if isinstance(value, str):
        return scrambled(value)
    if isinstance(value, dict):
        return {name: _texts(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_texts(each) for each in value)
    return reworded(value)
