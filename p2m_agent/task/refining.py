"""A better instruction, from mistakes on dev rows and the person's remarks. Locked-test rows have no way in here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from p2m_agent.prompting import render
from p2m_agent.task.instruction import LONGEST
from p2m_agent.types.answer_form import AnswerForm
from p2m_agent.types.scores import EvalReport, Mistake
from p2m_agent.types.task import TaskSpec

if TYPE_CHECKING:
    from p2m_agent.run.seams import LLM

MOST_MISTAKES, MOST_CONFUSIONS, MOST_HINTS = 12, 8, 3
CUT = 400
"""Characters of a mistake's text in a prompt."""


class NewInstruction(AnswerForm):
    """What the teacher would say instead, and why."""

    instruction: str
    why: str


@dataclass(frozen=True)
class RefiningEvidence:
    """What speaks for another instruction."""

    confusions: tuple[tuple[str, str, int], ...] = ()
    """(expected, predicted, dev rows), most frequent first."""
    mistakes: tuple[Mistake, ...] = ()
    remarks: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.confusions or self.mistakes or self.remarks)


def evidence_of(report: EvalReport | None, remarks: Sequence[str]) -> RefiningEvidence:
    """Gather it.

    Raises:
        ValueError: the report is on the locked test, which must not reach a prompt.
    """
    if report is None:
        return RefiningEvidence(remarks=tuple(remarks))
    if report.split != "dev":
        raise ValueError(f"{report.id} is a report on the locked test; nothing of it may reach a prompt")
    mistakes = tuple(m.model_copy(update={"text": m.text[:CUT]}) for m in report.mistakes[:MOST_MISTAKES])
    return RefiningEvidence(report.confusions[:MOST_CONFUSIONS], mistakes, tuple(remarks))


def rewritten(spec: TaskSpec, evidence: RefiningEvidence, teacher: LLM) -> tuple[str, str] | None:
    """(instruction, why) from a reliable LLM; None where its answer is of no use."""
    from p2m_agent.llm.client import ChatMessage, Request

    prompt = render(
        "refine_prompt",
        instruction=spec.instruction,
        labels=spec.labels[:60],
        confusions=evidence.confusions,
        mistakes=[{"input": m.text, "right": m.expected, "given": m.predicted} for m in evidence.mistakes],
        remarks=evidence.remarks,
    )
    message = ChatMessage(role="user", content=prompt)
    schema = NewInstruction.json_schema()
    said = NewInstruction.read(teacher.ask(Request(messages=(message,), json_schema=schema, max_tokens=800)))
    if said is None:
        return None
    instruction = " ".join(said.instruction.split())
    usable = 10 <= len(instruction) <= 4 * LONGEST and instruction != spec.instruction
    return (instruction, said.why.strip()) if usable else None


def amended(spec: TaskSpec, evidence: RefiningEvidence) -> tuple[str, str]:
    """(instruction, why) without an LLM: the remarks as they are, and a hint for labels that are often confused."""
    added = [sentence for remark in evidence.remarks if (sentence := _sentence(remark)) not in spec.instruction]
    why = [f"{len(added)} remark{'s' if len(added) > 1 else ''} of the person"] if added else []
    pairs = list(dict.fromkeys(tuple(sorted(pair[:2])) for pair in evidence.confusions if pair[2] > 1))
    hints = [f'Take care to tell "{first}" from "{second}".' for first, second in pairs[:MOST_HINTS]]
    hints = [hint for hint in hints if hint not in spec.instruction] if spec.kind == "classification" else []
    if hints:
        added += hints
        why.append(f"{len(hints)} pair{'s' if len(hints) > 1 else ''} of labels confused on dev rows")
    return " ".join([spec.instruction, *added]), "Added: " + " and ".join(why) + "." if why else ""


def _sentence(remark: str) -> str:
    text = " ".join(remark.split())
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?", "。")) else text + "."
