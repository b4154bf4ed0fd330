"""The same tables in other clothes (names, languages, nesting, tools), read as a run reads them."""

import json
from pathlib import Path

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.importing.labels.levels import Levels, levels_in
from p2m_agent.rows.reading import Row

from .reading import labels, read, read_file, roles, said

TOPICS = ("sails", "hulls", "ropes")
PARTS = ("Segel", "Rumpf", "Leine")
EN = [
    f"{('The mainsail of boat', 'A plank of boat', 'The halyard of boat')[n % 3]} {n} {('tore', 'came loose')[n % 2]} "
    f"off {('Skagen', 'Brest', 'Vigo', 'Naxos')[n % 4]} at {n % 12 + 1} o'clock"
    for n in range(60)
]
DE = [
    f"{('Das Großsegel von Boot', 'Eine Planke von Boot', 'Das Fall von Boot')[n % 3]} {n} ist vor "
    f"{('Skagen', 'Brest', 'Vigo', 'Naxos')[n % 4]} um {n % 12 + 1} Uhr {('gerissen', 'verloren gegangen')[n % 2]}"
    for n in range(60)
]
SORT_DE = "Ordne jede Meldung dem richtigen Gewerk zu"


@pytest.mark.parametrize(
    ("names", "inputs"),
    [
        (("Betreff", "Nachricht", "Absender", "Gewerk"), ["Betreff", "Nachricht"]),
        (("Nr", "Nachricht", "Sicherheit", "Gruppe"), ["Nachricht"]),
        (("correo", "cuerpo", "fecha", "categoría"), ["cuerpo"]),
        (("expéditeur", "texte", "date", "thème"), ["texte"]),
        (("작성자", "문의", "날짜", "부서"), ["문의"]),
    ],
)
def test_columns_in_other_languages_play_their_parts(tmp_path: Path, names: tuple[str, ...], inputs: list[str]) -> None:
    if names[0] == "Betreff":
        columns = [[f"Boot {n}", DE[n], ("kim", "lee")[n % 2], PARTS[n % 3]] for n in range(60)]
    elif names[0] == "Nr":
        columns = [[n, DE[n], n / 100, PARTS[n % 3]] for n in range(60)]
    else:
        columns = [[f"m{n}@x.example", DE[n], f"2024-03-{n % 28 + 1:02d}", PARTS[n % 3]] for n in range(60)]
    rows: list[Row] = [dict(zip(names, each, strict=True)) for each in columns]
    found = read(tmp_path, rows, SORT_DE)
    assert roles(found) == (inputs, names[-1])


@pytest.mark.parametrize(
    "request_", ["Gib zu jeder Meldung den Code", "Which code?", "코드를 붙여 주세요", "Stufe 1 bis 3"]
)
def test_rows_tell_labels_where_no_word_of_the_request_does(tmp_path: Path, request_: str) -> None:
    rows: list[Row] = [{"code": ("007", "12", "0012")[n % 3], "Meldung": DE[n]} for n in range(60)]
    found = read(tmp_path, rows, request_)
    assert (found.spec.kind, roles(found)) == ("classification", (["Meldung"], "code"))
    assert labels(found) == {"007": 20, "12": 20, "0012": 20}


def test_what_is_read_out_of_the_text_is_no_label(tmp_path: Path) -> None:
    rows: list[Row] = [{"note": EN[n], "hour": n % 12 + 1} for n in range(60)]
    assert read(tmp_path, rows, "Find the hour").spec.kind == "text_to_text"


LEVELS: list[Row] = [
    {"note": EN[n], "cat1": ("rig", "body", "rig")[n % 3], "cat2": TOPICS[n % 3], "cat3": f"{TOPICS[n % 3]} {n % 2}"}
    for n in range(60)
]


@pytest.mark.parametrize(
    ("request_", "wanted"),
    [
        ("Find the category of a note", "cat3"),
        ("Find the top-level category of a note", "cat1"),
        ("Find the level 2 category of a note", "cat2"),
        ("Bestimme die oberste Kategorie", "cat1"),
        ("Bestimme die Oberkategorie", "cat1"),
        ("Find cat2 of a note", "cat2"),
        ("Say whether a note is about the rig or the body", "cat1"),
    ],
)
def test_of_several_levels_the_one_that_is_asked_for_or_the_finest(tmp_path: Path, request_: str, wanted: str) -> None:
    found = read(tmp_path, LEVELS, request_)
    assert roles(found) == (["note"], wanted)
    assert "at 3 levels" in said(found, "columns")
    assert ("finest" in said(found, "columns")) == (wanted == "cat3")


def test_the_level_whose_labels_the_task_has_is_meant(tmp_path: Path) -> None:
    rows = [{"note": row["note"], "label_text": row["cat1"], "fine_label": f"X:{row['cat2']}"} for row in LEVELS]
    found = read(tmp_path, rows, "What sort of a note is it: rig or body?")
    assert roles(found) == (["note"], "label_text")
    assert "as the request asks for it" in said(found, "columns")
    assert levels_in(LEVELS, "Sort notes", known=("rig", "body")) == Levels(("cat1", "cat2", "cat3"), "cat1", said=True)
    assert levels_in(LEVELS, "Sort notes", known=("neither", "nor")) == Levels(
        ("cat1", "cat2", "cat3"), "cat3", said=False
    )


