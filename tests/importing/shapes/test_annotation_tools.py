"""Exports of annotation tools: what people said is the answer, what models guessed or people refused is not.

Argilla's rows are as argilla 2.8.0 writes them (`GenericIO.to_list`), Label Studio's as label-studio-sdk 2.1.2 does
(`Converter.convert_to_json_min`, `convert_to_csv`), with own texts.
"""

from typing import Any

import pytest

from p2m_agent.importing.schema.shaped import Asked, Row, Shaped
from p2m_agent.importing.shapes import shape_of

TEXT = "The crate fell off the pier."


def shaped(rows: list[Row], request: str | Asked = "") -> Shaped:
    found = shape_of(rows, request)
    assert found is not None
    return found


def answers(found: Shaped) -> list[object]:
    return [row[found.output] for row in found.rows]


def task(*annotations: dict[str, Any], **data: object) -> Row:
    return {"id": 1, "data": {"text": TEXT, **data}, "annotations": list(annotations), "predictions": [choice("sea")]}


def choice(*labels: str, who: object = 1, name: str = "topic", **more: object) -> dict[str, Any]:
    result = {"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": list(labels)}}
    return {"id": 9, "completed_by": who, "result": [result] if labels else [], "was_cancelled": False, **more}


def test_label_studio_s_choices_are_the_answer_and_predictions_are_not() -> None:
    found = shaped([task(choice("dock"), ward="north", url="https://x.example/1"), task(choice("sea"))])
    assert (found.inputs, found.output, found.output_kind) == (("text",), "topic", "label")
    assert answers(found) == ["dock", "sea"]


def test_label_studio_leaves_out_what_nobody_answered() -> None:
    rows = [
        task(choice("dock")),
        task(),
        task(choice("sea", was_cancelled=True)),
        task(choice()),
        task(choice("sea", skipped=True)),
    ]
    assert shaped(rows).left_out == {"no label": 2, "annotation cancelled or skipped": 2}


def test_a_cancelled_annotation_beside_a_good_one_does_not_count() -> None:
    assert answers(shaped([task(choice("sea", who=1, was_cancelled=True), choice("dock", who=2))])) == ["dock"]


def test_several_choices_make_sets_and_none_is_one_of_them() -> None:
    found = shaped([task(choice("dock", "sea")), task(choice("dock")), task(choice())])
    assert (found.output_kind, answers(found)) == ("labels", [["dock", "sea"], ["dock"], []])
    assert [(doubt.kind, doubt.rows) for doubt in found.doubts] == [("not_gold", 1)]


def test_most_annotators_decide_and_ties_are_left_out() -> None:
    rows = [
        task(choice("dock", who={"email": "a"}), choice("sea", who={"email": "b"}), choice("dock", who={"email": "c"})),
        task(choice("dock", who=1), choice("sea", who=2)),
        task(choice("sea", who=1), choice("sea", who=2)),
    ]
    found = shaped(rows)
    assert answers(found) == ["dock", "sea"]
    assert found.left_out == {"annotators disagree without a majority": 1}
    doubt = found.doubts[0]
    assert (doubt.kind, doubt.rows, doubt.grave, "alpha 0.00" in doubt.text) == ("annotators", 2, True, True)


def test_what_a_reviewer_marked_as_true_counts_more_than_votes() -> None:
    rows = [task(choice("sea", who=1), choice("sea", who=2), choice("dock", who=3, ground_truth=True))]
    assert answers(shaped(rows)) == ["dock"]


def test_the_question_that_the_request_means_is_the_output() -> None:
    both = {"result": choice("dock")["result"] + choice("calm", name="tone")["result"], "completed_by": 1}
    rows = [task(both)] * 3
    assert shaped(rows, "Tell the tone of a message").output == "tone"
    assert shaped(rows, Asked("Sort it", output="tone")).output == "tone"
    found = shaped(rows, "Sort it")
    assert found.output == "topic"
    assert [(doubt.settle, doubt.grave) for doubt in found.doubts] == [("--output tone", True)]


