"""Training files of dialogue systems and fastText: utterances by intent, marks of entities removed."""

from p2m_agent.importing.schema.shaped import Row, Shaped
from p2m_agent.importing.shapes import shape_of
from p2m_agent.importing.shapes.dialogflow import MEMBER

SAID = [("Open the sluice", "open"), ("Is the east bridge up?", "ask_bridge")]


def shaped(rows: list[Row]) -> Shaped:
    found = shape_of(rows)
    assert found is not None
    return found


def pairs(found: Shaped) -> list[tuple[object, object]]:
    return [(row["text"], row[found.output]) for row in found.rows]


def test_rasa_s_yaml_as_a_document_and_as_blocks() -> None:
    blocks: list[Row] = [
        {"intent": "open", "examples": "- Open the [sluice](thing)\n"},
        {"intent": "ask_bridge", "examples": '- Is the [east bridge]{"entity": "thing", "value": "b2"} up?\n'},
        {"synonym": "b2", "examples": "- bridge two\n"},
        {"lookup": "thing", "examples": "- sluice\n"},
    ]
    assert pairs(shaped([{"version": "3.1", "nlu": blocks}])) == SAID
    assert pairs(shaped(blocks)) == SAID


def test_rasa_s_older_forms() -> None:
    lines = [
        "## intent:open",
        "- Open the [sluice](thing)",
        "",
        "## synonym:b2",
        "- bridge two",
        "## intent:ask_bridge",
        "* Is the east bridge up?",
    ]
    assert pairs(shaped([{"text": line} for line in lines])) == SAID
    examples = [{"text": text, "intent": intent, "entities": []} for text, intent in SAID]
    assert pairs(shaped([{"rasa_nlu_data": {"common_examples": examples, "regex_features": []}}])) == SAID


def test_rasa_s_examples_with_metadata_and_intents_in_two_parts() -> None:
    rows: list[Row] = [
        {"intent": "faq/hours", "examples": [{"text": "- When do you open?\n", "metadata": {"tone": "calm"}}]}
    ]
    assert pairs(shaped(rows)) == [("When do you open?", "faq/hours")]


def test_snips_as_json_and_as_yaml() -> None:
    def said(*chunks: str) -> dict[str, object]:
        return {"data": [{"text": chunk} for chunk in chunks]}

    intents: Row = {
        "open": {"utterances": [said("Open the ", "sluice")]},
        "ask_bridge": {"utterances": [said("Is the east bridge up?")]},
    }
    assert pairs(shaped([{"intents": intents, "entities": {}, "language": "en"}])) == SAID
    benchmark: Row = {"open": [said("Open ", "the sluice")], "ask_bridge": [said("Is the ", "east bridge", " up?")]}
    assert pairs(shaped([benchmark])) == SAID
    yaml: list[Row] = [
        {"type": "intent", "name": "open", "utterances": ["Open the [thing:thing](sluice)"]},
        {"type": "intent", "name": "ask_bridge", "utterances": ["Is the east bridge up?"]},
        {"type": "entity", "name": "thing", "values": ["sluice"]},
    ]
    assert pairs(shaped(yaml)) == SAID


def test_dialogflow_names_the_intent_in_it_or_in_its_file() -> None:
    phrase: Row = {
        "id": "x",
        "data": [{"text": "Open the "}, {"text": "sluice", "alias": "t", "meta": "@t"}],
        "isTemplate": False,
        "count": 0,
    }
    other: Row = {"id": "y", "data": [{"text": "Is the east bridge up?"}], "isTemplate": False, "count": 0}
    files = [
        {**phrase, MEMBER: "intents/open_usersays_en.json"},
        {**other, MEMBER: "a/intents/ask_bridge_usersays_pt-BR.json"},
    ]
    assert pairs(shaped([*files, {"name": "open", MEMBER: "intents/open.json"}])) == SAID
    assert pairs(shaped([{"name": "open", "userSays": [phrase]}, {"name": "ask_bridge", "userSays": [other]}])) == SAID
    cx: list[Row] = [
        {
            "displayName": "open",
            "trainingPhrases": [{"parts": [{"text": "Open the "}, {"text": "sluice"}], "repeatCount": 1}],
        }
    ]
    assert pairs(shaped(cx)) == SAID[:1]
    folder: list[Row] = [
        {"trainingPhrases": [{"parts": [{"text": "Open the sluice"}]}], MEMBER: "intents/open/trainingPhrases/en.json"}
    ]
    assert pairs(shaped(folder)) == SAID[:1]


def test_luis_and_clu_keep_an_intent_named_none() -> None:
    said = [{"text": text, "intent": intent, "entities": []} for text, intent in [*SAID, ("Nice weather", "None")]]
    found = shaped([{"luis_schema_version": "7.0.0", "intents": [{"name": "open"}], "utterances": said}])
    assert pairs(found) == [*SAID, ("Nice weather", "None")]
    assert found.labels == ("open", "ask_bridge", "None")
    parts = [{**each, "dataset": part} for each, part in zip(said, ("Train", "Test", "Train"), strict=True)]
    clu = shaped([{"projectFileVersion": "2022-05-01", "assets": {"projectKind": "Conversation", "utterances": parts}}])
    assert [row[clu.split] for row in clu.rows] == ["train", "test", "train"]
    tests: list[Row] = [
        {"text": text, "intent": intent, "entities": [{"entity": "t", "startPos": 0, "endPos": 3}]}
        for text, intent in SAID
    ]
    assert pairs(shaped(tests)) == SAID


def test_fasttext_s_labels_stand_anywhere_and_may_have_another_prefix() -> None:
    lines = [
        "__label__dock __label__sea The crate  fell",
        "__label__sea It floats __label__old",
        "__label__sea A __b__ crate",
    ]
    found = shaped([{"text": line} for line in lines])
    assert pairs(found) == [
        ("The crate  fell", ["dock", "sea"]),
        ("It floats", ["old", "sea"]),
        ("A __b__ crate", ["sea"]),
    ]
    named = shaped([{"text": f"__topic_name__{label} It fell"} for label in ("dock", "sea", "None")])
    assert pairs(named) == [("It fell", "dock"), ("It fell", "sea"), ("It fell", "None")]
    assert found.left_out == {}


def test_lines_without_a_label_are_left_out_and_prose_is_no_fasttext() -> None:
    found = shaped([{"text": "__label__sea It floats"}] * 9 + [{"text": "It sank"}])
    assert found.left_out == {"no label": 1}
    assert shape_of([{"text": "__init__ is a method"}, {"text": "The crate fell"}]) is None
