"""What a search looks for, in more than its words: the task's labels and examples, and a card that an LLM imagines.

A request and a card say the same thing in different words. What stands in the answer's place is closer to it than the
question is: HyDE, Gao et al., arXiv 2212.10496. `ranking` averages the vectors of the views with that of the request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import Field

from p2m_agent.search.datasets.passages import passage
from p2m_agent.search.hubs.card import Card
from p2m_agent.types.answer_form import AnswerForm
from p2m_agent.types.rows import render_input
from p2m_agent.types.task import TaskSpec

if TYPE_CHECKING:
    from p2m_agent.run.seams import LLM

_LABELS, _EXAMPLES, _CHARS = 40, 3, 200
"""How many are taken of a task, and how much of an example."""


class ImaginedCard(AnswerForm):
    """A card that nobody has written."""

    title: str
    description: str


class ImaginedDataset(ImaginedCard):
    """Of a dataset."""

    columns: tuple[str, ...] = Field(max_length=60)
    labels: tuple[str, ...] = Field(max_length=60)


Imagined = TypeVar("Imagined", bound=ImaginedCard)


def task_views(query: str, spec: TaskSpec | None) -> tuple[str, ...]:
    """The query with the task's labels and a few of its examples, as a card would name them; empty without any."""
    if spec is None or not (spec.labels or spec.demonstrations):
        return ()
    labels = ", ".join(label.replace("_", " ") for label in spec.labels[:_LABELS])
    return (" ".join(filter(None, (query, labels, *_examples(spec)))),)


def hypothetical_card(spec: TaskSpec, query: str, llm: LLM) -> str:
    """The card of a dataset that would fit, as it would be embedded; empty where the LLM is not reliable or fails.

    Raises:
        BudgetExceeded: there is no money for it.
        ToolError: the endpoint does not answer.
    """
    from p2m_agent.prompting import render

    prompt = render(
        "hypothetical_card",
        instruction=spec.instruction,
        labels=spec.labels[:_LABELS],
        examples=_examples(spec),
        query=query,
    )
    facts = imagined(prompt, ImaginedDataset, llm, max_tokens=600)
    return _embedded(facts) if facts else ""


def imagined(prompt: str, form: type[Imagined], llm: LLM, max_tokens: int) -> Imagined | None:
    """A card in this form, with its description; None where the LLM is not reliable or fails.

    Raises:
        BudgetExceeded: there is no money for it.
        ToolError: the endpoint does not answer.
    """
    from p2m_agent.llm.client import ChatMessage, Request

    if not llm.capability.reliable:
        return None
    message = ChatMessage(role="user", content=prompt)
    card = form.read(llm.ask(Request(messages=(message,), json_schema=form.json_schema(), max_tokens=max_tokens)))
    return card if card and card.description.strip() else None


def _examples(spec: TaskSpec) -> list[str]:
    return [f"{render_input(each.input)[:_CHARS]} {each.output[:_CHARS]}" for each in spec.demonstrations[:_EXAMPLES]]


def _embedded(facts: ImaginedDataset) -> str:
    """What `passage` makes of a real card with these facts."""
    card = Card(
        repo=facts.title,
        hub="",
        title=facts.title,
        description=facts.description,
        licence=None,
        labels=facts.labels,
        columns=facts.columns,
    )
    return passage(card)