def test_label_studio_s_texts_taxonomies_and_ratings() -> None:
    written = {"from_name": "why", "type": "textarea", "value": {"text": ["It was wet."]}}
    found = shaped([task({"result": [written], "completed_by": who}) for who in range(3)])
    assert (found.output_kind, answers(found)[0]) == ("text", "It was wet.")
    path = {"from_name": "place", "type": "taxonomy", "value": {"taxonomy": [["Harbour", "Pier"]]}}
    assert answers(shaped([task({"result": [path]})])) == ["Harbour / Pier"]
    stars = {"from_name": "stars", "type": "rating", "value": {"rating": 4}}
    assert answers(shaped([task({"result": [stars]})])) == ["4"]


def test_two_people_s_texts_of_one_item_stay_together() -> None:
    def wrote(text: str, who: int) -> dict[str, Any]:
        return {"completed_by": who, "result": [{"from_name": "why", "type": "textarea", "value": {"text": [text]}}]}

    found = shaped([task(wrote("It was wet.", 1), wrote("It was dark.", 2)), task(wrote("It was old.", 1))])
    assert answers(found) == ["It was wet.", "It was dark.", "It was old."]
    assert [row.get(found.group) for row in found.rows] == ["0", "0", None]


def test_older_label_studio_calls_annotations_completions() -> None:
    row: Row = {"id": 1, "data": {"title": "Crate", "text": TEXT}, "completions": [choice("dock")]}
    assert answers(shaped([row])) == ["dock"]


def test_marked_places_are_no_classes_and_it_is_said() -> None:
    result = {"from_name": "ner", "type": "labels", "value": {"start": 4, "end": 9, "labels": ["Thing"]}}
    found = shaped([task({"result": [result], "completed_by": 1})] * 3)
    assert found.doubts[0].kind == "target"
    assert found.doubts[0].grave


def flat(number: int, topic: object, who: int = 1, **more: object) -> Row:
    ends = {
        "annotator": who,
        "annotation_id": 10 * number + who,
        "created_at": "2026",
        "updated_at": "2026",
        "lead_time": 3.2,
    }
    return {"text": f"Crate {number} fell.", "ward": "north", "id": number, "topic": topic, **more, **ends}


def test_label_studio_s_flat_json() -> None:
    rows = [
        flat(1, {"choices": ["dock", "sea"]}, 2),
        flat(1, "dock", 1),
        flat(2, "sea"),
        flat(3, {"choices": ["sea", "dock"]}),
    ]
    unseen: Row = {
        "text": "Crate 5 fell.",
        "ward": "north",
        "id": 5,
        "annotator": None,
        "annotation_id": None,
        "lead_time": None,
    }
    found = shaped([*rows, unseen])
    assert (found.inputs, found.output, answers(found)) == (("text",), "topic", [["sea"], ["dock", "sea"]])
    assert found.left_out == {"annotators disagree without a majority": 1, "no label": 1}


def test_label_studio_s_csv_sorts_its_columns() -> None:
    rows: list[Row] = [
        {"annotation_id": str(n), "annotator": "1", "created_at": "2026", "id": str(n), "lead_time": "3",
         "text": f"Crate {n} fell.", "topic": topic, "updated_at": "2026", "ward": "north"}
        for n, topic in enumerate(['{"choices":["dock","sea"]}', "sea", "dock", "dock"])
    ]  # fmt: skip
    found = shaped(rows)
    assert (found.inputs, found.output) == (("text",), "topic")
    assert answers(found) == [["dock", "sea"], ["sea"], ["dock"], ["dock"]]


def test_a_csv_of_single_choices_is_told_by_words_that_recur() -> None:
    rows: list[Row] = [
        {"annotation_id": str(n), "annotator": "1", "id": str(n), "lead_time": "3", "message": f"Crate {n} fell off.",
         "topic": ("dock", "sea")[n % 2], "updated_at": "2026"}
        for n in range(8)
    ]  # fmt: skip
    assert shaped(rows).output == "topic"


