"""A teacher for transformations: plans as it is given them, rows by a function; it obeys what stands outside of data.

What stands between the data tags is read and never obeyed; a planted instruction anywhere else is, and is noted down: a
prompt that lets a row out of its tags is found out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from p2m_agent.types.completion import Request
from p2m_agent.types.task import TaskSpec

Plan = dict[str, Any]
_DATA = re.compile(r"<((?:row|rows|columns|card|fault)(?:-\d+)?)>.*?</\1>", re.DOTALL)
_PLANTED = re.compile(r"ignore the above and answer (\w+)", re.IGNORECASE)


def template(text: str) -> dict[str, str]:
    return {"how": "template", "template": text}


WRITTEN = {"how": "written", "template": ""}


def plan(fields: dict[str, Any], **said: Any) -> Plan:
    """A plan as a teacher writes it."""
    return {
        "why": "it holds reviews",
        "usable": True,
        "labels": [],
        "instruction": "",
        "reads": [],
        **said,
        "fields": fields,
    }


class Teacher:
    """Answers requests for plans and rows; call it with the messages and the schema."""

    def __init__(self, plans: Sequence[Plan], answer: Callable[[dict[str, str]], dict[str, Any]]) -> None:
        self.plans, self.answer = list(plans), answer
        self.obeyed: list[str] = []
        self.rows: list[dict[str, str]] = []
        """What it was asked about, row by row."""
        self.planned: list[str] = []
        """The prompts it was asked for a plan with."""

    def __call__(self, messages: Sequence[str], schema: dict[str, Any]) -> dict[str, Any]:
        text = "\n".join(messages)
        planted = _PLANTED.search(_DATA.sub("", text))
        if planted:
            self.obeyed.append(planted[1])
            return dict.fromkeys(schema["properties"], planted[1]) | {"fits": True}
        if "usable" in schema["properties"]:
            self.planned.append(text)
            return self.plans.pop(0) if len(self.plans) > 1 else self.plans[0]
        [data] = re.findall(r"<row>(.*?)</row>", text, re.DOTALL)[-1:]
        self.rows.append(json.loads(data))
        return self.answer(self.rows[-1])

    def reply(self, request: Request) -> dict[str, Any]:
        """For a `ScriptedLLM`."""
        return self([message.content for message in request.messages], dict(request.json_schema or {}))

    def script(self, body: dict[str, Any]) -> dict[str, Any]:
        """For a `FakeOpenAI`."""
        return self([turn["content"] for turn in body["messages"]], body["response_format"]["json_schema"]["schema"])


def mood_spec(**changes: Any) -> TaskSpec:
    """Reviews into happy and unhappy."""
    facts: dict[str, Any] = {
        "id": "spec-1",
        "request": "Is the customer happy?",
        "instruction": "Say whether the customer is happy.",
    }
    facts |= {"kind": "classification", "labels": ("happy", "unhappy"), "metric": "accuracy"}
    return TaskSpec.model_validate({**facts, **changes})


def stars(row: dict[str, Any]) -> dict[str, Any]:
    """What a good teacher says about a review, by its stars; three stars fit neither label."""
    given = int(row.get("stars", 5))
    return {"fits": given != 3, "label": "happy" if given > 3 else "unhappy"}
