from __future__ import annotations

import pytest

from p2m_agent.delivery.cascade import threshold_for
from p2m_agent.errors import UsageError

SURE = [1 - i / 100 for i in range(40)]


def test_as_many_answers_are_the_students_as_the_error_allows() -> None:
    right = [i not in (10, 30) for i in range(40)]
    found = threshold_for(SURE, right, 0.04)
    assert (found.confidence, found.share) == (SURE[29], 30 / 40)
    assert found.error == pytest.approx(1 / 30)
    assert threshold_for(SURE, right, 0.0).share == 10 / 40
    assert threshold_for(SURE, right, 1.0).share == 1.0


def test_where_the_surest_are_wrong_all_go_to_the_teacher() -> None:
    found = threshold_for(SURE, [False] * 40, 0.1)
    assert (found.share, found.confidence > 1) == (0.0, True)


def test_answers_of_one_confidence_go_together() -> None:
    right = [True] * 20 + [False] * 20
    assert threshold_for([0.9] * 40, right, 0.1).share == 0.0
    assert threshold_for([0.9] * 40, right, 0.5).share == 1.0


def test_few_rows_set_no_threshold() -> None:
    with pytest.raises(UsageError, match="takes 20 dev rows; there are 5"):
        threshold_for(SURE[:5], [True] * 5, 0.1)
