from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.importing.label_columns import gather_flags, items_of, looks_several, separator_of
from p2m_agent.importing.sources import Opened
from p2m_agent.importing.to_examples import Imported, Judges, Wishes, choose_columns, import_source
from p2m_agent.rows.reading import Row, read_rows
from p2m_agent.types.rows import Source
from p2m_agent.types.task import TaskSpec


@pytest.mark.parametrize(
    ("cell", "separator", "labels"),
    [
        (["joy", "love", "joy"], "", ["joy", "love"]),
        ('["joy", "love"]', "", ["joy", "love"]),
        ("[sic] joy", "", ["[sic] joy"]),
        ("joy; love;", ";", ["joy", "love"]),
        ("Health, Wealth|Law", "|", ["Health, Wealth", "Law"]),
        ([2, 0], "", ["2", "0"]),
        ([], "", []),
        (None, ";", []),
    ],
)
def test_a_cell_of_any_form_holds_labels(cell: object, separator: str, labels: list[str]) -> None:
    assert items_of(cell, separator) == labels


def test_the_separator_is_the_rarer_mark_and_never_within_a_known_label() -> None:
    assert separator_of(["a, b", "c"]) == ","
    assert separator_of(["a, b; c", "c"]) == ";"
    assert separator_of(["Health, Wealth", "law"], ["health wealth", "law"]) == ""
    assert separator_of(["a", "b"]) == separator_of([["a; b"], None]) == ""


def test_lists_of_few_short_items_are_labels_and_lists_of_answers_are_not() -> None:
    assert looks_several([["joy"], ["joy", "love"], ["love"]] * 4)
    assert not looks_several([["joy"], ["love"]] * 6), "one item each: other spellings of one answer, or a list of one"
    assert not looks_several([[f"answer {n}", f"The answer {n}"] for n in range(20)])
    assert not looks_several(["joy", "love", "joy; love"] * 4)
    assert not looks_several([["a" * 80, "b" * 80]] * 9)


def spec(**changes: object) -> TaskSpec:
    facts = {"id": "s", "request": "Tag it", "instruction": "Tag it.", "kind": "multi_label", "metric": "micro_f1"}
    return TaskSpec.model_validate({"output_field": "labels", **facts, **changes})


def opened(rows: list[Row]) -> Opened:
    return Opened({"train": rows}, {"train": len(rows)}, Source(origin="user", ref="rows.jsonl"))


def imported(rows: list[Row], task: TaskSpec, **given: object) -> Imported:
    source, wishes = gather_flags(opened(rows), task), Wishes(task, given)
    return import_source(source, choose_columns(source, wishes, Judges()), wishes, Judges(), "1")


TEXTS = [f"a text with words of its own, number {n}" for n in range(12)]
SETS = [["joy", "love"], ["anger"], [], ["love"]] * 3
EXPECTED = ["joy; love", "anger", "", "love"] * 3
LISTS: list[Row] = [{"text": text, "emotions": labels} for text, labels in zip(TEXTS, SETS, strict=True)]
FLAGS: list[Row] = [
    {"text": text, **{label: int(label in labels) for label in ("anger", "joy", "love")}}
    for text, labels in zip(TEXTS, SETS, strict=True)
]


@pytest.mark.parametrize("rows", [LISTS, FLAGS])
def test_lists_and_yes_or_no_columns_become_the_same_examples(rows: list[Row]) -> None:
    found = imported(rows, spec())
    assert [each.output for each in found.examples()["train"]] == EXPECTED
    assert [each.text for each in found.examples()["train"]] == TEXTS
    assert found.spec.labels == ("anger", "joy", "love")
    assert found.outputs == {"joy": 3, "love": 6, "anger": 3}


def test_separated_texts_are_split_and_an_empty_cell_is_unlabelled() -> None:
    rows: list[Row] = [{"text": t, "tags": "|".join(labels)} for t, labels in zip(TEXTS, SETS, strict=True)]
    found = imported(rows, spec())
    assert [each.output for each in found.examples()["train"]] == [each for each in EXPECTED if each]
    assert [each.reason for each in found.parts["train"].rejected] == ["empty output"] * 3


def test_each_label_is_aligned_with_the_task_s() -> None:
    found = imported(LISTS, spec(labels=("Anger", "Joy", "Love")), labels=("Anger", "Joy", "Love"))
    assert [each.output for each in found.examples()["train"]][:3] == ["Joy; Love", "Anger", ""]


