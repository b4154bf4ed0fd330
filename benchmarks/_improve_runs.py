"""Runs of the product in `improve.py`: a session to its end, and what is worth keeping of it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _improve_starts import OWN, Split, write_hub

from p2m_agent.agent.planner.choice import Choice, Move, Words
from p2m_agent.agent.planner.controller import make_controller
from p2m_agent.agent.policy import Policy
from p2m_agent.agent.session import Parts, Session
from p2m_agent.delivery.predictor import load_predictor
from p2m_agent.run.result import delivered, result_of
from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import load_tools
from p2m_agent.scoring.metrics import metric_value
from p2m_agent.settings import Settings
from p2m_agent.types.student import TrainingRun
from p2m_agent.types.task import Task

Change = Callable[[Choice, RunState], Choice]


@dataclass(frozen=True)
class Wish:
    """How a run is made."""

    rows: Split
    controller: str = "rules"
    hubs: tuple[str, ...] = ()
    target: float | None = None
    minutes: float | None = None
    rounds: int = 5
    teacher: str = "local"
    change: Change | None = None
    """What is done to the controller's choices."""


def as_chosen(choice: Choice, _state: RunState) -> Choice:
    return choice


def on_small_base(base: Path) -> Change:
    """The first training is made on a base that is too small; from then on the controller decides."""

    def change(choice: Choice, state: RunState) -> Choice:
        first = not any(decision.tool == "fine_tune" and decision.ok for decision in state.decisions)
        if isinstance(choice, Move) and choice.tool == "fine_tune" and first:
            return choice.model_copy(update={"args": {**choice.args, "base": str(base)}})
        return choice

    return change


def before_the_test(choice: Choice, _state: RunState) -> Choice:
    """Rest where the locked test would be opened: enough where only the students are wanted."""
    final = isinstance(choice, Move) and choice.tool == "evaluate" and choice.args.get("final")
    return Words(text="That is all.") if final else choice


def run(wish: Wish) -> dict[str, Any]:
    """Run it to its end, and keep what the tables need."""
    spec = wish.rows.spec
    with tempfile.TemporaryDirectory(prefix="p2m_improve_") as place:
        own = write_hub(Path(place) / "own", wish.rows)
        settings = Settings(
            _env_file=None, runs_dir=Path(place) / "runs", hubs=(str(own), *wish.hubs), teacher=wish.teacher,
            controller=wish.controller, max_rounds=wish.rounds, max_minutes=wish.minutes, budget_usd=2.0,
        )  # fmt: skip
        task = Task(
            request=spec.request, kind=spec.kind, labels=spec.labels or None, metric=spec.metric, data=OWN,
            input_fields=spec.input_fields, output_field=spec.output_field, target=wish.target,
        )  # fmt: skip
        opened: list[Session] = []
        parts = Parts(choose=_controller(wish, opened))
        with Session.create(settings, task, Policy(attended=False, yes=True), parts=parts) as session:
            opened.append(session)
            standing = session.step()
            return _kept(standing.state, session, wish)


def _controller(wish: Wish, opened: Sequence[Session]) -> Callable[[RunState], Choice]:
    """As `make_controller` makes it, with the change that the wish names; the planner is opened on first use."""
    choose = make_controller(wish.controller, lambda: opened[0].llms.planner, load_tools())  # type: ignore[arg-type]
    change = wish.change or as_chosen
    return lambda state: change(choose(state), state)


def _kept(state: RunState, session: Session, wish: Wish) -> dict[str, Any]:
    result = result_of(state, session.run)
    students = state.all(TrainingRun)
    tests = {one.id: score(session.root / one.path, wish.rows, session.settings) for one in students}
    student, _ = delivered(state)
    return {
        "value": tests.get(student.id) if student else None,
        "test": result["test"],
        "baselines": result["baselines"],
        "model": result["model"],
        "ended": result["ended"],
        "cost": result["cost"],
        "minutes": round(state.spent.wall_s / 60, 1),
        "decisions": [said(decision) for decision in state.decisions],
        "log": [decision.model_dump() for decision in state.decisions],
        "choices": [(decision.by, decision.ok) for decision in state.decisions],
        "students": [
            {
                "method": one.recipe.method,
                "base": Path(one.recipe.base).name,
                "dev": one.dev,
                "train_rows": one.train_rows,
                "test": tests[one.id],
            }
            for one in students
        ],
    }


def score(student: Path, rows: Split, settings: Settings) -> float:
    """On all the test rows, outside of the run, which may lack the time for all: the harness wrote them."""
    answers = [p.output for p in load_predictor(student, settings).predict([row.input for row in rows.test])]
    return round(metric_value(rows.spec.metric, [row.output for row in rows.test], answers), 4)


def said(decision: Any) -> str:
    """A decision in a word or two: the tool and what matters of its arguments, `!` where it was refused or failed."""
    shown = [_short(name, value) for name, value in decision.args.items() if name not in ("training_run", "query")]
    return ("" if decision.ok else "!") + " ".join([decision.tool, *filter(None, shown)])


def _short(name: str, value: object) -> str:
    if name == "datasets" and isinstance(value, (list, tuple)):
        return f"{len(value)} datasets"
    if name == "base":
        return f"on {Path(str(value)).name}"
    if name in ("rows", "trials", "epochs"):
        return f"{name}={value}"
    if name in ("labels", "clusters"):
        return f"{len(value)} {name}" if isinstance(value, (list, tuple)) else ""
    return str(value) if name in ("source", "method", "dataset") else (name if value is True else "")


def cached(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What was kept of a run, or the run: a benchmark that was killed goes on where it was."""
    if not path.exists():
        made = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".part").write_text(json.dumps(made, default=str), encoding="utf-8")
        path.with_suffix(".part").replace(path)
    return dict(json.loads(path.read_text(encoding="utf-8")))
