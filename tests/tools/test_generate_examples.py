from __future__ import annotations

import json
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from p2m_agent.tools.generate_examples import _patience

from p2m_agent.errors import ToolError
from p2m_agent.rows.duplicates import normalise
from p2m_agent.rows.holdout import file_sha256, held_out_rows, seal
from p2m_agent.rows.reading import read_examples, write_examples
from p2m_agent.run.state import Call, RunState
from p2m_agent.run.tooling import load_tools
from p2m_agent.search.hub import IndexedHub
from p2m_agent.settings import Settings
from p2m_agent.types.completion import Request
from p2m_agent.types.mixture import Mixture
from p2m_agent.types.rows import Dataset, Example, Holdout, Source
from p2m_agent.types.scores import EvalReport, Mistake, Score
from p2m_agent.types.student import TrainingRun
from p2m_agent.types.task import Demonstration, Task, TaskSpec
from tests.fakes.calls import Caller, context_of, run_tool
from tests.fakes.scripted_llm import ScriptedLLM
from tests.generation.test_rounds import CLASSES, TEXTS, sentence, writer
from tests.tools.test_import_rows import make_dataset

TOOL = load_tools()["generate_examples"]


def refusal(state: RunState, **args: object) -> str:
    return TOOL.refusal(TOOL.args.model_validate(args), state) or ""


def test_without_held_out_rows_a_part_becomes_a_synthetic_proxy(tmp_path: Path) -> None:
    state = RunState(artifacts=[CLASSES])
    outcome = Caller(tmp_path, state, ScriptedLLM(always=writer(count())))(TOOL, rows=60)
    dataset, holdout = state.latest(Dataset), state.latest(Holdout)
    assert dataset is not None
    assert holdout is not None
    assert holdout.origin == "synthetic"
    assert dataset.rows + holdout.dev_rows + holdout.test_rows == 60
    assert "synthetic proxy" in outcome.summary
    train = {row.id for row in read_examples(tmp_path / dataset.path)}
    assert not train & {row.id for row in held_out_rows(tmp_path, holdout)}
    assert sum(dataset.labels.values()) == dataset.rows


def test_the_first_rows_say_what_a_task_without_data_is_measured_by(tmp_path: Path) -> None:
    written = writer(count())

    def polite(request: Request) -> str | dict[str, object]:
        reply = written(request)
        return reply if isinstance(reply, dict) else f"We are sorry about {reply.split()[0].lower()} and see to it."

    assumed = TEXTS.model_copy(update={"assumed": {"metric": "m"}, "assumptions": ("m",)})
    state = RunState(artifacts=[assumed], task=Task(request="r"))
    Caller(tmp_path, state, ScriptedLLM(always=polite))(TOOL, rows=40)
    assert state.spec is not None
    assert state.spec.metric == "chrf"
    state = RunState(artifacts=[assumed], task=Task(request="r", metric="exact_match"))
    Caller(tmp_path / "chosen", state, ScriptedLLM(always=polite))(TOOL, rows=40)
    assert state.spec == assumed


def test_held_out_rows_reach_neither_prompt_nor_dataset(tmp_path: Path) -> None:
    def rows(first: int, last: int) -> list[Example]:
        source = Source(origin="user", ref="f")
        return [
            Example(input={"text": sentence(n)}, output=CLASSES.labels[n % 2], source=source)
            for n in range(first, last)
        ]

    (tmp_path / "calls" / "000-import_rows").mkdir(parents=True)
    folder = tmp_path / "calls" / "000-import_rows"
    holdout = seal(tmp_path, folder, rows(0, 5), rows(5, 10), origin="user", ref="f", made_by="000-import_rows")
    state = RunState(artifacts=[CLASSES, holdout])
    teacher = ScriptedLLM(always=writer(count()))
    outcome = Caller(tmp_path, state, teacher)(TOOL, rows=20)
    dataset = state.latest(Dataset)
    assert dataset is not None
    assert dataset.rows == 20
    assert state.all(Holdout) == [holdout]
    held = {row.text for row in held_out_rows(tmp_path, holdout)}
    assert not held & {row.text for row in read_examples(tmp_path / dataset.path)}
    asked = " ".join(message.content for request in teacher.asked for message in request.messages)
    assert not any(text in asked for text in held)
    rejected = [
        json.loads(line) for line in (tmp_path / dataset.path).with_name("rejected.jsonl").read_text().splitlines()
    ]
    assert {(row["reason"], row["held_out"]) for row in rejected} == {("leak_exact", True)}
    assert dataset.dropped == {"leak_exact": 10}
    assert "10 leak exact" in outcome.summary


