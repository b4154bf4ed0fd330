"""Tables. Each function takes values and returns something to print; nothing here prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from p2m_agent.run.state import Decision
from p2m_agent.scoring.metrics import title_of
from p2m_agent.terminal import units
from p2m_agent.terminal.safe import one_line, words
from p2m_agent.training.recipes import recipe_title
from p2m_agent.types.budget import Budget, Cost
from p2m_agent.types.candidates import DatasetCandidate, ModelCandidate
from p2m_agent.types.questions import Question
from p2m_agent.types.rows import Dataset
from p2m_agent.types.scores import EvalReport
from p2m_agent.types.student import TrainingRun
from p2m_agent.types.task import TaskSpec
from p2m_agent.types.value import Value

BASELINES = {
    "teacher": "teacher",
    "teacher_zero_shot": "teacher, no examples",
    "linear_head": "linear head",
    "majority": "majority class",
    "nearest_neighbour": "nearest neighbour",
    "untuned_base": "untuned base",
}


_MINUS = "this model minus it"


class Finding(Value):
    """What `p2m doctor` found about one thing."""

    topic: str
    ok: bool
    found: str
    fix: str = ""
    """What to do about it; empty where nothing needs doing."""


class RunRow(Value):
    """One line of `p2m runs`."""

    run: str
    request: str
    status: str
    """Delivered, waits for an answer, stopped: in a word or two."""
    score: str = ""
    """The locked-test score where there is one, else the best dev score, said so."""
    spent: Cost = Cost()
    started: str = ""
    """Date and time, for reading."""


def columns(*headers: str, right: Sequence[str] = (), wide: Sequence[str] = (), cut: Sequence[str] = ()) -> Table:
    """A table without lines. Where it is too wide, `wide` columns wrap and words in `cut` ones get an ellipsis."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="soft", show_header=any(headers))
    for header in headers:
        table.add_column(
            header,
            justify="right" if header in right else "left",
            no_wrap=header not in (*wide, *cut),
            overflow="fold" if header in wide else "ellipsis",
        )
    return table


