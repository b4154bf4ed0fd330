"""How a run ended: the score beside what it has to beat, the model, what it took, what to do next."""

from __future__ import annotations

import json
import shlex
from itertools import islice
from pathlib import Path

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from p2m_agent import events
from p2m_agent.agent.missed_target import shortfall_of
from p2m_agent.agent.stopping import why_stopped
from p2m_agent.rows.reading import stream_examples
from p2m_agent.run.result import delivered
from p2m_agent.run.state import Parent, RunState
from p2m_agent.scoring.metrics import title_of
from p2m_agent.scoring.promise import promise_lines
from p2m_agent.settings import Settings
from p2m_agent.terminal import units
from p2m_agent.terminal.safe import one_line, words
from p2m_agent.terminal.screen import Screen, marked
from p2m_agent.terminal.views import tables
from p2m_agent.terminal.views.inspected import doubt_lines
from p2m_agent.terminal.views.shortfalls import shortfall_parts, show_next_steps
from p2m_agent.training.recipes import recipe_title
from p2m_agent.types.rows import Dataset, Holdout
from p2m_agent.types.scores import Baseline, EvalReport, LeakCertificate, Score, Speed
from p2m_agent.types.student import Delivery, TrainingRun

PROXY = (
    "SYNTHETIC PROXY: the teacher made these test rows, nobody checked them. "
    "Score it on rows of your own before you rely on it: p2m eval RUN --data rows.jsonl"
)
ENDINGS = {
    "delivered": "delivered",
    "target_not_met": "delivered",
    "wrong_question": "a model is there, but its score says nothing",
    "budget": "stopped by the budget",
    "gave_up": "ended without a model",
    "bad_input": "stopped: what it was given cannot be used",
}


def summary(state: RunState, root: Path, screen: Screen) -> None:
    """Print how a run ended, or where it stands if it has not."""
    delivery = state.latest(Delivery)
    student, report = delivered(state)
    short = shortfall_of(state, reference(root))
    parts: list[RenderableType] = [Text(), _heading(state, root, report), Text()]
    if report is not None:
        parts += [*_test(report, root.name), Text()]
    parts.append(tables.pairs(_facts(state, root, student, report)))
    spec = state.spec
    parts += tables.assumptions(spec) if spec else []
    doubts = [doubt for dataset in state.all(Dataset) for doubt in dataset.doubts]
    parts += [Text(), Text("doubts about the rows", style="soft"), *doubt_lines(doubts)] if doubts else []
    screen.data(*(Padding(part, (0, 0, 0, 2)) if index > 1 else part for index, part in enumerate(parts)))
    folder = root / delivery.path if delivery else root
    screen.data(Text(), Text("  model in" if delivery else "  run in", style="soft"))
    screen.literal(f"  {folder}", data=True)
    if short is not None:
        screen.data(Text(), *(Padding(part, (0, 0, 0, 2)) for part in shortfall_parts(short)), Text())
        show_next_steps(short.next_steps, screen)
    _next(state, root, screen, has_model=delivery is not None)


def reference(root: Path) -> str:
    """How a command names a run from here: by its name where runs are kept as usual, else by its path."""
    return root.name if Path("runs", root.name).resolve() == root.resolve() else str(root)


def has_unknown_price(root: Path) -> bool:
    """Whether an LLM answered whose price nobody knows."""
    path = root / "events.jsonl"
    if not path.is_file():
        return False
    return any(isinstance(e, events.LLMCalled) and e.usd is None and not e.cached for e in events.read_events(path))


def target_line(state: RunState, report: EvalReport | None) -> Text:
    """Whether the target was met on the locked test; empty where there was none."""
    spec = state.spec
    target = spec.target if spec else None
    if target is None or report is None:
        return Text()
    met = report.score.value >= target
    return Text(f"target {target:g} {'met' if met else 'not met'}", style="ok" if met else "warn")


def _heading(state: RunState, root: Path, report: EvalReport | None) -> RenderableType:
    line = Text(one_line(root.name), style="bold")
    ended = ENDINGS[state.ended.why] if state.ended else "not finished"
    target = target_line(state, report)
    line.append(f"  {ended}{', ' if target else ''}", style="not bold").append_text(target)
    if state.ended and state.ended.why in ("gave_up", "budget", "wrong_question"):
        line.append(f"\n{one_line(state.ended.reason)}", style="not bold")
    return line


def _test(report: EvalReport, run: str) -> list[RenderableType]:
    looks = "" if report.looks <= 1 else f", opened {report.looks} times"
    unscored = f", {report.score.unscored} could not be scored" if report.score.unscored else ""
    line = Text("locked test  ").append(units.scored(report.score), style="bold")
    line.append(f"  {units.many(report.score.scored, 'row')}{unscored}{looks or ', 1 look'}", style="soft")
    loud: list[RenderableType] = [marked("!", "loud", Text(PROXY.replace("RUN", run), style="loud"))]
    worth = [marked("!", "warn", words(said)) for said in report.not_worth]
    heading: list[RenderableType] = [line, *(loud if report.proxy else []), *evidence(report)]
    return [*heading, Text(), tables.scores_table(report), *([Text(), *worth] if worth else [])]


