"""What generated inputs differ in: attributes from which every brief is drawn."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from p2m_agent.llm.request import ChatMessage, Request
from p2m_agent.prompting import render
from p2m_agent.types import TaskSpec

if TYPE_CHECKING:
    from p2m_agent.llm.client import LLM

LENGTHS = ("a few words", "one short sentence", "one sentence", "two or three sentences", "a paragraph")
WRITERS = (
    "somebody in a hurry",
    "a polite and careful writer",
    "somebody who is annoyed",
    "a writer whose first language is another one",
    "a young person used to chat",
    "an elderly person",
    "a professional of the field",
    "a first-time user who does not know the terms",
)
STYLES = (
    "plain",
    "formal",
    "colloquial",
    "with a typing mistake or two",
    "lower case, no punctuation",
    "rambling, with beside-the-point details",
    "terse, in key words",
    "as a question",
)
EDGES = ("clear-cut", "typical", "slightly unusual", "hard: it could be mistaken for something else", "rare")


class Attributes(BaseModel):
    """The grid. Lists that an LLM did not fill fall back to ones that fit any task."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    topics: tuple[str, ...] = ()
    writers: tuple[str, ...] = WRITERS
    styles: tuple[str, ...] = STYLES
    edge_cases: tuple[str, ...] = EDGES
    lengths: tuple[str, ...] = LENGTHS

    def brief(self, rng: random.Random) -> str:
        """One point of the grid, as a line for a prompt."""
        chosen: Mapping[str, Sequence[str]] = {
            "about": self.topics,
            "written by": self.writers,
            "style": self.styles,
            "length": self.lengths,
            "difficulty": self.edge_cases,
        }
        return "; ".join(f"{name}: {rng.choice(values)}" for name, values in chosen.items() if values)


def attributes_of(spec: TaskSpec, teacher: LLM, examples: Sequence[str], seed: int) -> Attributes:
    """Ask once for the grid of this task; what is unusable is replaced by the general lists."""
    names = ("topics", "writers", "styles", "edge_cases")
    phrases = {"type": "array", "items": {"type": "string"}, "minItems": 3}
    schema: dict[str, object] = {
        "type": "object",
        "additionalProperties": False,
        "required": list(names),
        "properties": dict.fromkeys(names, phrases),
    }
    prompt = render(
        "generate_attributes", instruction=spec.instruction, labels=spec.labels, examples=list(examples)[:5]
    )
    message = ChatMessage(role="user", content=prompt)
    reply = teacher.ask(Request(messages=(message,), json_schema=schema, temperature=0.7, max_tokens=1500, seed=seed))
    found = reply.parsed if isinstance(reply.parsed, dict) else {}
    try:
        return Attributes.model_validate(
            {name: _phrases(found.get(name)) for name in names if _phrases(found.get(name))}
        )
    except ValidationError:
        return Attributes()


def _phrases(values: object) -> list[str]:
    if not isinstance(values, list):
        return []
    kept = [" ".join(str(value).split()) for value in values]
    return list(dict.fromkeys(phrase for phrase in kept if 2 < len(phrase) < 120))