def test_a_main_and_a_sub_category_are_levels_and_two_answers_are_none(tmp_path: Path) -> None:
    two = [{"note": row["note"], "main_category": row["cat1"], "sub_category": row["cat2"]} for row in LEVELS]
    assert roles(read(tmp_path, two, "Categorise notes"))[1] == "sub_category"
    apart = [{**row, "sub_category": TOPICS[n // 20]} for n, row in enumerate(two)]
    assert "levels" not in said(read(tmp_path, apart, "Find the main category of notes"), "columns")


VOTES = [("sails", "sails", "hulls"), ("hulls", "hulls", "hulls"), ("ropes", "sails", "ropes")]


@pytest.mark.parametrize("nested", [True, False])
def test_votes_in_a_cell_are_settled_by_most(tmp_path: Path, nested: bool) -> None:
    rows: list[Row] = []
    for n, text in enumerate(EN):
        votes = VOTES[n % 3]
        people = [{"worker": f"w{k}", "label": vote} for k, vote in enumerate(votes)]
        rows.append({"note": text, "answers": people if nested else list(votes)})
    found = read(tmp_path, rows, "Sort notes by what broke")
    assert labels(found) == dict.fromkeys(TOPICS, 20)
    assert "alpha" in said(found, "annotators")


def test_votes_beside_what_was_settled_on_are_not_read(tmp_path: Path) -> None:
    rows: list[Row] = [{"note": EN[n], "votes": list(VOTES[n % 3]), "gold_label": TOPICS[n % 3]} for n in range(60)]
    found = read(tmp_path, rows, "Sort notes by what broke")
    assert roles(found) == (["note"], "gold_label")


@pytest.mark.parametrize(("yes", "no"), [("Y", "N"), ("O", "X"), ("x", ""), ("да", "нет"), ("✓", "-"), ("T", "F")])
def test_yes_and_no_are_said_in_many_ways(tmp_path: Path, yes: str, no: str) -> None:
    sets = [("sails", "ropes"), ("hulls",), (), ("ropes",)]
    rows: list[Row] = [
        {"note": text, **{topic: yes if topic in sets[n % 4] else no for topic in TOPICS}} for n, text in enumerate(EN)
    ]
    found = read(tmp_path, rows, "Which parts does a note speak of?")
    assert (found.spec.kind, labels(found)) == ("multi_label", {"sails": 15, "ropes": 30, "hulls": 15})


def test_people_who_say_yes_or_no_are_no_labels(tmp_path: Path) -> None:
    rows: list[Row] = [
        {"note": text, "Ada": "yn"[n % 2], "Bo": "yn"[n % 2], "Cy": "yn"[n % 2 if n % 10 else 0]}
        for n, text in enumerate(EN)
    ]
    found = read(tmp_path, rows, "Does the note report damage?")
    assert (found.spec.kind, labels(found)) == ("classification", {"y": 30, "n": 30})


def test_ticks_and_empty_cells_are_an_answer(tmp_path: Path) -> None:
    rows: list[Row] = [{"note": text, "urgent": "x" if n % 3 else ""} for n, text in enumerate(EN)]
    found = read(tmp_path, rows, "Is the note urgent?")
    assert (roles(found), labels(found)) == ((["note"], "urgent"), {"yes": 40, "no": 20})
    assert "is ticked in 40 of 60" in said(found, "label_names")


def test_columns_that_are_asked_for_together_are_one_object(tmp_path: Path) -> None:
    rows: list[Row] = [
        {"note": text, "boat": str(n), "place": ("Skagen", "Brest", "Vigo", "Naxos")[n % 4]}
        for n, text in enumerate(EN)
    ]
    found = read(tmp_path, rows, "Extract boat and place from a note as JSON")
    assert roles(found) == (["note"], "output")
    assert json.loads(found.parts["train"][5].output) == {"boat": "5", "place": "Brest"}
    assert "boat, place" in said(found, "target")


@pytest.mark.parametrize(
    "words", [["#NV", "k. A."], ["#N/D", "s/d"], ["без метки", "н/д"], ["暂无", "未分类"], ["TBD", "unassigned"]]
)
def test_missing_values_are_written_in_every_language(tmp_path: Path, words: list[str]) -> None:
    rows: list[Row] = [{"text": DE[n], "label": words[n // 10 % 2] if n % 10 == 0 else PARTS[n % 3]} for n in range(60)]
    found = read(tmp_path, rows, SORT_DE)
    assert sum(labels(found).values()) == 54
    assert set(labels(found)) == set(PARTS)


def test_minus_one_is_a_label_where_the_request_says_what_it_means(tmp_path: Path) -> None:
    rows: list[Row] = [{"note": text, "mood": n % 3 - 1} for n, text in enumerate(EN)]
    assert sum(labels(read(tmp_path, rows, "Rate the mood: -1 bad, 0 neutral, 1 good")).values()) == 60
    named: list[Row] = [{"note": text, "part": -1 if n % 10 == 0 else TOPICS[n % 3]} for n, text in enumerate(EN)]
    assert set(labels(read(tmp_path, named, "Sort notes by what broke"))) == set(TOPICS)


def test_a_reason_that_only_one_label_has_is_said_to_give_it_away(tmp_path: Path) -> None:
    rows: list[Row] = [{"note": EN[n], "why": "worn" if n % 3 == 2 else "", "part": TOPICS[n % 3]} for n in range(60)]
    found = read(tmp_path, rows, "Sort notes by what broke")
    assert (roles(found), "why is filled" in said(found, "leak")) == ((["note"], "part"), True)


@pytest.mark.parametrize(
    ("values", "request_"),
    [
        ([f"{n * 7 % 90} €" for n in range(60)], "Estimate the price of the repair"),
        ([f"1.{n:03d},50" for n in range(60)], "Schätze die Kosten"),
    ],
)
def test_amounts_with_a_unit_are_no_texts(tmp_path: Path, values: list[str], request_: str) -> None:
    rows: list[Row] = [{"note": text, "cost": value} for text, value in zip(EN, values, strict=True)]
    with pytest.raises(ToolError, match="regression is not offered"):
        read(tmp_path, rows, request_)


def test_whole_numbers_that_stand_in_no_text_may_be_amounts(tmp_path: Path) -> None:
    rows: list[Row] = [{"note": text, "minutes": 1000 + n * 37} for n, text in enumerate(EN)]
    assert "--buckets" in said(read(tmp_path, rows, "How long will it take?"), "target")


def test_a_flag_may_say_the_test(tmp_path: Path) -> None:
    rows: list[Row] = [{"note": EN[n], "part": TOPICS[n % 3], "is_test": n % 5 == 0} for n in range(60)]
    found = read(tmp_path, rows, "Sort notes by what broke")
    assert {name: len(part) for name, part in found.parts.items()} == {"train": 48, "test": 12}


@pytest.mark.parametrize(
    "content",
    [
        "\n".join(["id::note::part", *(f"{n}::{EN[n]}::{TOPICS[n % 3]}" for n in range(60))]),
        json.dumps([[EN[n], TOPICS[n % 3]] for n in range(60)]),
        json.dumps([[EN[n], {"cats": {topic: float(topic == TOPICS[n % 3]) for topic in TOPICS}}] for n in range(60)]),
        "".join(f"__part__{TOPICS[n % 3]}\t{EN[n]}\n" for n in range(60)),
        "".join(f"__label__{TOPICS[n % 3]} , {EN[n]}\n" for n in range(60)),
        "".join(
            f"## intent:{topic}\n" + "".join(f"- {EN[n]}\n" for n in range(k, 60, 3)) for k, topic in enumerate(TOPICS)
        ),
    ],
)
def test_files_without_the_usual_form(tmp_path: Path, content: str) -> None:
    path = tmp_path / ("d.json" if content[0] == "[" else "d.md" if content[0] == "#" else "d.dat")
    path.write_text(content, encoding="utf-8")
    found = read_file(path, "Sort notes by what broke")
    assert labels(found) == dict.fromkeys(TOPICS, 20)
    assert {example.text for example in found.parts["train"]} == set(EN)


@pytest.mark.parametrize(
    "row",
    [
        lambda text, good, bad: {"Meldung": text, "gute_Antwort": good, "schlechte_Antwort": bad},
        lambda text, good, bad: {"question": text, "response_j": good, "response_k": bad},
    ],
)
def test_the_better_answer_is_told_by_a_word_of_its_name(tmp_path: Path, row: object) -> None:
    assert callable(row)
    rows: list[Row] = [row(text, f"Wir kommen um {n}", f"Nein {n}") for n, text in enumerate(DE)]
    found = read(tmp_path, rows, "Schreibe eine Antwort")
    assert found.parts["train"][3].output == "Wir kommen um 3"
    assert "Nein" not in found.parts["train"][3].text


@pytest.mark.parametrize(
    "cell",
    [
        lambda talk: {"chat": json.dumps({"messages": talk})},
        lambda talk: {"request": {"messages": talk}},
        lambda talk: {"messages": str(talk)},
    ],
)
def test_conversations_inside_of_objects(tmp_path: Path, cell: object) -> None:
    assert callable(cell)
    rows: list[Row] = [
        cell([{"role": "Kunde", "content": EN[n]}, {"role": "Beraterin", "content": TOPICS[n % 3]}]) for n in range(60)
    ]
    assert labels(read(tmp_path, rows, "Sort notes by what broke")) == dict.fromkeys(TOPICS, 20)


def test_an_object_with_one_part_is_that_part(tmp_path: Path) -> None:
    rows: list[Row] = [{"data": {"note": EN[n]}, "target": {"part": TOPICS[n % 3]}} for n in range(60)]
    assert labels(read(tmp_path, rows, "Sort notes by what broke")) == dict.fromkeys(TOPICS, 20)
