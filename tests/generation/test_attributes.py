from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from p2m_agent.errors import UsageError
from p2m_agent.generation.attributes import Attributes, derive_attributes, read_attributes, write_attributes
from p2m_agent.generation.taint import HeldOutTexts
from tests.fakes.scripted_llm import ScriptedLLM
from tests.generation.test_rounds import CLASSES

SMALL = Attributes(
    topics=("a1", "a2", "a3"), styles=("b1", "b2"), writers=("c1", "c2"), lengths=("d1",), edge_cases=("e1",)
)


def test_the_grid_is_covered_before_a_point_comes_again() -> None:
    briefs = [SMALL.brief(number) for number in range(24)]
    assert len(set(briefs[:12])) == 12
    assert briefs[12:] == briefs[:12]


def test_any_run_of_briefs_is_spread_over_topics_and_pairs() -> None:
    grid = Attributes(topics=tuple(f"topic{n}" for n in range(7)))
    for start in (0, 5, 100):
        parts = [grid.brief(number).split("; ") for number in range(start, start + 56)]
        assert Counter(part[0] for part in parts) == {f"about: topic{n}": 8 for n in range(7)}
        assert len({tuple(part[:2]) for part in parts}) == 56
        assert len({part[3] for part in parts}) == len({part[4] for part in parts}) == 5


def test_a_person_can_read_and_edit_them(tmp_path: Path) -> None:
    path = tmp_path / "attributes.yaml"
    write_attributes(path, SMALL)
    assert read_attributes(path) == SMALL
    path.write_text(path.read_text().replace("- a1", "- späte Lieferung"))
    assert read_attributes(path).topics[0] == "späte Lieferung"
    path.write_text("topics: [returns, refunds]\n")
    assert read_attributes(path) == Attributes(topics=("returns", "refunds"))


@pytest.mark.parametrize(
    ("content", "said"), [("", "no attributes"), ("topic: [x]", "topic"), ("a: [", "cannot be read")]
)
def test_a_file_that_is_none_names_the_fault(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "attributes.yaml"
    path.write_text(content)
    with pytest.raises(UsageError, match=said):
        read_attributes(path)


def test_what_a_teacher_leaves_out_falls_back_to_general_lists() -> None:
    teacher = ScriptedLLM(
        [
            dict.fromkeys(("writers", "styles", "edge_cases"), ["?"] * 3)
            | {"topics": ["lost parcels", "x", "lost parcels"]}
        ]
    )
    found = derive_attributes(CLASSES, teacher, [], 0, HeldOutTexts(()))
    assert found == Attributes(topics=("lost parcels",))