def pairs(items: Sequence[tuple[str, RenderableType]]) -> Table:
    """Names in dim, values that wrap beside them."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="soft", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in items:
        table.add_row(name, value)
    return table


def spec_table(spec: TaskSpec) -> RenderableType:
    """The task as it is understood, with what was taken for granted."""
    limits = spec.constraints.set_here()
    labels = ", ".join(map(one_line, spec.labels)) or "named by the data"
    items: list[tuple[str, RenderableType]] = [
        ("instruction", words(spec.instruction)),
        ("kind", Text(spec.kind.replace("_", " "))),
        ("input", Text(", ".join(map(one_line, spec.input_fields)))),
        ("output", Text(one_line(spec.output_field))),
        *([("labels", Text(labels))] if spec.sorts else []),
        *([("language", Text(one_line(spec.language)))] if spec.language else []),
        ("metric", Text(title_of(spec.metric))),
        ("target", Text("none" if spec.target is None else f"{spec.target:g}")),
        *([("max error", Text(f"{spec.max_error:g} of what it answers"))] if spec.max_error else []),
        *[(name.replace("_", " "), Text(one_line(str(value)))) for name, value in limits.items()],
        *([("examples", Text(units.many(len(spec.demonstrations))))] if spec.demonstrations else []),
    ]
    return Group(pairs(items), *assumptions(spec))


def assumptions(spec: TaskSpec) -> list[RenderableType]:
    """What nobody said and the agent took for granted."""
    if not spec.assumptions:
        return []
    table = Table.grid()
    table.add_column(width=2)
    table.add_column(overflow="fold")
    for assumption in spec.assumptions:
        table.add_row("-", Text(one_line(assumption)))
    return [Text(), Text("assumed", style="soft"), table]


def candidates_table(
    candidates: Sequence[DatasetCandidate] | Sequence[ModelCandidate], *, reasons: bool = True
) -> RenderableType:
    """What a search found, best first; with `reasons`, why and what speaks against it below each name."""
    if not candidates:
        return Text("nothing found", style="soft")
    size = "parameters" if isinstance(candidates[0], ModelCandidate) else "rows"
    table = columns("score", "name", size, "licence", right=("score", size), wide=("name",))
    for found in candidates:
        table.add_row(f"{found.score:.2f}", _named(found, reasons), _size(found), one_line(found.licence or "?", 16))
    return table


def _named(found: DatasetCandidate | ModelCandidate, reasons: bool) -> Text:
    name = Text(one_line(found.repo, None if reasons else 40))  # whole where it may be copied from
    if isinstance(found, ModelCandidate) and not found.available:
        name.append(" not here", style="soft")
    if reasons and found.why:
        name.append("\n" + one_line(found.why), style="soft")
    if found.risks:
        name.append("\n" + "; ".join(map(one_line, found.risks)), style="warn")
    return name


def _size(found: DatasetCandidate | ModelCandidate) -> str:
    if isinstance(found, ModelCandidate):
        return units.large(found.params)
    return units.many(sum(found.rows.values())) if found.rows else "?"


def labels_table(labels: Mapping[str, int], most: int = 8, bar: str = "━") -> RenderableType:
    """Rows per label, the largest first, as bars; the rest in one line."""
    ranked = sorted(labels.items(), key=lambda item: (-item[1], item[0]))
    shown, rest = ranked[:most], ranked[most:]
    table = columns("", "", "")
    table.columns[1].justify = "right"
    top = max((rows for _, rows in shown), default=1) or 1
    for label, rows in shown:
        table.add_row(one_line(label, 28), units.many(rows), Text(bar * max(1, round(16 * rows / top)), style="accent"))
    if not rest:
        return table
    more = f"and {len(rest)} more with {rest[-1][1]:,} to {rest[0][1]:,} rows each"
    return Group(table, Text(more, style="soft"))


def scores_table(report: EvalReport) -> RenderableType:
    """The student beside what is simpler and beside the teacher, on the same rows."""
    metric = title_of(report.score.metric) + (" (proxy)" if report.proxy else "")
    table = columns("", metric, "95 % interval", _MINUS, right=(metric,), wide=(_MINUS,))
    table.add_row(Text("this model", style="bold"), *_score_cells(report.score.value, report.score.ci95), "")
    remarks: list[RenderableType] = []
    for name in [*BASELINES, *sorted(set(report.baselines) - set(BASELINES))]:
        baseline = report.baselines.get(name)
        if baseline is None:
            continue
        title, found, minus = BASELINES.get(name, one_line(name)), baseline.score, baseline.student_minus
        cells = _score_cells(found.value, found.ci95) if found else (Text("–"), Text())
        table.add_row(
            title, *cells, f"{minus.value:+.3f} ({minus.ci95[0]:+.2f} to {minus.ci95[1]:+.2f})" if minus else ""
        )
        if baseline.note:
            remarks.append(Text(f"{title}: {one_line(baseline.note)}", style="soft"))
    return Group(table, *remarks)


def _score_cells(value: float, ci95: tuple[float, float]) -> tuple[Text, Text]:
    return Text(f"{value:.3f}"), Text(units.interval(ci95), style="soft")


def datasets_table(datasets: Sequence[Dataset]) -> RenderableType:
    """Every set of rows that may be trained on, with what was left out."""
    if not datasets:
        return Text("no rows yet", style="soft")
    table = columns("rows", "from", "origin", "licence", right=("rows",), wide=("from",))
    for made in datasets:
        source = Text(one_line(made.ref))
        if made.dropped:
            left_out = ", ".join(f"{rows:,} {one_line(why)}" for why, rows in made.dropped.items())
            source.append(f"\nleft out: {left_out}", style="soft")
        table.add_row(units.many(made.rows), source, made.origin, one_line(made.licence or "?", 16))
    return table


def rounds_table(
    rounds: Sequence[TrainingRun], best: TrainingRun | None, star: str = "★", *, proxy: bool = False
) -> RenderableType:
    """Every student with its dev score; `proxy` says that the dev rows are synthetic."""
    if not rounds:
        return Text("nothing trained yet", style="soft")
    dev = "dev (proxy)" if proxy else "dev"
    table = columns("", "recipe", "base", "rows", "train", dev, "", right=("rows", "train", dev), cut=("base",))
    for number, run in enumerate(rounds, 1):
        table.add_row(
            str(number),
            recipe_title(run.recipe.method),
            Text(one_line(run.recipe.base)),
            units.many(run.train_rows),
            "" if run.train is None else f"{run.train:.3f}",
            f"{run.dev:.3f}",
            Text(star, style="accent") if best is not None and run.id == best.id else "",
        )
    return table


def decisions_table(decisions: Sequence[Decision]) -> RenderableType:
    """What was chosen, why, what was expected and what came of it."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="soft", no_wrap=True)
    table.add_column(overflow="fold")
    for decision in decisions:
        line = Text(decision.tool, style="bold")
        line.append(f"  {one_line(decision.why)}", style="not bold dim")
        line.append(f" · {decision.by}", style="not bold dim")
        if decision.expected:
            line.append(f"\nexpected  {one_line(decision.expected)}", style="not bold")
        got = one_line(decision.outcome) or "not finished"
        line.append(f"\ngot       {got}", style="not bold yellow" if decision.ok is False else "not bold")
        table.add_row(decision.call_id.partition("-")[0], line)
    return table


