"""Prompts as people write them around one text, for a task with labels: each form a function of text and row number.

They were written before the reader of prompts was run on them. Templates vary from row to row where a caller's would
(labels shuffled, examples drawn, words changed); the languages are English, German and Finnish, of which the reader
knows no word of the last but a few keys.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Message = dict[str, str]
Form = Callable[["Case"], list[Message]]


@dataclass(frozen=True)
class Case:
    """One text to be sorted, and what a caller has at hand."""

    text: str
    number: int
    labels: Sequence[str]
    examples: Sequence[tuple[str, str]]
    request: str

    @property
    def drawn(self) -> random.Random:
        """What varies from row to row."""
        return random.Random(self.number)

    def shuffled(self) -> list[str]:
        return self.drawn.sample(list(self.labels), len(self.labels))

    def shots(self, count: int) -> list[tuple[str, str]]:
        return self.drawn.sample(list(self.examples), count)


def user(text: str) -> list[Message]:
    return [{"role": "user", "content": text}]


def one_line(case: Case) -> list[Message]:
    return user(f"Classify the following customer message: {case.text}")


def labels_and_keys(case: Case) -> list[Message]:
    return user(f"Labels: {', '.join(case.shuffled())}\n\nMessage: {case.text}\nLabel:")


def request_above(case: Case) -> list[Message]:
    return user(f"{case.request}\n\n{case.text}")


def eight_examples(case: Case) -> list[Message]:
    shown = "\n\n".join(f"Message: {text}\nQueue: {label}" for text, label in case.shots(8))
    return user(f"Here is how we sort our mail.\n\n{shown}\n\nMessage: {case.text}\nQueue:")


def last_turn_instructs(case: Case) -> list[Message]:
    return [
        {"role": "system", "content": case.request},
        *user(case.text),
        *user("Answer with one label only."),
    ]


def chat_examples(case: Case) -> list[Message]:
    shown = [
        {"role": role, "content": content}
        for text, label in case.shots(5)
        for role, content in (("user", f'Customer wrote: "{text}"'), ("assistant", label))
    ]
    return [{"role": "system", "content": "You sort mail."}, *shown, *user(f'Customer wrote: "{case.text}"')]


def tags(case: Case) -> list[Message]:
    listed = "\n".join(f"- {label}" for label in case.shuffled())
    return user(
        f"You are a support triage expert.\n\n<categories>\n{listed}\n</categories>\n\n"
        f"<ticket>\n{case.text}\n</ticket>\n\n"
        "Think about which category fits best, then reply with the category inside <answer></answer> tags."
    )


def fenced(case: Case) -> list[Message]:
    opening = case.drawn.choice(["Sort this e-mail into a queue.", "Which queue does this e-mail belong to?"])
    return user(f"{opening}\n```\n{case.text}\n```\nGive only the queue's name, no explanation.")


def wrapped_in_json(case: Case) -> list[Message]:
    asked = {"task": "classify", "labels": case.shuffled(), "text": case.text, "id": case.number}
    return user(json.dumps(asked))


def behind_the_text(case: Case) -> list[Message]:
    return user(f"{case.text}\n\nWhich of these queues is it for: {', '.join(case.shuffled())}? Just the name, please.")


def numbered_arrows(case: Case) -> list[Message]:
    shown = "\n".join(f'{i}. "{text}" -> {label}' for i, (text, label) in enumerate(case.shots(4), 1))
    return user(f'Continue the list.\n{shown}\n5. "{case.text}" ->')


def german(case: Case) -> list[Message]:
    words = case.drawn.choice(["Ordne die folgende Kundennachricht", "Bitte ordne die folgende Nachricht"])
    return user(
        f"{words} einer unserer Warteschlangen zu ({', '.join(case.shuffled())}). Antworte nur mit dem Namen.\n\n"
        f"Nachricht: {case.text}\n\nWarteschlange:"
    )


def german_quoted(case: Case) -> list[Message]:
    return user(f"In welche Kategorie gehört diese Nachricht: „{case.text}“? Gib nur die Kategorie an.")


def finnish(case: Case) -> list[Message]:
    return user(f"Lue asiakkaan kirje ja sano, mihin jonoon se kuuluu.\n\nKirje: {case.text}\n\nVastaa jonon nimellä.")


FORMS: dict[str, Form] = {
    "one line before": one_line,
    "labels and keys": labels_and_keys,
    "own request above": request_above,
    "eight examples in one message": eight_examples,
    "last turn instructs": last_turn_instructs,
    "examples as turns": chat_examples,
    "tags": tags,
    "fence": fenced,
    "JSON": wrapped_in_json,
    "labels behind": behind_the_text,
    "numbered arrows": numbered_arrows,
    "German keys": german,
    "German quotes": german_quoted,
    "Finnish": finnish,
}
