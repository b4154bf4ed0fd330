"""A student without weights, and a run around it, for tests of what scores and delivers students."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from p2m_agent.events import Event
from p2m_agent.rows.holdout import file_sha256, seal
from p2m_agent.rows.pool import TrainingPools
from p2m_agent.rows.reading import write_examples
from p2m_agent.run.seams import LLM
from p2m_agent.run.state import Call, RunState
from p2m_agent.run.tooling import Context
from p2m_agent.settings import Settings
from p2m_agent.training.recipes.causal import Causal
from p2m_agent.training.recipes.linear_head import LinearHead
from p2m_agent.training.student_card import StudentBase, StudentCard, write_card
from p2m_agent.types.budget import Budget
from p2m_agent.types.completion import Capability, Reply, Request
from p2m_agent.types.recipe import Recipe
from p2m_agent.types.rows import Dataset, Example, Holdout, Source
from p2m_agent.types.student import Prediction, TrainingRun
from p2m_agent.types.task import Kind, TaskSpec
from tests.fakes.hub import ListedHub
from tests.fakes.scripted_llm import ScriptedLLM

LABELS = ("billing", "delivery")
RELIABLE = Capability(tools=True, json_schema=True, reliable=True)


def example(text: str, output: str) -> Example:
    return Example(input={"text": text}, output=output, source=Source(origin="user", ref="rows.jsonl"))


def student_card(
    kind: Kind = "classification", fields: tuple[str, ...] = ("text",), labels: tuple[str, ...] = LABELS
) -> StudentCard:
    recipe: Recipe = LinearHead(base="tiny") if kind == "classification" else Causal(base="tiny")
    return StudentCard(
        kind=kind,
        recipe=recipe,
        instruction="Say which queue the message belongs to.",
        input_fields=fields,
        output_field="label",
        labels=labels if kind == "classification" else (),
        metric="accuracy" if kind == "classification" else "exact_match",
        base=StudentBase(name="tiny", revision="0123456789abcdef", licence="apache-2.0", params=1000),
        max_tokens=128,
        params=1200,
    )


@dataclass
class FakePredictor:
    """Answers by a rule instead of weights. Everything that takes a `Predictor` takes it as `Any`."""

    rule: Callable[[dict[str, str]], str]
    card: StudentCard = field(default_factory=student_card)
    params: int = 1200
    size_mb: float = 0.1
    asked: list[dict[str, str]] = field(default_factory=list)

    def predict(self, inputs: Sequence[dict[str, str]]) -> list[Prediction]:
        self.asked += inputs
        answers = [self.rule(one) for one in inputs]
        if self.card.kind == "text_to_text":
            return [Prediction(output=answer, confidence=None) for answer in answers]
        others, promise = self.card.labels, self.card.promise
        abstained = promise.abstains(0.75) if promise else None
        return [
            Prediction(
                output=a, confidence=0.75, scores={o: 0.75 if o == a else 0.25 for o in others}, abstained=abstained
            )
            for a in answers
        ]


def by_word(one: dict[str, str]) -> str:
    """A good classifier of the rows below, but for messages about both."""
    return "billing" if "invoice" in " ".join(one.values()) else "delivery"


@dataclass
class FakeTeacher:
    """An LLM in the place of a teacher; `answer` gets the row's text and gives the output, None for a failure."""

    answer: Callable[[str], str | None]
    local: bool = False
    paid: bool = False
    usd_a_request: float | None = None
    model: str = "fake-teacher"
    role: str = "teacher"
    capability: Capability = RELIABLE
    requests: list[Request] = field(default_factory=list)

    def ask(self, request: Request) -> Reply:
        return self.ask_many([request])[0]

    def ask_many(
        self,
        requests: Sequence[Request],
        on_reply: Callable[[int, Reply], None] | None = None,
        seconds_left: Callable[[], float] = lambda: math.inf,
    ) -> list[Reply]:
        self.requests += requests
        return [self._reply(request) for request in requests]

    def ask_stream(
        self, requests: Iterable[Request], seconds_left: Callable[[], float] = lambda: math.inf
    ) -> Generator[tuple[int, Reply]]:
        for index, request in enumerate(requests):
            yield index, self.ask(request)

    def _reply(self, request: Request) -> Reply:
        row = request.messages[-1].content.removeprefix("<input>").removesuffix("</input>")
        output = self.answer(" ".join(json.loads(row).values()))
        if output is None:
            return Reply(text="", request_sha="0", error=f"it would not answer {row}")
        return Reply(text=json.dumps({"output": output}), parsed={"output": output}, request_sha="0")

    def estimate_usd(self, requests: int, prompt_tokens: int, completion_tokens: int) -> float | None:
        return None if self.usd_a_request is None else requests * self.usd_a_request


