"""A task's rows as a chat model reads them. Training and prediction both go through here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class ChatFormat:
    """Instruction and input to token ids, by the model's own chat template where it has one."""

    def __init__(self, tokenizer: Any, instruction: str) -> None:
        """Use the tokenizer's template."""
        self._tokenizer, self._instruction = tokenizer, instruction
        self.end: int = tokenizer.eos_token_id

    def prompts(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids up to where the answer begins, one list per input."""
        if not texts:
            return []
        rendered = [self._prompt(text) for text in texts]
        return [list(ids) for ids in self._tokenizer(rendered, add_special_tokens=False)["input_ids"]]

    def answers(self, outputs: Sequence[str]) -> list[list[int]]:
        """Token ids of each answer with the token that ends it."""
        if not outputs:
            return []
        coded = self._tokenizer(list(outputs), add_special_tokens=False)["input_ids"]
        return [[*ids, self.end] for ids in coded]

    def text(self, ids: Sequence[int]) -> str:
        """What the model said."""
        return str(self._tokenizer.decode(ids, skip_special_tokens=True)).strip()

    def _prompt(self, text: str) -> str:
        if not self._tokenizer.chat_template:
            return f"{self._tokenizer.bos_token or ''}{self._instruction}\n\n{text}\n\n"
        from jinja2 import TemplateError

        apart = [{"role": "system", "content": self._instruction}, {"role": "user", "content": text}]
        joined = [{"role": "user", "content": f"{self._instruction}\n\n{text}"}]
        try:
            return self._render(apart)
        except TemplateError:  # some templates know no system role and say so by raising
            return self._render(joined)

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
