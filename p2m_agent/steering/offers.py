"""What an agent may call: a run's tools with their own arguments, and what surrounds a run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.to_thread
from pydantic import Field, create_model

from p2m_agent.agent.planner.choice import Move
from p2m_agent.errors import P2MError, UsageError
from p2m_agent.run.tooling import Args, Effect, Tool
from p2m_agent.settings import Settings
from p2m_agent.steering.desk import Desk
from p2m_agent.steering.overview import RunOverview
from p2m_agent.types.scores import MetricName
from p2m_agent.types.task import Task
from p2m_agent.types.value import Value

POLL_S = 0.2
WAIT_S = 20.0
"""Shorter than the minute after which clients give up on an answer."""
REQUEST = "Give the output for each input."

Report = Callable[[float, float | None, str], Awaitable[None]]
"""Progress: so far, of how many (None where unknown), in words."""


@dataclass(frozen=True)
class Offer:
    """One tool of the server."""

    name: str
    description: str
    args: type[Args]
    reply: type[Value]
    run: Callable[[Any, Desk, Report], Awaitable[Value]]
    reads: bool = False
    """Whether it changes nothing."""


class StartRun(Args):
    """Begin a run: from a prompt and, where there is one, a file of labelled rows; or from an earlier run.

    Nothing is trained by this. Go on with the run's tools (define_task first), or let p2m go on with step_run.
    """

    prompt: str = ""
    """What the model should do, in plain words. May be left out with from_run."""
    data: str | None = None
    """A file of labelled rows on this machine (CSV, JSONL, parquet, xlsx …) or the id of a dataset."""
    input: tuple[str, ...] | None = None
    """Columns of data that are inputs, where they are not to be found out."""
    output: str | None = None
    """The column of data that is the output."""
    test: str | None = None
    """A further labelled file that is the locked test."""
    unlabelled: str | None = None
    """A file of real inputs without outputs, for the teacher to label."""
    labels: tuple[str, ...] | None = None
    """The labels there are, where they are known."""
    metric: MetricName | None = None
    target: float | None = Field(default=None, ge=0, le=1)
    """Score to reach on held-out rows, 0 to 1."""
    hubs: tuple[str, ...] = ()
    """Folders or ids to search for data, besides those that the server was started with."""
    budget_usd: float | None = Field(default=None, ge=0)
    """Most money it may spend; not more than the server was started with."""
    max_minutes: float | None = Field(default=None, gt=0)
    """Most time it may work; not more than the server was started with."""
    max_rounds: int | None = Field(default=None, ge=1)
    """Most models it may train; not more than the server was started with."""
    run_id: str | None = None
    """Its name; made from the prompt where left out."""
    from_run: str | None = None
    """An earlier run to go on from: its task, held-out rows, data and students."""


class StepRun(Args):
    """Let p2m's own controller make the next calls of a run; 100 of them bring it to its end."""

    run: str
    calls: int = Field(default=1, ge=1, le=100)
    wait_s: float = Field(default=WAIT_S, ge=0, le=600)
    """How long to wait for it; it works on after that, and run_status says how far it is."""


class LookAtRun(Args):
    """Where a run stands: task, rows, best student, what is left, the last call, what p2m would do next."""

    run: str
    wait_s: float = Field(default=0, ge=0, le=600)
    """How long to wait for work that is going on."""


class ListRuns(Args):
    """The runs there are, newest first."""


class InspectData(Args):
    """How a run would read labelled rows, and what is doubtful about them. Nothing is trained or written."""

    path: str
    """A file or folder of labelled rows, or a dataset's id."""
    prompt: str = REQUEST
    """The task in words."""
    input: tuple[str, ...] | None = None
    output: str | None = None
    rows: int = Field(default=3, ge=0, le=50)
    """Examples to show."""


class Predict(Args):
    """Answer inputs with the model that a run delivered."""

    run: str
    inputs: tuple[str | dict[str, str], ...] = Field(min_length=1, max_length=1000)
    """Texts; where the task has several input fields, an object of them each."""


class ListedRun(Value):
    """A run in the list."""

    run: str
    request: str
    ended: str | None
    """Why it ended; null while it has not."""
    dev: float | None
    """Best score on dev."""
    test: float | None
    """Score on the locked test."""


class RunList(Value):
    """The runs."""

    said: str
    runs: tuple[ListedRun, ...]


