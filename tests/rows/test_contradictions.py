from p2m_agent.rows.contradictions import contradicted, contradiction_doubts
from p2m_agent.rows.division import divide
from p2m_agent.types.rows import Example, Source
from tests.importing.test_columns import spec

SOURCE = Source(origin="user", ref="rows")


def example(text: str, output: str) -> Example:
    return Example(input={"text": text}, output=output, source=SOURCE)


WORDS = "apple river stone cloud garden winter yellow market engine violin".split()  # noqa: SIM905
SURE = [example(f"{WORDS[n % 10]} {WORDS[n // 10]} {'ab'[n % 2] * 3}", "ab"[n % 2]) for n in range(100)]
DOUBTFUL = [example(f"{text} of two minds", label) for text in WORDS for label in "ab"]


def test_an_input_with_two_labels_is_counted_whatever_its_case_and_blanks() -> None:
    found = contradicted([example("A  text", "a"), example("a text", "b"), example("a text 2", "b"), SURE[0]])
    assert [dict(outputs) for outputs in found.values()] == [{"a": 1, "b": 1}]


def test_contradictions_are_said_with_rows_and_shown() -> None:
    (doubt,) = contradiction_doubts([*SURE, *DOUBTFUL], spec())
    assert (doubt.kind, doubt.rows, doubt.grave) == ("contradiction", 20, True)
    assert "10 inputs" in doubt.text
    assert "'apple of two minds' is 'a' and 'b'" in doubt.text
    assert not contradiction_doubts(SURE, spec())
    (several,) = contradiction_doubts(DOUBTFUL, spec(kind="text_to_text"))
    assert not several.grave


def test_contradictions_are_never_held_out() -> None:
    carved = divide({"train": [*SURE, *DOUBTFUL]}, "classification", 0)
    assert not {each.text for each in DOUBTFUL} & {each.text for each in [*carved.dev, *carved.test]}
    assert {each.id for each in DOUBTFUL} <= {each.id for each in carved.train}
    assert len(carved.train) + len(carved.dev) + len(carved.test) == 120


def test_a_split_of_the_source_loses_rows_that_others_contradict() -> None:
    mixed = [example("apple apple aaa", "b")]
    carved = divide({"train": [*SURE[:60], *mixed], "test": SURE[60:], "dev": SURE[60:61]}, "classification", 0)
    assert carved.contradictions == 0
    against = example(SURE[99].text, "a")
    carved = divide({"train": [*SURE[:60], against], "test": SURE[60:]}, "classification", 0)
    assert SURE[99].id not in {each.id for each in carved.test}
    assert against.id in {each.id for each in carved.train}
    assert carved.contradictions == 1
