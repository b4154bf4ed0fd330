"""Files of tools in clothes that nobody mended before: what must be the answer, and what must not be read."""

import csv
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.rows.reading import Row

from .reading import labels, read, read_file, roles
from .test_label_clothes import FOUR, SORT, TEXTS

REPLIES = [f"Dear guest, the night desk of room {n} has your note." for n in range(60)]
REPLY = "Write the hotel's reply to a guest"
AWAY = "Go away."


def asked(text: str) -> Row:
    return {"role": "user", "content": text}


def said(text: str) -> Row:
    return {"role": "assistant", "content": text}


CHATS: dict[str, Callable[[str, str, int], Row]] = {
    "accepted and declined": lambda text, reply, _: {"message": text, "accepted_reply": reply, "declined_reply": AWAY},
    "a signed preference": lambda text, reply, n: {
        "prompt": text,
        "response_1": (reply, AWAY)[n % 2],
        "response_2": (AWAY, reply)[n % 2],
        "overall_preference": (-2, 3)[n % 2],
    },
    "the place of the best": lambda text, reply, n: {
        "prompt": text,
        "candidates": [(reply, AWAY)[n % 2], (AWAY, reply)[n % 2], "Hm."],
        "best": n % 2,
    },
    "thoughts before": lambda text, reply, _: {"messages": [asked(text), said(f"<think>so it is</think>\n\n{reply}")]},
    "a logged call": lambda text, reply, _: {
        "request": {"model": "m", "messages": [asked(text)]},
        "response": {"id": "c", "choices": [{"index": 0, "message": said(reply)}]},
    },
    "messages on both sides": lambda text, reply, _: {"input": [asked(text)], "output": said(reply)},
    "the better side": lambda text, reply, n: {
        "data": {"prompt": text, "one": (reply, AWAY)[n % 2], "two": (AWAY, reply)[n % 2]},
        "annotations": [
            {
                "completed_by": 1,
                "result": [
                    {
                        "type": "pairwise",
                        "from_name": "pw",
                        "to_name": "one,two",
                        "value": {"selected": ("left", "right")[n % 2]},
                    }
                ],
            }
        ],
    },
}


@pytest.mark.parametrize("name", CHATS)
def test_the_right_answer_is_learnt_and_no_other_is_read(tmp_path: Path, name: str) -> None:
    found = read(tmp_path, [CHATS[name](text, REPLIES[n], n) for n, text in enumerate(TEXTS)], REPLY)
    examples = found.parts["train"]
    assert [example.output for example in examples] == REPLIES
    assert all(TEXTS[n] in example.text and AWAY not in example.text for n, example in enumerate(examples))


def marked(text: str, number: int) -> Row:
    result = {"from_name": "ner", "type": "labels", "value": {"text": str(number), "labels": ["ROOM"]}}
    return {"data": {"text": text}, "annotations": [{"completed_by": 1, "result": [result]}]}


def test_what_is_marked_in_a_text_is_a_list_and_no_class(tmp_path: Path) -> None:
    found = read(tmp_path, [marked(text, n) for n, text in enumerate(TEXTS)], "Extract the room from a message")
    assert found.spec.kind == "text_to_text"
    assert json.loads(found.parts["train"][7].output) == [{"label": "ROOM", "text": "7"}]


COUNTED: dict[str, Callable[[int], Row]] = {
    "votes": lambda n: {f"votes_{label}": 3 * (label == FOUR[n % 4]) + n % 3 * (n % 5 == 0) for label in FOUR},
    "probabilities": lambda n: {"probs": {label: 0.7 if label == FOUR[n % 4] else 0.1 for label in FOUR}},
    "counts behind": lambda n: {f"{label}_count": 2 if label == FOUR[n % 4] else 1 for label in FOUR},
}