class Inspected(Value):
    """How rows are read."""

    said: str
    inspection: dict[str, Any]


class Answered(Value):
    """One input's answer."""

    output: str
    confidence: float | None


class Predictions(Value):
    """Answers, in the order of the inputs."""

    said: str
    predictions: tuple[Answered, ...]


async def start_run(args: StartRun, desk: Desk, report: Report) -> RunOverview:
    """Check everything, make the run, and say where it stands."""
    if not args.prompt.strip() and args.from_run is None:
        raise UsageError("There is no task.", "Say in `prompt` what the model should do, or name an earlier run.")
    given = args.model_dump(include=set(Task.model_fields), exclude_none=True)
    job = desk.start(Task(request=args.prompt, **given), _limited(args, desk.settings), args.run_id, args.from_run)
    await _waited(job, desk, None, float("inf"), report)
    return await anyio.to_thread.run_sync(desk.overview, job.result())


def _limited(args: StartRun, settings: Settings) -> Settings:
    """The server's settings with tighter limits.

    Raises:
        UsageError: more is asked for than whoever started the server allows.
    """
    changed: dict[str, object] = {}
    for name in ("budget_usd", "max_minutes", "max_rounds"):
        asked, most = getattr(args, name), getattr(settings, name)
        if asked is None:
            continue
        if (most is not None and asked > most) or (name == "budget_usd" and most is None and asked > 0):
            allowed = "nothing" if most is None else f"{most:g}"
            flag = "--" + name.replace("_", "-")
            raise UsageError(
                f"{name} {asked:g} is more than the server allows ({allowed}).",
                f"Ask for less, or have the person start it with p2m mcp {flag} {asked:g}.",
            )
        changed[name] = asked
    if args.hubs:
        changed["hubs"] = tuple(dict.fromkeys([*args.hubs, *settings.hubs]))
    return settings.model_copy(update=changed)


async def step_run(args: StepRun, desk: Desk, report: Report) -> RunOverview:
    """Let the usual controller choose."""
    return await _worked(desk.let_go(args.run, args.calls), desk, args.run, args.wait_s, report)


async def run_status(args: LookAtRun, desk: Desk, report: Report) -> RunOverview:
    """Look, after waiting where that was asked for."""
    with anyio.move_on_after(args.wait_s):
        while (await anyio.to_thread.run_sync(desk.overview, args.run)).stands == "working":
            await _tell(desk, args.run, report)
            await anyio.sleep(POLL_S)
    return await anyio.to_thread.run_sync(desk.overview, args.run)


async def list_runs(_args: ListRuns, desk: Desk, _report: Report) -> RunList:
    """All runs of the folder."""
    from p2m_agent.run.result import delivered
    from p2m_agent.run.store import RunFolder, list_runs

    def look() -> tuple[ListedRun, ...]:
        rows = []
        for name in list_runs(desk.settings.runs_dir)[::-1]:
            state = desk.state(RunFolder(desk.settings.runs_dir / name))
            report, best = delivered(state)[1], state.best()
            ended = state.ended.why if state.ended else None
            dev, test = best.dev if best else None, report.score.value if report else None
            rows.append(ListedRun(run=name, request=state.task.request, ended=ended, dev=dev, test=test))
        return tuple(rows)

    rows = await anyio.to_thread.run_sync(look)
    return RunList(said=f"{len(rows)} found" if rows else "none found", runs=rows)


async def inspect_data(args: InspectData, desk: Desk, _report: Report) -> Inspected:
    """Read as a run would."""
    from p2m_agent.agent.trial_reading import read_as_a_run
    from p2m_agent.importing.inspection import inspection_of

    def look() -> dict[str, Any]:
        task = Task(request=args.prompt, input=args.input, output=args.output)
        return inspection_of(read_as_a_run(args.path, task, desk.settings), args.rows).model_dump(mode="json")

    found = await anyio.to_thread.run_sync(look)
    doubts = len(found["doubts"])
    return Inspected(said=f"{found['rows']['used']} rows can be used; {doubts or 'no'} doubts", inspection=found)


