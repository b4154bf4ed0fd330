"""Contradictions in a task, told with the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Set

from p2m_agent.errors import P2MError, ToolError, UsageError
from p2m_agent.scoring.metrics import metric_named, metrics_of
from p2m_agent.types.label_sets import SEPARATOR
from p2m_agent.types.task import Kind, Task, TaskSpec

LONGEST_REQUEST = 20_000
"""Characters. More is a document, not a description of a task."""


def check_request(request: str) -> None:
    """Refuse a request that cannot be one.

    Raises:
        UsageError: it is empty or too long.
    """
    if not any(character.isalnum() for character in request):
        raise UsageError(
            "The request is empty.", "Say what the model should do, for instance: sort support mail into queues."
        )
    if len(request) > LONGEST_REQUEST:
        raise UsageError(
            f"The request has {len(request):,} characters, more than {LONGEST_REQUEST:,}.",
            "Describe the task in a few sentences and give rows as a file with --data.",
        )


def check_task(task: Task) -> None:
    """Refuse what a person gave where it contradicts itself.

    Raises:
        UsageError: naming the contradiction.
    """
    if task.labels is not None and task.kind == "text_to_text":
        raise UsageError(
            "The task file gives labels for a text_to_text task.",
            "Drop `labels`, or set `kind: classification` (one label) or `kind: multi_label` (several).",
        )
    if task.metric is not None:
        fault = metric_fault(task.metric, task.kind)
        if fault:
            raise UsageError(*fault)


def metric_fault(metric: str, kind: Kind | None = None) -> tuple[str, str] | None:
    """What is wrong with a metric, for a kind of task where that is known, and the remedy."""
    try:
        named = metric_named(metric)
    except UsageError as error:
        return error.message, error.hint
    if kind is None or kind in named.kinds:
        return None
    return f"The metric {metric} does not fit {kind}.", f"Choose {' or '.join(metrics_of(kind))}."


def check_spec(spec: TaskSpec, given: Set[str]) -> None:
    """Refuse a specification that contradicts itself.

    Args:
        spec: to be looked at.
        given: the fields that the person set.

    Raises:
        UsageError: where the person gave what is wrong; only they can mend it.
        ToolError: otherwise.
    """
    for key, message, hint in _contradictions(spec):
        error: type[P2MError] = UsageError if key in given else ToolError
        raise error(message, hint)


def _contradictions(spec: TaskSpec) -> list[tuple[str, str, str]]:
    """The first of each kind as (key of the task file, message, hint)."""
    found = []
    if spec.kind == "text_to_text" and spec.labels:
        found.append(
            ("labels", "Labels are given for a text_to_text task.", "Drop `labels`, or set `kind: classification`.")
        )
    if spec.sorts:
        found += _label_faults(spec)
    fault = metric_fault(spec.metric, spec.kind)
    if fault:
        found.append(("metric", *fault))
    fields = [*spec.input_fields, spec.output_field]
    if len(set(fields)) < len(fields) or not all(name.strip() for name in fields):
        key = "input_fields" if len(set(spec.input_fields)) < len(spec.input_fields) else "output_field"
        found.append(
            (
                key,
                f"The fields {', '.join(fields)} are not all different.",
                "Give each input and the output its own name.",
            )
        )
    return found


def _label_faults(spec: TaskSpec) -> list[tuple[str, str, str]]:
    labels = [label.strip() for label in spec.labels]
    if labels and (len(set(labels)) < 2 or not all(labels)):
        return [
            (
                "labels",
                "There is only one label, so there is nothing to tell apart.",
                "Name at least two different labels.",
            )
        ]
    if len({label.casefold() for label in labels}) < len(labels):
        return [("labels", "Two labels are the same.", "Name each label once.")]
    mixed = [label for label in labels if SEPARATOR in label]
    if spec.kind == "multi_label" and mixed:
        fault = f"The label {mixed[0]!r} holds {SEPARATOR!r}, which stands between labels in an output."
        return [("labels", fault, "Rename it.")]
    for number, demonstration in enumerate(spec.demonstrations, 1):
        unknown = [label for label in spec.labels_in(demonstration.output) if labels and label not in labels]
        if unknown:
            near = difflib.get_close_matches(unknown[0], labels, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"The labels are {', '.join(labels)}."
            return [("examples", f"Example {number} has the label {unknown[0]!r}, which is not in the set.", hint)]
    return []
