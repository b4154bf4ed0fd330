"""Which schema reads a table, over one or several splits."""

from p2m_agent.importing.schema.shaped import Row, Shaped
from p2m_agent.importing.shapes import fitting, load_shapes, shape_of, shape_of_splits


def chat(question: str, answer: str, system: str = "Sort it.") -> Row:
    turns = [("system", system), ("user", question), ("assistant", answer)]
    return {"messages": [{"role": who, "content": what} for who, what in turns]}


def shaped(found: Shaped | None) -> Shaped:
    assert found is not None
    return found


def test_each_file_of_the_folder_is_a_schema_with_a_name_of_its_own() -> None:
    names = [shape.name for shape in load_shapes()]
    assert len(names) == len(set(names)) >= 20
    assert [shape.specific for shape in load_shapes()] == sorted(
        (shape.specific for shape in load_shapes()), reverse=True
    )


def test_a_plain_table_has_no_schema() -> None:
    tables: list[Row] = [
        {"text": "A crate fell", "label": "dock"},
        {"input": "A crate fell", "output": "dock"},
        {"question": "What fell?", "context": "A crate fell off.", "answer": "crate"},
        {
            "premise": "A crate fell",
            "hypothesis": "It is wet",
            "gold_label": "neutral",
            "annotator_labels": ["neutral"],
        },
        {"id": 1, "title": "Crate", "body": "It fell", "tags": ["wet", "old"]},
        {"text": "A crate fell", "answer": "dock", "label": "x"},
        {"sentence": "A crate fell", "annotator": "kim", "label": "dock"},
        {"tokens": ["A", "crate"], "ner_tags": [0, 1]},
        {},
    ]
    assert [shape.name for row in tables for shape in fitting([row] * 5)] == []
    assert shape_of([]) is None


def test_a_few_rows_of_another_kind_do_not_hide_the_schema() -> None:
    rows = [*(chat(f"Crate {n}", "dock") for n in range(9)), {"note": "end of file"}]
    assert shaped(shape_of(rows)).left_out == {"no conversation": 1}


def test_the_most_specific_schema_wins_and_it_is_said() -> None:
    turns: list[Row] = [{"role": "user", "content": "Where?"}, {"role": "assistant", "content": "Quay"}]
    row: Row = {"messages": turns[:1], "chosen": turns, "rejected": [turns[0], {"role": "assistant", "content": "Hm"}]}
    found = shaped(shape_of([row] * 3))
    assert found.shape == "preference pairs"
    assert [doubt.text for doubt in found.doubts if doubt.kind == "format"] == [
        "The rows look like preference pairs and like chat messages."
    ]


def test_splits_are_one_table_and_keep_their_names() -> None:
    later = chat("Crate 2", "sea")
    later["messages"] = [*chat("Crate 1", "dock")["messages"], *later["messages"][1:]]  # type: ignore[misc,index]
    found = shaped(shape_of_splits({"train": [chat("Crate 0", "dock")], "test": [later], "dev": []}, ""))
    assert (found.inputs, found.instruction, found.split, found.read) == (("history", "input"), "Sort it.", "split", 2)
    assert found.rows[0] == {"history": "", "input": "Crate 0", "output": "dock", "split": "train"}
    assert found.rows[1]["split"] == "test"


def test_an_instruction_that_differs_between_splits_is_an_input() -> None:
    splits = {"train": [chat("Crate 0", "dock")], "test": [chat("Crate 1", "sea", "Sort it well.")]}
    found = shaped(shape_of_splits(splits))
    assert (found.inputs, found.instruction) == (("system", "input"), "")
    assert [row["system"] for row in found.rows] == ["Sort it.", "Sort it well."]


def test_one_split_with_sets_of_labels_makes_sets_of_all() -> None:
    splits: dict[str, list[Row]] = {
        "train": [{"text": "It fell", "cats": {"dock": 1, "sea": 1}}],
        "test": [{"text": "It fell", "cats": {"dock": 1, "sea": 0}}],
    }
    found = shaped(shape_of_splits(splits))
    assert (found.output_kind, [row["cats"] for row in found.rows]) == ("labels", [["dock", "sea"], ["dock"]])
