"""The model card: what a delivered folder says about itself, in the form that model hubs read."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

import yaml
from jinja2 import Environment, StrictUndefined

from p2m_agent.delivery.student_licence import front_matter_licence, licence_lines
from p2m_agent.rows.data_card import DataCard, card_lines
from p2m_agent.run.state import Parent
from p2m_agent.scoring.metrics import meaning_of
from p2m_agent.scoring.promise import promise_lines
from p2m_agent.training.recipes import recipe_named
from p2m_agent.types.rows import Dataset, Holdout
from p2m_agent.types.scores import Baseline, EvalReport, Speed
from p2m_agent.types.student import TrainingRun
from p2m_agent.types.task import TaskSpec

if TYPE_CHECKING:
    from p2m_agent.training.student_card import StudentCard

BASELINE_NAMES = {
    "teacher": "teacher LLM",
    "teacher_zero_shot": "teacher LLM, no examples",
    "linear_head": "linear head on frozen embeddings",
    "majority": "most frequent output",
    "nearest_neighbour": "nearest neighbour",
    "untuned_base": "base model, untrained",
}
_CONFUSIONS, _MISTAKES = 10, 5
_COMMIT = re.compile("[0-9a-f]{40}")
_CELL_CHARS = 160


@dataclass(frozen=True)
class Facts:
    """All that a card is written from."""

    run: str
    """The run's id."""
    spec: TaskSpec
    student: TrainingRun
    card: StudentCard
    report: EvalReport
    """On the locked test."""
    dev: EvalReport | None
    holdout: Holdout
    datasets: tuple[Dataset, ...]
    data_cards: tuple[DataCard, ...] = ()
    """What is known of their rows."""
    usage: tuple[str, str] = ("", "")
    """A library that the folder works with, and lines that use it."""
    parent: Parent | None = None
    """The run that this one goes on from."""

    @property
    def name(self) -> str:
        """What the model is called."""
        return f"p2m-{self.run}"


def write_model_card(facts: Facts) -> str:
    """The card as Markdown with YAML front matter."""
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)  # noqa: S701 (Markdown)
    environment.filters.update(cell=_cell, quoted=_quoted, interval=_interval)
    template = (resources.files("p2m_agent.delivery") / "card.md").read_text(encoding="utf-8")
    text = environment.from_string(template).render(_variables(facts))
    return text.strip() + "\n"


def front_matter(facts: Facts) -> dict[str, object]:
    """What model hubs index, with the locked-test score as `model-index`."""
    spec, card, score = facts.spec, facts.card, facts.report.score
    task = "text-classification" if spec.sorts else "text-generation"
    origin = "synthetic proxy" if facts.report.proxy else facts.holdout.origin
    metric = {"type": score.metric, "value": round(score.value, 4), "name": f"{score.metric} on {score.scored} rows"}
    dataset = {"type": facts.holdout.ref, "name": f"locked test of {facts.holdout.ref} ({origin})", "split": "test"}
    return {
        **front_matter_licence(card.base.licence, facts.datasets),
        **({"language": [spec.language]} if spec.language else {}),
        **({"base_model": card.base.name} if _on_the_hub(card) else {}),
        "datasets": [dataset.ref for dataset in facts.datasets if dataset.origin in ("hub", "transformed")],
        **({"library_name": facts.usage[0]} if facts.usage[0] else {}),
        "pipeline_tag": task,
        "tags": ["p2m_agent", card.recipe.method],
        "metrics": [score.metric],
        "model-index": [
            {"name": facts.name, "results": [{"task": {"type": task}, "dataset": dataset, "metrics": [metric]}]}
        ],
    }


def _on_the_hub(card: StudentCard) -> bool:
    """Whether the base's name is an id there: only its weights have a commit, those of packages and folders do not."""
    return card.base.name.count("/") == 1 and bool(_COMMIT.fullmatch(card.base.revision or ""))


def _variables(facts: Facts) -> dict[str, object]:
    spec, student, report, card = facts.spec, facts.student, facts.report, facts.card
    return {
        "front_matter": f"---\n{yaml.safe_dump(front_matter(facts), sort_keys=False, allow_unicode=True)}---\n",
        "name": facts.name,
        "run": facts.run,
        "lineage": [*facts.parent.ancestors, facts.parent.run] if facts.parent else [],
        "proxy": report.proxy,
        "what": _what(facts),
        "request": spec.request,
        "instruction": card.instruction,
        "facts": _table(facts),
        "metric_meaning": meaning_of(report.score.metric),
        "score": report.score,
        "test_ref": facts.holdout.ref,
        "looks": report.looks,
        "baselines": [(BASELINE_NAMES.get(name, name), baseline) for name, baseline in report.baselines.items()],
        "extra": {meaning_of(name): score for name, score in report.extra.items()},
        "calibration": report.calibration,
        "promise": promise_lines(report),
        "certificate": report.certificate,
        "speeds": _speeds(report),
        "not_worth": report.not_worth,
        "remarks": report.notes,
        "target_line": target_line(spec, report),
        "per_label": report.per_label,
        "example_shell": shlex.quote(example_text(facts.spec, facts.card)),
        "library": facts.usage[0],
        "usage": facts.usage[1].rstrip(),
        "example_python": json.dumps(_example_input(facts.spec, facts.card), ensure_ascii=False),
        "datasets": facts.datasets,
        "data_cards": [(card.ref, card_lines(card)[2:]) for card in facts.data_cards],
        "train_rows": student.train_rows,
        "leaks": ", ".join(f"{rows} ({how})" for how, rows in student.leaks_removed.items() if rows),
        "dropped": [_dropped(dataset) for dataset in facts.datasets if dataset.dropped],
        "licences": licence_lines(card.base.name, card.base.licence, facts.datasets),
        "limits": _limits(facts),
        "confusions": facts.dev.confusions[:_CONFUSIONS] if facts.dev else (),
        "mistakes": facts.dev.mistakes[:_MISTAKES] if facts.dev and spec.kind == "text_to_text" else (),
        "recipe": card.recipe.model_dump_json(indent=2),
        "notes": student.notes,
    }


