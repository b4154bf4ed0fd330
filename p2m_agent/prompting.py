"""Prompts are Markdown files with Jinja2 variables, rendered strictly.

Text of others (a card, a row, an answer, a file, a label) stands in them fenced, so that it can neither close what it
stands in nor look like a line of the prompt: by the filter `fenced` in general, by `one_line` in a list, and by `apart`
for models so weak that tags confuse them.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from importlib import resources

from jinja2 import Environment, StrictUndefined, Template, Undefined, UndefinedError, meta


def render(name: str, **variables: object) -> str:
    """Render `prompts/<name>.md`.

    Raises:
        ValueError: a variable is missing; the message lists the names the prompt wants.
    """
    try:
        return _template(name).render(**variables).strip()
    except UndefinedError as error:
        wanted = sorted(meta.find_undeclared_variables(prompt_environment().parse(_source(name))))
        raise ValueError(f"the prompt {name} wants {', '.join(wanted)}: {error}") from error


@functools.cache
def _template(name: str) -> Template:
    return prompt_environment().from_string(_source(name))


def _source(name: str) -> str:
    return (resources.files("p2m_agent.prompts") / f"{name}.md").read_text(encoding="utf-8")


def prompt_environment() -> Environment:
    """What prompts are written in."""
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)  # noqa: S701 (Markdown for an LLM, not HTML)
    environment.filters.update({each.__name__: each for each in (fenced, one_line, apart)})
    return environment


def fenced(value: object, tag: str) -> str:
    """A value between tags that nothing in it can close: a text as it is, anything else as JSON."""
    if not isinstance(value, str):
        shown = json.dumps(value, ensure_ascii=False, default=_unknown).replace("<", "\\u003c")
        return f"<{tag}>{shown}</{tag}>"
    name, number = tag, 1
    while re.search(rf"<\s*/?\s*{re.escape(name)}", value, re.IGNORECASE):
        number += 1
        name = f"{tag}-{number}"
    return f"<{name}>\n{value}\n</{name}>"


def _unknown(value: object) -> str:
    """What JSON has no form for: where it is a missing variable, that is said."""
    if isinstance(value, Undefined):
        return str(value)
    raise TypeError(f"a prompt shows no {type(value).__name__}")


def one_line(value: object) -> str:
    """A text that cannot begin a line of its own."""
    return " ".join(str(value).split())


def apart(text: str, tag: str) -> str:
    """A single line as it is, several fenced."""
    return text if text == one_line(text) else fenced(text, tag)


def shown_example(fields: Mapping[str, str], output: str) -> dict[str, object]:
    """An example of the task as a prompt shows it."""
    return {"input": dict(fields), "output": output}
