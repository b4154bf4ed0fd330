"""The input of a student out of a conversation that was written for a language model."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from p2m_agent.delivery.dropin import structure
from p2m_agent.delivery.dropin.caller_templates import CallerTemplate, TemplateMemory
from p2m_agent.delivery.dropin.input_fields import UnreadableInput, read_fields
from p2m_agent.delivery.dropin.instructions import ENOUGH, any_known, signs
from p2m_agent.delivery.dropin.structure import Prompt
from p2m_agent.types.rows import render_input

MAX_PROMPT = 50_000
"""Characters up to which a prompt's structure is looked at; what is longer was written by no caller, and is a text."""
How = Literal["bare", "template", "structure", "known prompt", "unclear"]


@dataclass(frozen=True)
class Turn:
    """A message of a conversation."""

    role: str
    text: str


@dataclass(frozen=True)
class PromptReading:
    """What a student would be given."""

    inputs: tuple[dict[str, str], ...]
    """The input; several where it is not clear which: an answer stands only where all of them have the same."""
    how: How

    @property
    def text(self) -> str:
        """The input as the student reads it."""
        return render_input(self.inputs[0])

    @property
    def sha(self) -> str:
        """The first 16 hex digits of its SHA-256, so that a caller can compare it without seeing it."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


@dataclass
class PromptReader:
    """Finds the input in conversations. What is constant in them is learnt as they come."""

    fields: tuple[str, ...]
    labels: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    """Prompts that callers may still send along: the request and the instruction of the run."""
    given: tuple[CallerTemplate, ...] = ()
    _memory: TemplateMemory = field(init=False)
    _last_turns: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=32))
    """Last user turns, and those before them."""

    def __post_init__(self) -> None:
        """Begin with the templates that were given."""
        self._memory = TemplateMemory(self.given, lambda part: signs(part, self.labels) > 0)

    def learn(self, turns: Sequence[Turn]) -> None:
        """Remember a conversation without reading it, so that those like it are read right from the first on."""
        asked = [turn.text for turn in turns if turn.role == "user" and turn.text.strip()]
        self._memory.see(asked)
        if len(asked) > 1:
            self._last_turns.append((asked[-1], asked[-2]))

    def read(self, turns: Sequence[Turn]) -> PromptReading:
        """The input in a conversation: in its last user turn, or in the one before where the last only instructs.

        Raises:
            UnreadableInput: there is none, or it cannot be told from the prompt around it.
        """
        asked = [turn.text for turn in turns if turn.role == "user" and turn.text.strip()]
        if not asked:
            raise UnreadableInput("There is no user message with text in it.")
        candidates = self._candidates(turns)
        self.learn(turns)
        readings = [self._prompt(text) for text in candidates]
        inputs = tuple({render_input(one): one for reading in readings for one in reading.inputs}.values())
        return PromptReading(inputs, readings[0].how if len(inputs) == len(readings[0].inputs) else "unclear")

    def _candidates(self, turns: Sequence[Turn]) -> list[str]:
        """User turns that may hold the text, the likeliest first: those behind the last answer, or the one before."""
        open_turns: list[str] = []
        for turn in reversed(turns):
            if turn.role == "assistant" and open_turns and not all(map(self._only_instructs, open_turns)):
                break
            if turn.role == "assistant" and self._is_answer(turn.text):
                break
            if turn.role == "user" and turn.text.strip():
                open_turns.append(turn.text)
        telling = [text for text in open_turns if not self._only_instructs(text)]
        if len(telling) > 1:
            telling = self._varying(telling[0], telling[1])
        if not telling and len(open_turns) == 1 and signs(open_turns[0], self.labels) < ENOUGH:
            return open_turns  # what a customer may write too
        if not telling:
            raise UnreadableInput(self._forms("The user messages hold an instruction and no text."))
        return telling

    def _varying(self, last: str, before: str) -> list[str]:
        """Of two turns that may hold the text those that are not the same in other conversations."""
        others = [(a, b) for a, b in self._last_turns if (a, b) != (last, before)]
        if any(a == last and b != before for a, b in others):
            return [before]
        return [last] if any(a != last and b == before for a, b in others) else [last, before]

    def _is_answer(self, text: str) -> bool:
        return not self.labels or text.strip().strip("\"'.").casefold() in {label.casefold() for label in self.labels}

    def _only_instructs(self, text: str) -> bool:
        prompt = Prompt(text, self.labels, self.fields)
        if len(text) > MAX_PROMPT or not signs(text, self.labels) or self._memory.template_of(text) is not None:
            return False
        return self._structured(prompt) is None and len(text.split()) < 400

    def _prompt(self, text: str) -> PromptReading:
        """The input in one message."""
        slot = self._slot(text)
        rest, how = (text, "bare") if slot is None else (slot, "template")
        for prompt in sorted(self.known, key=len, reverse=True):  # an instruction may be a part of the request
            if (known := any_known(rest, (prompt,))) is not None:
                rest, how = rest.replace(known, "\n\n").strip(" \n:"), "known prompt"
        whole = Prompt(rest, self.labels, self.fields)
        if len(self.fields) > 1:
            return self._several(text, slot)
        if len(rest) > MAX_PROMPT:
            return self._of(rest, how=how)
        found = structure.wrapped_whole(whole)
        if found is not None:
            return self._of(found, how="structure")
        return self._separated(whole, how)

    def _slot(self, text: str) -> str | None:
        """The text by a template, unless more varies than the text: examples, the order of labels, the wording."""
        found = self._memory.template_of(text)
        if found is None or len(text) > MAX_PROMPT:
            return found and found[1]
        template, slot = found
        if signs(slot, self.labels):
            return None
        whole = Prompt(text, self.labels, self.fields)
        marked = next((each for find in structure.MARKUP if (each := find(whole))), "") if self._evidence(whole) else ""
        if len(marked) > len(slot) / 2:
            return marked
        inside = (
            self._structured(whole) if not (template.prefix and template.suffix) and self._evidence(whole) else None
        )
        if inside and (slot.endswith(inside) if not template.prefix else slot.startswith(inside)):
            return inside
        return slot

    def _evidence(self, prompt: Prompt) -> int:
        """How sure it is that there is a prompt around the text."""
        kinds = (structure.has_markers, structure.ends_in_answer_key, structure.begins_with_text_key)
        marks = sum(kind(prompt) for kind in kinds)
        return signs(prompt.text, self.labels) + ENOUGH * marks

    def _separated(self, prompt: Prompt, how: str) -> PromptReading:
        marks = self._evidence(prompt)
        found = self._structured(prompt) if marks else None
        if found is not None and found != prompt.text.strip():
            if marks >= ENOUGH or found in [find(prompt) for find in structure.SURE]:
                return self._of(found, how="structure")
            return self._of(found, prompt.text, how="unclear")
        if not prompt.text.strip() or (marks > ENOUGH and how == "bare"):
            raise UnreadableInput(self._forms("The text cannot be told from the prompt around it."))
        return self._of(prompt.text, how=how)

    def _structured(self, prompt: Prompt) -> str | None:
        return next((found for find in structure.READERS if (found := find(prompt))), None)

    def _several(self, text: str, slot: str | None) -> PromptReading:
        try:
            return PromptReading((read_fields(text, self.fields),), "structure")
        except UnreadableInput:
            if slot is None:
                raise
            return PromptReading((read_fields(slot, self.fields),), "template")

    def _of(self, *texts: str, how: str) -> PromptReading:
        name = self.fields[0]
        return PromptReading(tuple({name: text} for text in texts), how)  # type: ignore[arg-type]

    def _forms(self, why: str) -> str:
        return (
            f"{why} Send the bare text as the last user message, or say where it stands: "
            f"p2m serve --template 'Classify this: {{{self.fields[0]}}}', or put it into <text></text>."
        )