@dataclass
class StudentRun:
    """A run's folder with rows, a locked test and a trained student, and the state that goes with it."""

    root: Path
    kind: Kind = "classification"
    test_rows: int = 40
    target: float | None = None
    teacher: LLM = field(default_factory=ScriptedLLM)
    emitted: list[Event] = field(default_factory=list)
    state: RunState = field(default_factory=RunState)

    def __post_init__(self) -> None:
        folder = self.root / "calls" / "001-import_rows"
        folder.mkdir(parents=True)
        self.train = [self._row("train", i) for i in range(30)]
        self.dev = [self._row("dev", i) for i in range(20)]
        self.test = [self._row("test", i) for i in range(self.test_rows)]
        holdout = seal(
            self.root, folder, self.dev, self.test, origin="user", ref="rows.jsonl", made_by="001-import_rows"
        )
        write_examples(folder / "rows.jsonl", self.train)
        dataset = Dataset(
            id="dataset-001-import_rows",
            path="calls/001-import_rows/rows.jsonl",
            sha256=file_sha256(folder / "rows.jsonl"),
            rows=len(self.train),
            origin="user",
            ref="rows.jsonl",
            made_by="001-import_rows",
        )
        self.state = RunState(artifacts=[self._spec(), dataset, holdout, self._student()], budget=Budget())

    def _row(self, split: str, i: int) -> Example:
        about, output = ("invoice", "billing") if i % 2 else ("parcel", "delivery")
        # every tenth row is about both, which the fake student and the rule get wrong
        text = f"{split} secret{i * 7919} where is my {about}" + (" and its invoice" if i % 10 == 0 else "")
        return example(text, output if self.kind == "classification" else f"find the {about}")

    def _spec(self) -> TaskSpec:
        sorting = self.kind == "classification"
        return TaskSpec(
            id="spec-000-define_task",
            request="Sort our mail | into <queues>",
            instruction="Say which queue the message belongs to.",
            kind=self.kind,
            labels=LABELS if sorting else (),
            metric="accuracy" if sorting else "exact_match",
            target=self.target,
            language="en",
            assumptions=("One label per message.",),
            made_by="000-define_task",
        )

    def _student(self) -> TrainingRun:
        folder = self.root / "calls" / "002-fine_tune" / "student"
        folder.mkdir(parents=True)
        (folder / "weights.safetensors").write_bytes(b"weights")
        (folder / "checkpoint").mkdir()
        (folder / "checkpoint" / "optimizer.pt").write_bytes(b"large")
        card = student_card(self.kind)
        write_card(folder, card)
        return TrainingRun(
            id="training_run-002-fine_tune",
            recipe=card.recipe,
            path=folder.relative_to(self.root).as_posix(),
            datasets=("dataset-001-import_rows",),
            train_rows=30,
            leaks_removed={"exact": 2},
            metric=self._spec().metric,
            dev=0.9,
            params=1200,
            size_mb=0.1,
            made_by="002-fine_tune",
        )

    @property
    def holdout(self) -> Holdout:
        found = self.state.latest(Holdout)
        assert found
        return found

    def context(self, call_id: str, tool: str) -> Context:
        folder = self.root / "calls" / call_id
        folder.mkdir(parents=True, exist_ok=True)
        return Context(
            settings=Settings(_env_file=None),
            root=self.root,
            folder=folder,
            call=Call(id=call_id, tool=tool, args={}),
            planner=self.teacher,
            teacher=self.teacher,
            judge=self.teacher,
            hub=ListedHub(),
            embedder=lambda: None,
            pools=TrainingPools(self.root),
            emit=self.emitted.append,
            seconds_left=lambda: float("inf"),
        )
