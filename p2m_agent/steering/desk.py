"""The runs that agents work on: one at a time does something, in a thread of its own; all of them can be looked at."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from p2m_agent import events
from p2m_agent.agent.beginning import check_data, check_hubs, paid_models
from p2m_agent.agent.lineage import start_from
from p2m_agent.agent.planner.choice import Move
from p2m_agent.agent.policy import Policy
from p2m_agent.agent.session import Parts, Session
from p2m_agent.errors import P2MError, UsageError
from p2m_agent.events import Event, RunPaused
from p2m_agent.run.checkpoints import read_state
from p2m_agent.run.seams import Clock
from p2m_agent.run.state import RunState
from p2m_agent.run.store import RunFolder, open_run
from p2m_agent.run.tooling import Tools, load_tools
from p2m_agent.settings import Settings
from p2m_agent.steering.helm import Helm
from p2m_agent.steering.overview import Doing, RunOverview, overview_of
from p2m_agent.types.task import Task

ALONE = Policy(attended=False)
"""Nobody is there to be asked: what is within the limits may be done, and nothing is ever published."""


class Desk:
    """Runs at work for agents. Use as a context manager."""

    def __init__(self, settings: Settings, parts: Parts | None = None, clock: Clock = time.monotonic) -> None:
        """Take the settings of whoever started the server: their limits are the most that any run may have."""
        self.settings, self._parts, self._clock = settings, parts or Parts(), clock
        self.tools: Tools = self._parts.tools or load_tools()
        self._helm = Helm()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="p2m")
        self._session: Session | None = None
        self._job: Future[str] | None = None
        self._job_run = ""
        self._doing: tuple[events.CallStarted, float, events.Progressed | None] | None = None

    def start(self, task: Task, settings: Settings, run_id: str | None, parent: str | None) -> Future[str]:
        """Begin a run, without doing anything in it yet; gives its name.

        Raises:
            P2MError: another run is at work.
        """

        def begin() -> str:
            start = start_from(settings, task, parent) if parent else None
            merged, meant = (start.settings, start.task) if start else (settings, task)
            check_hubs(merged)
            check_data(meant)
            if merged.budget_usd is None and (paid := paid_models(merged)):
                hint = "The person who starts the server says how much: p2m mcp --budget-usd 1.50, or --teacher local."
                raise UsageError(f"{paid[0]} costs money, and nobody said how much it may spend.", hint)
            self.release()
            steered = self._steered()
            self._session = Session.create(merged, meant, ALONE, run_id=run_id, parts=steered, start=start)
            self._session.log.listen(self._hear)
            self._session.step()  # nothing is decided: it takes the task in and rests
            return self._session.run

        return self._submit("", begin)

    def call(self, run: str, move: Move) -> Future[str]:
        """Make one call of an agent's.

        Raises:
            P2MError: a run is at work, or this one is over.
        """
        return self._work(run, lambda helm: helm.decide(move))

    def let_go(self, run: str, calls: int) -> Future[str]:
        """Let p2m's own controller make so many calls.

        Raises:
            P2MError: a run is at work, or this one is over.
        """
        return self._work(run, lambda helm: helm.let_go(calls))

    def overview(self, run: str) -> RunOverview:
        """Where a run stands, read from disk; its work goes on.

        Raises:
            UsageError: there is no such run.
        """
        folder = open_run(self.settings.runs_dir, run)
        working = self.working(folder)
        doing = self.doing if working else None
        return overview_of(self.state(folder), folder.name, str(folder.root), doing, working=working)

    def state(self, folder: RunFolder) -> RunState:
        """As last checkpointed; that of a run that has only just been made is empty."""
        try:
            return read_state(folder.root)
        except P2MError:
            return RunState(task=folder.read_record().task)

    def working(self, folder: RunFolder) -> bool:
        """Whether a job of this desk is at work on the run, or another process is."""
        if self._session is not None and self._session.root == folder.root:
            return self.busy
        return folder.busy()

    @property
    def busy(self) -> bool:
        """Whether any run is at work."""
        return self._job is not None and not self._job.done()

    def close(self) -> None:
        """Let go of the run. What is at work is recorded as paused: it goes on from its last save."""
        if self.busy and self._session:
            self._session.log(RunPaused(why="interrupted"))
            self._worker.shutdown(wait=False, cancel_futures=True)
            return
        self._worker.submit(self.release).result()
        self._worker.shutdown()

    def release(self) -> None:
        """Let go of the run that is held: other processes may have it."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _work(self, run: str, decide: Callable[[Helm], None]) -> Future[str]:
        folder = open_run(self.settings.runs_dir, run)
        ended = self.state(folder).ended
        if ended is not None:
            hint = f"Look at it with run_status, or go on from it: start_run with from_run={folder.name}."
            raise UsageError(f"The run {folder.name} is over ({ended.why}).", hint)

        def work() -> str:
            session = self._take(folder)
            decide(self._helm)
            status = session.step()
            if status.ended:
                self.release()
            return folder.name

        return self._submit(folder.name, work)

    def _submit(self, run: str, work: Callable[[], str]) -> Future[str]:
        if self.busy:
            raise P2MError(f"A run is at work: {self._job_run or 'one is being begun'}.", "Poll run_status first.")
        self._job_run, self._doing = run, None
        self._job = self._worker.submit(work)
        return self._job

    def _take(self, folder: RunFolder) -> Session:
        """The run's session, opened where another or none is."""
        if self._session is None or self._session.root != folder.root:
            self.release()
            self._session = Session.open(self.settings, str(folder.root), ALONE, self._steered())
            self._session.log.listen(self._hear)
        return self._session

    def _steered(self) -> Parts:
        self._helm = Helm()
        return replace(self._parts, tools=self.tools, steer=self._helm.steer)

    def _hear(self, event: Event) -> None:
        if isinstance(event, events.CallStarted):
            self._doing = (event, self._clock(), None)
        elif isinstance(event, events.Progressed) and self._doing and event.call == self._doing[0].call:
            self._doing = (*self._doing[:2], event)
        elif isinstance(event, events.CallFinished | events.CallFailed):
            self._doing = None

    @property
    def doing(self) -> Doing | None:
        """What the run at work is at, as last heard."""
        doing = self._doing
        if doing is None:
            return None
        started, since, progress = doing
        far = progress or events.Progressed(message="")
        return Doing(
            call=started.call,
            tool=started.tool,
            since_s=self._clock() - since,
            message=far.message,
            share=far.share,
            eta_s=far.eta_s,
        )