def budget_table(spent: Cost, budget: Budget, rounds: int) -> RenderableType:
    """Spent against the limits."""
    table = columns("", "spent", "limit", right=("spent", "limit"))
    table.add_row("money", units.money(spent.usd), "none set" if budget.usd is None else units.money(budget.usd))
    table.add_row(
        "time", units.seconds(spent.wall_s), "none" if budget.wall_s is None else units.seconds(budget.wall_s)
    )
    table.add_row("training rounds", str(rounds), "none" if budget.rounds is None else str(budget.rounds))
    table.add_row("LLM tokens", units.many(spent.tokens), "")
    return table


def estimate_table(steps: Sequence[tuple[str, Cost]], budget: Budget | None = None) -> RenderableType:
    """What each step of a run would take, and all of them; beside the limits where there are any."""
    table = columns("step", "time", "money", "tokens", right=("time", "money", "tokens"), wide=("step",))
    total = Cost()
    for name, cost in steps:
        total = total + cost
        table.add_row(one_line(name), *_cost_cells(cost))
    table.add_row(Text("all together", style="bold"), *_cost_cells(total))
    if budget is not None and (budget.usd is not None or budget.wall_s is not None):
        time = "" if budget.wall_s is None else units.seconds(budget.wall_s)
        table.add_row(Text("limit", style="soft"), time, "" if budget.usd is None else units.money(budget.usd), "")
    return table


def _cost_cells(cost: Cost) -> tuple[str, str, str]:
    return units.seconds(cost.wall_s), units.money(cost.usd), units.many(cost.tokens) if cost.tokens else ""


def runs_table(rows: Sequence[RunRow]) -> RenderableType:
    """The runs, as given (newest first reads best)."""
    if not rows:
        return Text("no runs yet; start one with: p2m chat", style="soft")
    table = columns("run", "stands", "score", wide=("run",))
    for row in rows:
        run = Text(one_line(row.run))
        facts = [row.started, units.cost(row.spent), one_line(row.request, 100)]
        run.append("\n" + " · ".join(fact for fact in facts if fact), style="soft")
        table.add_row(run, one_line(row.status), row.score)
    return table


def waiting_table(found: Sequence[tuple[str, Question]]) -> RenderableType:
    """Runs with the question that each waits with."""
    if not found:
        return Text("Nothing waits for you.", style="soft")
    table = columns("run", "asks", "about", wide=("asks",))
    for run, question in found:
        table.add_row(Text(one_line(run)), Text(one_line(question.text)), question.about)
    return table


def doctor_table(findings: Sequence[Finding], ok: str = "✓", bad: str = "✗", fix: str = "→") -> RenderableType:
    """What was found, and the fix under whatever is missing."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        found = words(finding.found)
        if not finding.ok and finding.fix:
            found.append(f"\n{fix} {one_line(finding.fix)}", style="accent")
        mark = Text(ok, style="ok") if finding.ok else Text(bad, style="bad")
        table.add_row(mark, one_line(finding.topic), found)
    return table
