"""Is the question worth a model, does a column give it away, which rows belong together."""

import random
from collections.abc import Mapping, Sequence

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.importing.checks.groups import crossing_doubt, find_groups
from p2m_agent.importing.checks.leaks import leak_of
from p2m_agent.importing.checks.numbers import buckets_of, is_amount
from p2m_agent.importing.checks.question import is_hopeless, question_doubts
from p2m_agent.rows.column_profile import profile
from p2m_agent.rows.division import divide
from p2m_agent.types.rows import Example, SplitName
from p2m_agent.types.task import TaskSpec
from tests.fakes.rows import SOURCE, example, examples, sentence


def spec(kind: str = "classification") -> TaskSpec:
    metric = {"classification": "accuracy", "multi_label": "micro_f1"}.get(kind, "chrf")
    facts = {"id": "1", "request": "Do it", "instruction": "Do it.", "kind": kind, "metric": metric}
    return TaskSpec.model_validate(facts)


def hopeless(rows: list[Example], kind: str = "classification") -> list[str]:
    return [doubt.text for doubt in question_doubts(rows, spec(kind)) if is_hopeless(doubt)]


def test_one_answer_for_all_is_no_question() -> None:
    assert "one label 'a'" in hopeless([example(sentence(n)) for n in range(40)])[0]
    assert "one output 'a'" in hopeless([example(sentence(n)) for n in range(40)], "text_to_text")[0]
    assert "99%" in hopeless([example(sentence(n), "b" if n == 7 else "a") for n in range(100)])[0]
    mostly = [example(sentence(n), "b" if n % 15 == 0 else "a") for n in range(100)]
    assert not hopeless(mostly)
    assert [doubt.kind for doubt in question_doubts(mostly, spec())] == ["target"]
    assert not question_doubts(examples(40), spec())


def test_a_label_of_every_row_lifts_every_score() -> None:
    rows = [example(sentence(n), "mail; refund" if n % 2 else "mail") for n in range(40)]
    assert "Every row has the label mail" in hopeless(rows, "multi_label")[0]
    assert not hopeless([example(sentence(n), "mail" if n % 2 else "refund") for n in range(40)], "multi_label")


def test_an_output_that_repeats_the_input_is_no_question() -> None:
    rows = [example(sentence(n), sentence(n)) for n in range(40)]
    assert "repeats the input text" in hopeless(rows, "text_to_text")[0]


def test_languages_and_long_texts_are_said() -> None:
    german = "Die Lieferung ist noch nicht da und niemand antwortet mir"
    english = "The delivery has not arrived and nobody answers my messages"
    mixed = [example(f"{german if n % 3 else english} {n}", "ab"[n % 2]) for n in range(60)]
    assert [doubt.kind for doubt in question_doubts(mixed, spec())] == ["language"]
    codes = [example(f"OK {n}", "ab"[n % 2]) for n in range(60)]
    assert not [doubt for doubt in question_doubts(codes, spec()) if doubt.kind == "language"]
    long = [example(f"{english} " * (60 if n < 6 else 1) + str(n), "ab"[n % 2]) for n in range(60)]
    [cut] = [doubt for doubt in question_doubts(long, spec()) if doubt.kind == "cut"]
    assert (cut.rows, "10%" in cut.text) == (6, True)


def leak(column: str, rows: list[dict[str, object]], output: str = "label") -> str:
    """What is said of a column of a table."""
    columns = {each.name: each for each in profile(rows)}
    others = [each for each in columns.values() if each.name != output]
    found = leak_of(columns[column], columns[output], others)
    return found.text if found else ""


def table(**more: object) -> list[dict[str, object]]:
    """Sixty rows of two labels, with further columns made of row number and label."""
    rows: list[dict[str, object]] = []
    for n in range(60):
        label = "refused" if n % 3 == 0 else "granted"
        cells = {name: make(n, label) for name, make in more.items()}  # type: ignore[operator]
        rows.append({"text": sentence(n), **cells, "label": label})
    return rows