def test_too_few_rows_for_a_split_say_what_to_do(tmp_path: Path) -> None:
    state = RunState(artifacts=[CLASSES])
    with pytest.raises(ToolError) as error:
        Caller(tmp_path, state, ScriptedLLM(always=writer(count())))(TOOL, rows=20)
    assert "20 of 20 rows" in error.value.message
    assert "--data" in error.value.hint


def test_a_weak_teacher_that_makes_nothing_is_told_with_the_yield(tmp_path: Path) -> None:
    state = RunState(artifacts=[CLASSES])
    with pytest.raises(ToolError, match="Nothing usable") as error:
        Caller(tmp_path, state, ScriptedLLM(always=lambda request: "", reliable=False))(TOOL, rows=50)
    assert "empty" in error.value.message


def test_needs_name_what_to_call_first() -> None:
    spec: TaskSpec = CLASSES
    assert "define_task" in refusal(RunState())
    assert "import_rows" in refusal(RunState(artifacts=[spec.model_copy(update={"labels": ()})]))
    assert "not a label" in refusal(RunState(artifacts=[spec]), labels=("other",))
    assert "user" in refusal(RunState(artifacts=[spec], task=Task(request="r", data="rows.csv")))
    assert "held-out" in refusal(RunState(artifacts=[spec]), labels=("billing",))
    assert refusal(RunState(artifacts=[spec])) == ""


def test_the_estimate_grows_with_the_rows() -> None:
    small, large = (TOOL.estimate(TOOL.args(rows=rows), RunState()) for rows in (10, 1000))
    assert small.wall_s < large.wall_s
    assert small.tokens < large.tokens


def rows(texts: list[str], *, origin: str = "user") -> list[Example]:
    source = Source(origin=origin, ref="f")
    return [Example(input={"text": text}, output=CLASSES.labels[n % 2], source=source) for n, text in enumerate(texts)]


def dataset(root: Path, name: str, examples: list[Example], *, origin: str = "user") -> Dataset:
    path = root / f"{name}.jsonl"
    write_examples(path, examples)
    return Dataset(
        id=f"dataset-{name}",
        path=path.name,
        sha256=file_sha256(path),
        rows=len(examples),
        origin=origin,
        ref=name,
        made_by=name,
    )


def held_out(root: Path, dev: list[str], test: list[str]) -> Holdout:
    folder = root / "calls" / "000-import_rows"
    folder.mkdir(parents=True)
    return seal(root, folder, rows(dev), rows(test), origin="user", ref="f", made_by="000-import_rows")


def asked_of(teacher: ScriptedLLM) -> str:
    return normalise("\n".join(message.content for request in teacher.asked for message in request.messages))


LOCKED = [
    "the goose stole my green parcel",
    "an invoice for twelve violins came",
    "thank you",
    "who pays the ferryman now",
]
DEV = [
    "the harbour lost my saddle",
    "a ladder was billed to me",
    "customs billed my mirror",
    "my forest of parcels is late",
]


def test_nothing_of_a_locked_test_row_can_reach_a_prompt(tmp_path: Path) -> None:
    """Locked texts are planted wherever a prompt takes words from; the hashes of no prompt know them."""
    planted = [text.upper().replace(" ", "  ") + "!" for text in LOCKED]
    shown = tuple(Demonstration(input={"text": text}, output="parcels") for text in (*planted, "no parcel came"))
    spec = CLASSES.model_copy(update={"demonstrations": shown})
    (tmp_path / "mail.txt").write_text("\n".join([*planted, f"hello: {planted[0]} ok?", "what about my refund"]))
    mistakes = tuple(
        Mistake(example_id=str(n), text=text, expected="parcels", predicted="billing")
        for n, text in enumerate([*DEV, planted[1]])
    )
    score = Score(metric="accuracy", value=0.5, ci95=(0.4, 0.6), scored=4)
    student = TrainingRun.model_construct(id="run", dev=0.5)
    report = EvalReport(
        id="report", training_run="run", split="dev", proxy=False, score=score, mistakes=mistakes, made_by="x"
    )
    own = dataset(tmp_path, "own", rows([*planted, "my parcel is broken", "the invoice is wrong"]))
    state = RunState(
        artifacts=[spec, held_out(tmp_path, DEV, LOCKED), own, student, report],
        task=Task(request="r", unlabelled=str(tmp_path / "mail.txt")),
    )
    teacher = ScriptedLLM(always=writer(count()))
    outcome = Caller(tmp_path, state, teacher)(TOOL, rows=30, errors=True)
    asked = asked_of(teacher)
    assert teacher.asked
    assert "what about my refund" in asked
    assert "my parcel is broken" in asked
    for text in (text for text in LOCKED if len(text.split()) > 3):
        assert normalise(text) not in asked
    lines = [line for request in teacher.asked for line in request.messages[0].content.splitlines()]
    assert "thank you" not in {normalise(line) for line in lines}
    assert not any(normalise(text) in asked for text in DEV)
    made = {normalise(row.text) for row in read_examples(tmp_path / outcome.artifacts[0].path)}
    assert not made & {normalise(text) for text in LOCKED + DEV}


