"""What the LLM controller is shown of a run: a line an artifact, a line a call, and what is left."""

from __future__ import annotations

from typing import Any

import pytest

from p2m_agent.agent.planner.view import describe, short_view, view
from p2m_agent.run.state import Message, RunState
from p2m_agent.training.recipes.encoder import Encoder
from p2m_agent.types.analysis import ErrorCluster, Suggestion
from p2m_agent.types.budget import Budget, Cost
from p2m_agent.types.plan import TransformationPlan
from p2m_agent.types.probe import ModelProbe
from p2m_agent.types.questions import ColumnChoice
from p2m_agent.types.scores import Difference
from p2m_agent.types.task import Constraints, Task
from tests.agent.planner.test_improving import analysis
from tests.agent.planner.test_latency import candidate, taking
from tests.agent.planner.test_rules import (
    bases,
    data,
    decided,
    delivery,
    found,
    holdout,
    mixture,
    report,
    spec,
    state,
    student,
)

COLUMNS = ColumnChoice(
    id="columns", ref="x/y", inputs=("title", "body"), output="tag", columns=(), sample=(), why="", made_by="2"
)
PLAN = TransformationPlan(
    id="plan", source="x/y", why="w", by="llm", rows=90, read=100, requests=30, estimate=Cost(usd=0.5), made_by="4"
)
RACE = ModelProbe.model_validate({
    "id": "race", "datasets": (), "chosen": "small", "why": "", "probe": "", "measure": "accuracy", "rounds": (),
    "results": ({"model": "small", "score": 0.75, "rows": 50}, {"model": "large"}), "seconds": 1, "path": "",
    "made_by": "4",
})  # fmt: skip
FOUND = bases().model_copy(
    update={
        "candidates": (candidate("small", 4_000_000), candidate("far", 5, available=False), candidate("big", 2**30))
    }
)
MIXED = mixture("dataset-own").model_copy(update={"choice": "user", "scores": ()})
COMPARED = report("training_run-5", "dev").model_copy(
    update={"against": "training_run-4", "against_minus": Difference(value=0.05, ci95=(0.01, 0.09), rows=400)}
)


@pytest.mark.parametrize(
    ("artifact", "line"),
    [
        (found("a/b", "c/d"), "search of datasets: a/b, c/d"),
        (found(*"abcdef"), "search of datasets: a, b, c, d, e"),
        (found(), "search of datasets: nothing relevant"),
        (data(500), "dataset-2: 500 training rows from x/y, 2 labels"),
        (data(500).model_copy(update={"labels": {}}), "dataset-2: 500 training rows from x/y"),
        (COLUMNS, "columns: columns of x/y proposed: title, body → tag"),
        (PLAN.model_copy(update={"written": ("text",)}),
         "plan: plan to transform 90 rows of x/y (30 requests, $0.5000)"),
        (PLAN, "plan: plan to transform 90 rows of x/y (no requests)"),
        (MIXED, "mixture-5: train on user (accuracy on dev: )"),
        (holdout(400), "holdout-2: 400 dev rows, 400 locked test rows"),
        (holdout(400).model_copy(update={"origin": "synthetic"}),
         "holdout-2: 400 dev rows, 400 locked test rows (synthetic proxy)"),
        (FOUND, "model_search-3: base models at hand: small (4M), big (1074M)"),
        (bases(), "model_search-3: base models at hand: none"),
        (RACE, "race: train small (accuracy: small 0.750 on 50 rows)"),
        (RACE.model_copy(update={"chosen": None, "results": ()}), "race: train none (accuracy: )"),
        (student(4, 0.875), "training_run-4: linear_head on b, dev accuracy 0.875"),
        (taking(12.5, 5, 0.8, Encoder(base="small")).model_copy(update={"train": 0.99}),
         "training_run-5: encoder on small, dev accuracy 0.800, train 0.990, 12.5 ms an input (p95)"),
        (report("training_run-4", "dev"), "r-training_run-4-dev: training_run-4 on dev: 0.800 [0.700, 0.900]"),
        (COMPARED, "r-training_run-5-dev: training_run-5 on dev: 0.800 [0.700, 0.900],"
         " better than training_run-4 (+0.050)"),
        (COMPARED.model_copy(update={"proxy": True, "against_minus": None}),
         "r-training_run-5-dev: training_run-5 on dev (synthetic proxy): 0.800 [0.700, 0.900]"),
        (delivery("training_run-4"), "delivery-9: delivered training_run-4"),
        (spec(), ""),
    ],
)  # fmt: skip
def test_an_artifact_is_a_line_with_its_numbers(artifact: Any, line: str) -> None:
    assert describe(artifact) == line


def test_the_mixtures_that_were_probed_are_shown_with_their_scores() -> None:
    scores = [{"parts": ("user",), "score": 0.75}, {"parts": ("user", "x/y"), "score": 0.5}, {"parts": ("x/y",)}]
    tried = type(MIXED).model_validate({**MIXED.model_dump(), "scores": scores})
    assert describe(tried) == "mixture-5: train on user (accuracy on dev: user 0.750, user + x/y 0.500)"