def target_line(spec: TaskSpec, report: EvalReport) -> str:
    """Whether the target was met on the locked test; empty where none was set."""
    if spec.target is None:
        return ""
    verdict = "was met" if report.score.value >= spec.target else "was **not met**"
    return f"The target of {spec.target:.3f} {verdict} on the locked test."


def _what(facts: Facts) -> str:
    card = facts.card
    does = f"sorts inputs into {len(card.labels)} labels" if card.labels else "turns an input text into an output text"
    if card.kind == "multi_label":
        does = f"tells which of {len(card.labels)} labels apply to an input"
    return f"A small model that {does}: {recipe_named(card.recipe.method).description}, made from {card.base.name}."


def _table(facts: Facts) -> list[tuple[str, str]]:
    card, student, latency = facts.card, facts.student, facts.report.latency_ms
    rows = [
        ("input", ", ".join(card.input_fields)),
        ("output", f"{card.output_field}: {', '.join(card.labels)}" if card.labels else card.output_field),
        ("base model", card.base.name + (f" at {card.base.revision[:12]}" if card.base.revision else "")),
        ("parameters", f"{student.params / 1e6:.1f} million"),
        ("size on disk", f"{student.size_mb:.1f} MB"),
    ]
    return [*rows, ("time for one input", f"{latency:.1f} ms (median, where it was trained)")] if latency else rows


def _speeds(report: EvalReport) -> list[tuple[str, Speed, str]]:
    """Name, speed and what 1,000 inputs cost, of the student and of the teacher as far as it was timed."""
    teacher = report.baselines.get("teacher") or Baseline()
    usd = teacher.usd_per_1000
    price = "unknown" if usd is None else "nothing by the row" if usd == 0 else f"${usd:.4f}"
    known = [("this model", report.speed, "nothing by the row"), ("teacher LLM", teacher.speed, price)]
    return [(name, speed, cost) for name, speed, cost in known if speed is not None]


def _limits(facts: Facts) -> list[str]:
    card, report = facts.card, facts.report
    limits = [f"Inputs beyond {card.max_tokens} tokens are cut off or too long for it."]
    if card.cut == "middle":
        limits = [
            f"Of inputs beyond {card.max_tokens} tokens it reads both ends and not the middle. Exports that other "
            "programs read cut the end instead."
        ]
    if card.kind == "multi_label":
        limits.append("It gives every label that it finds likelier than not, which can be none; look at the scores.")
    elif card.kind == "classification":
        then = "what it is unsure of it marks as `abstained`" if report.promise else "look at the confidence"
        limits.append(f"It always answers with one of its labels, also where none fits; {then}.")
    else:
        limits.append("Its output is generated and can be wrong in ways that look right.")
    if facts.spec.language:
        limits.append(f"It was trained for inputs in the language `{facts.spec.language}`.")
    if report.proxy:
        limits.append("Its score was measured on rows made by a language model, not on real inputs.")
    if report.looks > 1:
        limits.append(f"The locked test was looked at {report.looks} times, so the score may be a little high.")
    limits += [f"Doubtful in the rows of {each.ref}: {doubt.seen}" for each in facts.datasets for doubt in each.doubts]
    return limits + [f"Taken for granted: {assumption}" for assumption in facts.spec.assumptions]


def _dropped(dataset: Dataset) -> str:
    reasons = ", ".join(f"{rows} {reason}" for reason, rows in dataset.dropped.items())
    return f"Of {dataset.ref}, rows left out at import: {reasons}."


def _example_input(spec: TaskSpec, card: StudentCard) -> dict[str, str]:
    shown, fields = spec.demonstrations, card.input_fields
    if shown and set(shown[0].input) == set(fields):
        return {field: shown[0].input[field] for field in fields}
    return dict.fromkeys(fields, "…")


def example_text(spec: TaskSpec, card: StudentCard) -> str:
    """An input to show: the person's first demonstration, where its fields are the model's."""
    example = _example_input(spec, card)
    return next(iter(example.values())) if len(example) == 1 else json.dumps(example, ensure_ascii=False)


def _cell(text: object) -> str:
    """A text that cannot break out of a table cell: one line, nothing that Markdown or HTML reads."""
    flat = " ".join(str(text).split())
    flat = flat if len(flat) <= _CELL_CHARS else flat[: _CELL_CHARS - 1] + "…"
    for mark in "\\`*_[]|":
        flat = flat.replace(mark, "\\" + mark)
    return flat.replace("<", "&lt;")


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.strip().replace("<", "&lt;").splitlines())


def _interval(ci95: tuple[float, float]) -> str:
    return f"{ci95[0]:.3f} to {ci95[1]:.3f}"