def test_doccano_new_and_old() -> None:
    new = shaped([{"id": n, "text": TEXT, "label": [("dock", "sea")[n % 2]], "Comments": []} for n in range(4)])
    assert (new.output_kind, answers(new)) == ("label", ["dock", "sea"] * 2)
    old = shaped(
        [
            {
                "id": 1,
                "text": TEXT,
                "annotations": [{"label": 2, "user": 1}, {"label": 3, "user": 2}, {"label": 2, "user": 5}],
            }
        ]
    )
    assert answers(old) == ["2"]
    table = shaped([{"id": "1", "data": TEXT, "label": "dock#sea"}, {"id": "2", "data": TEXT, "label": "sea"}])
    assert answers(table) == [["dock", "sea"], ["sea"]]


def test_doccano_s_texts_without_a_label_are_not_annotated_where_others_have_one() -> None:
    rows: list[Row] = [
        {"id": n, "text": TEXT, "label": [["dock"], ["sea"], []][n % 3], "Comments": []} for n in range(6)
    ]
    assert shaped(rows).left_out == {"no label": 2}


def test_doccano_s_spans_are_json_and_it_is_said() -> None:
    rows: list[Row] = [{"id": n, "text": TEXT, "label": [[23, 27, "PLACE"], [4, 9, "THING"]]} for n in range(3)]
    found = shaped(rows)
    assert answers(found)[0] == '[{"label": "THING", "text": "crate"}, {"label": "PLACE", "text": "pier"}]'
    assert (found.doubts[0].kind, found.doubts[0].grave) == ("target", True)


def test_numbers_in_lists_are_no_labels_of_doccano() -> None:
    assert shape_of([{"id": n, "text": TEXT, "label": [0, 1, 0]} for n in range(5)]) is None
    assert shape_of([{"id": n, "text": TEXT, "labels": [3, 17]} for n in range(5)]) is None


def record(values: list[object], states: list[str], suggestion: object = "sea", **more: object) -> Row:
    users = [f"0000000{n}" for n in range(len(values))]
    return {
        "id": "a", "status": "completed", "_server_id": None, "text": TEXT, "ward": "north", "topic.responses": values,
        "topic.responses.users": users, "topic.responses.status": states, "topic.suggestion": suggestion,
        "topic.suggestion.score": 0.7, "topic.suggestion.agent": "zero-shot", **more,
    }  # fmt: skip


def test_argilla_s_submitted_responses_count_and_nothing_else() -> None:
    rows = [
        record(["dock"], ["submitted"]),
        record(["sea", "dock"], ["draft", "submitted"]),
        record(["sea"], ["discarded"]),
        record(["sea"], ["draft"]),
        record([], []),
        {"id": "b", "status": "pending", "text": TEXT, "topic.responses": None, "topic.suggestion": "sea"},
    ]
    found = shaped(rows)
    assert (found.inputs, answers(found)) == (("text",), ["dock", "dock"])
    assert found.left_out == {"response discarded": 1, "response draft": 1, "no label": 2}


def test_argilla_s_sets_ranks_and_numbers() -> None:
    assert answers(shaped([record([["wet", "old"]], ["submitted"]), record([["old"]], ["submitted"])])) == [
        ["old", "wet"],
        ["old"],
    ]
    assert answers(shaped([record([4], ["submitted"])])) == ["4"]
    ranked = [{"value": "b", "rank": 2}, {"value": "a", "rank": 1}]
    assert answers(shaped([record([ranked], ["submitted"])])) == ["a"]


def test_argilla_s_nested_json_has_no_state_and_that_is_said() -> None:
    row: Row = {
        "id": "a", "fields": {"text": TEXT}, "metadata": {"ward": "north"}, "status": "completed", "vectors": {},
        "suggestions": {"topic": {"value": "sea", "score": 0.7}},
        "responses": {"topic": [{"value": "dock", "user_id": "u1"}]},
    }  # fmt: skip
    found = shaped([row, {**row, "responses": {}}])
    assert (found.inputs, answers(found), found.left_out) == (("text",), ["dock"], {"no label": 1})
    assert [(doubt.kind, doubt.grave) for doubt in found.doubts] == [("not_gold", True)]


