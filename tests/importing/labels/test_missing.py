import pytest

from p2m_agent.importing.labels.missing import absent_of, is_null_word

TOPICS = {"roads": 25, "waste": 25, "taxes": 25}


@pytest.mark.parametrize(
    ("counts", "absent"),
    [
        ({**TOPICS, "nan": 30}, {"nan"}),
        ({**TOPICS, "NULL": 3, "None": 3, "N/A": 3, "-": 3}, {"NULL", "None", "N/A", "-"}),
        ({**TOPICS, "none": 20}, set()),
        ({**TOPICS, "NONE": 20}, {"NONE"}),
        ({**TOPICS, "none": 5}, {"none"}),
        ({**TOPICS, "none": 20, "na": 19}, {"none", "na"}),
        ({**TOPICS, "keine Angabe": 9, "?": 2}, {"keine Angabe", "?"}),
        ({"entailment": 30, "neutral": 30, "contradiction": 30, "-": 25}, {"-"}),
        ({"+": 30, "-": 30, "=": 30}, set()),
        ({"FR": 9, "DE": 9, "ZA": 9, "IT": 9, "NA": 1}, set()),
        ({"EMEA": 20, "APAC": 20, "LATAM": 20, "NA": 20}, set()),
        ({"low": 20, "high": 20, "NA": 20}, {"NA"}),
    ],
)
def test_a_null_word_is_no_label_unless_it_is_used_as_one(counts: dict[str, int], absent: set[str]) -> None:
    assert absent_of(counts).words == absent


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Which topic, or none of these", True),
        ("Which of roads, waste, None?", True),
        ("Which topic", False),
        ("Which topic, nonetheless", False),
    ],
)
def test_a_word_that_the_request_names_is_a_label(said: str, kept: bool) -> None:
    assert absent_of({**TOPICS, "None": 2}, said=said).words == (set() if kept else {"None"})


def test_a_label_that_somebody_listed_is_one_whatever_it_looks_like() -> None:
    assert not absent_of({**TOPICS, "null": 2, "-1": 1}, known=("null", "-1", "roads")).words


def test_each_guess_is_said_with_its_rows() -> None:
    dropped = absent_of({**TOPICS, "None": 3, "?": 2}, where="topic")
    assert [(d.kind, d.rows, d.where, d.grave) for d in dropped.doubts] == [("not_gold", 5, "topic", True)]
    kept = absent_of({**TOPICS, "none": 20})
    assert [(d.rows, "counts as a class" in d.done) for d in kept.doubts] == [(20, True)]
    assert not absent_of(TOPICS).doubts
    assert not absent_of({**TOPICS, "none": 20}, said="none is right too").doubts


@pytest.mark.parametrize(
    ("counts", "said", "absent"),
    [
        ({"0": 30, "1": 30, "2": 30, "-1": 10}, "", {"-1"}),
        ({"0.0": 30, "1.0": 30, "2.0": 30, "-1.0": 10}, "", {"-1.0"}),
        ({"1": 30, "2": 30, "3": 30, "-100": 40}, "", {"-100"}),
        ({"0": 30, "1": 30, "-1": 3}, "Is it spam", {"-1"}),
        ({"0": 30, "1": 30, "-1": 3}, "Tell the sentiment", set()),
        ({"0": 30, "1": 30, "-1": 30}, "", set()),
        ({"1": 30, "-1": 3}, "", set()),
        ({"0": 30, "1": 30, "2": 30, "-1": 10}, "from -1 to 2", set()),
        ({"0": 30, "1": 30, "2": 30, "-1": 10}, "-1 is unlabelled", {"-1"}),
        ({"-2": 9, "-1": 9, "0": 9, "1": 9, "2": 9}, "", set()),
        ({"a": 9, "b": 9, "-1": 9}, "", {"-1"}),
        ({"a": 9, "b": 9, "-1": 9}, "levels a, b and -1", set()),
    ],
)
def test_minus_one_is_no_class_where_the_others_count_up(counts: dict[str, int], said: str, absent: set[str]) -> None:
    assert absent_of(counts, said=said).words == absent


def test_named_classes_leave_minus_one_without_a_name() -> None:
    assert absent_of({"0": 1, "1": 1, "-1": 1}, named=True).words == {"-1"}


def test_null_words_are_told_whatever_their_case() -> None:
    assert all(map(is_null_word, ("NaN", " n/a ", "NULL", "", "–", "Keine Angabe")))
    assert not any(map(is_null_word, ("unknown", "other", "no", "neutral", "0")))
