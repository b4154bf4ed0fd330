import pytest

from p2m_agent.importing.labels.lists import as_list, holds_lists


@pytest.mark.parametrize(
    ("cell", "items"),
    [
        (["joy", "love"], ["joy", "love"]),
        ('["joy", "love"]', ["joy", "love"]),
        ("['joy', 'love']", ["joy", "love"]),
        ("('joy',)", ["joy"]),
        ("['joy' 'love']", ["joy", "love"]),
        ("['joy'\n \"dark love\"]", ["joy", "dark love"]),
        ("['joy']", ["joy"]),
        ("[0 1 0]", [0, 1, 0]),
        ("[0. 1.]", [0.0, 1.0]),
        ("[joy, love]", ["joy", "love"]),
        ('{joy,"dark love"}', ["joy", "dark love"]),
        ("<joy><dark-love>", ["joy", "dark-love"]),
        ("[]", []),
        ("[sic] joy", None),
        ('{"joy": 1}', None),
        ("(sad, but true)", None),
        ("joy", None),
        (None, None),
    ],
)
def test_a_list_is_read_however_it_was_written(cell: object, items: list[object] | None) -> None:
    assert as_list(cell) == items


def test_a_column_has_lists_where_nearly_every_filled_cell_is_one() -> None:
    assert holds_lists(["['a']", "['b', 'c']", None, "", float("nan")])
    assert not holds_lists(["[a]", "a text", "another text"])
    assert not holds_lists([None, ""])