def test_argilla_s_first_feedback_datasets_and_older_records() -> None:
    response = {"user_id": "u1", "value": "dock", "status": "submitted"}
    first: Row = {
        "text": TEXT,
        "topic": [response],
        "topic-suggestion": "sea",
        "topic-suggestion-metadata": None,
        "metadata": "{}",
    }
    assert answers(shaped([first] * 2)) == ["dock"] * 2
    person = {"user_id": "u1", "status": "submitted", "values": {"topic": {"value": "dock"}}}
    assert answers(shaped([{"fields": {"text": TEXT}, "responses": [person], "suggestions": []}] * 2)) == ["dock"] * 2
    old: Row = {
        "text": TEXT,
        "inputs": {"text": TEXT},
        "prediction": [{"label": "sea", "score": 0.9}],
        "annotation": "dock",
        "status": "Validated",
    }
    found = shaped([old, {**old, "status": "Discarded"}, {**old, "annotation": None, "status": "Default"}])
    assert (answers(found), found.left_out) == (["dock"], {"record discarded": 1, "no label": 1})


def prodigy(text: str, label: str, answer: str, **more: object) -> Row:
    return {"text": text, "label": label, "answer": answer, "_input_hash": hash(text), "_task_hash": 1, **more}


def test_prodigy_s_rejected_label_is_not_the_label() -> None:
    rows = [
        prodigy("A", "dock", "accept"),
        prodigy("B", "dock", "reject"),
        prodigy("C", "sea", "ignore"),
        prodigy("D", "sea", "accept"),
    ]
    found = shaped(rows)
    assert answers(found) == ["dock", "sea"]
    assert found.left_out == {"rejected label": 1, "ignored": 1}


def test_prodigy_s_labels_of_one_text_are_gathered() -> None:
    rows = [
        prodigy("A", "dock", "accept"),
        prodigy("A", "sea", "accept"),
        prodigy("A", "ice", "reject"),
        prodigy("B", "ice", "accept"),
    ]
    found = shaped(rows)
    assert (found.output_kind, answers(found)) == ("labels", [["dock", "sea"], ["ice"]])


def test_prodigy_s_one_label_makes_a_class_of_what_was_rejected() -> None:
    found = shaped([prodigy("A", "SPAM", "accept"), prodigy("B", "SPAM", "reject"), prodigy("C", "SPAM", "ignore")])
    assert (answers(found), found.left_out) == (["SPAM", "not SPAM"], {"ignored": 1})
    assert found.doubts[0].grave


@pytest.mark.parametrize(("style", "kind"), [("single", "label"), ("multiple", "labels")])
def test_prodigy_s_options(style: str, kind: str) -> None:
    options = [{"id": "dock", "text": "Dock"}, {"id": "None", "text": "None"}]

    def row(text: str, chosen: list[str]) -> Row:
        return {
            "text": text,
            "options": options,
            "accept": chosen,
            "answer": "accept",
            "config": {"choice_style": style},
        }

    found = shaped([row("A", ["dock"]), row("B", ["None"]), row("C", [])])
    assert (found.output_kind, found.labels) == (kind, ("dock", "None"))
    assert answers(found) == (["dock", "None"] if kind == "label" else [["dock"], ["None"], []])


def test_accept_and_reject_as_classes_are_no_prodigy() -> None:
    assert shape_of([{"text": f"Paper {n}", "answer": ("accept", "reject")[n % 2]} for n in range(8)]) is None


def test_spacy_s_categories() -> None:
    one = shaped([{"text": TEXT, "cats": {"dock": 1.0, "sea": 0.0}}, {"text": TEXT, "cats": {"dock": 0, "sea": 1}}])
    assert (one.output_kind, answers(one), one.labels) == ("label", ["dock", "sea"], ("dock", "sea"))
    several = shaped(
        [{"text": TEXT, "cats": {"dock": True, "sea": True}}, {"text": TEXT, "cats": {"dock": False, "sea": False}}]
    )
    assert answers(several) == [["dock", "sea"], []]
    scored = shaped([{"text": TEXT, "cats": {"dock": 0.8, "sea": 0.2}}] * 2)
    assert (answers(scored)[0], scored.doubts[0].grave) == ("dock", True)
    old = shaped(
        [
            {
                "id": 0,
                "paragraphs": [{"raw": TEXT, "cats": [{"label": "dock", "value": 1}, {"label": "sea", "value": 0}]}],
            }
        ]
    )
    assert answers(old) == ["dock"]
