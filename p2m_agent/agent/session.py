"""A run at work: one folder, one event stream, one graph, stepped until somebody is needed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from p2m_agent import events
from p2m_agent.agent.dialogue.readings import Place
from p2m_agent.agent.dialogue.router import route
from p2m_agent.agent.graph import RECURSION_LIMIT, Machine, build_graph
from p2m_agent.agent.intervening import Intervening, RunStatus
from p2m_agent.agent.lineage import Start, read_heritage
from p2m_agent.agent.planner.choice import Choice
from p2m_agent.agent.planner.controller import make_controller
from p2m_agent.agent.policy import Policy
from p2m_agent.agent.stopping import why_stopped
from p2m_agent.errors import P2MError
from p2m_agent.rows.pool import TrainingPools
from p2m_agent.run.checkpoints import open_checkpoints, thread_of
from p2m_agent.run.seams import Clock
from p2m_agent.run.state import Call, Message, RunState
from p2m_agent.run.store import RunFolder, create_run, new_record, open_run
from p2m_agent.run.tooling import Context, Tools, load_tools
from p2m_agent.settings import RECORDED, Settings
from p2m_agent.types.budget import Budget, Cost
from p2m_agent.types.questions import Answer, Question
from p2m_agent.types.task import Task

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.types import Command, Interrupt

    from p2m_agent.llm.client import ConnectedLLM
    from p2m_agent.llm.open import LLMs
    from p2m_agent.weights.embedding import CachedEmbedder

__all__ = ["EVENTS", "Controller", "Parts", "RunStatus", "Session"]

EVENTS = "events.jsonl"
Controller = Callable[[RunState], Choice]
"""What chooses the next call."""


@dataclass(frozen=True)
class Parts:
    """What a session is put together from, where it is not the usual."""

    tools: Tools | None = None
    choose: Controller | None = None
    steer: Callable[[Controller], Controller] | None = None
    """Puts somebody from outside at the wheel: takes the usual controller, gives what is asked in its place."""
    clock: Clock = time.monotonic
    """Seconds, by which the time is counted."""


class Session(Intervening):
    """Works on one run. Use as a context manager: leaving it releases the run and its models."""

    def __init__(self, folder: RunFolder, settings: Settings, policy: Policy, parts: Parts | None = None) -> None:
        """Take a run that exists. Use `create` or `open`."""
        folder.lock()
        self.folder, self.root, self.run = folder, folder.root, folder.name
        self.settings = settings
        self.log = events.EventLog(self.root / EVENTS, self.run)
        self._policy = policy
        self._llms: LLMs | None = None
        self._embedder: list[CachedEmbedder | None] = []
        self._pools = TrainingPools(self.root)
        parts = parts or Parts()
        self._clock = parts.clock
        self._began = self._clock()
        self._spent_before_s = 0.0
        self._at_work = False
        """Whether it has stepped before: going on is worth an event once."""
        self._checkpoints, self._thread = open_checkpoints(self.root), thread_of(self.root)
        self._machine = self._build_machine(parts)
        self._graph = build_graph(self._machine, self._checkpoints)

    @classmethod
    def create(
        cls,
        settings: Settings,
        task: Task,
        policy: Policy,
        *,
        run_id: str | None = None,
        parts: Parts | None = None,
        start: Start | None = None,
    ) -> Self:
        """Begin a new run, from another where `start` says so."""
        folder = create_run(settings.runs_dir, task.request, run_id)
        if start:
            try:
                start.hand_over(folder.root)
            except OSError as error:
                shutil.rmtree(folder.root)
                raise P2MError(f"{start.source} could not be copied: {error}", "Is the disk full?") from error
        recorded = settings.model_dump(mode="json", include=RECORDED)
        record = new_record(folder, task, recorded)
        facts = {"attended": policy.attended, "parent": start.heritage.parent if start else None}
        folder.write_record(record.model_copy(update=facts))
        return cls(folder, settings, policy, parts)

    @classmethod
    def open(cls, settings: Settings, run: str, policy: Policy, parts: Parts | None = None) -> Self:
        """Take up a run where it stands.

        Settings that were given now win over those the run was started with.
        """
        folder = open_run(settings.runs_dir, run)
        recorded = folder.read_record().settings
        merged = settings.over(recorded, RECORDED).model_copy(update={"runs_dir": folder.root.parent})
        return cls(folder, merged, policy, parts)

    def step(self, message: str | None = None, answer: Answer | None = None, *, record_only: bool = False) -> RunStatus:
        """Run until a question, words, or the end.

        Args:
            message: what the person says; taken up by the controller.
            answer: the verdict on the open question.
            record_only: stop once the answer stands; a call that it lets pass is made by the next step.

        Raises:
            P2MError: there is no question to answer, or one is open and was not answered.
        """
        self._began = self._clock()
        snapshot = self._graph.get_state(self._config())
        before = _status(snapshot.values, snapshot.interrupts)
        self._spent_before_s = before.state.spent.wall_s
        if before.question and answer is None:
            raise P2MError("A question is open.", f"Answer it first: p2m review {self.run}")
        given = self._input(message, before, snapshot.next) if answer is None else self._answered(answer, before)
        if given is None and not snapshot.next:
            return self._report(before)
        pause = _pause_after(before.question) if record_only else {}
        self._at_work = True
        values = self._graph.invoke(given, self._config(), durability="sync", **pause)
        interrupts = values.pop("__interrupt__", ())
        return self._report(_status(values, interrupts))

    def status(self) -> RunStatus:
        """Where the run stands, without doing anything."""
        snapshot = self._graph.get_state(self._config())
        return _status(snapshot.values, snapshot.interrupts)

    def undo(self) -> RunStatus:
        """Go back to before the last call that made something. Its files are set aside, not deleted."""
        now = self.status().state
        last = next((d for d in reversed(now.own_decisions) if d.ok), None)
        if last is None:
            raise P2MError("There is nothing to undo.")
        for snapshot in self._graph.get_state_history(self._config()):
            known = [d.call_id for d in snapshot.values.get("decisions", [])]
            if last.call_id not in known and snapshot.next == ("think",):
                self._graph.update_state(snapshot.config, {"resting": True}, as_node="think")
                break
        for decision in now.decisions[now.decisions.index(last) :]:
            self.folder.set_aside(decision.call_id)
        return self.status()

    def close(self) -> None:
        """Release models, database and lock."""
        if self._llms:
            self._llms.close()
        self._checkpoints.conn.close()
        self.folder.unlock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answered(self, answer: Answer, before: RunStatus) -> Command[Any]:
        from langgraph.types import Command

        if before.question is None:
            raise P2MError("There is no open question.")
        self.log(events.QuestionAnswered(question=before.question.id, answer=answer))
        return Command(resume=answer.model_dump(mode="json"))

    def _input(self, message: str | None, before: RunStatus, next_nodes: tuple[str, ...]) -> dict[str, object] | None:
        """What to put into the graph: the beginning, what the person says, or None to go on where it stood."""
        said = [Message(role="person", text=message, fact=self._is_fact(message, before))] if message else []
        if message:
            self.log(events.PersonSaid(text=message))
        if not before.state.task.request:
            record = self.folder.read_record()
            parent = record.parent.run if record.parent else None
            self.log(events.RunStarted(request=record.task.request, settings=record.settings, parent=parent))
            return {
                **self._taken_over(),
                "task": record.task,
                "attended": self._policy.attended,
                "paid_teacher": self.llms.teacher.paid,
                "budget": self._budget(),
                "messages": said,
            }
        if not self._at_work:
            self.log(events.RunStarted(request=before.state.task.request, resumed=True))
        if said:
            return {"messages": said, "resting": False, "ended": None, "attended": self._policy.attended}
        changed = {"attended": self._policy.attended, "budget": self._budget()}
        if not next_nodes and before.state.ended is None:
            return {
                **changed,
                "resting": False,
                "refusals": 0,
            }  # it rested after words or an undo: the controller is asked again
        if next_nodes == ("think",) and any(getattr(before.state, name) != value for name, value in changed.items()):
            self._graph.update_state(self._config(), changed, as_node="act")
        return None

    def _is_fact(self, message: str, before: RunStatus) -> bool:
        """Only what is new about the task touches the instruction."""
        return route(message, Place.of(before.state, before.question)).kind in ("fact", "answer", "unclear")

    def _taken_over(self) -> dict[str, object]:
        heritage = read_heritage(self.root)
        if heritage is None:
            return {}
        return {
            "parent": heritage.parent,
            "artifacts": list(heritage.artifacts),
            "decisions": list(heritage.decisions),
        }

    def _budget(self) -> Budget:
        minutes = self.settings.max_minutes
        return Budget(
            usd=self.settings.budget_usd,
            wall_s=None if minutes is None else minutes * 60,
            rounds=self.settings.max_rounds,
        )

    def _report(self, standing: RunStatus) -> RunStatus:
        if standing.question:
            self.log(events.QuestionAsked(question=standing.question))
        if standing.ended:
            ended = standing.ended
            stop, spent = why_stopped(standing.state), standing.state.spent
            self.log(events.RunEnded(why=ended.why, reason=ended.reason, spent=spent, stop=stop))
        return standing

    def _config(self) -> RunnableConfig:
        return {"configurable": {"thread_id": self._thread}, "recursion_limit": RECURSION_LIMIT}

    def _build_machine(self, parts: Parts) -> Machine:
        tools = parts.tools or load_tools()
        offered = {name: tool for name, tool in tools.items() if not tool.persons}
        mode = self.settings.controller
        controller = parts.choose or make_controller(mode, self._planner, offered, self.log, self._clock)
        controller = parts.steer(controller) if parts.steer else controller
        return Machine(
            tools=tools,
            policy=self._policy,
            choose=controller,
            context=self._context,
            folder=self.folder,
            emit=self.log,
            spent_usd=lambda: self.llms.spent_usd() if self._llms else 0.0,
            spent_tokens=lambda: self.llms.spent_tokens() if self._llms else 0,
            clock=self._clock,
        )

    def _planner(self) -> ConnectedLLM:
        """The controller's model. It may not think into the time that is kept back for handing over."""
        return self.llms.planner.until(lambda: self._seconds_left(finishing=False))

    @property
    def llms(self) -> LLMs:
        """Planner, teacher and judge; opened on first use."""
        if self._llms is None:
            from p2m_agent.llm.open import open_llms

            self._llms = open_llms(self.settings, self.root / "llm.sqlite", self.log, self._budget_left_usd)
        return self._llms

    def _budget_left_usd(self) -> float:
        if self.settings.budget_usd is None:
            return 0.0  # money is spent only where somebody said how much
        return float(self.settings.budget_usd - self.llms.spent_usd())

    def _context(self, call: Call) -> Context:
        from p2m_agent.search.hub import IndexedHub

        self.log.call = call.id
        llms = self.llms

        def left_s() -> float:
            return self._seconds_left(finishing=self._machine.tools[call.tool].finishing)

        def timed_embedder() -> CachedEmbedder | None:
            if not self._embedder and left_s() <= 0:
                return None  # loading takes longer than anything that could be done with it
            loaded = self.embedder()
            return loaded and loaded.until(left_s)

        return Context(
            settings=self.settings,
            root=self.root,
            folder=self.folder.call_folder(call.id),
            call=call,
            planner=llms.planner.until(left_s),
            teacher=llms.teacher.until(left_s),
            judge=llms.judge.until(left_s),
            hub=IndexedHub(self.settings, timed_embedder, left_s),
            embedder=timed_embedder,
            pools=self._pools,
            emit=self.log,
            seconds_left=left_s,
            clock=self._clock,
        )

    def embedder(self) -> CachedEmbedder | None:
        """The embedding model, loaded on first use; None where there is none."""
        if not self._embedder:
            from p2m_agent.weights.embedding import load_embedder

            self._embedder.append(load_embedder(self.settings))
        return self._embedder[0]

    def _seconds_left(self, *, finishing: bool) -> float:
        budget = self._budget()
        spent_s = self._spent_before_s + self._clock() - self._began
        left_s = budget.left_s(Cost(wall_s=spent_s))
        return left_s if finishing else max(0.0, left_s - budget.reserve_s)


def _pause_after(question: Question | None) -> dict[str, Any]:
    """Where the graph stops once an answer is on record: before what costs, but after a verdict was kept."""
    costs = question is not None and question.about in ("spend", "delivery")
    return {"interrupt_after": ["gate"]} if costs else {"interrupt_before": ["think"]}


def _status(values: Mapping[str, Any], interrupts: Sequence[Interrupt]) -> RunStatus:
    state = RunState(**values)
    question = Question.model_validate(interrupts[0].value) if interrupts else None
    said = state.messages[-1].text if state.resting and state.messages else None
    return RunStatus(question=question, said=said, ended=state.ended, state=state)
