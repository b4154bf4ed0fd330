"""What callers of a served model send: their templates, and what would be read of their prompts."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from p2m_agent.commands.arguments import open_finished, settings_from
from p2m_agent.delivery.dropin.caller_templates import parse_template
from p2m_agent.delivery.dropin.input_fields import UnreadableInput
from p2m_agent.delivery.dropin.prompt_reader import PromptReader, Turn
from p2m_agent.errors import UsageError
from p2m_agent.terminal.screen import open_screen
from p2m_agent.training.student_card import read_card


def reader_of(args: argparse.Namespace) -> PromptReader:
    """What finds the input in prompts to the model that a command names.

    Raises:
        UsageError: a template has no place for the text, or the file of prompts cannot be read.
    """
    model = open_finished(settings_from(args), args.run)
    card = read_card(model.folder)
    known = [card.instruction]
    if model.state is not None and model.state.spec is not None:
        known.append(model.state.spec.request)
    templates = tuple(parse_template(each, card.input_fields) for each in args.template or ())
    reader = PromptReader(card.input_fields, card.labels, tuple(known), templates)
    if args.template_from:
        for turns in read_prompts(args.template_from):
            reader.learn(turns)
    return reader


def check_prompts(args: argparse.Namespace, reader: PromptReader) -> int:
    """Show what would be read of each prompt of a file; 1 where one would be refused."""
    screen, refused = open_screen(quiet=args.quiet), 0
    prompts = read_prompts(args.check)
    for turns in prompts:
        reader.learn(turns)
    for number, turns in enumerate(prompts, 1):
        try:
            reading = reader.read(turns)
        except UnreadableInput as error:
            refused += 1
            screen.data(f"{number}  refused (422): {error}")
            continue
        for read in reading.inputs:
            screen.data(f"{number}  {reading.how}  {json.dumps(read, ensure_ascii=False)}")
    return 1 if refused else 0


def read_prompts(path: Path) -> list[list[Turn]]:
    """Conversations, one a line: an object with `messages` or `prompt`, a list of messages, or a string.

    Raises:
        UsageError: it is missing, or a line is something else.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.", "Give a JSONL file of requests.") from error
    return [_turns(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _turns(path: Path, number: int, line: str) -> list[Turn]:
    try:
        value = json.loads(line)
        if isinstance(value, dict):
            value = value.get("messages") or value["prompt"]
        said: Sequence[object] = [{"role": "user", "content": value}] if isinstance(value, str) else value
        return [Turn(str(one["role"]), _text(one["content"])) for one in said if isinstance(one, dict)]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        hint = 'Write {"messages": [{"role": "user", "content": "…"}]} or {"prompt": "…"} on each line.'
        raise UsageError(f"{path}: line {number} holds no prompt.", hint) from error


def _text(content: object) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "")
