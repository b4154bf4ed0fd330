import pytest

from p2m_agent.errors import ToolError
from p2m_agent.importing.labels.vectors import bits, position_names, vector_length


@pytest.mark.parametrize(
    "cell", [[0, 1, 1], [0.0, 1.0, 1.0], [False, True, True], "[0, 1, 1]", "[0 1 1]", "0 1 1", "0,1,1", "0|1|1"]
)
def test_a_vector_is_read_however_it_is_written(cell: object) -> None:
    assert bits(cell) == [False, True, True]


@pytest.mark.parametrize("cell", [[0, 2], [1], "0", "011", ["a", "b"], None, [0.5, 0.5]])
def test_other_cells_are_no_vectors(cell: object) -> None:
    assert bits(cell) is None


def test_class_numbers_of_different_counts_are_no_vectors() -> None:
    assert vector_length([[0, 1, 0], [1, 0, 0], None]) == 3
    assert vector_length([[0, 1], [1, 0, 1]]) == 0
    assert vector_length([[0, 1], [2, 0]]) == 0
    assert vector_length([]) == 0


def test_positions_are_named_in_order_or_refused_with_the_remedy() -> None:
    assert position_names(2, ("joy", "anger"), {}, "y") == ("joy", "anger")
    assert position_names(2, (), {"1": "anger", "0": "joy"}, "y") == ("joy", "anger")
    with pytest.raises(ToolError, match=r"vectors of 3 times 0 or 1.*2 are named, not 3") as refused:
        position_names(3, ("joy", "anger"), {}, "y")
    assert "labels: [" in refused.value.hint
