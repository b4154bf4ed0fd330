"""What is asked of the teacher for generated rows, and how its answers are read. Pure: equal state, equal requests."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from pydantic import Field

from p2m_agent.generation.attributes import WRITERS, Attributes
from p2m_agent.generation.error_focus import Focus
from p2m_agent.languages import NAMES
from p2m_agent.prompting import render, shown_example
from p2m_agent.types.answer_form import AnswerForm, by_name, form_of, one_of
from p2m_agent.types.completion import ChatMessage, Reply, Request
from p2m_agent.types.label_sets import from_json
from p2m_agent.types.rows import Example, Source, render_input
from p2m_agent.types.task import Demonstration, TaskSpec
from p2m_agent.verification.filter import Candidate

TOKENS_AN_INPUT = 160
TOKENS_A_LINE = 30
TOKENS_AN_OUTPUT = 400
LONGEST_OUTPUT = 800
"""Characters that an output is taken to have at most where no example shows any."""
VOTE_TEMPERATURE = 0.7
MOST_SHOWN = 4
"""Existing inputs in a prompt."""
MOST_OTHERS = 12
"""Other labels in a prompt."""


@dataclass(frozen=True)
class Order:
    """One request for inputs, with what is needed to read the answer."""

    request: Request
    label: str
    """Empty for text_to_text."""

    @property
    def prompt(self) -> str:
        """The words of the request."""
        return self.request.messages[-1].content


@dataclass(frozen=True)
class NextRequest:
    """What the next request is for."""

    label: str
    count: int
    temperature: float
    shown: tuple[str, ...]
    """Existing inputs (of the label) to show."""
    key: str
    """Names the request within the run: all chance in it is drawn from this."""
    place: int = 0
    """Where in the grid of attributes its first input lies."""
    focus: Focus | None = None
    """Errors that it is aimed at."""


def derived_seed(key: str) -> int:
    """A seed that depends on nothing but the words of the key."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") >> 1


def batch_order(spec: TaskSpec, attributes: Attributes, wish: NextRequest) -> Order:
    """Several inputs at once, each with its own brief, under a schema: for a reliable teacher."""
    rng = random.Random(wish.key)  # noqa: S311 (reproducible variety, no secret)
    rival = [wish.focus.rival] if wish.focus and wish.focus.rival else []
    others = [label for label in spec.labels if label not in (wish.label, *rival)]
    prompt = render(
        "generate_inputs",
        instruction=spec.instruction,
        count=wish.count,
        label=wish.label,
        others=[*rival, *rng.sample(others, min(MOST_OTHERS, len(others)))],
        examples=wish.shown,
        briefs=[attributes.brief(wish.place + turn) for turn in range(wish.count)],
        focus=wish.focus.description if wish.focus else "",
        language=spec.language,
        fields=spec.input_fields,
    )
    schema = _inputs_form(spec.input_fields, wish.count).json_schema()
    return Order(_request(prompt, wish, TOKENS_AN_INPUT * wish.count + 60, schema), wish.label)


