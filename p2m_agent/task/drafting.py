"""From words to a task specification: the person's values, then the controller's, then an LLM's, then rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from p2m_agent.errors import BudgetExceeded, ToolError
from p2m_agent.languages import foreign, inputs_named
from p2m_agent.scoring.metric_choice import choose_metric
from p2m_agent.scoring.metrics import load_metrics, metrics_of
from p2m_agent.task.checking import check_request, check_spec, check_task
from p2m_agent.task.fields import demonstrations_of, named_inputs
from p2m_agent.task.instruction import instruction_of
from p2m_agent.task.kinds import TOLD, allows_several, guess_kind
from p2m_agent.task.listed_labels import listed_labels
from p2m_agent.task.suggestion import RequestReading, suggest
from p2m_agent.types.rows import render_input
from p2m_agent.types.scores import MetricName
from p2m_agent.types.task import Constraints, Demonstration, Kind, Task, TaskSpec

if TYPE_CHECKING:
    from p2m_agent.run.seams import LLM, Embedder

KEPT = ("kind", "instruction", "labels", "input_fields", "output_field", "language", "metric")
"""What a new spec takes over from the one before, unless it is said anew."""

_MEANING: dict[Kind, str] = {
    "classification": "every input gets one of a fixed set of labels",
    "multi_label": "every input gets as many of a fixed set of labels as apply",
    "text_to_text": "the output is a text",
}


@dataclass(frozen=True)
class Said:
    """What is known about a task before anything is guessed."""

    task: Task
    """What the person said: never overruled."""
    stated: Mapping[str, object] = field(default_factory=dict)
    """Set by the controller in this call."""
    previous: TaskSpec | None = None
    """The spec to be replaced."""


def draft_spec(said: Said, call_id: str, teacher: LLM | None, embedder: Callable[[], Embedder | None]) -> TaskSpec:
    """Write the specification; each guess becomes an assumption.

    Raises:
        UsageError: the request is empty or too long, or what the person gave contradicts itself.
        ToolError: what the controller stated contradicts it.
    """
    check_request(said.task.request)
    check_task(said.task)
    spec = _Draft(said, teacher, embedder).spec(call_id)
    check_spec(spec, said.task.given)
    return spec


class _Draft:
    """One specification in the making."""

    def __init__(self, said: Said, teacher: LLM | None, embedder: Callable[[], Embedder | None]) -> None:
        self.said, self.embedder, self.task = said, embedder, said.task
        self.assumptions: list[str] = []
        self.assumed: dict[str, str] = {}
        self.kind_stated = True
        found = demonstrations_of(self.task.examples or (), self.task.output_field, self.task.input_fields)
        self.demonstrations, self.seen_inputs, self.seen_output = found
        self.suggested = self._suggestion(teacher)

    def _suggestion(self, teacher: LLM | None) -> RequestReading:
        """Ask a reliable LLM, where something is left to ask about; without one the rules have to do."""
        all_said = all(key in self.task.given or key in self.said.stated for key in KEPT)
        if teacher is None or self.said.previous or all_said:
            return RequestReading()
        try:
            reliable = teacher.capability.reliable
            return suggest(teacher, self.task.request, self.demonstrations) if reliable else RequestReading()
        except BudgetExceeded:
            return RequestReading()
        except ToolError as error:
            self.assumptions.append(f"The task was read by rules, as no LLM answered: {error.message}")
            return RequestReading()

    def spec(self, call_id: str) -> TaskSpec:
        kind = self.kind()
        if self.said.previous and self.said.previous.kind != kind:
            self.said = Said(self.task, self.said.stated)
        values = {
            "kind": kind,
            "kind_stated": self.kind_stated,
            "instruction": self.instruction(),
            "labels": self.labels(kind),
            "input_fields": self.input_fields(),
            "output_field": self.output_field(kind),
            "language": self.language(),
            "metric": self.metric(kind),
        }
        return TaskSpec.model_validate(
            {
                **values,
                "id": f"spec-{call_id}",
                "request": self.task.request,
                "target": self.task.target,
                "max_error": self.task.max_error,
                "demonstrations": self.demonstrations,
                "constraints": self.task.constraints or Constraints(),
                "assumptions": tuple(self.assumptions),
                "assumed": self.assumed,
                "made_by": call_id,
            }
        )

    def known(self, key: str) -> Any:
        """The value that somebody said, best authority first; None where nobody did."""
        previous = getattr(self.said.previous, key, None)
        own = getattr(self.task, key, None)
        for value in (own, self.said.stated.get(key), previous, getattr(self.suggested, key)):
            if value not in (None, "", (), []):
                return tuple(value) if isinstance(value, list) else value
        return None

    def assume(self, key: str, sentence: str) -> None:
        """Note a guess; what the person gave is none."""
        if key not in self.task.given:
            self.assumptions.append(sentence)
            self.assumed[key] = sentence

    def kind(self) -> Kind:
        kind = cast("Kind | None", self.known("kind"))
        if kind is None:
            kind = self._implied_kind()
            # The person's own rows tell the kind better than likeness of requests, which takes seconds to load.
            embedder = None if self.task.data else self.embedder()
            if kind is None:
                guess = guess_kind(self.task.request, self.demonstrations, embedder)
                kind, self.kind_stated = guess.kind, guess.margin >= TOLD
        self.assume("kind", f"The task is {kind.replace('_', ' ')}: {_MEANING[kind]}.")
        return kind

    def _implied_kind(self) -> Kind | None:
        """Labels, or a metric that only one kind has, leave no choice."""
        own = {"labels": self.task.labels, "metric": self.task.metric}
        for said in (own, self.said.stated):
            metric = load_metrics().get(str(said.get("metric")))
            kinds = metric.kinds if metric else ()
            if said.get("labels"):
                several = "multi_label" in kinds and "classification" not in kinds
                several = several or allows_several(self.task.request, self.demonstrations)
                return "multi_label" if several else "classification"
            if len(kinds) == 1:
                return kinds[0]
        return None

    def instruction(self) -> str:
        return self.known("instruction") or instruction_of(self.task.request)

    def labels(self, kind: Kind) -> tuple[str, ...]:
        if kind == "text_to_text":
            # What the person said is kept, so that the contradiction is noticed and told.
            return tuple(cast("tuple[str, ...]", self.task.labels or self.said.stated.get("labels") or ()))
        labels = cast("tuple[str, ...] | None", self.known("labels"))
        labels = labels or listed_labels(self.task.request)
        labels = labels or (_shown_labels(self.demonstrations) if kind == "classification" else ())
        if labels:
            self.assume("labels", f"The {len(labels)} labels are: {', '.join(labels)}.")
        elif "labels" not in self.task.given:
            self.assume("labels", "The request names no labels; they are read from the data.")
        return labels

    def input_fields(self) -> tuple[str, ...]:
        if self.seen_inputs and not self.task.input_fields:
            return self.seen_inputs
        fields = cast("tuple[str, ...]", self.known("input_fields") or named_inputs(self.task.request) or ("text",))
        if fields == ("text",):
            self.assume("input_fields", "Each input is a single text.")
        else:
            self.assume("input_fields", f"Each input has the fields {', '.join(fields)}.")
        return fields

    def output_field(self, kind: Kind) -> str:
        usual = {"classification": "label", "multi_label": "labels"}.get(kind, "output")
        return cast("str", self.seen_output or self.known("output_field") or usual)

    def language(self) -> str | None:
        texts = [text for demonstration in self.demonstrations for text in demonstration.input.values()]
        request = self.task.request
        language = self.known("language") or inputs_named(request) or foreign(" ".join(texts))
        language = language or (None if texts else foreign(request))
        if language:
            self.assume("language", f"The inputs are in the language {language}.")
        return cast("str | None", language)

    def metric(self, kind: Kind) -> MetricName:
        metric = cast("MetricName | None", self.known("metric"))
        if metric is None or (metric not in metrics_of(kind) and "metric" not in {*self.task.given, *self.said.stated}):
            outputs = [shown.output for shown in self.demonstrations]
            inputs = [render_input(shown.input) for shown in self.demonstrations]
            metric, why = choose_metric(kind, request=self.task.request, outputs=outputs, inputs=inputs)
            self.assume("metric", f"Success is measured by {metric}: {why}.")
        else:
            self.assume("metric", f"Success is measured by {metric}.")
        return metric


def _shown_labels(demonstrations: tuple[Demonstration, ...]) -> tuple[str, ...]:
    """The outputs of the examples, where they recur enough to be the whole set rather than a glimpse of it."""
    shown = tuple(dict.fromkeys(demonstration.output for demonstration in demonstrations))
    whole = len(shown) == 2 or 2 < len(shown) <= len(demonstrations) / 2
    return shown if whole else ()
