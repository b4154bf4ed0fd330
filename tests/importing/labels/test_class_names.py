import pytest

from p2m_agent.importing.labels.class_names import class_number, named_classes


@pytest.mark.parametrize(
    ("request_", "names"),
    [
        ("Does it follow: 0 yes, 1 maybe, 2 no", ["yes", "maybe", "no"]),
        ("Does it follow (0 = yes, 1 = maybe, 2 = no)?", ["yes", "maybe", "no"]),
        ("0: world news; 1: sport; 2: business", ["world news", "sport", "business"]),
        ("0 for bad", []),
        ("Rate it from 0 to 2", []),
        ("0 yes, 1 maybe", []),
        ("0 yes, 1 yes, 2 no", []),
        ("Der Satz folgt: 0 ja, 1 vielleicht und 2 nein", ["ja", "vielleicht", "nein"]),
    ],
)
def test_a_request_names_all_classes_or_none(request_: str, names: list[str]) -> None:
    assert list(named_classes([0, 1, 2], request=request_).values()) == names


@pytest.mark.parametrize(
    "card",
    [
        "- `0`: joy\n- `1`: anger\n",
        "| id | label |\n|---|---|\n| 0 | joy |\n| 1 | anger |\n",
        'id2label = {0: "joy", 1: "anger"}',
        "names:\n  '0': joy\n  '1': anger\n",
        "## Labels\n\n`joy`, `anger`\n",
    ],
)
def test_a_card_names_classes_in_many_ways(card: str) -> None:
    assert named_classes([0, 1], card=card) == {"0": "joy", "1": "anger"}


def test_prose_with_numbers_names_nothing() -> None:
    assert named_classes([0, 1], card="It has 0 errors and 1 label a row.") == {}
    assert named_classes([0], request="0 = joy") == {}


def test_labels_that_begin_with_their_number_are_names() -> None:
    assert named_classes([0, 1], labels=("0 yes", "1 no")) == {"0": "0 yes", "1": "1 no"}


def test_a_scale_may_begin_below_zero() -> None:
    found = named_classes([-1, 0, 1], request="Mood of the note: -1 bad, 0 neutral, 1 good")
    assert found == {"-1": "bad", "0": "neutral", "1": "good"}


def test_codes_and_measures_are_no_class_numbers() -> None:
    assert [class_number(text) for text in ("0", "12", "007", "1.5", "-1", "1000")] == [0, 12, None, None, -1, None]
