"""What is asked of the teacher for generated rows, and how its answers are read. Pure: equal state, equal requests."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from p2m_agent.data.generation_attributes import WRITERS, Attributes
from p2m_agent.data.verification import Candidate
from p2m_agent.llm.request import ChatMessage, Reply, Request
from p2m_agent.prompting import render
from p2m_agent.types import Demonstration, Example, Source, TaskSpec, render_input

TOKENS_AN_INPUT = 160
TOKENS_A_MESSAGE = 90
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
class Wish:
    """What the next request is for."""

    label: str
    count: int
    temperature: float
    shown: tuple[str, ...]
    """Existing inputs (of the label) to show."""
    key: str
    """Names the request within the run: all chance in it is drawn from this."""


def derived_seed(key: str) -> int:
    """A seed that depends on nothing but the words of the key."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") >> 1


def batch_order(spec: TaskSpec, attributes: Attributes, wish: Wish) -> Order:
    """Several inputs at once, each with its own brief, under a schema: for a sound teacher."""
    rng = random.Random(wish.key)  # noqa: S311 (reproducible variety, no secret)
    others = [label for label in spec.labels if label != wish.label]
    prompt = render(
        "generate_inputs",
        instruction=spec.instruction,
        count=wish.count,
        label=wish.label,
        others=rng.sample(others, min(MOST_OTHERS, len(others))),
        examples=wish.shown,
        briefs=[attributes.brief(rng) for _ in range(wish.count)],
        language=spec.language,
        fields=spec.input_fields,
    )
    return Order(_request(prompt, wish, TOKENS_AN_INPUT * wish.count + 60, inputs_schema(spec, wish.count)), wish.label)


def single_order(spec: TaskSpec, wish: Wish) -> Order:
    """One plain message, no schema: for a weak teacher, which does better the less it has to keep in mind."""
    rng = random.Random(wish.key)  # noqa: S311
    name = wish.label.replace("_", " ")
    about = f"messages about {name}" if wish.shown else f"about {name}"
    if not wish.label:
        about = (
            "inputs for this task: " + spec.instruction if wish.shown else "an input for this task: " + spec.instruction
        )
    prompt = render("generate_one", about=about, examples=wish.shown, hint=rng.choice(WRITERS))
    return Order(_request(prompt, wish, TOKENS_A_MESSAGE, None), wish.label)


def output_request(spec: TaskSpec, fields: dict[str, str], shown: Sequence[Demonstration], key: str) -> Request:
    """The output for an input, asked for on its own, so that it is not made to fit by the one who made the input."""
    examples = [(render_input(demonstration.input), demonstration.output) for demonstration in shown]
    prompt = render("generate_outputs", instruction=spec.instruction, examples=examples, input=render_input(fields))
    message = ChatMessage(role="user", content=prompt)
    return Request(messages=(message,), temperature=0.0, max_tokens=400, seed=derived_seed(key))


def inputs_schema(spec: TaskSpec, count: int) -> dict[str, object]:
    """A list of at most `count` inputs with all fields of the task."""
    item = {
        "type": "object",
        "additionalProperties": False,
        "required": list(spec.input_fields),
        "properties": {name: {"type": "string"} for name in spec.input_fields},
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["inputs"],
        "properties": {"inputs": {"type": "array", "items": item, "minItems": 1, "maxItems": count}},
    }


def inputs_of(reply: Reply, spec: TaskSpec) -> list[dict[str, str]]:
    """The inputs in an answer; fewer than asked for is no fault, and none is an empty list."""
    if reply.error is not None:
        return []
    rows = reply.parsed.get("inputs") if isinstance(reply.parsed, dict) else None
    kept = [row for row in rows or [] if isinstance(row, dict) and set(row) == set(spec.input_fields)]
    return [{name: " ".join(str(row[name]).split()) for name in spec.input_fields} for row in kept]


def candidate(spec: TaskSpec, fields: dict[str, str], output: str, call_id: str, asked: tuple[str, str]) -> Candidate:
    """A row to be judged; `asked` is the hash of the request and its words."""
    source = Source(origin="synthetic", ref=call_id, prompt_sha=asked[0])
    ordered = {name: fields[name] for name in spec.input_fields}
    return Candidate(Example(input=ordered, output=output, source=source), asked[1])


_LEAD = re.compile(r"^\s*(?:[-*•]\s+|\d{1,2}[.)]\s+|(?:message|output|answer|text)\s*:\s*)", re.IGNORECASE)


def plain_text(text: str) -> str:
    """An answer without list marks and quotes around it."""
    bare = _LEAD.sub("", text.strip()).strip()
    if len(bare) > 2 and bare[0] in "\"'“‘" and bare[-1] in "\"'”’":
        bare = bare[1:-1].strip()
    return bare


def _request(prompt: str, wish: Wish, max_tokens: int, schema: dict[str, object] | None) -> Request:
    return Request(
        messages=(ChatMessage(role="user", content=prompt),),
        json_schema=schema,
        temperature=wish.temperature,
        max_tokens=max_tokens,
        seed=derived_seed(wish.key),
    )


def first_message(text: str) -> str:
    """The first paragraph of a weak teacher's answer; it tends to go on with comments or further messages."""
    return plain_text(text.strip().split("\n\n")[0].split("\n- ")[0])


def shown_inputs(pool: Sequence[Example], label: str, rng: random.Random) -> tuple[str, ...]:
    """A few existing inputs, other ones each time."""
    fitting = [example.text for example in pool if not label or example.output == label]
    short = [text for text in fitting if len(text) < 600]
    return tuple(rng.sample(short, min(MOST_SHOWN, len(short))))
