"""A machine of tiny tools and a scripted controller, for tests of the graph itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from p2m_agent.agent.graph import Machine, build_graph
from p2m_agent.agent.planner.choice import Choice, Move, Words
from p2m_agent.agent.policy import Policy
from p2m_agent.errors import ToolError, UsageError
from p2m_agent.events import Event
from p2m_agent.run.checkpoints import open_checkpoints
from p2m_agent.run.state import Call, Ended, RunState
from p2m_agent.run.store import RunFolder
from p2m_agent.run.tooling import Args, Context, Effect, NotYet, Outcome, Tool
from p2m_agent.training.recipes.linear_head import LinearHead
from p2m_agent.types.budget import Cost
from p2m_agent.types.questions import Question
from p2m_agent.types.rows import Dataset
from p2m_agent.types.student import Delivery, TrainingRun


class Nothing(Args):
    """Take nothing."""


class Number(Args):
    """Take a number."""

    n: int
    """Any whole number."""


STUDENT = TrainingRun(
    id="student", recipe=LinearHead(base="b"), path="", datasets=(), train_rows=1, metric="accuracy", dev=0.9,
    params=1, size_mb=1, made_by="1",
)  # fmt: skip


def scripted(*choices: Choice | Callable[[RunState], Choice]) -> Callable[[RunState], Choice]:
    """A controller that makes these choices in order and raises when its script is over."""
    left = list(choices)

    def choose(state: RunState) -> Choice:
        if not left:
            raise AssertionError("the controller's script is over")
        choice = left.pop(0)
        return choice if isinstance(choice, Move | Words) else choice(state)

    return choose


def move(tool: str, **args: object) -> Move:
    return Move(tool=tool, args=args, why="the script says so", by="llm")


def dataset(call: str, rows: int = 10) -> Dataset:
    return Dataset(id=f"dataset-{call}", path="x", sha256="0", rows=rows, origin="user", ref="r", made_by=call)


@dataclass
class Bench:
    """Runs the graph over a folder and keeps what was emitted, which tools ran, and what they took."""

    root: Path
    ran: list[str] = field(default_factory=list)
    emitted: list[Event] = field(default_factory=list)
    paid: Cost = field(default_factory=Cost)
    """Money and tokens, of which `number` takes as many dollars, and a hundred tokens for each."""
    now: float = 1000.0
    """Seconds; only the tools that take some move them."""

    def tools(self) -> dict[str, Tool[Any, Any]]:
        def make(args: Nothing, inputs: None, context: Context) -> Outcome:
            self.ran.append("make")
            return Outcome(summary="made", artifacts=(dataset(context.call.id),))

        def number(args: Number, inputs: None, context: Context) -> Outcome:
            self.ran.append(f"number {args.n}")
            self.paid += Cost(usd=args.n, tokens=100 * args.n)
            self.now += args.n
            return Outcome(summary=f"got {args.n}", headline="a number", cost=Cost(gpu_s=7))

        def cannot(args: Nothing, inputs: None, context: Context) -> Outcome:
            self.ran.append("cannot")
            self.now += 30
            raise ToolError("it will not go", "Do something else.")

        def spoilt(args: Nothing, inputs: None, context: Context) -> Outcome:
            self.ran.append("spoilt")
            raise UsageError("the file is empty", "Give another.")

        def broken(args: Nothing, inputs: None, context: Context) -> Outcome:
            self.ran.append("broken")
            raise ZeroDivisionError("our own fault at https://me:secret@host")

        def finish(args: Nothing, inputs: None, context: Context) -> Outcome:
            self.ran.append("finish")
            return Outcome(summary="done", ended=Ended(why="delivered", reason="all is well"))

        def hand_over(args: Nothing, inputs: None, context: Context) -> Outcome:
            delivery = Delivery(id="d", training_run=STUDENT.id, path="", report="", size_mb=1, made_by=context.call.id)
            return Outcome(summary="done", artifacts=(STUDENT, delivery), ended=Ended(why="delivered", reason="well"))

        def after_make(args: Nothing, state: RunState) -> NotYet | None:
            return None if state.all(Dataset) else NotYet("call make first")

        def ask(args: Nothing, inputs: None, context: Context) -> Outcome:
            answer = context.call.answer
            self.ran.append(f"ask {answer.verdict} by {answer.by}" if answer else "ask")
            return Outcome(summary="asked")

        def question(args: Nothing, inputs: None, call_id: str) -> Question:
            return Question(id=call_id, about="spec", text="Is that so?")

        return {
            "make": Tool("make", Nothing, make, Effect.READ),
            "number": Tool("number", Number, number, Effect.SPEND, estimate=lambda a, s: Cost(usd=a.n, wall_s=a.n)),
            "cannot": Tool("cannot", Nothing, cannot, Effect.READ),
            "spoilt": Tool("spoilt", Nothing, spoilt, Effect.READ),
            "broken": Tool("broken", Nothing, broken, Effect.READ),
            "finish": Tool("finish", Nothing, finish, Effect.DELIVER, needs=after_make),
            "hand_over": Tool("hand_over", Nothing, hand_over, Effect.DELIVER),
            "publish": Tool("publish", Nothing, finish, Effect.PUBLISH),
            "ask": Tool("ask", Nothing, ask, Effect.ASK, question=question),
        }

    def graph(
        self,
        choose: Callable[[RunState], Choice],
        *,
        attended: bool = False,
        yes: bool = False,
        tools: dict[str, Tool[Any, Any]] | None = None,
    ) -> Any:
        def context(call: Call) -> Context:
            nothing: Any = None
            return Context(
                settings=nothing,
                root=self.root,
                folder=self.root / "calls" / call.id,
                call=call,
                planner=nothing,
                teacher=nothing,
                judge=nothing,
                hub=nothing,
                embedder=lambda: None,
                pools=nothing,
                emit=self.emitted.append,
                seconds_left=lambda: float("inf"),
            )

        machine = Machine(
            tools=tools or self.tools(),
            policy=Policy(attended=attended, yes=yes),
            choose=choose,
            context=context,
            folder=RunFolder(self.root),
            emit=self.emitted.append,
            spent_usd=lambda: self.paid.usd,
            spent_tokens=lambda: self.paid.tokens,
            clock=lambda: self.now,
        )
        return build_graph(machine, open_checkpoints(self.root))


CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t"}, "recursion_limit": 200}
