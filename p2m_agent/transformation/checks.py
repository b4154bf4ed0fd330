"""Which transformed rows are kept: what is wrong with one by itself, and whether it obeys words planted in its row."""

from __future__ import annotations

import re
from collections.abc import Mapping

from p2m_agent.languages import in_another_language
from p2m_agent.rows.duplicates import normalise
from p2m_agent.types.rows import render_input
from p2m_agent.types.task import TaskSpec
from p2m_agent.verification.row_faults import LONGEST, text_fault

OBEYED = "follows an instruction planted in the row"
UNKNOWN_LABEL = "label is not one of the task"
_IN_LINE = 0.3
"""Share of a row's other words in an output, from which on the planted words are there because the row is."""

_PLANTED = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^.!?\n]{0,40}"
    r"\b(?:above|previous|prior|earlier|preceding|instructions?|prompts?|rules|everything)\b"
    r"|\b(?:new|real|actual) (?:instructions?|task)\s*:|\bsystem prompt\b|(?:^|\n)\s*(?:system|assistant)\s*:"
    r"|\byou are now\b|</?(?:row|system|instructions?)>",
    re.IGNORECASE,
)
_DEMANDED = re.compile(
    r"\b(?:answer|respond|reply|output|say|print|write|return|label(?: (?:it|this|them))?|classify(?: (?:it|this))?)\b"
    r"\s*[:=]?\s*(?:(?:only|just|exactly|with|as|the|word|label|text)\s+)*[\"'“‘`]?([^\"'”’`.!?\n]{1,80})",
    re.IGNORECASE,
)


def fault_of(fields: Mapping[str, str], output: str, spec: TaskSpec, written: tuple[str, ...] = ()) -> str | None:
    """What is wrong with a row, or None.

    Args:
        fields: the input.
        output: the output.
        spec: the task.
        written: fields that a language model wrote; only these are searched for what such models say of themselves.
    """
    texts = {**fields, spec.output_field: output}
    for name, text in texts.items():
        if not text.strip() and not (name == spec.output_field and spec.kind == "multi_label"):
            return f"empty {name}"
        if len(text) > LONGEST:
            return f"{name} is too long"
    if any(label not in spec.labels for label in spec.labels_in(output)):
        return UNKNOWN_LABEL
    if in_another_language(render_input(dict(fields)), spec.language):
        return "not in the task's language"
    spoken = [name for name in written if not (name == spec.output_field and spec.sorts)]
    return next((why.replace("_", " ") for name in spoken if (why := text_fault(texts[name], spec))), None)


def copies(fields: Mapping[str, str], output: str) -> bool:
    """Whether an output is nothing but (a field of) its input."""
    said = normalise(output)
    return said == normalise(render_input(dict(fields))) or said in {normalise(text) for text in fields.values()}


def obeys(source: str, made: str) -> bool:
    """Whether an output does what words planted in its row demand, instead of what the task asks.

    Args:
        source: the text of the row that the teacher saw.
        made: what the teacher wrote.
    """
    planted = _PLANTED.search(source)
    said = f" {normalise(made)} "
    if planted is None or not said.strip():
        return False
    demands = list(_DEMANDED.finditer(source, planted.start()))
    payloads = [f" {normalise(demand[1])} " for demand in demands if demand[1].strip()]
    echoed = f" {normalise(planted.group())} " in said
    if not echoed and not any(payload in said or said in payload for payload in payloads):
        return False
    end = max((demand.end() for demand in demands), default=planted.end())
    return _carried_over(f"{source[: planted.start()]} {source[end:]}", said) < _IN_LINE


def _carried_over(rest: str, said: str) -> float:
    """Share of the longer words of the row's own text that stand in the output."""
    words = {word for word in normalise(rest).split() if len(word) > 3}
    return sum(f" {word} " in said for word in words) / len(words) if words else 0.0
