"""What generated inputs differ in: attributes that every brief is drawn from, in a file that a person can edit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from p2m_agent.errors import UsageError
from p2m_agent.generation.taint import HeldOutTexts
from p2m_agent.prompting import render
from p2m_agent.types.answer_form import AnswerForm
from p2m_agent.types.completion import ChatMessage, Request
from p2m_agent.types.task import TaskSpec

if TYPE_CHECKING:
    from p2m_agent.run.seams import LLM

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


FILE = "attributes.yaml"
"""Name of the file in a call's folder."""
_HEAD = """\
# What generated inputs differ in. Every input is asked for with one value of each list; together they cover the grid.
# Change the lists as you like: later calls of this run take them from here (or: p2m auto --attributes FILE).
"""


class Attributes(BaseModel):
    """The grid. Lists that are left out fall back to ones that fit any task."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    topics: tuple[str, ...] = ()
    writers: tuple[str, ...] = WRITERS
    styles: tuple[str, ...] = STYLES
    edge_cases: tuple[str, ...] = EDGES
    lengths: tuple[str, ...] = LENGTHS

    def brief(self, number: int) -> str:
        """One point of the grid, as a line for a prompt.

        Every value of the first list comes once in as many numbers as it has values, every pair of the first two once
        in as many as there are pairs, and so on; all points come before one comes again.
        """
        named: Mapping[str, Sequence[str]] = {
            "about": self.topics,
            "style": self.styles,
            "written by": self.writers,
            "length": self.lengths,
            "difficulty": self.edge_cases,
        }
        lists = {name: values for name, values in named.items() if values}
        place = _spread(number, math.prod(map(len, lists.values())))
        chosen = []
        for name, values in lists.items():
            place, at = divmod(place, len(values))
            chosen.append(f"{name}: {values[at]}")
        return "; ".join(chosen)


def _spread(number: int, points: int) -> int:
    """A permutation of the points of a grid that strides by the golden ratio, so that any run is spread evenly."""
    stride = max(1, round(points * (math.sqrt(5) - 1) / 2))
    while math.gcd(stride, points) != 1:
        stride += 1
    return number * stride % points


def read_attributes(path: Path) -> Attributes:
    """Attributes that a person wrote or edited.

    Raises:
        UsageError: the file cannot be read, or holds something else.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise UsageError(
                f"{path} holds no attributes.", f"Lists to write there: {', '.join(Attributes.model_fields)}."
            )
        return Attributes.model_validate({name: _tidy(values) for name, values in content.items()})
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        hint = f"Lists that there are: {', '.join(Attributes.model_fields)}."
        raise UsageError(f"{path}: `{where}`: {error.errors()[0]['msg']}.", hint) from error


def write_attributes(path: Path, attributes: Attributes) -> None:
    """Keep them where a person can see and edit them."""
    content = yaml.safe_dump(attributes.model_dump(mode="json"), allow_unicode=True, sort_keys=False, width=120)
    path.write_text(_HEAD + content, encoding="utf-8")


Phrases = Annotated[list[str], Field(min_length=3)]


class AttributesForm(AnswerForm):
    """What the teacher is asked for."""

    topics: Phrases
    writers: Phrases
    styles: Phrases
    edge_cases: Phrases


def derive_attributes(
    spec: TaskSpec, teacher: LLM, examples: Sequence[str], seed: int, held_out: HeldOutTexts
) -> Attributes:
    """Ask once for the grid of this task; what is unusable is replaced by the general lists."""
    prompt = render(
        "generate_attributes",
        instruction=spec.instruction,
        labels=spec.labels,
        examples=list(examples)[:5],
        language=spec.language,
    )
    message = ChatMessage(role="user", content=prompt)
    request = Request(
        messages=(message,), json_schema=AttributesForm.json_schema(), temperature=0.7, max_tokens=1500, seed=seed
    )
    if held_out.shown_by(request):
        return Attributes()
    said = AttributesForm.read(teacher.ask(request))
    found = {name: _phrases(values) for name, values in said.model_dump().items()} if said else {}
    return Attributes.model_validate({name: kept for name, kept in found.items() if kept})


def _phrases(values: list[str]) -> list[str]:
    return [phrase for phrase in _tidy(values) if 2 < len(phrase) < 120]


def _tidy(values: object) -> list[str]:
    listed = values if isinstance(values, list) else []
    return [phrase for phrase in dict.fromkeys(" ".join(str(value).split()) for value in listed) if phrase]
