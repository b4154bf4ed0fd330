"""What the reason of a changed instruction says."""

from __future__ import annotations

import pytest

from p2m_agent.task.refining import RefiningEvidence, amended
from p2m_agent.types.task import TaskSpec

SPEC = TaskSpec(id="s", request="r", instruction="Sort it.", kind="classification", metric="accuracy")


@pytest.mark.parametrize(
    ("confusions", "said"),
    [((("a", "b", 3),), "1 pair of labels"), ((("a", "b", 3), ("c", "d", 2)), "2 pairs of labels")],
)
def test_one_pair_is_no_pairs(confusions: tuple[tuple[str, str, int], ...], said: str) -> None:
    assert said in amended(SPEC, RefiningEvidence(confusions=confusions))[1]