def test_a_finer_category_tells_the_answer() -> None:
    assert "alone tells" in leak("grund", table(grund=lambda n, label: f"{label[:3]}-{n % 4}"))
    assert not leak("region", table(region=lambda n, _: "nsew"[n * 7 // 3 % 4]))
    assert not leak("text", table())


def test_a_reason_that_is_filled_for_one_class_tells_it() -> None:
    rows = table(motif=lambda n, label: f"because of {sentence(n)}" if label == "refused" else "")
    assert leak("motif", rows) == "motif is filled for refused and empty for granted."
    some = table(remark=lambda n, _: sentence(n) if n % 2 else "")
    assert not leak("remark", some)


def test_the_whole_prompt_with_its_answer_gives_it_away() -> None:
    rows = table(prompt=lambda n, label: f"### Text: {sentence(n)}\n### Label: {label}")
    assert leak("prompt", rows) == "prompt holds text and the answer beside it."
    assert not leak("prompt", table(prompt=lambda n, _: f"### Text: {sentence(n)}\n### Label: granted or refused?"))


def test_a_number_with_a_threshold_tells_the_answer() -> None:
    chooser = random.Random(1)
    told = table(score=lambda _, label: round((0.6 if label == "granted" else 0.1) + chooser.random() / 3, 3))
    assert "The number score" in leak("score", told)
    assert not leak("score", table(score=lambda *_: round(chooser.random(), 3)))


def test_amounts_are_neither_labels_nor_texts() -> None:
    chooser = random.Random(2)
    rows: list[dict[str, object]] = [{"text": sentence(n), "y": f"{chooser.random():.3f}"} for n in range(60)]
    assert is_amount(rows, ("text",), "y", "Say how content a customer is")
    grades: list[dict[str, object]] = [{"text": sentence(n), "y": str(n % 5)} for n in range(60)]
    assert not is_amount(grades, ("text",), "y", "Rate it from 0 to 4")
    read: list[dict[str, object]] = [{"text": f"{sentence(n)} costs {n}.5 euro", "y": f"{n}.5"} for n in range(60)]
    assert not is_amount(read, ("text",), "y", "Read the price out of a message")
    sums: list[dict[str, object]] = [{"text": f"{n} + {n * n}", "y": str(n + n * n)} for n in range(60)]
    assert not is_amount(sums, ("text",), "y", "Compute the sum")
    codes: list[dict[str, object]] = [{"text": sentence(n), "y": f"{n:04}"} for n in range(60)]
    assert not is_amount(codes, ("text",), "y", "Predict the product")


def test_amounts_are_put_into_ranges() -> None:
    rows: list[dict[str, object]] = [{"y": str(n / 100)} for n in range(100)]
    five = buckets_of("5", rows, "y")
    assert five.edges == (0.2, 0.4, 0.6, 0.8)
    assert [five.label_of(text) for text in ("0.19", "0,2", "0.9", "")] == [
        "below 0.2",
        "0.2 to below 0.4",
        "0.8 or more",
        "",
    ]
    assert buckets_of("0.5", rows, "y").labels == ("below 0.5", "0.5 or more")
    for wrong in ("many", ""):
        with pytest.raises(ToolError, match="buckets"):
            buckets_of(wrong, rows, "y")


def test_rows_of_one_document_stay_on_one_side() -> None:
    rows: list[dict[str, object]] = []
    for n in range(120):
        rows.append({"doc_id": n // 4, "text": sentence(n), "label": "ab"[n // 4 % 2]})
    made = [Example(input={"text": str(row["text"])}, output=str(row["label"]), source=SOURCE) for row in rows]
    groups = find_groups({"train": rows}, ("text",), made)
    assert groups.column == "doc_id"
    assert [doubt.kind for doubt in groups.doubts] == ["groups"]
    carved = divide({"train": made}, "classification", 0, groups.of)
    documents = {str(row["text"]): row["doc_id"] for row in rows}
    train, dev, test = ({documents[each.text] for each in part} for part in (carved.train, carved.dev, carved.test))
    assert not (train & dev)
    assert not (train & test)
    assert not (dev & test)
    assert len(carved.test) >= 20
    assert len(carved.train) + len(carved.dev) + len(carved.test) == 120


def test_near_copies_stay_on_one_side() -> None:
    made = [
        example(f"{sentence(n)} and that is all there is to say of it{end}", "ab"[n % 2])
        for n in range(40)
        for end in ("", " thanks")
    ]
    groups = find_groups({}, ("text",), made)
    assert len(set(groups.of.values())) == 40
    carved = divide({"train": made}, "classification", 0, groups.of)
    bare = [{each.text.removesuffix(" thanks") for each in part} for part in (carved.train, carved.dev, carved.test)]
    assert not (bare[0] & bare[1])
    assert not (bare[0] & bare[2])
    assert not (bare[1] & bare[2])


def test_serial_numbers_and_answers_are_no_groups() -> None:
    rows: list[dict[str, object]] = [{"id": n, "case": "ab"[n % 2], "text": sentence(n)} for n in range(60)]
    assert not find_groups({"train": rows}, ("text",), examples(60)).column


def divided_by_chance() -> dict[SplitName, list[dict[str, object]]]:
    """Documents of four rows each, of which every fourth row is in the file's own test."""
    rows = [{"doc_id": n // 4, "text": sentence(n), "label": "ab"[n // 4 % 2], "n": n} for n in range(160)]
    by_name: dict[SplitName, list[dict[str, object]]] = {"train": [], "test": []}
    for row in rows:
        in_test = row["n"] in range(0, 100, 4)
        by_name["test" if in_test else "train"].append(row)
    return by_name


def made_of(rows: Sequence[Mapping[str, object]]) -> list[Example]:
    return [Example(input={"text": str(row["text"])}, output=str(row["label"]), source=SOURCE) for row in rows]


def test_rows_of_a_named_group_leave_train_where_the_files_own_test_has_it() -> None:
    rows = divided_by_chance()
    parts = {name: made_of(part) for name, part in rows.items()}
    groups = find_groups(rows, ("text",), [each for part in parts.values() for each in part], "doc_id")
    [said] = crossing_doubt(parts, groups)
    assert (said.rows, said.grave) == (75, True)
    carved = divide(parts, "classification", 0, groups.of)
    assert {each.text for each in carved.test} == {str(row["text"]) for row in rows["test"]}
    held = {row["doc_id"] for row in rows["test"]}
    kept = {row["doc_id"] for row in rows["train"] if str(row["text"]) in {each.text for each in carved.train}}
    assert not (kept & held)
    assert (carved.related, len(carved.train) + len(carved.dev)) == (75, 60)


def test_a_group_that_was_only_guessed_does_not_undo_the_files_own_splits() -> None:
    rows = divided_by_chance()
    parts = {name: made_of(part) for name, part in rows.items()}
    groups = find_groups(rows, ("text",), [each for part in parts.values() for each in part])
    assert not groups.of
    assert [(doubt.rows, doubt.grave) for doubt in groups.doubts] == [(75, True)]
    assert "--group doc_id" in groups.doubts[0].settle


def test_near_copies_of_own_test_rows_leave_train() -> None:
    test = [example(f"{sentence(n)} and a good deal more of the same", "ab"[n % 2]) for n in range(30)]
    near = [example(f"{each.text} thanks", each.output) for each in test[:5]]
    parts: dict[SplitName, list[Example]] = {"train": [*examples(60, start=100), *near, test[6]], "test": test}
    groups = find_groups({}, ("text",), [*parts["train"], *test])
    [said] = crossing_doubt(parts, groups)
    assert said.rows == 6
    carved = divide(parts, "classification", 0, groups.of)
    assert (carved.related, carved.copies, len(carved.test)) == (5, 1, 30)


def test_a_held_out_split_that_is_too_small_is_none() -> None:
    rows = examples(60)
    groups = find_groups({}, ("text",), rows)
    assert crossing_doubt({"train": rows, "test": rows[:5]}, groups) == ()


def test_a_rare_label_with_rows_enough_is_a_question_for_another_metric() -> None:
    rows = [example(sentence(n), "fraud" if n % 60 == 0 else "fine") for n in range(2400)]
    [said] = [doubt for doubt in question_doubts(rows, spec()) if doubt.kind == "target"]
    assert not is_hopeless(said)
    assert "--metric macro_f1" in said.settle
    [few] = [doubt for doubt in question_doubts(rows[:600], spec()) if doubt.kind == "target"]
    assert is_hopeless(few)