def list_order(spec: TaskSpec, wish: NextRequest) -> Order:
    """A plain list of one label, no schema: for a weak teacher, which does better the less it has to keep in mind.

    A list costs it fewer words for each usable message than one request for each, and the next line differs from those
    before it, which it can see.
    """
    about = (
        f"messages about {wish.label.replace('_', ' ')}" if wish.label else f"inputs for this task: {spec.instruction}"
    )
    prompt = render(
        "generate_list",
        about=about,
        count=wish.count,
        examples=wish.shown,
        hint=WRITERS[wish.place // wish.count % len(WRITERS)],
        language=_foreign(spec),
    )
    return Order(_request(prompt, wish, TOKENS_A_LINE * wish.count, None), wish.label)


def _foreign(spec: TaskSpec) -> str:
    """The English name of the task's language; empty for English, which a weak teacher writes anyway."""
    names = [name for name, code in NAMES.items() if code == spec.language and name.isascii()]
    return names[0].capitalize() if names and spec.language != "en" else ""


def output_request(
    spec: TaskSpec, fields: dict[str, str], shown: Sequence[Demonstration], key: str, *, guarded: bool, vote: bool
) -> Request:
    """The output for an input, asked for on its own, so that it is not made to fit by the one who made the input.

    Args:
        spec: the task.
        fields: the input.
        shown: examples with their outputs.
        key: all chance is drawn from it.
        guarded: put the input between tags and say that it is data; a weak teacher does better without.
        vote: sample, as one of several; else the likeliest answer.
    """
    examples = [(render_input(demonstration.input), demonstration.output) for demonstration in shown]
    prompt = render(
        "generate_outputs",
        instruction=spec.instruction,
        examples=examples,
        input=render_input(fields),
        guarded=guarded,
    )
    message = ChatMessage(role="user", content=prompt)
    longest = max((len(output) for _, output in examples), default=LONGEST_OUTPUT)
    # A weak teacher talks on; what it should say is about as long as what was shown.
    most = TOKENS_AN_OUTPUT if guarded else min(TOKENS_AN_OUTPUT, 20 + longest // 2)
    temperature = VOTE_TEMPERATURE if vote else 0.0
    return Request(messages=(message,), temperature=temperature, max_tokens=most, seed=derived_seed(key))


def label_request(
    spec: TaskSpec, fields: dict[str, str], shown: Sequence[Demonstration], key: str, *, vote: bool
) -> Request:
    """The label, or labels, of an input, held to those that there are; `vote` as for `output_request`."""
    several = spec.kind == "multi_label"
    prompt = render(
        "generate_label",
        instruction=spec.instruction,
        labels=spec.labels,
        several=several,
        examples=[shown_example(demonstration.input, demonstration.output) for demonstration in shown],
        input=fields,
    )
    message = ChatMessage(role="user", content=prompt)
    temperature = VOTE_TEMPERATURE if vote else 0.0
    schema = _label_form(spec.labels, several=several).json_schema()
    return Request(
        messages=(message,), json_schema=schema, temperature=temperature, max_tokens=60, seed=derived_seed(key)
    )


@cache
def _label_form(labels: tuple[str, ...], *, several: bool) -> type[AnswerForm]:
    label = one_of(labels)
    return form_of({"label": list[label] if several else label})  # type: ignore[valid-type]


def label_of(reply: Reply) -> str | None:
    """The label in an answer; several as one text."""
    return from_json(reply.parsed.get("label")) if isinstance(reply.parsed, dict) else None


@cache
def _inputs_form(fields: tuple[str, ...], count: int) -> type[AnswerForm]:
    """A list of at most `count` inputs with all fields of the task."""
    item: Any = form_of(dict.fromkeys(fields, str))
    return form_of({"inputs": Annotated[list[item], Field(min_length=1, max_length=count)]})


def inputs_of(reply: Reply, spec: TaskSpec, count: int) -> list[dict[str, str]]:
    """The inputs in an answer to a request for so many; none where it failed."""
    said = _inputs_form(spec.input_fields, count).read(reply)
    rows = by_name(said)["inputs"] if said else []
    return [{name: " ".join(row[name].split()) for name in spec.input_fields} for row in rows]


def candidate(spec: TaskSpec, fields: dict[str, str], output: str, source: Source, prompt: str) -> Candidate:
    """A row to be judged; `prompt` is what it was asked for with."""
    ordered = {name: fields[name] for name in spec.input_fields}
    return Candidate(Example(input=ordered, output=output, source=source), prompt)


_MARKED = re.compile(r"\s*(?:[-*•]|\d{1,2}[.)])\s")
_LEAD = re.compile(r"^\s*(?:[-*•]\s+|\d{1,2}[.)]\s+|(?:message|output|answer|text)\s*:\s*)", re.IGNORECASE)


def plain_text(text: str) -> str:
    """An answer without list marks and quotes around it."""
    bare = _LEAD.sub("", text.strip()).strip()
    if len(bare) > 2 and bare[0] in "\"'“‘" and bare[-1] in "\"'”’":
        bare = bare[1:-1].strip()
    return bare


def _request(prompt: str, wish: NextRequest, max_tokens: int, schema: dict[str, object] | None) -> Request:
    return Request(
        messages=(ChatMessage(role="user", content=prompt),),
        json_schema=schema,
        temperature=wish.temperature,
        max_tokens=max_tokens,
        seed=derived_seed(wish.key),
    )


def messages_of(text: str, count: int) -> list[str]:
    """The lines of a plain list, at most so many; the first paragraph where the answer is none."""
    marked = [plain_text(line) for line in text.splitlines() if _MARKED.match(line)]
    return marked[:count] or [plain_text(text.strip().split("\n\n")[0])]
