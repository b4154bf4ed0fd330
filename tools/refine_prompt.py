"""Propose a better instruction."""

from __future__ import annotations

from dataclasses import dataclass

from p2m_agent.errors import ToolError
from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import Args, Context, Effect, NotYet, Outcome, Tool
from p2m_agent.task.refining import RefiningEvidence, amended, evidence_of, rewritten
from p2m_agent.types.budget import Cost
from p2m_agent.types.questions import PromptChange
from p2m_agent.types.scores import EvalReport
from p2m_agent.types.task import TaskSpec

SETTLES = ("define_task", "refine_prompt")
"""Tools after whose results earlier remarks have been heard."""


class RefinePrompt(Args):
    """Propose a better instruction from the mistakes on dev rows and what the person said. Follow it with ask_person.

    Use it when the person remarks on the task, or when mistakes show that the instruction leaves something open. The
    proposal changes nothing until it is accepted.
    """

    remarks: str = ""
    """What the person wants, in their words; what they said since the task was last defined is read anyway."""


@dataclass(frozen=True)
class RefinePromptInputs:
    """The task, and what speaks for another instruction."""

    spec: TaskSpec
    evidence: RefiningEvidence


def needs(args: RefinePrompt, state: RunState) -> RefinePromptInputs | NotYet:
    """A task, no other proposal waiting, and something to go by."""
    if state.spec is None:
        return NotYet("there is no task yet: call define_task first")
    waiting = state.open_prompt_change()
    if waiting:
        return NotYet(f"a proposed instruction waits for its verdict: call ask_person(about={waiting.id!r}) first")
    evidence = evidence_of(dev_report(state), remarks_of(args, state))
    if not evidence:
        return NotYet(
            "there is nothing to go by: evaluate a student on dev rows first, or pass what the person said as remarks"
        )
    return RefinePromptInputs(state.spec, evidence)


def dev_report(state: RunState) -> EvalReport | None:
    """The newest report on dev rows that no later proposal has used."""
    for artifact in reversed(state.artifacts):
        if isinstance(artifact, PromptChange):
            return None
        if isinstance(artifact, EvalReport) and artifact.split == "dev":
            return artifact
    return None


def remarks_of(args: RefinePrompt, state: RunState) -> tuple[str, ...]:
    """What the person said since the task was last defined, oldest first, without repeats."""
    said: list[str] = []
    for message in state.messages:
        if message.role == "tool" and message.tool in SETTLES:
            said = []
        elif message.role == "person" and message.fact and message.text.strip() != state.task.request.strip():
            said.append(message.text.strip())
    if args.remarks.strip():
        said.append(args.remarks.strip())
    return tuple(dict.fromkeys(text for text in said if text))


def estimate(_args: RefinePrompt, _state: RunState) -> Cost:
    """One request."""
    return Cost(wall_s=30, tokens=3000)


def run(_args: RefinePrompt, inputs: RefinePromptInputs, context: Context) -> Outcome:
    """Propose."""
    spec, evidence = inputs.spec, inputs.evidence
    reliable = context.teacher.capability.reliable
    after, why = (rewritten(spec, evidence, context.teacher) if reliable else None) or amended(spec, evidence)
    if after == spec.instruction:
        raise ToolError(
            "Nothing in the mistakes calls for another instruction.", "Look for better data or another base."
        )
    change = PromptChange(
        id=f"prompt_change-{context.call.id}", before=spec.instruction, after=after, why=why, made_by=context.call.id
    )
    return Outcome(summary=f"Proposed a new instruction. {why}", artifacts=(change,))


TOOL = Tool(name="refine_prompt", args=RefinePrompt, run=run, needs=needs, estimate=estimate, effect=Effect.SPEND)
