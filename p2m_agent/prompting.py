"""Prompts are Markdown files with Jinja2 variables, rendered strictly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources

from jinja2 import Environment, StrictUndefined, UndefinedError, meta


def render(name: str, **variables: object) -> str:
    """Render `prompts/<name>.md`.

    Raises:
        ValueError: a variable is missing; the message lists the names the prompt wants.
    """
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)  # noqa: S701 (Markdown for an LLM, not HTML)
    text = (resources.files("p2m_agent.prompts") / f"{name}.md").read_text(encoding="utf-8")
    try:
        return environment.from_string(text).render(**variables).strip()
    except UndefinedError as error:
        wanted = sorted(meta.find_undeclared_variables(environment.parse(text)))
        raise ValueError(f"the prompt {name} wants {', '.join(wanted)}: {error}") from error


def fenced(value: object) -> str:
    """JSON in which no text can close the tag that it stands between."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def shown_example(fields: Mapping[str, str], output: str) -> str:
    """An example of the task as a prompt shows it."""
    return fenced({"input": dict(fields), "output": output})
