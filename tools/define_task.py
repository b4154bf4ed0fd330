"""Turn the person's words into a task specification."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import Args, Context, Effect, NotYet, Outcome, Tool
from p2m_agent.scoring.metric_choice import metrics_in_words
from p2m_agent.task.conditions import conditions_in_words, with_conditions
from p2m_agent.task.drafting import Said, draft_spec
from p2m_agent.types.scores import MetricName
from p2m_agent.types.task import Kind, Task, TaskSpec


class DefineTask(Args):
    """Turn the person's request into a specification (kind, labels, fields, language, metric). Call it first.

    Without arguments everything is worked out from the request. State only what you are sure of. Call it again only to
    change something; the new specification replaces the old one. What the person set themselves cannot be changed.
    """

    kind: Kind | None = None
    """`classification`: one label per input out of a fixed set. `multi_label`: any number of them. `text_to_text`: the
    output is a text of its own."""
    instruction: str | None = None
    """One to three sentences that tell a model what to do with an input."""
    labels: tuple[str, ...] | None = None
    """All labels of a classification or multi_label task; leave out where the data should tell."""
    input_fields: tuple[str, ...] | None = None
    """Names of the inputs, for instance ["text"] or ["question", "passage"]."""
    output_field: str | None = None
    """Name of the output."""
    language: str | None = None
    """ISO 639-1 code of the inputs, for instance en or ja."""
    metric: MetricName | None = Field(default=None, description=f"What success is measured by: {metrics_in_words()}.")


@dataclass(frozen=True)
class DefineTaskInputs:
    """What the person said, and how it was understood so far."""

    task: Task
    previous: TaskSpec | None


def needs(args: DefineTask, state: RunState) -> DefineTaskInputs | NotYet:
    """Once defined, a task is defined again only to change something that is the controller's to change."""
    spec, stated = state.spec, args.model_dump(exclude_none=True)
    fresh = {key: value for key, value in stated.items() if key not in state.task.given}
    if spec and not any(getattr(spec, key) != value for key, value in fresh.items()):
        return NotYet("the task is defined already and nothing would change; go on, for instance with search_datasets")
    return DefineTaskInputs(state.task, spec)


def run(args: DefineTask, inputs: DefineTaskInputs, context: Context) -> Outcome:
    """Draft the specification."""
    said = Said(inputs.task, args.model_dump(exclude_none=True), inputs.previous)
    spec = draft_spec(said, context.call.id, context.teacher, context.embedder)
    if inputs.previous is None:
        spec = with_conditions(spec, inputs.task.constraints, context.planner)
    else:
        spec = spec.model_copy(update={"constraints": inputs.previous.constraints})
    given = inputs.task.given & args.model_fields_set
    overruled = [key for key in given if getattr(args, key) != getattr(spec, key)]
    return Outcome(summary=_summary(spec, overruled), artifacts=(spec,))


def _summary(spec: TaskSpec, overruled: list[str]) -> str:
    what = spec.kind.replace("_", " ")
    if spec.sorts:
        what += f" with {len(spec.labels)} labels" if spec.labels else " with labels to be read from data"
    stays = f" {', '.join(sorted(overruled))} stays as the person set it." if overruled else ""
    limits = f" {told}" if (told := conditions_in_words(spec.constraints)) else ""
    return f"The task is {what}, measured by {spec.metric}; {len(spec.assumptions)} assumptions.{stays}{limits}"


TOOL = Tool(name="define_task", args=DefineTask, run=run, needs=needs, effect=Effect.READ)
