from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.importing.columns import Mapping, check_mapping, map_columns, meaning_tells
from p2m_agent.importing.convert import Converted, convert
from p2m_agent.importing.labels.output_column import KnownTask, read_output, with_labels
from p2m_agent.llm.client import Reply
from p2m_agent.rows.reading import Row, read_rows
from p2m_agent.types.task import Kind, TaskSpec
from tests.fakes.rows import SOURCE, sentence
from tests.fakes.scripted_llm import ScriptedLLM

WORDS = ("one", "two", "three")


def spec(request: str = "do it", kind: Kind = "classification", **changes: object) -> TaskSpec:
    facts = {"id": "s", "request": request, "instruction": request, "kind": kind, "metric": "accuracy"}
    return TaskSpec.model_validate(
        {"output_field": "label" if kind == "classification" else "output", **facts, **changes}
    )


def table(*columns: str, count: int = 40) -> list[Row]:
    """Rows whose columns hold what their names say: labels, ids, lists or sentences."""
    return [{column: _cell(column, n, place) for place, column in enumerate(columns)} for n in range(count)]


def _cell(column: str, n: int, place: int) -> object:
    if column in ("label", "label_text", "queue") or (column == "intent" and place):
        return WORDS[n % 3]
    if column == "fine_label":
        return f"{WORDS[n % 3]}:{n % 5}"
    if column.endswith("id"):
        return f"row-{n:06}"
    if column in ("answers", "targets", "choices"):
        return [sentence(7000 + n), sentence(8000 + n)]
    return sentence(n + 1000 * place)


def pair(mapping: Mapping) -> tuple[list[str], str]:
    return list(mapping.inputs.values()), mapping.output


@pytest.mark.parametrize(
    ("columns", "kind", "inputs", "output"),
    [
        (["text", "label_text"], "classification", ["text"], "label_text"),
        (["label", "sentence"], "classification", ["sentence"], "label"),
        (["id", "text", "label_text", "fine_label"], "classification", ["text"], "label_text"),
        (["utterance", "intent", "row_id"], "classification", ["utterance"], "intent"),
        (["title", "text", "label"], "classification", ["title", "text"], "label"),
        (["premise", "choice1", "choice2", "label"], "classification", ["premise", "choice1", "choice2"], "label"),
        (["Customer Message", "queue"], "classification", ["Customer Message"], "queue"),
        (["target", "text", "label_text"], "classification", ["target", "text"], "label_text"),
        (["disfluent", "original"], "text_to_text", ["disfluent"], "original"),
        (["original", "simplifications"], "text_to_text", ["original"], "simplifications"),
        (["context", "question", "answers"], "text_to_text", ["context", "question"], "answers"),
        (["question", "choices", "answer"], "text_to_text", ["question", "choices"], "answer"),
        (["expression", "today", "date"], "text_to_text", ["expression", "today"], "date"),
        (["question", "sql", "table_id"], "text_to_text", ["question"], "sql"),
        (["question", "query"], "text_to_text", ["question"], "query"),
        (["intent", "rewritten_intent", "snippet"], "text_to_text", ["intent"], "snippet"),
        (["meaning_representation", "human_reference"], "text_to_text", ["meaning_representation"], "human_reference"),
    ],
)
def test_names_and_values_tell_the_columns(columns: list[str], kind: Kind, inputs: list[str], output: str) -> None:
    assert pair(map_columns(table(*columns), spec(kind=kind))) == (inputs, output)


def test_the_request_decides_between_labels() -> None:
    rows = table("text", "label_text", "fine_label")
    assert map_columns(rows, spec("Tell the fine type of a question")).output == "fine_label"
    assert map_columns(rows, spec("Tell the type of a question")).output == "label_text"


def test_values_decide_where_names_say_nothing() -> None:
    rows = [{"a": n % 3, "b": sentence(n), "c": f"{n:032x}"} for n in range(60)]
    mapping = map_columns(rows, spec())
    assert pair(mapping) == (["b"], "a")
    assert mapping.unsure


def test_columns_that_repeat_the_answer_or_never_change_are_left_out() -> None:
    rows = [{"text": sentence(n), "source": "web", "output": sentence(n + 99)} for n in range(30)]
    again = [{**row, "message": row["output"]} for row in rows]
    assert pair(map_columns(again, spec(kind="text_to_text"))) == (["text"], "output")


@pytest.mark.parametrize("answers", [["he came", "she left", "Ann sang", "Bob fell"], ["A", "B", "A", "B"]])
def test_choices_that_recur_with_their_answer_are_read_and_other_hints_are_not(answers: list[str]) -> None:
    offered = [["he came", "she came"], ["he left", "she left"], ["Ann sang", "Bob sang"], ["Ann fell", "Bob fell"]]
    rows: list[Row] = [
        {"input": sentence(n), "choices": offered[n % 4], "option": f"number {n % 4}", "target": answers[n % 4]}
        for n in range(60)
    ]
    mapping = map_columns(rows, spec("Pick the reading that fits", kind="text_to_text"))
    assert pair(mapping) == (["input", "choices"], "target")
    assert [doubt.where for doubt in mapping.doubts] == ["option"]