async def predict(args: Predict, desk: Desk, _report: Report) -> Predictions:
    """Load the model and answer."""
    from p2m_agent.agent.beginning import model_folder
    from p2m_agent.delivery.predictor import load_predictor

    def answer() -> tuple[Answered, ...]:
        predictor = load_predictor(model_folder(desk.settings, args.run), desk.settings)
        fields = predictor.card.input_fields
        given = [_fields(each, fields) for each in args.inputs]
        return tuple(Answered(output=p.output, confidence=p.confidence) for p in predictor.predict(given))

    answers = await anyio.to_thread.run_sync(answer)
    return Predictions(said=f"{len(answers)} answers", predictions=answers)


def _fields(given: str | dict[str, str], fields: tuple[str, ...]) -> dict[str, str]:
    if isinstance(given, str) and len(fields) == 1:
        return {fields[0]: given}
    if isinstance(given, str) or set(given) != set(fields):
        form = ", ".join(f'"{field}": "…"' for field in fields)
        raise UsageError(f"The model has the input fields {', '.join(fields)}.", f"Give each input as {{{form}}}.")
    return given


def offers_of(tools: Iterable[Tool[Any, Any]]) -> dict[str, Offer]:
    """Everything that is offered, by name."""
    general = [
        Offer("start_run", _words(StartRun), StartRun, RunOverview, start_run),
        Offer("step_run", _words(StepRun), StepRun, RunOverview, step_run),
        Offer("run_status", _words(LookAtRun), LookAtRun, RunOverview, run_status, reads=True),
        Offer("list_runs", _words(ListRuns), ListRuns, RunList, list_runs, reads=True),
        Offer("inspect_data", _words(InspectData), InspectData, Inspected, inspect_data, reads=True),
        Offer("predict", _words(Predict), Predict, Predictions, predict, reads=True),
    ]
    return {offer.name: offer for offer in (*general, *map(_of_tool, tools))}


def _words(args: type[Args]) -> str:
    return " ".join((args.__doc__ or "").split())


def _extended(tool: Tool[Any, Any], added: dict[str, Any]) -> type[Args]:
    # Looking for docstrings in the source of a class that has none takes longer than all the rest of a server's start.
    described = {"use_attribute_docstrings": False}
    return create_model(f"{tool.name}_call", __base__=tool.args, __cls_kwargs__=described, **added)


def _of_tool(tool: Tool[Any, Any]) -> Offer:
    """A run's tool, with the run, the reason and the waiting added to its own arguments."""
    added: dict[str, Any] = {
        "run": (str, Field(description="The run that it is called in.")),
        "why": (str, Field(default="", description="One line for the person who reads along.")),
        "wait_s": (float, Field(default=WAIT_S, ge=0, le=600, description=StepRun.model_fields["wait_s"].description)),
    }
    called = _extended(tool, added)

    async def run(given: Any, desk: Desk, report: Report) -> RunOverview:
        own = given.model_dump(mode="json", exclude=set(added), exclude_unset=True)
        move = Move(tool=tool.name, args=own, why=given.why or "the agent at the wheel chose it", by="agent")
        standing = await _worked(desk.call(given.run, move), desk, given.run, given.wait_s, report)
        if standing.stands != "working" and standing.last and standing.last.ok is False:
            raise P2MError(f"{tool.name} {standing.last.outcome}")
        return standing

    effect = " Publishes, so a person has to do it: p2m chat." if tool.effect is Effect.PUBLISH else ""
    return Offer(tool.name, f"In a run: {tool.description}{effect}", called, RunOverview, run)


async def _worked(job: Future[str], desk: Desk, run: str, wait_s: float, report: Report) -> RunOverview:
    """Where the run stands once the job is done, or the time to wait is over.

    Raises:
        P2MError: the job could not be done.
    """
    if await _waited(job, desk, run, wait_s, report):
        job.result()
    return await anyio.to_thread.run_sync(desk.overview, run)


async def _waited(job: Future[str], desk: Desk, run: str | None, wait_s: float, report: Report) -> bool:
    """Whether it was done in time; progress is told meanwhile."""
    with anyio.move_on_after(wait_s):
        while not job.done():
            if run:
                await _tell(desk, run, report)
            await anyio.sleep(POLL_S)
    return job.done()


async def _tell(desk: Desk, run: str, report: Report) -> None:
    doing = desk.doing
    if doing is not None:
        words = f"{run}: {doing.tool}" + (f", {doing.message}" if doing.message else "")
        await report(doing.since_s, None, words if doing.share is None else f"{words} ({doing.share:.0%})")