def test_a_label_that_fits_none_keeps_its_row_apart() -> None:
    odd: list[Row] = [*LISTS, {"text": "one more text that is not like the others", "emotions": ["joy", "xyzzy"]}]
    found = imported(odd, spec(labels=("anger", "joy", "love")), labels=("anger", "joy", "love"))
    assert [each.detail for each in found.parts["train"].rejected] == ["xyzzy"]


def test_the_column_makes_it_a_task_of_several_labels_unless_a_person_said_otherwise() -> None:
    assumed = spec(
        kind="classification",
        metric="accuracy",
        output_field="label",
        assumptions=("It is x.",),
        assumed={"kind": "It is x."},
    )
    found = imported(LISTS, assumed)
    assert (found.spec.kind, found.spec.metric) == ("multi_label", "micro_f1")
    assert any("several of them" in said for said in found.spec.assumptions)
    assert "It is x." not in found.spec.assumptions
    assert "kind" not in found.spec.assumed
    kept = imported(LISTS, assumed, kind="classification")
    assert kept.spec.kind == "classification"
    assert [each.output for each in kept.examples()["train"]][:2] == ["joy", "anger"]


def test_flags_are_left_alone_where_the_task_names_other_labels() -> None:
    source = opened(FLAGS)
    assert gather_flags(source, spec(labels=("sad", "glad"))) is source
    assert gather_flags(source, spec(kind="classification", metric="accuracy")) is source
    some = gather_flags(source, spec(labels=("Joy", "Love"))).splits["train"][0]
    assert some == {"text": TEXTS[0], "anger": 0, "labels": ["Joy", "Love"]}


def test_where_nothing_else_can_be_the_label_flags_show_that_there_are_several() -> None:
    guessed = spec(kind="classification", metric="accuracy")
    found = gather_flags(opened(FLAGS), guessed, open_kind=True)
    wishes = Wishes(guessed, {})
    made = import_source(found, choose_columns(found, wishes, Judges()), wishes, Judges(), "1")
    assert (made.spec.kind, [row.output for row in made.examples()["train"]]) == ("multi_label", EXPECTED)


@pytest.mark.parametrize(
    "rows",
    [
        [{**row, "topic": ("home", "work")[n % 2]} for n, row in enumerate(FLAGS)],
        [{"text": row["text"], "joy": row["joy"], "love": row["love"]} for row in FLAGS],
    ],
    ids=["another column has labels", "two yes-or-no columns"],
)
def test_flags_do_not_make_a_task_of_several_labels_where(rows: list[Row]) -> None:
    source = opened(rows)
    assert gather_flags(source, spec(kind="classification", metric="accuracy"), open_kind=True) is source


def test_one_yes_in_each_row_is_the_label_of_that_row() -> None:
    rows: list[Row] = [
        {"text": text, **{one: int("abc"[n % 3] == one) for one in "abc"}} for n, text in enumerate(TEXTS)
    ]
    guessed = spec(kind="classification", metric="accuracy")
    found = gather_flags(opened(rows), guessed)
    wishes = Wishes(guessed, {"kind": "classification"})
    made = import_source(found, choose_columns(found, wishes, Judges()), wishes, Judges(), "1")
    assert (made.spec.kind, [row.output for row in made.examples()["train"]]) == ("classification", list("abc" * 4))


def test_texts_that_are_all_different_are_no_labels() -> None:
    rows: list[Row] = [{"text": f"word {n}", "output": f"quite another answer, {n}; and more {n}"} for n in range(80)]
    named = Wishes(spec(), {}, inputs=("text",), output="output")
    with pytest.raises(ToolError, match=r"160 different outputs .* are no labels for a multi_label task"):
        import_source(opened(rows), choose_columns(opened(rows), named, Judges()), named, Judges(), "1")


def test_class_numbers_in_lists_get_their_names(tmp_path: Path) -> None:
    import datasets

    features = datasets.Features(
        {"text": datasets.Value("string"), "labels": datasets.Sequence(datasets.ClassLabel(names=["joy", "love"]))}
    )
    made = datasets.Dataset.from_dict({"text": ["a", "b"], "labels": [[0, 1], []]}, features=features)
    made.to_parquet(str(tmp_path / "rows.parquet"))
    assert [row["labels"] for row in read_rows(tmp_path / "rows.parquet")] == [["joy", "love"], []]