def test_nested_values_are_columns_of_their_own() -> None:
    rows: list[Row] = [{"translation": {"en": sentence(n), "source": sentence(n + 50)}} for n in range(30)]
    mapping = map_columns(rows, spec("into english", kind="text_to_text"))
    assert mapping.inputs == {"source": "translation.source"}


def test_fields_take_the_names_of_columns_unless_they_are_fixed() -> None:
    rows = table("Customer Text", "label")
    assert map_columns(rows, spec()).inputs == {"customer_text": "Customer Text"}
    assert map_columns(rows, spec(), fixed=True).inputs == {"text": "Customer Text"}
    two = spec(input_fields=("question", "passage"))
    assert map_columns(table("passage", "question", "label"), two, fixed=True).inputs == {
        "question": "question",
        "passage": "passage",
    }
    with pytest.raises(ToolError, match="do not cover the fields question, passage"):
        map_columns(rows, two, fixed=True)
    assert map_columns(rows, two).inputs == {"customer_text": "Customer Text"}


def test_a_named_output_field_is_found() -> None:
    rows = [{"text": sentence(n), "label": WORDS[n % 3], "urgency": WORDS[n // 2 % 3]} for n in range(30)]
    assert map_columns(rows, spec(output_field="urgency")).output == "urgency"


def test_one_column_is_no_table() -> None:
    with pytest.raises(ToolError, match="no second column"):
        map_columns([{"text": "a"}], spec())


def test_named_columns_are_checked() -> None:
    rows = table("a", "b", "c")
    assert pair(check_mapping(rows, spec(), ["a"], "c", why="named")) == (["a"], "c")
    for inputs, output, said in (
        (["x"], "c", "no column 'x'"),
        (["c"], "c", "input and output"),
        ([], "c", "No input"),
    ):
        with pytest.raises(ToolError, match=said):
            check_mapping(rows, spec(), inputs, output, why="named")


class Chooser(ScriptedLLM):
    """An LLM with one answer."""

    def __init__(self, parsed: object, *, reliable: bool = True) -> None:
        said = Reply(text=json.dumps(parsed), parsed=parsed, prompt_tokens=1, completion_tokens=1, request_sha="x")
        super().__init__(always=lambda _request: said, reliable=reliable)


def test_a_reliable_llm_is_asked_only_in_doubt() -> None:
    rows = [{"a": sentence(n), "b": sentence(n + 50), "c": sentence(n + 99)} for n in range(30)]
    task = spec(kind="text_to_text")
    chosen = Chooser({"why": "c asks", "inputs": ["c"], "output": "a"})
    assert pair(map_columns(rows, task, llm=chosen)) == (["c"], "a")
    assert sentence(0) in chosen.asked[0].messages[0].content
    for unused in (Chooser({}, reliable=False), Chooser(None), Chooser({"inputs": ["x"], "output": "a"})):
        assert map_columns(rows, task, llm=unused).output == "c"
    plain = Chooser({})
    map_columns(table("text", "label"), spec(), llm=plain)
    assert not plain.asked


def mapping(inputs: Sequence[str], output: str, labels: dict[str, str] | None = None) -> Mapping:
    return Mapping(inputs={name: name for name in inputs}, output=output, labels=labels or {}, why="", confidence=1)


def converted(rows: list[Row], mapping: Mapping, task: TaskSpec, card: str = "") -> Converted:
    known, values = KnownTask(task, card=card), [row.get(mapping.output) for row in rows]
    column = read_output(rows, mapping, known)
    return convert(rows, mapping, SOURCE, with_labels(column, values, known) if task.sorts else column)


def test_rows_become_examples_or_are_rejected_with_a_reason() -> None:
    rows: list[Row] = [
        {"text": "a", "tags": ["x", "y"], "y": "ham"},
        {"text": " ", "y": "ham"},
        {"text": "b", "y": None},
        {"text": "c", "y": "other"},
    ]
    found = converted(rows, mapping(["text", "tags"], "y", {"ham": "not spam"}), spec())
    assert [(each.input, each.output) for each in found.examples] == [({"text": "a", "tags": "x | y"}, "not spam")]
    reasons = [each.reason for each in found.rejected]
    assert reasons == ["empty input", "empty output", "label is not one of the task"]


def test_the_first_of_several_right_answers_is_taken() -> None:
    rows: list[Row] = [{"q": "a", "answers": ["", "x", "y"]}, {"q": "b", "answers": []}]
    found = converted(rows, mapping(["q"], "answers"), spec(kind="text_to_text"))
    assert [each.output for each in found.examples] == ["x"]


def test_tags_of_tokens_stay_together() -> None:
    rows: list[Row] = [{"tokens": ["a"] * n, "tags": ["O"] * n} for n in (2, 3)]
    found = converted(rows, mapping(["tokens"], "tags"), spec(kind="text_to_text"))
    assert [each.output for each in found.examples] == ["O O", "O O O"]
    assert found.examples[0].input == {"tokens": "a a"}


def test_class_numbers_are_named_by_the_card() -> None:
    card = "# X\n\n## Labels\n\n`no`, `yes`\n\n## Splits\n`train`\n"
    rows: list[Row] = [{"text": "a", "label": 1}, {"text": "b", "label": 0}, {"text": "c", "label": -1}]
    found = converted(rows, mapping(["text"], "label"), spec(), card)
    assert [each.output for each in found.examples] == ["yes", "no"]
    assert found.rejected[0].reason == "unlabelled"
    more = converted([*rows, {"text": "d", "label": 7}], mapping(["text"], "label"), spec(), card)
    assert [each.output for each in more.examples] == ["1", "0", "7"]


def test_an_llm_is_not_followed_where_it_does_not_cover_fixed_fields() -> None:
    rows = [{"a": sentence(n), "b": sentence(n + 50), "c": sentence(n + 99)} for n in range(30)]
    two = spec(kind="text_to_text", input_fields=("a", "b"))
    chosen = Chooser({"why": "x", "inputs": ["c"], "output": "a"})
    assert pair(map_columns(rows, two, llm=chosen, fixed=True)) == (["a", "b"], "c")


def test_what_an_llm_chose_is_still_shown_to_a_person() -> None:
    rows = [{"a": sentence(n), "b": sentence(n + 50), "c": sentence(n + 99)} for n in range(30)]
    chosen = Chooser({"why": "c asks", "inputs": ["c"], "output": "a"})
    mapping = map_columns(rows, spec(kind="text_to_text"), llm=chosen)
    assert mapping.unsure
    assert "c asks" in mapping.why


def test_a_reversed_request_is_never_taken_for_sure() -> None:
    rows: list[Row] = [{"question": f"{sentence(n)}?", "sql": f"SELECT {n} FROM t"} for n in range(40)]
    forward = map_columns(rows, spec("Turn questions into SQL", kind="text_to_text"))
    assert (pair(forward), forward.unsure) == ((["question"], "sql"), False)
    back = map_columns(rows, spec("Turn SQL into a question", kind="text_to_text"))
    assert pair(back) == (["sql"], "question")


def test_meaning_tells_only_with_two_ends_or_named_fields() -> None:
    plain = spec("Sort what people write by what it is about")
    assert not meaning_tells(plain, fixed=False)
    assert meaning_tells(plain, fixed=True)
    assert meaning_tells(spec("Turn questions into SQL", kind="text_to_text"), fixed=False)
    assert meaning_tells(spec(output_field="urgency"), fixed=False)
    assert meaning_tells(spec(input_fields=("subject", "body")), fixed=False)


ANONYMOUS: list[tuple[str, Kind, list[str], str]] = [
    ("Is it spam or ham?", "classification", ["text", "label"], "label"),
    ("Is it spam or ham?", "classification", ["label", "text"], "label"),
    ("Is it spam or ham?", "classification", ["id", "text", "label", "fine"], "label"),
    ("Clean it up", "text_to_text", ["text", "other"], "other"),
    ("Clean it up", "text_to_text", ["text", "other", "all"], "other"),
    ("Clean it up", "text_to_text", ["id", "text", "other", "sort"], "other"),
]


@pytest.mark.parametrize(("request_", "kind", "columns", "output"), ANONYMOUS)
def test_columns_without_a_telling_name_are_read_by_values(
    request_: str, kind: Kind, columns: list[str], output: str
) -> None:
    kept = {
        "text": sentence,
        "other": lambda n: sentence(n + 900),
        "all": lambda n: [sentence(n + 900), sentence(n + 950)],
        "label": lambda n: ("ham", "spam")[n % 2],
        "fine": lambda n: ("ham a", "spam a", "ham b", "spam b")[n % 4],
        "sort": lambda n: ("web", "mail")[n * 7 // 3 % 2],
        "id": lambda n: f"{n:032x}",
    }
    called = {column: f"c{place}" for place, column in enumerate(columns, 1)}
    rows: list[Row] = [{called[column]: kept[column](n) for column in columns} for n in range(60)]
    mapping = map_columns(rows, spec(request_, kind=kind))
    assert pair(mapping) == ([called["text"]], called[output])
    assert mapping.unsure


def test_the_columns_of_real_datasets_are_found(shared_hub: Path) -> None:
    """The requests of the benchmark, by heuristics without an embedder; nearly all of them."""
    lines = (Path(__file__).parents[2] / "benchmarks" / "import_mappings.jsonl").read_text().splitlines()
    cases = [json.loads(line) for line in lines]
    tables: dict[str, list[Row]] = {}
    right = 0
    for case in cases:
        repo = case["repo"].replace("/", "__", 1)
        if repo not in tables:
            read = read_rows(shared_hub / repo / "data" / "train.jsonl")
            tables[repo] = random.Random(0).sample(read, min(200, len(read)))
        found = pair(map_columns(tables[repo], spec(case["request"], kind=case["kind"])))
        right += set(found[0]) == set(case["inputs"]) and found[1] == case["output"]
    assert len(tables) > 100
    assert right / len(cases) > 0.93