def _facts(
    state: RunState, root: Path, student: TrainingRun | None, report: EvalReport | None
) -> list[tuple[str, RenderableType]]:
    facts: list[tuple[str, RenderableType]] = []
    if student is not None:
        latency = f" · {report.latency_ms:.1f} ms an input" if report and report.latency_ms is not None else ""
        size = f"{units.megabytes(student.size_mb)} · {units.large(student.params)} parameters{latency}"
        method = recipe_title(student.recipe.method)
        facts += [
            ("model", Text(f"{one_line(student.recipe.base)} · {method}")),
            ("size", Text(size)),
            ("rows", Text(f"{student.train_rows:,} to train on{_leaks(student)}")),
        ]
        if report is None:
            facts.append(("dev", Text(f"{title_of(student.metric)} {student.dev:.3f}, no locked test yet")))
    facts.append(("took", Text(_took(state, root))))
    if stop := why_stopped(state):
        facts.append(("stopped", words(stop.text)))
    if state.parent:
        kept = student is not None and student not in state.own(TrainingRun)
        still = f"; no student here is better than {one_line(state.parent.run)}'s best" if kept else ""
        facts.append(("from", Text(lineage(state.parent) + still)))
    return facts


def lineage(parent: Parent) -> str:
    """Where a run came from, and how fresh its locked test still was."""
    chain = " ← ".join(map(one_line, (parent.run, *reversed(parent.ancestors))))
    before = {0: "not been looked at", 1: "been looked at once"}.get(
        parent.looks, f"been looked at {parent.looks} times"
    )
    return f"goes on from {chain}; the locked test had {before} there"


def _leaks(student: TrainingRun) -> str:
    removed = sum(student.leaks_removed.values())
    return f", {removed:,} removed that match held-out rows" if removed else ""


def _took(state: RunState, root: Path) -> str:
    rounds = units.many(len(state.own(TrainingRun)), "round")
    money = units.money(state.spent.usd)
    if has_unknown_price(root):
        money = "unknown price" if state.spent.usd == 0 else f"{money} and answers of unknown price"
    return f"{rounds} · {units.seconds(state.spent.wall_s)} · {money} · {units.large(state.spent.tokens)} LLM tokens"


def _next(state: RunState, root: Path, screen: Screen, *, has_model: bool) -> None:
    run = root.name + _elsewhere(root)
    if has_model:
        commands = [f"p2m predict {run} {quoted(example_input(state, root))}", f"p2m demo {run}", f"p2m serve {run}"]
    else:
        commands = [f"p2m show {run}", f"p2m chat --resume {run}", f"p2m resume {run}"]
    screen.note(Text(), Text("  try next", style="soft"))
    for command in commands:
        screen.literal(f"  {command}")


def _elsewhere(root: Path) -> str:
    """The flag without which a command would not find the run."""
    if Settings().runs_dir.resolve() == root.parent.resolve():
        return ""
    return f" --runs-dir {shlex.quote(str(root.parent))}"


def example_input(state: RunState, root: Path, longest: int = 60) -> str:
    """Something to try the model on: a demonstration or a short dev row (never a locked-test row)."""
    spec, holdout = state.spec, state.latest(Holdout)
    inputs = [d.input for d in spec.demonstrations] if spec else []
    if holdout is not None and (root / holdout.dev_path).is_file():
        inputs += _dev_inputs(root / holdout.dev_path)
    texts = [_typed(fields) for fields in inputs]
    fitting = [text for text in texts if 0 < len(text) <= longest and not set('"\\`$!') & set(text)]
    return (fitting or texts or ["where is my parcel?"])[0]


def _dev_inputs(path: Path, most: int = 200) -> list[dict[str, str]]:
    return [example.input for example in islice(stream_examples(path), most)]


def _typed(fields: dict[str, str]) -> str:
    """An input the way `p2m predict` takes it: the bare text, or a JSON object for several fields."""
    if len(fields) == 1:
        return one_line(next(iter(fields.values())))
    return json.dumps({name: one_line(value) for name, value in fields.items()}, ensure_ascii=False)


def quoted(text: str) -> str:
    """One shell word, in double quotes where they are safe: they read best."""
    if not set('"\\`$!') & set(text):
        return f'"{text}"'
    return "'" + text.replace("'", "'\"'\"'") + "'"


def evidence(report: EvalReport) -> list[RenderableType]:
    """A line each, as far as they are known."""
    lines = [*_extra(report.extra), *map(one_line, report.notes)]
    if report.certificate:
        lines.append(leaks(report.certificate))
    if report.calibration:
        lines.append(f"confidence and share of right answers differ by {report.calibration.ece:.3f} on average (ECE)")
    lines += promise_lines(report)
    lines += _speeds(report)
    return [Text(line, style="soft") for line in lines]


def leaks(certificate: LeakCertificate) -> str:
    """What the leak check found, and what was removed before."""
    removed = ", ".join(f"{rows:,} {kind}" for kind, rows in certificate.removed.items()) or "none"
    left = sum(certificate.remaining.values())
    found = "no held-out row is left" if not left else f"{units.many(left, 'MATCH')} LEFT"
    return f"leak check: {found} in {units.many(certificate.train_rows, 'training row')}; removed before: {removed}"


def _extra(scores: dict[str, Score]) -> list[str]:
    also = ", ".join(f"{title_of(name)} {score.value:.3f}" for name, score in scores.items())
    return [f"also {also}"] if also else []


def _speeds(report: EvalReport) -> list[str]:
    teacher = report.baselines.get("teacher") or Baseline()
    ours, theirs = _speed(report.speed), _speed(teacher.speed)
    price = "" if not teacher.usd_per_1000 else f", {units.money(teacher.usd_per_1000)} for 1,000 inputs"
    return [f"speed here: this model {ours}" + (f"; teacher {theirs}{price}" if theirs else "")] if ours else []


def _speed(speed: Speed | None) -> str:
    if speed is None:
        return ""
    parts = [f"{speed.p50_ms:.1f} ms an input (p95 {speed.p95_ms:.1f})"] if speed.p50_ms and speed.p95_ms else []
    return ", ".join([*parts, *([f"{speed.rows_per_s:,.1f} a second"] if speed.rows_per_s else [])])
