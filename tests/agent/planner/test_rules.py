"""The rules: a pure function from what is known to the next call."""

from __future__ import annotations

from typing import Any

import pytest

from p2m_agent.agent.planner.choice import Move, Words
from p2m_agent.agent.planner.collecting import import_confirmed
from p2m_agent.agent.planner.moves import comfortably_met, failed_since, has_rows, rows_a_label
from p2m_agent.agent.planner.rules import confirm_spec
from p2m_agent.agent.planner.rules import next_move as choose
from p2m_agent.run.state import Decision, Failure, Message, RunState
from p2m_agent.training.recipes.causal import Causal
from p2m_agent.training.recipes.encoder import Encoder
from p2m_agent.training.recipes.linear_head import LinearHead
from p2m_agent.training.recipes.setfit import SetFit
from p2m_agent.types.budget import Budget
from p2m_agent.types.candidates import DatasetCandidate, DatasetSearch, ModelSearch
from p2m_agent.types.mixture import Mixture
from p2m_agent.types.questions import Answer, ColumnChoice, PromptChange, Question, Review
from p2m_agent.types.rows import Dataset, Holdout
from p2m_agent.types.scores import EvalReport, Score
from p2m_agent.types.student import Delivery, TrainingRun
from p2m_agent.types.task import Task, TaskSpec
from tests.fakes.rewording import reworded, same


def next_move(known: RunState) -> Move:
    """What the rules choose, whatever the words in the state."""
    choice = choose(known)
    assert isinstance(choice, Move)
    assert same(choice, choose(reworded(known)))
    return choice


def spec(**given: Any) -> TaskSpec:
    fields = {"id": "spec-1", "request": "r", "instruction": "i", "kind": "classification", "metric": "accuracy"}
    return TaskSpec.model_validate({**fields, "made_by": "001-define_task", **given})


