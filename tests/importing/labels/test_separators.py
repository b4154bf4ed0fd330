import pytest

from p2m_agent.importing.labels.separators import Separator, separator_of

PAIRS = [("waste", "roads"), ("roads", "taxes"), ("taxes", "waste")]


def column(mark: str) -> list[str]:
    return [*("waste", "roads", "taxes") * 5, *(mark.join(pair) for pair in PAIRS * 3)]


@pytest.mark.parametrize(
    "mark", [";", "; ", "|", " | ", ",", ", ", "#", "/", " / ", "\n", "+", " & ", " ", "、", "；", "\t"]
)
def test_labels_that_recur_alone_and_together_are_parted(mark: str) -> None:
    found = separator_of(column(mark))
    assert found.parts(mark.join(("waste", "roads"))) == ["waste", "roads"]
    assert found.parts("waste") == ["waste"]
    assert [(d.kind, d.rows) for d in found.doubts] == [("label_names", 9)]


@pytest.mark.parametrize(
    "texts",
    [
        ["Town/Waste", "Town/Roads", "Office/Taxes"] * 9,
        ["Billing, refunds", "Billing, invoices", "Access"] * 9,
        ["not urgent", "urgent"] * 9,
        ["C++", "C", "C#"] * 9,
        ["R&D", "Sales", "IT"] * 9,
        ["waste", "roads"] * 9,
    ],
)
@pytest.mark.parametrize("asked", [True, False])
def test_a_mark_within_a_label_parts_nothing(texts: list[str], asked: bool) -> None:
    assert separator_of(texts, asked=asked).mark == ""


def test_a_task_of_one_label_is_parted_only_where_each_part_is_a_label_too() -> None:
    together = [";".join(pair) for pair in PAIRS] * 5
    assert separator_of(together, asked=True).mark == ";"
    assert separator_of(together, asked=False).mark == ""
    assert separator_of(column(";"), asked=False).mark == ";"


def test_a_label_with_the_mark_in_it_stays_whole_among_several() -> None:
    texts = [*("Billing, refunds", "Access", "Delivery") * 5, "Access, Billing, refunds", "Access, Delivery"] * 2
    found = separator_of(texts)
    assert found.parts("Access, Billing, refunds") == ["Access", "Billing, refunds"]
    assert found.parts("Billing, refunds") == ["Billing, refunds"]
    assert "also stands within" in found.doubts[1].text


def test_known_labels_are_never_parted() -> None:
    texts = ["Health, Wealth", "law", "Health, Wealth; law"]
    found = separator_of(texts, labels=("health wealth", "law", "Health, Wealth"))
    assert found.parts("Health, Wealth; law") == ["Health, Wealth", "law"]


def test_without_a_mark_a_text_is_one_label() -> None:
    assert Separator().parts("a, b") == ["a, b"]
    assert Separator().parts("") == []
    assert separator_of([]).mark == ""