def test_dev_errors_are_shown_once_to_be_described_and_never_to_be_imitated(tmp_path: Path) -> None:
    mistakes = tuple(
        Mistake(example_id=str(n), text=text, expected="parcels", predicted="billing") for n, text in enumerate(DEV)
    )
    score = Score(metric="accuracy", value=0.5, ci95=(0.4, 0.6), scored=4)
    student = TrainingRun.model_construct(id="run", dev=0.5)
    report = EvalReport(
        id="report", training_run="run", split="dev", proxy=False, score=score, mistakes=mistakes, made_by="x"
    )
    state = RunState(artifacts=[CLASSES, held_out(tmp_path, DEV, LOCKED), student, report])
    answers = writer(count())

    def describing(request: Request) -> object:
        if "groups" in (request.json_schema or {})["properties"]:
            return {"groups": [{"group": 0, "description": "goods named beside bills"}]}
        return answers(request)

    teacher = ScriptedLLM(always=describing)
    Caller(tmp_path, state, teacher)(TOOL, rows=20, errors=True)
    quoting = [request for request in teacher.asked if DEV[0] in request.messages[0].content]
    assert len(quoting) == 1
    aimed = [request for request in teacher.asked if "inputs" in request.json_schema["properties"]]
    assert all("goods named beside bills" in request.messages[0].content for request in aimed)
    assert all("must be: parcels" in request.messages[0].content for request in aimed)


def test_errors_need_an_evaluated_student() -> None:
    assert "evaluate" in refusal(RunState(artifacts=[CLASSES]), errors=True)


def test_unlabelled_rows_are_labelled_and_the_rest_is_invented(tmp_path: Path) -> None:
    path = tmp_path / "mail.csv"
    path.write_text("no,body\n" + "".join(f"{n},why was I charged {sentence(900 + n)}\n" for n in range(6)))
    state = RunState(artifacts=[CLASSES, held_out(tmp_path, DEV, LOCKED)], task=Task(request="r", unlabelled=str(path)))
    outcome = Caller(tmp_path, state, ScriptedLLM(always=writer(count())))(TOOL, rows=20, noise=0.0)
    made = read_examples(tmp_path / outcome.artifacts[0].path)
    real = [row for row in made if row.text.startswith("why was I charged")]
    assert len(real) == 6
    assert len(made) == 20
    assert all(row.source.agreement == 1.0 and row.output == "billing" and row.source.revision for row in real)
    assert "6 of them are real inputs" in outcome.summary


def test_attributes_are_kept_reused_and_a_persons_edit_counts(tmp_path: Path) -> None:
    state = RunState(artifacts=[CLASSES, held_out(tmp_path, DEV, LOCKED)])
    teacher = ScriptedLLM(always=writer(count()))
    call = Caller(tmp_path, state, teacher)
    outcome = call(TOOL, rows=5)
    kept = tmp_path / "calls" / "001-generate_examples" / "attributes.yaml"
    assert "first thing" in kept.read_text()
    assert "attributes.yaml" in outcome.summary
    kept.write_text("topics: [singing geese]\n")
    before = len(teacher.asked)
    call(TOOL, rows=5)
    later = teacher.asked[before:]
    assert all("singing geese" in request.messages[0].content for request in later)
    assert "singing geese" in (tmp_path / "calls" / "002-generate_examples" / "attributes.yaml").read_text()
    given = tmp_path / "mine.yaml"
    given.write_text("topics: [falling leaves]\n")
    state.task = Task(request="r", attributes=str(given))
    before = len(teacher.asked)
    call(TOOL, rows=5)
    assert all("falling leaves" in request.messages[0].content for request in teacher.asked[before:])