def test_suggestions_are_shown_as_the_tools_take_them() -> None:
    more = Suggestion(
        kind="more_data", why="w", gain=0.02, basis="measured", cost_s=90.4, usd=0.5, rows=50, labels=("a",)
    )
    clean = Suggestion(kind="clean_labels", why="w", gain=-0.01, basis="guess", cost_s=5)
    cluster = ErrorCluster(name="x" * 70, terms=(), errors=7, rows=9, example_ids=())
    about = analysis(more, clean).model_copy(update={"clusters": (cluster,)})
    assert describe(about) == (
        f"error_analysis-training_run-5: 100 dev errors of training_run-5 about '{'x' * 60}' (7); suggested: "
        "more_data {'labels': ('a',), 'rows': 50} gain +0.020 (measured), 90 s, $0.50; "
        "clean_labels gain -0.010 (guess), 5 s; stop gain +0.000 (extrapolated), 0 s"
    )
    nothing = describe(analysis(*[clean] * 5).model_copy(update={"clusters": (cluster,) * 5}))
    assert nothing.count("clean_labels") == 4
    assert nothing.count("(7)") == 4
    assert "about nothing in common; suggested" in describe(analysis())


def shown(known: RunState) -> list[str]:
    return view(known).splitlines()


def test_the_request_and_what_was_given_with_it_come_first() -> None:
    known = state()
    known.task = Task(request="Sort  it\nnow", data="rows.csv", test="test.csv", target=0.9)
    assert shown(known)[:6] == [
        "Request:", "<request>", "Sort it now", "</request>",
        "Given by the person: labelled rows, a locked test", "Task: not defined yet",
    ]  # fmt: skip
    assert not any(line.startswith("Given") for line in shown(state(spec())))


def test_the_task_is_a_line() -> None:
    labels = tuple(f"l{n}" for n in range(13))
    asked = spec(labels=labels, target=0.9, language="de", kind="multi_label", metric="micro_f1")
    names = ", ".join(labels[:12])
    assert f"Task: multi label; 13 labels: {names}, …; language de; micro_f1, target 0.9" in shown(state(asked))
    twelve = spec(labels=labels[:12], constraints=Constraints(max_latency_ms=20))
    [line] = [line for line in shown(state(twelve)) if line.startswith("Task")]
    assert line.startswith(f"Task: classification; 12 labels: {names}; language not said; accuracy, target none. ")
    assert "20" in line.rsplit(". ", 1)[1]


def test_the_newest_are_shown_of_many() -> None:
    known = state(
        *[student(number, 0.5) for number in range(12)],
        decisions=[decided("make", n=number) for number in range(8)],
        messages=[
            Message(role="tool", text="made"), *[Message(role="person", text=f"word {n}") for n in range(3)]
        ],
    )  # fmt: skip
    lines = shown(known)
    runs = [line.split(":")[0] for line in lines if line.startswith("- training_run")]
    assert runs == [f"- training_run-{number}" for number in range(3, 12)]
    done = [line for line in lines if line.startswith("Done")]
    assert done == ["Done: (2 earlier calls)", *[f"Done: make(n={n}) → running" for n in range(2, 8)]]
    assert [line for line in lines if "word" in line] == ["person: word 0", "person: word 1", "person: word 2"]
    known.messages.append(Message(role="tool", text="made"))
    assert not any("made" in line or "word 0" in line for line in shown(known))


def test_what_is_left_is_shown_by_limit() -> None:
    assert shown(state())[-1] == "Left: no limits were set"
    limits = Budget(usd=2, wall_s=600, rounds=3)
    spent = state(student(4, 0.5), budget=limits, spent=Cost(usd=0.5, wall_s=90), attended=True)
    left = "Left: $1.50 of $2.00, 8.5 of 10 minutes, 2 of 3 training rounds"
    assert shown(spent)[-1] == f"{left}; a person is there"
    over = state(*[student(n, 0.5) for n in range(4)], budget=limits, spent=Cost(usd=3, wall_s=900))
    assert shown(over)[-1] == "Left: $0.00 of $2.00, 0.0 of 10 minutes, 0 of 3 training rounds"


def test_long_lines_are_cut() -> None:
    known = state(decisions=[decided("make", n="x" * 500).model_copy(update={"expected": "y"})])
    [line] = [line for line in shown(known) if line.startswith("Done")]
    assert len(line) == len("Done: ") + 260
    assert line.endswith("x…")
    exact = state(decisions=[decided("make", n="x" * (260 - len("make(n=) → running")))])
    [line] = [line for line in shown(exact) if line.startswith("Done")]
    assert line.endswith("x) → running")
    known.task = Task(request="x" * 2000)
    assert f"{'x' * 1499}…" in shown(known)


def test_a_menu_is_shown_with_the_best_student_alone() -> None:
    known = state(spec(target=0.9), student(4, 0.7), student(5, 0.8, Encoder(base="b")))
    lines = short_view(known, ["go on", "stop"]).splitlines()
    best = "- training_run-5: encoder on b, dev accuracy 0.800; target 0.9; left: no limits were set"
    assert lines[-3:] == [best, "A. go on", "B. stop"]
    untold = short_view(state(spec(), student(4, 0.7)), ["go on"])
    assert "dev accuracy 0.700; left: no limits were set" in untold
    assert "left" not in short_view(state(spec()), ["go on"])
    assert "left" not in short_view(state(), ["go on"])
