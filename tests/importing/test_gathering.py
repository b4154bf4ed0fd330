"""Tables whose answer is spread over columns or rows, read through the one path of an import."""

import pytest

from p2m_agent.importing.gathering import gather
from p2m_agent.importing.sources import Opened
from p2m_agent.importing.task_rows import Reading, plan_reading, read_task_rows
from p2m_agent.importing.to_examples import Judges, Wishes
from p2m_agent.rows.reading import Row
from p2m_agent.types.rows import Source
from p2m_agent.types.task import Task, TaskSpec

TEXTS = [f"a text with words of its own, number {n}, about {('sea', 'wind', 'rain')[n % 3]}" for n in range(36)]
SETS = [["joy", "love"], ["anger"], [], ["love"]] * 9
EXPECTED = ["joy; love", "anger", "", "love"] * 9


def task(**changes: object) -> TaskSpec:
    facts = {"id": "s", "request": "Tag it", "instruction": "Tag it.", "kind": "multi_label", "metric": "micro_f1"}
    return TaskSpec.model_validate({"output_field": "labels", **facts, **changes})


ONE = {"kind": "classification", "metric": "accuracy", "output_field": "label"}


def opened(rows: list[Row]) -> Opened:
    return Opened({"train": rows}, {"train": len(rows)}, Source(origin="user", ref="rows.jsonl"))


def read(rows: list[Row], spec: TaskSpec, **given: object) -> Reading:
    wishes = Wishes(spec, Task.model_validate({"request": spec.request, **given}))
    return read_task_rows(plan_reading(opened(rows), wishes, Judges(), "1"), Judges(), "1")


def outputs(reading: Reading) -> list[str]:
    return [each.output for each in reading.parts["train"]]


def kinds(reading: Reading) -> list[str]:
    return [doubt.kind for doubt in reading.doubts]


LISTS: list[Row] = [{"text": text, "emotions": labels} for text, labels in zip(TEXTS, SETS, strict=True)]
FLAGS: list[Row] = [
    {"text": text, **{label: int(label in labels) for label in ("anger", "joy", "love")}}
    for text, labels in zip(TEXTS, SETS, strict=True)
]
WORDS = [{**row, **{label: "Ja" if row[label] else "nein" for label in ("anger", "joy", "love")}} for row in FLAGS]
CROSSES = [{**row, **{label: "x" if row[label] else "" for label in ("anger", "joy", "love")}} for row in FLAGS]
NUMBERED: list[Row] = [
    {"text": text, **{f"Thema {n + 1}": [*labels, "NONE", "NONE"][n] for n in range(2)}}
    for text, labels in zip(TEXTS, SETS, strict=True)
]
PYTHON: list[Row] = [{"text": t, "emotions": str(labels)} for t, labels in zip(TEXTS, SETS, strict=True)]
BARS: list[Row] = [{"text": t, "emotions": "|".join(labels)} for t, labels in zip(TEXTS, SETS, strict=True)]
BOTH = [{**flags, **lists} for flags, lists in zip(FLAGS, LISTS, strict=True)]


@pytest.mark.parametrize("rows", [LISTS, FLAGS, WORDS, CROSSES, NUMBERED, PYTHON, BARS, BOTH])
def test_sets_of_labels_are_read_however_a_table_holds_them(rows: list[Row]) -> None:
    found = read(rows, task())
    assert [(each.input, each.output) for each in found.parts["train"]] == [
        ({"text": text}, output) for text, output in zip(TEXTS, EXPECTED, strict=True)
    ]
    assert found.spec.labels == ("anger", "joy", "love")


def test_rows_without_a_label_count_and_it_is_said() -> None:
    doubt = next(doubt for doubt in read(LISTS, task()).doubts if doubt.kind == "not_gold")
    assert (doubt.rows, doubt.done) == (9, "They count as rows to which none applies.")


def test_flags_that_nobody_looked_at_leave_the_row_out() -> None:
    rows = [*FLAGS[:32], *({**row, "joy": -1, "love": -1, "anger": -1} for row in FLAGS[32:])]
    found = read(rows, task())
    assert (outputs(found), found.left_out) == (EXPECTED[:32], {"unlabelled": 4})
    assert found.opened.read == 36


def test_flags_are_left_alone_where_the_task_names_other_labels_or_one_of_them() -> None:
    assert gather(opened(FLAGS), task(labels=("sad", "glad"))).splits["train"] == FLAGS
    assert gather(opened(FLAGS), task(**ONE), output="joy").splits["train"] == FLAGS
    some = gather(opened(FLAGS), task(labels=("Joy", "Love"))).splits["train"][0]
    assert some == {"text": TEXTS[0], "anger": 0, "labels": ["Joy", "Love"]}


def test_where_nothing_else_can_be_the_label_flags_show_that_there_are_several() -> None:
    found = read(FLAGS, task(**ONE))
    assert (found.spec.kind, outputs(found)) == ("multi_label", EXPECTED)
    topics = [{**row, "topic": ("home", "work")[n % 2]} for n, row in enumerate(FLAGS)]
    assert gather(opened(topics), task(**ONE), open_kind=True).splits["train"] == topics


def test_one_yes_in_each_row_is_the_label_of_that_row() -> None:
    rows: list[Row] = [
        {"text": text, **{one: int("abc"[n % 3] == one) for one in "abc"}} for n, text in enumerate(TEXTS)
    ]
    found = read(rows, task(**ONE), kind="classification")
    assert (found.spec.kind, outputs(found)) == ("classification", list("abc" * 12))


