from __future__ import annotations

import cProfile
import random
import string
from pathlib import Path

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.rows.duplicates import drop_duplicates, find_leaks, normalise
from p2m_agent.rows.holdout import file_sha256, seal
from p2m_agent.rows.pool import TrainingPools, training_pool
from p2m_agent.rows.reading import write_examples
from p2m_agent.types.rows import Dataset, Example
from tests.fakes.embedder import LaidEmbedder
from tests.fakes.hub import CountingEmbedder
from tests.fakes.rows import SOURCE, example, examples, sentence

LONG = "I ordered a large garden bench from your shop three weeks ago and it has still not been delivered to my house"


def test_normalising_keeps_what_is_said() -> None:
    assert normalise("  Where’s my ＣＡＲＤ?! ") == "where s my card"
    assert normalise("?!") == "?!"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (LONG, "exact"),
        (LONG.upper() + "!", "normalised"),
        (LONG + " yet", "near"),
        (LONG.replace("three weeks", "a month"), None),
        ("How can I top up?", None),
    ],
)
def test_leaks_are_found_by_kind(text: str, kind: str | None) -> None:
    held = [example(LONG), example("How do I top up?")]
    assert find_leaks([example(text)], held) == ({0: kind} if kind else {})


ALIKE = LaidEmbedder(lambda _text: [1.0])
"""Everything means the same."""


def test_meaning_counts_only_with_similar_letters() -> None:
    changed = LONG.replace("three weeks", "a month")
    held = [example(LONG)]
    assert find_leaks([example(changed)], held, ALIKE) == {0: "near"}
    assert find_leaks([example("My bench has not come")], held, ALIKE) == {}


def test_other_numbers_with_another_answer_are_another_question() -> None:
    asked = "Tom has 3 boxes with twelve red apples in each of them. How many apples does Tom have in all of his boxes?"
    held = [example(asked, "36")]
    assert find_leaks([example(asked.replace("3", "4"), "48")], held) == {}
    assert find_leaks([example(asked.replace("3", "4"), "36")], held) == {0: "near"}
    assert find_leaks([example("(1 + 2)", "3")], [example("(1 - 2)", "-1")]) == {}


def test_every_field_has_to_match() -> None:
    def asked(question: str) -> Example:
        return Example(input={"context": LONG * 3, "question": question}, output="x", source=SOURCE)

    held = [asked("What was ordered?")]
    assert find_leaks([asked("When was it ordered?")], held) == {}
    assert find_leaks([asked("what was ordered")], held) == {0: "normalised"}


def test_duplicates_have_the_same_answer() -> None:
    rows = [example("One."), example("one"), example("one", "b"), example("two")]
    kept, dropped = drop_duplicates(rows)
    assert (kept, dropped) == ([rows[0], rows[2], rows[3]], [rows[1]])


def calls_of(rows: int) -> int:
    """Python calls that it takes to hold as many rows against as many others."""
    draw = random.Random(0)
    texts = ["".join(draw.choices(string.ascii_lowercase + " ", k=40)) for _ in range(2 * rows)]
    train, held = [example(text) for text in texts[:rows]], [example(text) for text in texts[rows:]]
    profile = cProfile.Profile()
    profile.runcall(find_leaks, train, held)
    return sum(entry.callcount for entry in profile.getstats())


def test_more_rows_take_as_much_more_work_and_not_its_square() -> None:
    calls_of(10)  # the library is loaded
    assert calls_of(800) < 5 * calls_of(200)


def test_a_pool_has_neither_duplicates_nor_leaks(tmp_path: Path) -> None:
    folder = tmp_path / "calls" / "1"
    folder.mkdir(parents=True)
    dev, test = examples(3, start=100), examples(3, start=200)
    holdout = seal(tmp_path, folder, dev, test, origin="user", ref="f", made_by="1")
    first, second = examples(10), [*examples(2), dev[0], example(test[0].text.upper(), "b"), example(sentence(300))]
    datasets = [dataset(tmp_path, "a", first), dataset(tmp_path, "b", second)]
    pool = training_pool(tmp_path, datasets, holdout, None)
    assert pool.examples == (*first, second[-1])
    assert pool.sources == ("a",) * 10 + ("b",)
    assert pool.leaks_removed == {"exact": 1, "normalised": 1}
    assert pool.duplicates_removed == 2


def test_a_pool_is_prepared_once_for_the_same_files(tmp_path: Path) -> None:
    folder = tmp_path / "calls" / "1"
    folder.mkdir(parents=True)
    holdout = seal(
        tmp_path, folder, examples(3, start=100), examples(3, start=200), origin="user", ref="f", made_by="1"
    )
    first, second = dataset(tmp_path, "a", examples(4)), dataset(tmp_path, "b", examples(2, start=10))
    embedder = CountingEmbedder()
    pools = TrainingPools(tmp_path)
    both = pools.of([first, second], holdout, embedder)
    assert pools.of([first, second], holdout, embedder) is both
    assert pools.of([first, second], holdout, None) is not both, "looked at less closely"
    assert len(pools.of([first], holdout, embedder).examples) == 4
    assert len(pools.of([first, second], holdout, embedder).examples) == 6
    (tmp_path / second.path).write_text("")
    with pytest.raises(ToolError, match="changed"):
        pools.of([first, second], holdout, embedder)


def test_what_means_the_same_as_a_held_out_row_is_not_trained_on(tmp_path: Path) -> None:
    (tmp_path / "calls" / "1").mkdir(parents=True)
    holdout = seal(
        tmp_path, tmp_path / "calls" / "1", [example(LONG)], examples(3, start=200), origin="user", ref="f", made_by="1"
    )
    rows = [dataset(tmp_path, "a", [example(LONG.replace("three weeks", "a month")), example("Hello.")])]
    pools = TrainingPools(tmp_path)
    assert [row.text for row in pools.of(rows, holdout, ALIKE).examples] == ["Hello."]
    assert len(pools.of(rows, holdout, None).examples) == 2


def test_a_pool_refuses_changed_rows_and_an_empty_result(tmp_path: Path) -> None:
    folder = tmp_path / "calls" / "1"
    folder.mkdir(parents=True)
    holdout = seal(tmp_path, folder, examples(3), examples(3, start=5), origin="user", ref="f", made_by="1")
    with pytest.raises(ToolError, match="none is left"):
        training_pool(tmp_path, [dataset(tmp_path, "a", examples(3))], holdout, None)
    changed = dataset(tmp_path, "a", examples(9, start=20))
    (tmp_path / changed.path).write_text("")
    with pytest.raises(ToolError, match="changed"):
        training_pool(tmp_path, [changed], holdout, None)


def dataset(root: Path, name: str, rows: list[Example]) -> Dataset:
    path = root / f"{name}.jsonl"
    write_examples(path, rows)
    sha = file_sha256(path)
    return Dataset(id=name, path=path.name, sha256=sha, rows=len(rows), origin="user", ref=name, made_by="1")