@pytest.mark.parametrize("name", COUNTED)
def test_numbers_for_each_label_are_one_label(tmp_path: Path, name: str) -> None:
    found = read(tmp_path, [{"message": text, **COUNTED[name](n)} for n, text in enumerate(TEXTS)], SORT)
    assert (found.spec.kind, labels(found)) == ("classification", dict.fromkeys(FOUR, 15))
    assert any(doubt.grave and "number for each label" in doubt.said for doubt in found.doubts)


def test_numbers_beside_a_label_are_not_counted(tmp_path: Path) -> None:
    rows: list[Row] = [{"message": TEXTS[n], "n_dirt": 1, "n_noise": n, "label": FOUR[n % 4]} for n in range(60)]
    assert roles(read(tmp_path, rows, SORT))[1] == "label"


@pytest.mark.parametrize(
    ("label", "texts", "form"),
    [("tag", "patterns", str), ("name", "sampleUtterances", lambda text: {"utterance": text})],
)
def test_all_texts_of_a_label_in_one_row(tmp_path: Path, label: str, texts: str, form: Callable[[str], Any]) -> None:
    rows: list[Row] = [
        {label: each, texts: [form(text) for text in TEXTS[n::4]], "responses": ["Sorry", "Thanks", "Soon"]}
        for n, each in enumerate(FOUR)
    ]
    found = read(tmp_path, rows, SORT)
    assert labels(found) == dict.fromkeys(FOUR, 15)
    assert {example.text for example in found.parts["train"]} == set(TEXTS)


def test_the_folder_of_an_agent_names_intents_by_its_files(tmp_path: Path) -> None:
    path = tmp_path / "agent.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("agent.json", json.dumps({"language": "en"}))
        archive.writestr("entities/room.json", json.dumps({"name": "room"}))
        for n, label in enumerate(FOUR):
            phrases = [{"id": str(n), "data": [{"text": text}], "isTemplate": False} for text in TEXTS[n::4]]
            archive.writestr(f"intents/{label}.json", json.dumps({"name": label, "responses": []}))
            archive.writestr(f"intents/{label}_usersays_en.json", json.dumps(phrases))
    assert labels(read_file(path, SORT)) == dict.fromkeys(FOUR, 15)


def test_a_bot_s_folder_of_intents_is_one_file(tmp_path: Path) -> None:
    for n, label in enumerate(FOUR):
        lines = "".join(f"    - {text}\n" for text in TEXTS[n::4])
        (tmp_path / f"{label}.yml").write_text(f"nlu:\n- intent: {label}\n  examples: |\n{lines}", encoding="utf-8")
    (tmp_path / "stories.yml").write_text("stories:\n- story: a\n  steps:\n  - intent: dirt\n", encoding="utf-8")
    assert labels(read_file(tmp_path, SORT)) == dict.fromkeys(FOUR, 15)


def test_a_split_may_stand_in_an_object(tmp_path: Path) -> None:
    rows: list[Row] = [
        {
            "text": text,
            "annotation": {"displayName": FOUR[n % 4]},
            "labels_of": {"x/ml_use": "test" if n < 9 else "train"},
        }
        for n, text in enumerate(TEXTS)
    ]
    found = read(tmp_path, rows, SORT)
    assert (roles(found)[1], len(found.parts["test"])) == ("annotation.displayName", 9)


def test_questions_of_a_survey_name_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(
            ["id", "What happened?", *(f"Q2[S{n}]. Which topics apply? [{each}]" for n, each in enumerate(FOUR))]
        )
        out.writerows([n, text, *("Yes" if n % 4 == m else "No" for m in range(4))] for n, text in enumerate(TEXTS))
    found = read_file(path, SORT)
    assert len(labels(found)) == 4
    assert {example.text for example in found.parts["train"]} == set(TEXTS)


def test_labels_of_the_rows_win_over_words_around_them(tmp_path: Path) -> None:
    rows: list[Row] = [{"message": text, "tone": ("calm", "angry")[n % 2]} for n, text in enumerate(TEXTS)]
    assert labels(read(tmp_path, rows, "Is a guest calm or angry?")) == {"calm": 30, "angry": 30}