def data(rows: int = 500, labels: dict[str, int] | None = None, name: str = "dataset-2") -> Dataset:
    counts = labels or {"a": rows // 2, "b": rows - rows // 2}
    return Dataset(
        id=name, path="p", sha256="0", rows=rows, origin="hub", ref="x/y", labels=counts, made_by="002-import_rows"
    )


def holdout(rows: int = 400) -> Holdout:
    return Holdout(
        id="holdout-2",
        dev_path="d",
        dev_rows=rows,
        dev_sha256="0",
        test_path="t",
        test_rows=rows,
        test_sha256="0",
        origin="hub",
        ref="x/y",
        made_by="002-import_rows",
    )


def found(*repos: str, reachable: bool = True) -> DatasetSearch:
    candidates = tuple(
        DatasetCandidate(repo=repo, hub="folder", score=0.8, why="it matches", reachable=reachable) for repo in repos
    )
    return DatasetSearch(id="dataset_search-1", query="q", candidates=candidates, made_by="001")


def bases() -> ModelSearch:
    return ModelSearch(id="model_search-3", query="q", candidates=(), made_by="003")


def student(number: int, dev: float, recipe: Any = None) -> TrainingRun:
    return TrainingRun(
        id=f"training_run-{number}",
        recipe=recipe or LinearHead(base="b"),
        path="p",
        datasets=("dataset-2",),
        train_rows=10,
        metric="accuracy",
        dev=dev,
        params=1,
        size_mb=1,
        made_by=str(number),
    )


def report(run: str, split: Any) -> EvalReport:
    score = Score(metric="accuracy", value=0.8, ci95=(0.7, 0.9), scored=100)
    return EvalReport(id=f"r-{run}-{split}", training_run=run, split=split, proxy=False, score=score, made_by="9")


def delivery(run: str) -> Delivery:
    return Delivery(id="delivery-9", training_run=run, path="p", report="r", size_mb=1, made_by="9")


def decided(tool: str, ok: bool | None = True, **args: object) -> Decision:
    return Decision(call_id=f"{tool}-{args}", tool=tool, args=args, why="w", by="rules", ok=ok)


def state(*artifacts: Any, decisions: list[Decision] | None = None, own: str | None = None, **fields: Any) -> RunState:
    """`own` is the person's labelled file."""
    return RunState(task=Task(request="r", data=own), artifacts=list(artifacts), decisions=decisions or [], **fields)


READY = (spec(), data(), holdout(), bases())


@pytest.mark.parametrize(
    ("known", "tool", "args"),
    [
        (state(), "define_task", {}),
        (state(spec()), "search_datasets", {}),
        (state(spec(), own="rows.jsonl"), "import_rows", {"source": "user"}),
        (state(spec(), found("a/b", "c/d")), "import_rows", {"source": "a/b"}),
        (state(spec(), found()), "generate_examples", {}),
        (state(spec(), found("a/b", reachable=False)), "generate_examples", {}),
        (state(spec(), found("a/b"), data(), holdout()), "search_models", {}),
        (state(*READY), "fine_tune", {"method": "linear_head"}),
        (state(*READY, student(4, 0.8)), "fine_tune", {"method": "encoder"}),
        (state(*READY, student(4, 0.8), student(5, 0.9, Encoder(base="b"))), "evaluate", {}),
        (state(spec(kind="text_to_text", metric="exact_match"), *READY[1:]), "fine_tune", {"method": "causal"}),
    ],
)
def test_the_usual_way(known: RunState, tool: str, args: dict[str, object]) -> None:
    move = next_move(known)
    assert move.tool == tool
    assert args.items() <= move.args.items()
    assert move.why


def test_enough_own_rows_need_no_search() -> None:
    own = [decided("import_rows", source="user")]
    known = state(spec(), data(600), holdout(), own="x", decisions=own)
    assert next_move(known).tool == "search_models"


def test_few_own_rows_are_topped_up_from_a_search() -> None:
    own = [decided("import_rows", source="user")]
    known = state(spec(), data(40), holdout(), own="x", decisions=own)
    assert next_move(known).tool == "search_datasets"


def test_rows_are_few_when_a_label_has_few() -> None:
    thin = data(300, labels={str(n): 4 for n in range(75)})
    assert next_move(state(spec(), thin, holdout())).tool == "search_datasets"


@pytest.mark.parametrize(("rows", "labels", "few"), [(99, 2, True), (100, 2, False), (159, 20, True), (160, 20, False)])
def test_rows_are_few_below_a_hundred_or_eight_a_label(rows: int, labels: int, few: bool) -> None:
    there = data(rows, labels={str(n): 1 for n in range(labels)})
    assert (next_move(state(spec(), there, holdout())).tool == "search_datasets") is few


def test_what_the_last_search_found_is_imported() -> None:
    again = found("c/d").model_copy(update={"id": "dataset_search-2"})
    assert next_move(state(spec(), found("a/b"), again)).args == {"source": "c/d"}


def test_three_found_sets_are_tried_and_no_more() -> None:
    failed = [decided("import_rows", False, source=repo) for repo in ("a/b", "c/d")]
    others = [decided("import_rows", False, source="user"), decided("search_datasets"), decided("search_models")]
    search = found("a/b", "c/d", "e/f", "g/h")
    assert next_move(state(spec(), search, decisions=[*others, *failed])).args == {"source": "e/f"}
    failed.append(decided("import_rows", False, source="e/f"))
    assert next_move(state(spec(), search, decisions=failed)).tool == "generate_examples"


def test_unlabelled_inputs_get_their_outputs_once_whatever_rows_there_are() -> None:
    known = state(spec(), data(), holdout())
    known.task = Task(request="r", unlabelled="inputs.txt")
    made = next_move(known)
    assert (made.tool, made.args, made.why) == (
        "generate_examples", {"rows": 160}, "your unlabelled inputs are real ones"
    )  # fmt: skip
    known.decisions = [decided("generate_examples", rows=100)]
    assert next_move(known).tool == "search_models"


def test_a_failed_import_leads_to_the_next_candidate_and_then_to_generation() -> None:
    failed = [decided("import_rows", False, source="a/b")]
    known = state(spec(), found("a/b", "c/d"), decisions=failed)
    assert next_move(known).args == {"source": "c/d"}
    failed.append(decided("import_rows", False, source="c/d"))
    assert next_move(state(spec(), found("a/b", "c/d"), decisions=failed)).tool == "generate_examples"


def test_setfit_is_a_rung_where_labels_have_few_rows() -> None:
    few = (spec(), data(120, labels={str(n): 12 for n in range(10)}), holdout(), bases())
    assert next_move(state(*few)).args == {"method": "linear_head"}
    assert next_move(state(*few, student(4, 0.8))).args == {"method": "setfit"}
    both = state(*few, student(4, 0.8), student(5, 0.9, SetFit(base="b")))
    assert next_move(both).args == {"method": "encoder"}
    assert next_move(state(*READY, student(4, 0.8))).args == {"method": "encoder"}, "250 rows a label"


def test_when_nothing_works_it_gives_up_with_the_reason() -> None:
    failed = [Decision(call_id="1", tool="generate_examples", args={"rows": 160}, why="", by="rules", ok=False)]
    failed[0] = failed[0].model_copy(update={"outcome": "failed: the teacher is unreachable"})
    move = next_move(state(spec(), found(), decisions=failed))
    assert move.tool == "give_up"
    assert "the teacher is unreachable" in str(move.args["reason"])


def test_the_best_not_the_last_is_looked_at_and_delivered() -> None:
    known = [*READY, student(4, 0.9), student(5, 0.85, Encoder(base="b"))]
    assert next_move(state(*known)).args == {"training_run": "training_run-4"}
    known.append(report("training_run-4", "dev"))
    assert next_move(state(*known)).args == {"training_run": "training_run-4", "final": True}
    known.append(report("training_run-4", "test"))
    assert next_move(state(*known)).tool == "deliver"


def test_a_target_that_is_comfortably_met_ends_the_climb() -> None:
    met = state(spec(target=0.8), data(), holdout(), bases(), student(4, 0.9))
    assert comfortably_met(met)
    assert next_move(met).tool == "evaluate"
    barely = state(spec(target=0.8), data(), holdout(), bases(), student(4, 0.805))
    assert not comfortably_met(barely)
    assert next_move(barely).args == {"method": "encoder"}


@pytest.mark.parametrize(
    ("dev", "target", "rows", "met"),
    [(0.82, 0.8, 400, True), (0.819, 0.8, 400, False), (1.0, 1.0, 400, True), (0.9, 0.65, 1, False)],
)
def test_comfortably_is_a_standard_error_above_the_target(dev: float, target: float, rows: int, met: bool) -> None:
    assert comfortably_met(state(spec(target=target), data(), holdout(rows), bases(), student(4, dev))) is met


def test_rows_alone_without_held_out_ones_are_not_trained_on() -> None:
    assert has_rows(state(data(), holdout()))
    assert not has_rows(state(data()))
    assert not has_rows(state(holdout()))


def test_rows_a_label_are_counted_over_all_datasets() -> None:
    more = data(100, labels={"b": 50, "c": 50}, name="dataset-3").model_copy(update={"ref": "z/z"})
    assert rows_a_label(state(data(500), more)) == 200
    assert rows_a_label(state(data(500).model_copy(update={"labels": {}}))) is None


def test_what_failed_since_is_the_same_call_later_on() -> None:
    def at(call: str, ok: bool, tool: str = "import_rows", source: str = "x") -> RunState:
        args = {"source": source}
        return state(decisions=[Decision(call_id=call, tool=tool, args=args, why="w", by="rules", ok=ok)])

    made = Move(tool="import_rows", args={"source": "x"}, why="w", by="rules")
    assert failed_since(at("004", ok=False), made, "003")
    for known in (at("004", ok=True), at("003", ok=False), at("004", False, "other"), at("004", False, source="y")):
        assert not failed_since(known, made, "003")


def test_the_rounds_end_the_climb() -> None:
    assert next_move(state(*READY, student(4, 0.5), budget=Budget(rounds=1))).tool == "evaluate"


def test_a_refused_training_is_not_insisted_on() -> None:
    refused = [decided("fine_tune", False, method="encoder")]
    assert next_move(state(*READY, student(4, 0.8), decisions=refused)).tool == "evaluate"


def test_a_person_confirms_spec_and_rows_once() -> None:
    asked = next_move(state(spec(), attended=True))
    assert asked.tool == "ask_person"
    assert asked.args == {"about": "spec-1"}
    seen = [decided("ask_person", about="spec-1")]
    assert next_move(state(spec(), attended=True, decisions=seen)).tool == "search_datasets"
    rows = next_move(state(spec(), data(), holdout(), attended=True, decisions=seen))
    assert rows.args == {"about": "dataset-2"}


def test_a_task_is_confirmed_once_and_only_as_long_as_its_rows_are_not_fixed() -> None:
    def asked(*artifacts: Any, decisions: list[Decision] | None = None, own: str | None = None) -> bool:
        return confirm_spec(state(*artifacts, decisions=decisions, own=own, attended=True)) is not None

    question = Question(id="q", about="spec", text="?", subject="spec-1")
    review = Review(id="r", question=question, answer=Answer(verdict="accept"), made_by="2")
    assert asked(spec())
    assert not asked(spec(), review)
    assert asked(spec(), decisions=[decided("ask_person", about="dataset-2")])
    assert asked(spec(), decisions=[decided("edit_task", about="spec-1")])
    assert not asked(spec(), holdout())
    from_rows, read = spec(made_by="002-import_rows"), [decided("import_rows", source="user")]
    assert not asked(from_rows, data(), decisions=read), "the person gave no rows"
    assert asked(from_rows, data(), holdout(), decisions=read, own="x")
    assert not asked(from_rows, data(), holdout(), student(4, 0.8), decisions=read, own="x")
    assert asked(spec(), data(), decisions=read, own="x")


def test_what_a_person_says_goes_into_the_instruction() -> None:
    known = state(*READY, student(4, 0.8), messages=[Message(role="person", text="refunds are urgent")], attended=True)
    move = next_move(known)
    assert move.tool == "refine_prompt"
    assert move.args["remarks"] == "refunds are urgent"


def test_all_that_is_new_about_the_task_since_it_was_heard_goes_in_at_once() -> None:
    said = [
        Message(role="person", text="long ago"), Message(role="tool", text="defined", tool="define_task"),
        Message(role="person", text="refunds are urgent"), Message(role="tool", text="made", tool="import_rows"),
        Message(role="agent", text="noted"), Message(role="person", text="thanks", fact=False),
        Message(role="person", text="r"), Message(role="person", text="fraud too"),
    ]  # fmt: skip
    assert next_move(state(*READY, messages=said)).args == {"remarks": "refunds are urgent fraud too"}
    assert next_move(state(*READY, messages=said[:2])).tool == "fine_tune", "it was heard"
    unheard = [said[0], said[2]]
    assert next_move(state(*READY, messages=unheard)).args == {"remarks": "long ago refunds are urgent"}


def test_ones_own_rows_are_imported_with_the_columns_that_were_settled() -> None:
    columns = ColumnChoice(
        id="c", ref="Mine.csv", inputs=("a",), output="b", columns=("a", "b"), sample=(), why="", made_by="002"
    )
    question = Question(id="q", about="columns", text="?", subject="c")
    settled = (columns, Review(id="r", question=question, answer=Answer(verdict="accept"), made_by="3"))
    made = import_confirmed(state(spec(), data(), *settled, own="mine.CSV"))
    assert made is not None
    assert made.args == {"source": "user"}, "whatever else was imported"
    mine = data().model_copy(update={"ref": "Mine.csv"})
    assert import_confirmed(state(spec(), mine, *settled, own="mine.CSV")) is None
    other = import_confirmed(state(spec(), *settled))
    assert other is not None
    assert other.args == {"source": "Mine.csv"}
    failed = decided("import_rows", False, source="Mine.csv").model_copy(update={"call_id": "004"})
    assert import_confirmed(state(spec(), *settled, decisions=[failed])) is None


def test_ones_own_rows_are_imported_whatever_else_was() -> None:
    known = state(spec(), own="rows.jsonl", decisions=[decided("import_rows", source="x/y")])
    made = next_move(known)
    assert (made.args, made.expected) == ({"source": "user"}, "")


def test_a_proposed_instruction_gets_its_verdict_before_anything_else() -> None:
    change = PromptChange(id="prompt_change-7", before="a", after="b", why="w", made_by="007")
    assert next_move(state(*READY, change)).args == {"about": "prompt_change-7"}


def test_columns_in_doubt_get_their_verdict_and_are_imported() -> None:
    choice = ColumnChoice(
        id="column_choice-2", ref="x/y", inputs=("a",), output="b", columns=("a", "b"), sample=(), why="", made_by="002"
    )
    first = Decision(call_id="002", tool="import_rows", args={"source": "x/y"}, why="w", by="rules", ok=True)
    known = [spec(), found("x/y"), choice]
    shown = decided("ask_person", about="spec-1")
    asked = next_move(state(*known, attended=True, decisions=[first, shown]))
    assert (asked.tool, asked.args) == ("ask_person", {"about": "column_choice-2"})
    question = Question(id="q", about="columns", text="?", subject=choice.id)

    def after(verdict: Any, *decisions: Decision) -> Move:
        review = Review(id="r", question=question, answer=Answer(verdict=verdict), made_by="3")
        return next_move(state(*known, review, attended=True, decisions=[first, shown, *decisions]))

    for verdict in ("accept", "edit"):
        assert after(verdict).args == {"source": "x/y"}
    assert after("reject").tool == "generate_examples"
    failed = first.model_copy(update={"call_id": "004", "ok": False})
    assert after("accept", failed).tool == "generate_examples"


def test_a_new_instruction_is_trained_for() -> None:
    text = spec(kind="text_to_text", metric="exact_match")
    known = [text, data(), holdout(), bases(), student(4, 0.8, Causal(base="s"))]
    assert next_move(state(*known)).tool == "evaluate"
    changed = text.model_copy(update={"id": "spec-8", "instruction": "j", "made_by": "008-ask_person"})
    assert next_move(state(*known, changed)).tool == "fine_tune"
    higher = text.model_copy(update={"id": "spec-8", "target": 0.7})
    assert next_move(state(*known, higher)).tool == "evaluate", "another target is no other task"


def test_after_the_delivery_there_is_nothing_left() -> None:
    known = [*READY, student(4, 0.9), student(5, 0.8, Encoder(base="b"))]
    known += [report("training_run-4", "dev"), report("training_run-4", "test"), delivery("training_run-4")]
    assert next_move(state(*known)).tool == "give_up"


def own_and_found() -> list[Any]:
    own = data(140, name="dataset-own").model_copy(update={"origin": "user", "ref": "rows.jsonl"})
    return [spec(), own, holdout(), data(), bases()]


def mixture(*chosen: str, among: tuple[str, ...] = ("dataset-own", "dataset-2")) -> Mixture:
    fields = {"choice": "c", "why": "w", "probe": "p", "measure": "accuracy", "dev_rows": 9, "parts": (), "scores": ()}
    return Mixture.model_validate(
        {"id": "mixture-5", "datasets": among, "chosen": chosen, **fields, "seconds": 1, "path": "p", "made_by": "5"}
    )


TRIED = {
    "own": "rows.jsonl",
    "decisions": [decided("import_rows", source="user"), decided("import_rows", source="x/y")],
}


def test_rows_of_two_sources_pass_the_gate_before_they_enter_training() -> None:
    known = own_and_found()
    assert next_move(state(*known, **TRIED)).tool == "choose_mixture"
    known.append(mixture("dataset-own"))
    assert next_move(state(*known, **TRIED)).args == {"method": "linear_head"}
    known.append(student(6, 0.8).model_copy(update={"datasets": ("dataset-own",)}))
    assert next_move(state(*known, **TRIED)).args == {"method": "encoder"}, "it was trained on what was chosen"


def test_new_rows_pass_the_gate_again() -> None:
    known = [*own_and_found(), mixture("dataset-own")]
    more = data(50, name="dataset-7").model_copy(update={"ref": "z/z"})
    assert next_move(state(*known, more, **TRIED)).tool == "choose_mixture"
    seen = mixture("dataset-own", "dataset-7", among=("dataset-own", "dataset-2", "dataset-7"))
    assert next_move(state(*known, more, seen, **TRIED)).tool == "fine_tune"


def test_where_the_gate_cannot_choose_the_rows_are_named() -> None:
    failed = {**TRIED, "decisions": [*TRIED["decisions"], decided("choose_mixture", False)]}
    move = next_move(state(*own_and_found(), **failed))
    assert move.args == {"method": "linear_head", "datasets": ["dataset-own", "dataset-2"]}


def test_rows_that_the_gate_left_out_do_not_count_as_rows() -> None:
    few = [a.model_copy(update={"rows": 40}) if getattr(a, "origin", "") == "user" else a for a in own_and_found()]
    search = found("x/y", "c/d")
    assert next_move(state(*few, search, mixture("dataset-own", "dataset-2"), **TRIED)).tool == "fine_tune"
    left_out = next_move(state(*few, search, mixture("dataset-own"), **TRIED))
    assert (left_out.tool, left_out.args) == ("import_rows", {"source": "c/d"})


def test_a_person_is_told_instead_of_the_run_being_ended() -> None:
    failed = [decided("define_task", False), decided("search_datasets", False)]
    failed.append(decided("generate_examples", False, rows=160))
    choice = choose(state(decisions=failed, attended=True))
    assert isinstance(choice, Words)
    assert "generate_examples" in choice.text


@pytest.mark.parametrize(("kind", "budget"), [("over_budget", True), ("tool_error", False)])
def test_giving_up_for_the_budget_says_so(kind: Any, budget: bool) -> None:
    refused = [decided("fine_tune", False, method=m) for m in ("linear_head", "encoder")]
    refused[-1] = refused[-1].model_copy(update={"failure": Failure(kind=kind, message="the budget is too small")})
    move = next_move(state(*READY, decisions=refused))
    assert move.tool == "give_up"
    assert move.args["budget"] is budget


def test_a_rejected_spec_is_put_right_before_anything_else() -> None:
    def rejected(remarks: str) -> Review:
        question = Question(id="q", about="spec", text="?", subject="spec-1")
        return Review(id="v", question=question, answer=Answer(verdict="reject", remarks=remarks), made_by="2")

    asked = choose(state(spec(), rejected(""), attended=True))
    assert isinstance(asked, Words)
    told = [Message(role="person", text="there are three queues")]
    move = next_move(state(spec(), rejected(""), attended=True, messages=told))
    assert (move.tool, move.args) == ("define_task", {"instruction": "i there are three queues"})
    assert next_move(state(spec(), rejected("only two"), attended=True)).args == {"instruction": "i only two"}


def test_rows_of_ones_own_are_read_before_the_task_is_confirmed() -> None:
    """What the file says, its labels above all, belongs to what is confirmed."""
    drafted = state(spec(), own="mine.csv", attended=True)
    assert next_move(drafted).tool == "import_rows"
    read = Decision(call_id="002-import_rows", tool="import_rows", args={"source": "user"}, why="", by="rules", ok=True)
    own = spec(id="spec-2", made_by="002-import_rows", labels=("a", "b"))
    known = state(spec(), own, data(), holdout(), decisions=[read], own="mine.csv", attended=True)
    assert next_move(known).args == {"about": "spec-2"}


def test_until_ones_own_rows_were_read_the_task_is_not_confirmed() -> None:
    columns = ColumnChoice(
        id="column_choice-2", ref="mine.csv", inputs=("a",), output="b", columns=("a", "b"), sample=(), why="",
        made_by="002",
    )  # fmt: skip
    own, other = decided("import_rows", source="user"), decided("import_rows", source="x/y")
    mine = decided("search_datasets", source="user")
    mine_and = {"own": "mine.csv", "attended": True}
    assert confirm_spec(state(spec(), data(), decisions=[other, mine], **mine_and)) is None
    assert confirm_spec(state(spec(), columns, decisions=[own], **mine_and)) is None, "its columns are in doubt"
    assert confirm_spec(state(spec(), columns, data(), decisions=[own], **mine_and)) is None
    assert confirm_spec(state(spec(), decisions=[own], **mine_and)) is None, "there are no rows yet"
    assert confirm_spec(state(spec(), data(), decisions=[own], **mine_and)) is not None
    failed = decided("import_rows", False, source="user")
    assert confirm_spec(state(spec(), decisions=[failed], **mine_and)) is not None, "they cannot be read"