def test_vectors_are_named_by_the_labels_that_somebody_gave() -> None:
    rows: list[Row] = [
        {"text": text, "y": [float(label in labels) for label in ("joy", "anger", "love")]}
        for text, labels in zip(TEXTS, SETS, strict=True)
    ]
    given = ("joy", "anger", "love")
    found = read(rows, task(labels=given), labels=given)
    assert outputs(found) == EXPECTED
    assert "label_names" in kinds(found)


VOTES = [("a", "a", "b"), ("b", "B ", "a"), ("a", "", "a"), ("a", "b", ""), ("b", "b", "b"), ("", "", "")] * 6


@pytest.mark.parametrize(
    "names", [("annotator_1", "annotator_2", "annotator_3"), ("label1", "label2", "label3"), ("anna", "ben", "eva")]
)
def test_several_annotators_are_their_majority(names: tuple[str, str, str]) -> None:
    rows: list[Row] = [
        {"text": t, **dict(zip(names, votes, strict=True))} for t, votes in zip(TEXTS, VOTES, strict=True)
    ]
    found = read(rows, task(**ONE))
    assert outputs(found) == ["a", "b", "a", "b"] * 6
    assert found.parts["train"][0].input == {"text": TEXTS[0]}
    assert found.left_out == {"annotators disagree without a majority": 6, "no label": 6}
    doubt = next(doubt for doubt in found.doubts if doubt.kind == "annotators")
    assert (doubt.rows, doubt.grave) == (18, True)
    assert "alpha" in doubt.text


def test_a_gold_column_beside_annotators_is_the_label() -> None:
    rows: list[Row] = [
        {"text": text, "gold_label": "ab"[n % 2], "label1": "ab"[n % 2], "label2": "ab"[n % 2], "label3": "a"}
        for n, text in enumerate(TEXTS)
    ]
    found = read(rows, task(**ONE))
    assert (found.mapping.output, tuple(found.mapping.inputs)) == ("gold_label", ("text",))


def test_one_row_an_annotator_becomes_one_row_an_item() -> None:
    rows: list[Row] = [
        {"item": n, "codeur": f"c{place}", "phrase": text, "classe": label}
        for n, text in enumerate(TEXTS)
        for place, label in enumerate(("a", "a", "b") if n % 2 else ("B", "b", "b"))
    ]
    found = read(rows, task(**ONE))
    assert outputs(found) == ["b", "a"] * 18
    assert found.parts["train"][0].input == {"phrase": TEXTS[0]}
    assert found.left_out == {"further annotation of an item": 72}


def test_rows_that_nobody_finished_are_left_out_by_reason() -> None:
    states = ("submitted", "discarded", "draft", "submitted")
    rows: list[Row] = [{"text": t, "status": states[n % 4], "label": "ab"[n // 2 % 2]} for n, t in enumerate(TEXTS)]
    found = read(rows, task(**ONE))
    assert found.left_out == {"discarded": 9, "not finished": 9}
    assert all("status" not in each.input for each in found.parts["train"])
    orders: list[Row] = [{"text": t, "status": ("open", "shipped", "lost")[n % 3]} for n, t in enumerate(TEXTS)]
    assert read(orders, task(**ONE)).used == 36


OBJECTS: list[Row] = [{"text": text, "output": {"weather": text[-4:], "n": n}} for n, text in enumerate(TEXTS)]
FREE = {"kind": "text_to_text", "metric": "exact_match", "output_field": "output"}


def test_an_object_is_answered_as_a_whole_and_as_json() -> None:
    found = read(OBJECTS, task(**FREE, request="Extract weather and n as JSON"))
    assert outputs(found)[0] == '{"weather": " sea", "n": 0}'
    assert found.parts["train"][0].input == {"text": TEXTS[0]}


def test_one_part_of_an_object_is_read_where_the_request_names_no_other() -> None:
    rows = [{"text": row["text"], "facts": row["output"]} for row in OBJECTS]
    found = read(rows, task(**FREE, request="Extract the weather from a text"))
    assert (found.mapping.output, outputs(found)[1]) == ("facts.weather", "wind")


@pytest.mark.parametrize("form", [lambda items: items, str])
def test_lists_of_answers_are_json_in_their_order(form: object) -> None:
    rows: list[Row] = [{"text": f"from {n} to {n - 1}", "numbers": form([f"{n}", f"{n - 1}"])} for n in range(36)]  # type: ignore[operator]
    found = read(rows, task(**FREE, request="Extract all numbers, as a list"))
    assert outputs(found)[2] == '["2", "1"]'


def test_lists_of_objects_are_json() -> None:
    rows: list[Row] = [{"text": text, "output": [{"é": n}, {"é": None}]} for n, text in enumerate(TEXTS)]
    assert outputs(read(rows, task(**FREE, request="Extract them as JSON")))[0] == '[{"é": 0}, {"é": null}]'


def test_an_empty_answer_is_one_where_the_request_says_so() -> None:
    rows: list[Row] = [{"text": text, "output": "" if n % 3 else f"it {n}"} for n, text in enumerate(TEXTS)]
    assert read(rows, task(**FREE, request="Find it; nothing if there is none")).used == 36
    strict = read(rows, task(**FREE, request="Find it"))
    assert (strict.used, strict.left_out) == (12, {"empty output": 24})
    assert "not_gold" in kinds(strict)


def test_every_spelling_of_a_label_is_written_down_with_what_it_was_taken_for() -> None:
    labels = ("waste", "Waste", "roads", "n/a")
    rows: list[Row] = [{"text": text, "label": labels[n % 4]} for n, text in enumerate(TEXTS)]
    found = read(rows, task(**ONE)).imported
    assert found.alignment is not None
    assert found.alignment.same == {"waste": "Waste", "Waste": "Waste", "roads": "roads"}
    assert found.alignment.unmatched == {"n/a": 9}
    assert found.outputs == {"waste": 9, "Waste": 9, "roads": 9, "n/a": 9}