def test_rows_that_the_mixture_left_out_are_not_shown(tmp_path: Path) -> None:
    own = dataset(tmp_path, "own", rows(["my parcel is broken", "the invoice is wrong"]))
    bad = dataset(tmp_path, "bad", rows(["geese are parcels too", "violins are invoices"], origin="hub"), origin="hub")
    mixture = Mixture.model_construct(id="mixture", datasets=(own.id, bad.id), chosen=(own.id,))
    state = RunState(artifacts=[CLASSES, held_out(tmp_path, DEV, LOCKED), own, bad, mixture])
    teacher = ScriptedLLM(always=writer(count()))
    Caller(tmp_path, state, teacher)(TOOL, rows=10)
    assert "my parcel is broken" in asked_of(teacher)
    assert "geese" not in asked_of(teacher)
    assert "violins" not in asked_of(teacher)


def test_a_repeated_call_asks_the_same_and_writes_the_same(tmp_path: Path) -> None:
    asked, written = [], []
    for _ in range(2):
        state = RunState(artifacts=[CLASSES])
        teacher = ScriptedLLM(always=writer(count()))
        outcome = Caller(tmp_path, state, teacher)(TOOL, rows=60)
        asked.append(teacher.asked)
        written.append(sorted(row.id for row in read_examples(tmp_path / outcome.artifacts[0].path)))
    assert asked[0] == asked[1]
    assert written[0] == written[1]


def test_shares_must_be_of_labels_and_say_something() -> None:
    state = RunState(artifacts=[CLASSES])
    assert "not a label" in refusal(state, label_shares={"other": 1})
    assert "label_shares" in refusal(state, label_shares={"billing": 0})
    assert "label_shares" in refusal(state, label_shares={"billing": -1, "parcels": 1})
    assert "held-out" in refusal(state, label_shares={"billing": 1})
    assert refusal(state, label_shares={"billing": 3, "parcels": 1}) == ""


@pytest.mark.parametrize(("reliable", "left_s"), [(True, float("inf")), (False, 1200.0)])
def test_a_weak_teacher_has_its_time_where_nobody_set_any(tmp_path: Path, *, reliable: bool, left_s: float) -> None:
    call = Call(id="001-generate_examples", tool="generate_examples", args={})
    assert _patience(context_of(tmp_path, call), reliable=reliable)() == left_s
    assert _patience(context_of(tmp_path, call, seconds_left=50), reliable=reliable)() == 50


def test_the_judge_rejects_what_is_wrong_and_its_failures_leave_rows_unverified(tmp_path: Path) -> None:
    write, judged = writer(count()), count()

    def answer(request: Request) -> str | dict[str, object]:
        if "verdict" not in (request.json_schema or {}).get("properties", {}):
            return write(request)
        number = next(judged)
        return "no JSON" if number == 1 else {"why": "…", "verdict": "wrong" if number == 0 else "right"}

    state = RunState(artifacts=[CLASSES, held_out(tmp_path, DEV, LOCKED)])
    outcome = Caller(tmp_path, state, ScriptedLLM(always=answer))(TOOL, rows=20, noise=0.0, judge=True)
    made = outcome.artifacts[0]
    kept = read_examples(tmp_path / made.path)
    assert sorted(str(row.source.judged) for row in kept) == ["None", *["True"] * 18]
    assert made.dropped["judged_wrong"] == 1
    assert "could not tell: 1 of the rows" in outcome.summary


def test_texts_of_a_found_dataset_are_labelled_under_its_licence(tmp_path: Path) -> None:
    mails = [{"body": f"why was I charged {sentence(900 + n)}", "stars": n % 5} for n in range(30)]
    make_dataset(tmp_path / "hub", "shop__mails", "mit", train=mails)
    settings = Settings(_env_file=None, hubs=(str(tmp_path / "hub"),))
    state = RunState(artifacts=[CLASSES, held_out(tmp_path, DEV, LOCKED)])
    args = TOOL.args.model_validate({"rows": 12, "texts_from": "shop/mails", "noise": 0.0})
    plain = context_of(
        tmp_path, Call(id="001-generate_examples", tool="t", args={}), ScriptedLLM(always=writer(count()))
    )
    outcome = run_tool(TOOL, args, state, replace(plain, settings=settings, hub=IndexedHub(settings, lambda: None)))
    made = read_examples(tmp_path / outcome.artifacts[0].path)
    assert len(made) == 12
    assert all(row.text.startswith("why was I charged") and row.output == "billing" for row in made)
    assert {(row.source.origin, row.source.ref) for row in made} == {("transformed", "shop/mails")}
    assert outcome.artifacts[0].licence == "mit"
