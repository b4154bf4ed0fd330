"""Conversations that stand in one text, with the marks of a chat template between the turns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from p2m_agent.importing.schema.conversations import ChatTurn
from p2m_agent.importing.schema.speakers import Role, Speakers


@dataclass(frozen=True)
class Template:
    """How a family of models writes a conversation down."""

    name: str
    marks: re.Pattern[str]
    """What stands before a turn; the group `role` says who speaks."""
    roles: Mapping[str, str]
    """Words of the mark to names of roles, where they are no names of roles themselves."""
    ends: re.Pattern[str]
    """What stands after a turn and is no part of it."""


_END = re.compile(
    r"(?:</s>|<\|endoftext\|>|<\|im_end\|>|<\|eot_id\|>|<\|end_of_text\|>|<\|end\|>|<end_of_turn>|<eos>)\s*"
)
TEMPLATES = (
    Template("ChatML", re.compile(r"<\|im_start\|>\s*(?P<role>\w+)[ \t]*\n?"), {}, _END),
    Template("Llama 3", re.compile(r"<\|start_header_id\|>\s*(?P<role>\w+)\s*<\|end_header_id\|>\s*"), {}, _END),
    Template("Gemma", re.compile(r"<start_of_turn>\s*(?P<role>\w+)[ \t]*\n?"), {}, _END),
    Template("Zephyr", re.compile(r"<\|(?P<role>system|user|assistant|prompter)\|>\s*"), {}, _END),
    Template(
        "Llama 2",
        re.compile(r"(?:<s>\s*)?(?P<role>\[INST\](?:\s*<<SYS>>)?|<</SYS>>|\[/INST\])\s*"),
        {"[INST]": "user", "<</SYS>>": "user", "[/INST]": "assistant"},
        _END,
    ),
    Template(
        "Alpaca prompt",
        re.compile(r"(?m)^#{2,3} ?(?P<role>Instruction|Input|Response|Output):[ \t]*\n?"),
        {"Instruction": "user", "Input": "user", "Response": "assistant", "Output": "assistant"},
        _END,
    ),
    Template("Human and Assistant", re.compile(r"(?m)(?:^|(?<=\s))(?:### ?)?(?P<role>Human|Assistant): ?"), {}, _END),
    Template("Vicuna", re.compile(r"(?m)(?:^|(?<=\s)|(?<=</s>))(?P<role>USER|ASSISTANT|SYSTEM): ?"), {}, _END),
)


def template_of(text: object) -> Template | None:
    """The template whose marks a text has, with an answer among the turns."""
    if not isinstance(text, str):
        return None
    return next((each for each in TEMPLATES if _answers(text, each)), None)


def turns_in(text: str, template: Template) -> list[ChatTurn]:
    """The turns of a text; what stands before the first mark is the system's."""
    marks = list(template.marks.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    before = _clean(text[: marks[0].start()], template) if marks else ""
    turns = [ChatTurn("system", before)] if before else []
    for mark, end in zip(marks, ends, strict=True):
        role = _role(mark["role"], template)
        said = _clean(text[mark.end() : end], template)
        if said or role == "assistant":
            turns.append(ChatTurn(role, said))
    return turns


def _answers(text: str, template: Template) -> bool:
    said = [_role(mark["role"], template) for mark in template.marks.finditer(text)]
    return "assistant" in said and "user" in said[: said.index("assistant")]


def _role(word: str, template: Template) -> Role:
    if "<<SYS>>" in word:
        return "system"
    return Speakers().of(template.roles.get(word, word)) or "user"


def _clean(text: str, template: Template) -> str:
    return template.ends.sub("", text).replace("<s>", "").replace("<|begin_of_text|>", "").replace("<bos>", "").strip()
