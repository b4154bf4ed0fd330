"""(a) of `planner.py`: whole runs on the shared hub, the rules beside a model as controller.

Twelve tasks, no dataset named, a target out of reach so that the loop works until rounds or time are over. The packaged
embedded model is the teacher in all runs. A run is `better` or `worse` where its score on the locked test lies outside
of the other's interval. Runs are kept in --cache, so that a benchmark can be made in pieces.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from _planner_model import Asked, offered
from _real_rows import HUB

from p2m_agent.agent.planner.choice import Choice
from p2m_agent.agent.planner.controller import make_controller
from p2m_agent.agent.policy import Policy
from p2m_agent.agent.session import Parts, Session
from p2m_agent.run.result import delivered, result_of
from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import Tool, load_tools
from p2m_agent.settings import Settings
from p2m_agent.types.student import TrainingRun
from p2m_agent.types.task import Task

TASKS = {
    "questions": "Tell what a question asks for: an abbreviation, entity, description, human, location or number",
    "spam": "Tell whether a text message is spam or a legitimate message",
    "subjective": "Tell whether a sentence about a film is subjective or objective",
    "emotion": "Which emotion does a short message show: anger, joy, optimism or sadness?",
    "irony": "Is a short message meant ironically?",
    "voice": "Which of seven intents does a request to a voice assistant have?",
    "bank": "Tell which of the bank's intents a customer's message expresses",
    "finance": "Rate the sentiment of a sentence from financial news as positive, neutral or negative",
    "reviews": "Is a product review positive or negative?",
    "news": "Sort English news items into world, sports, business and science",
    "german": "Which section does a German news article belong to?",
    "verses": "Is the mood of a verse of a poem positive, negative, mixed or without impact?",
}
TARGET = 0.995
ROUNDS = 4


def runs(model: Asked, args: argparse.Namespace) -> dict[str, Any]:
    rows = []
    for name in args.tasks or TASKS:
        ruled = _kept(name, None, args)
        steered = None if model.rules else _kept(name, model, args)
        rows.append((ruled, steered))
        _show(name, "rules", ruled)
        if steered:
            _show(name, model.named, steered)
    return summed_up([(ruled, steered) for ruled, steered in rows if steered])


def _kept(name: str, model: Asked | None, args: argparse.Namespace) -> dict[str, Any]:
    place = args.cache / f"{name}-{model.named if model else 'rules'}-{args.minutes:g}.json"
    if not place.exists():
        made = _run(TASKS[name], model, args.minutes)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(made, default=str), encoding="utf-8")
    return dict(json.loads(place.read_text(encoding="utf-8")))


def _run(request: str, model: Asked | None, minutes: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="p2m_planner_") as place:
        settings = Settings(
            _env_file=None, runs_dir=Path(place), hubs=(str(HUB),), teacher="local", max_rounds=ROUNDS,
            max_minutes=minutes, controller="llm" if model else "rules",
        )  # fmt: skip
        tools = load_tools()
        since = len(model.calls) if model else 0
        parts = Parts(tools={name: _planned(tool, model) for name, tool in tools.items()}, choose=_chooser(model))
        task = Task(request=request, target=TARGET)
        with Session.create(settings, task, Policy(attended=False, yes=True), parts=parts) as session:
            state = session.step().state
            return {**_figures(state, session.run), **(model.took(since) if model else {})}


def _planned(tool: Tool[Any, Any], model: Asked | None) -> Tool[Any, Any]:
    """The tool with the model as planner: it is loaded once for all runs."""
    if model is None:
        return tool

    def run(args: Any, inputs: Any, context: Any) -> Any:
        return tool.run(args, inputs, dataclasses.replace(context, planner=model.llm))

    return dataclasses.replace(tool, run=run)


def _chooser(model: Asked | None) -> Callable[[RunState], Choice]:
    mode: Any = "llm" if model else "rules"
    return make_controller(mode, lambda: model.llm, offered())  # type: ignore[union-attr, return-value]


def _figures(state: RunState, run: str) -> dict[str, Any]:
    result = result_of(state, run)
    student, report = delivered(state)
    return {
        "score": report.score.value if report else None,
        "ci95": report.score.ci95 if report else None,
        "sets": [data["ref"] for data in result["datasets"]],  # type: ignore[attr-defined]
        "method": student.recipe.method if student else None,
        "rounds": len(state.all(TrainingRun)),
        "minutes": round(state.spent.wall_s / 60, 1),
        "own": [each.ok for each in state.decisions if each.by == "llm"],
        "helped": _helped(state),
        "decisions": [f"{'' if d.ok else '!'}{d.tool}{'*' if d.by == 'llm' else ''}" for d in state.decisions],
        "ended": result["ended"],
    }


def _helped(state: RunState) -> list[bool]:
    """For each training that the model chose: whether its dev score passed all before it."""
    own = {decision.call_id for decision in state.decisions if decision.by == "llm"}
    best, helped = 0.0, []
    for run in state.all(TrainingRun):
        if run.made_by in own:
            helped.append(run.dev > best)
        best = max(best, run.dev)
    return helped


def _show(name: str, who: str, row: dict[str, Any]) -> None:
    low, high = row["ci95"] or (0.0, 0.0)
    score = "none" if row["score"] is None else f"{row['score']:.3f} [{low:.3f}, {high:.3f}]"
    own = f"{sum(map(bool, row['own']))} of {len(row['own'])} own choices accepted" if row["own"] else ""
    print(f"{name:11} {who[:24]:24} {score:24} {row['rounds']} rounds {row['minutes']:5.1f} min {own}")
    print("    " + " ".join(row["decisions"]), flush=True)


def summed_up(pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> dict[str, Any]:
    own = [ok for _, steered in pairs for ok in steered["own"]]
    both = [(a, b) for a, b in pairs if a["score"] is not None and b["score"] is not None]
    worse = sum(steered["score"] < ruled["ci95"][0] for ruled, steered in both) + len(pairs) - len(both)
    better = sum(steered["score"] > ruled["ci95"][1] for ruled, steered in both)
    helped = [each for _, steered in pairs for each in steered["helped"]]
    print(f"{len(pairs)} tasks; of {len(helped)} trainings chosen by the model {sum(helped)} were the best so far")
    accepted = {"accepted": round(sum(map(bool, own)) / len(own), 3)} if own else {}
    return {**accepted, "not_worse": len(pairs) - worse, "better": better, "tasks": len(pairs)}
