"""A task's rows as a chat model reads them. Training and prediction both go through here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from p2m_agent.errors import ToolError


class ChatFormat:
    """Instruction and input to token ids, by the model's own chat template where it has one."""

    def __init__(self, tokenizer: Any, instruction: str) -> None:
        """Use the tokenizer's template.

        Raises:
            ToolError: no token ends a text, so that no answer could end.
        """
        if tokenizer.eos_token_id is None:
            raise ToolError("the tokenizer has no token that ends a text", "Set its eos_token, or take another base.")
        self._tokenizer, self._instruction = tokenizer, instruction
        self.end: int = tokenizer.eos_token_id

    def ends(self, model: Any) -> frozenset[int]:
        """All tokens that end an answer: the tokenizer's, and those that the model itself says so of."""
        said = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
        listed = said if isinstance(said, list) else [said]
        return frozenset([self.end, *(token for token in listed if token is not None)])

    def prompts(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids up to where the answer begins, one list per input."""
        if not texts:
            return []
        rendered = [self.prompt(text) for text in texts]
        return [list(ids) for ids in self._tokenizer(rendered, add_special_tokens=False)["input_ids"]]

    def cut(self, text: str, most: int) -> str:
        """The text from its start, as much of it as leaves a prompt of at most `most` tokens.

        Raises:
            ToolError: the instruction alone is longer.
        """
        room = most - len(self.prompts([""])[0])
        spans = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        while room > 0:
            kept = text[: spans[room - 1][1]] if room < len(spans) else text
            excess = len(self.prompts([kept])[0]) - most
            if excess <= 0:
                return kept
            room = min(room, len(spans)) - excess  # words may split otherwise beside the template's own
        raise ToolError(f"the instruction alone is longer than {most} tokens", "Raise max_tokens.")

    def answers(self, outputs: Sequence[str]) -> list[list[int]]:
        """Token ids of each answer with the token that ends it."""
        if not outputs:
            return []
        coded = self._tokenizer(list(outputs), add_special_tokens=False)["input_ids"]
        return [[*ids, self.end] for ids in coded]

    def text(self, ids: Sequence[int]) -> str:
        """What the model said."""
        return str(self._tokenizer.decode(ids, skip_special_tokens=True)).strip()

    @property
    def template(self) -> str:
        """The chat template that gives these prompts, of the tokenizer or in its place."""
        begin = json.dumps(self._tokenizer.bos_token or "")
        turns = "{% for turn in messages %}{{ turn.content + '\\n\\n' }}{% endfor %}"
        return str(self._tokenizer.chat_template or f"{{{{ {begin} }}}}{turns}")

    def messages(self, text: str) -> list[dict[str, str]]:
        """The conversation that asks for an answer to an input."""
        from jinja2 import TemplateError

        if self._tokenizer.chat_template:
            try:
                self._render(self._apart(text))
            except TemplateError:
                return self._joined(text)
        return self._apart(text)

    def prompt(self, text: str) -> str:
        """What the model reads before it answers an input."""
        if not self._tokenizer.chat_template:
            return f"{self._tokenizer.bos_token or ''}{self._instruction}\n\n{text}\n\n"
        from jinja2 import TemplateError

        try:
            return self._render(self._apart(text))
        except TemplateError:  # some templates know no system role and say so by raising
            return self._render(self._joined(text))

    def _apart(self, text: str) -> list[dict[str, str]]:
        return [{"role": "system", "content": self._instruction}, {"role": "user", "content": text}]

    def _joined(self, text: str) -> list[dict[str, str]]:
        return [{"role": "user", "content": f"{self._instruction}\n\n{text}"}]

    def _render(self, messages: list[dict[str, str]]) -> str:
        return str(self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))


def common_prefix(prompts: Sequence[Sequence[int]]) -> int:
    """Leading token ids that all prompts share, at least one short of the shortest prompt."""
    if not prompts:
        return 0
    ordered = sorted(map(tuple, prompts))
    first, last = ordered[0], ordered[-1]  # what these two share, all between them share
    shared = 0
    while shared < min(len(first), len(last)) and first[shared] == last[shared]:
        shared += 1
    return max(0, min(shared, min(map(len, prompts)) - 1))
