from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks._real_rows import real_sets
from p2m_agent.errors import ToolError
from p2m_agent.languages import in_another_language, language_of
from p2m_agent.rows.label_noise import suspects
from p2m_agent.rows.reading import read_examples, write_examples
from p2m_agent.types.rows import Example, Source
from p2m_agent.types.task import TaskSpec
from p2m_agent.verification.filter import Candidate, RowFilter
from p2m_agent.verification.row_faults import fault
from p2m_agent.verification.screening import Checks, Policy, verify_rows
from tests.fakes.embedder import LaidEmbedder
from tests.fakes.rows import sentence
from tests.fakes.scripted_llm import ScriptedLLM

SPEC = TaskSpec(
    id="s", request="r", instruction="Sort mail", kind="classification", labels=("a", "b"), metric="accuracy"
)
MADE = Source(origin="synthetic", ref="1")
LONG = "I ordered a large garden bench from your shop three weeks ago and it has still not been delivered to my house"


def row(text: str, output: str = "a", **source: Any) -> Example:
    return Example(input={"text": text}, output=output, source=MADE.model_copy(update=source))


def candidates(*texts: str) -> list[Candidate]:
    return [Candidate(row(text), "") for text in texts]


def by_topic(text: str) -> list[float]:
    """By the first word: rows of one topic point one way, with a little of their own."""
    import numpy as np

    topic = {"river": 0, "storm": 1}.get(text.split(maxsplit=1)[0].lower(), 2)
    own = np.random.default_rng(sum(map(ord, text))).standard_normal(61) * 0.08
    return [*(float(place == topic) for place in range(3)), *own.tolist()]


ALIKE = LaidEmbedder(lambda _text: [1.0])
"""Everything means the same."""


def test_copies_and_leaks_are_found_in_every_batch_and_distinct_rows_are_kept() -> None:
    row_filter = RowFilter(SPEC, [row(LONG)], [row("How do I top up my card?")])
    assert row_filter.sift(candidates(LONG.upper(), LONG + " yet", "how do i top up my card", sentence(1))) == 1
    assert row_filter.sift(candidates(sentence(1) + "!", sentence(2), sentence(2))) == 1
    assert row_filter.reasons() == {
        "duplicate_normalised": 2, "leak_normalised": 1, "leak_near": 1, "duplicate_exact": 1
    }  # fmt: skip
    assert (row_filter.accepted, sum(row_filter.reasons().values())) == (2, 5)
    assert all(each.held_out is each.reason.startswith("leak") for each in row_filter.rejected)


def test_drained_rows_are_forgotten_but_still_count_as_there() -> None:
    row_filter = RowFilter(SPEC, [], [])
    row_filter.sift(candidates(sentence(1), "…"))
    kept, rejected = row_filter.drain()
    assert [each.text for each in kept] == [sentence(1)]
    assert [each.reason for each in rejected] == ["empty"]
    assert row_filter.drain() == ([], [])
    assert row_filter.sift(candidates(sentence(1))) == 0
    assert (row_filter.accepted, row_filter.reasons()) == (1, {"empty": 1, "duplicate_exact": 1})


def test_many_rows_find_their_copies_after_they_were_sorted_in() -> None:
    rows = [f"{sentence(n)} number {n * 7919}" for n in range(2500)]
    row_filter = RowFilter(SPEC, [], [row(text) for text in rows])
    assert row_filter.sift(candidates(*(text + " x" for text in rows[::500]), "something new altogether")) == 1


def test_rows_that_mean_the_same_are_one_only_with_the_same_output() -> None:
    row_filter = RowFilter(SPEC, [], [row("the bench has not come")], ALIKE)
    row_filter.sift([Candidate(row("where is my order", "b"), ""), Candidate(row("it never arrived here"), "")])
    assert row_filter.reasons() == {"duplicate_meaning": 1}
    assert [each.output for each in row_filter.kept] == ["b"]


def test_expressions_are_duplicates_only_to_the_letter() -> None:
    row_filter = RowFilter(SPEC, [], [row("not ( True and False ) or True and not not True or False and True")])
    other = "not ( True and False ) or True and not not True or False or True"
    assert row_filter.sift(candidates(other, other)) == 1


@pytest.mark.parametrize(("share", "kept"), [(0.4, 0), (0.5, 0), (0.51, 1), (0.67, 1), (None, 1)])
def test_a_label_needs_more_than_half_of_the_votes(share: float | None, kept: int) -> None:
    row_filter = RowFilter(SPEC, [], [])
    assert row_filter.sift([Candidate(row(sentence(1), agreement=share), "")]) == kept
    assert row_filter.reasons() == ({} if kept else {"votes_disagree": 1})


@pytest.mark.parametrize("share", [0.4, 0.5, 0.51])
def test_texts_may_agree_in_part(share: float) -> None:
    texts = SPEC.model_copy(update={"kind": "text_to_text", "labels": (), "metric": "chrf"})
    drafted = row(sentence(1), sentence(2), agreement=share)
    assert RowFilter(texts, [], []).sift([Candidate(drafted, "")]) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("I'm sorry, but I can't help with that request.", "refusal"),
        ("Sure! Here is a message about a late parcel", "refusal"),
        ("As an AI language model, I have no parcels", "refusal"),
        ("I'm here to help with your order today", "about_itself"),
        ("Hello, my name is [Your Name] and my order is late", "placeholder"),
        ("Example 1: my order is late", "scaffold"),
        ("my order is late and my order is late and my order is late and my order is late", "repetitive"),
        ("…", "empty"),
        ("a", "only_a_label"),
        ("Ich habe meine Bestellung seit drei Wochen nicht bekommen und möchte mein Geld zurück", "wrong_language"),
        ("I am unable to top up my card, I can't help it, okay?", None),
        ("okay I want a flight from denver", None),
        ("[drumline] is the best film about language models", None),
        ("😝", None),
        ("Mein Koffer", None),
    ],
)
def test_single_rows(text: str, reason: str | None) -> None:
    assert fault(Candidate(row(text), ""), SPEC.model_copy(update={"language": "en"})) == reason


def test_what_the_persons_own_rows_hold_is_no_fault() -> None:
    own = [row(f"{sentence(n)} [USERNAME]", origin="user") for n in range(3)]
    new = candidates("thank you [USERNAME] for the kettle")
    assert RowFilter(SPEC, [], own).sift(new) == 1
    assert RowFilter(SPEC, [], [each.model_copy(update={"source": MADE}) for each in own]).sift(new) == 0


def test_languages() -> None:
    assert in_another_language("Wo ist meine Bestellung, ich warte seit Wochen darauf", "en")
    assert not in_another_language("Where is my order, I have been waiting for weeks", "en")
    assert not in_another_language("Kühlschrank?", "en")
    assert not in_another_language("whatever", None)
    assert language_of("私の注文はどこですか") == "ja"


def planted(noise: int = 6) -> tuple[list[Example], set[str]]:
    """Rows whose label is told by their first word, some with the wrong one: (rows, texts of the wrong ones)."""
    rows = [row(f"{('river', 'storm')[n % 2]} {sentence(n)}", "ab"[n % 2]) for n in range(120)]
    wrong = {rows[n].text for n in range(0, 10 * noise, 10)}
    return [row(r.text, "ba"["ab".index(r.output)]) if r.text in wrong else r for r in rows], wrong


def test_planted_label_noise_is_found_and_right_labels_are_not_doubted() -> None:
    rows, wrong = planted()
    vectors, outputs = LaidEmbedder(by_topic).encode([each.text for each in rows]), [each.output for each in rows]
    found = suspects(vectors, outputs)
    assert {rows[doubt.row].text for doubt in found} == wrong
    assert all(doubt.label != rows[doubt.row].output for doubt in found)
    assert suspects(vectors[:30], outputs[:30]) == []


@pytest.mark.parametrize("policy", ["drop", "relabel", "ask", "keep"])
def test_what_becomes_of_doubted_labels(policy: Policy, tmp_path: Path) -> None:
    rows, wrong = planted()
    path, rejected = tmp_path / "rows.jsonl", tmp_path / "rejected.jsonl"
    write_examples(path, rows)
    found = verify_rows(path, SPEC, Checks(doubtful=policy, embedder=LaidEmbedder(by_topic)))
    after = read_examples(path)
    ids = {each.text: each.id for each in rows}
    reasons = [json.loads(line)["reason"] for line in rejected.read_text().splitlines()] if rejected.exists() else []
    assert found.rows == len(after) == 120 - (6 if policy == "drop" else 0)
    assert reasons == {"drop": ["label_doubtful"] * 6, "relabel": ["relabelled"] * 6}.get(policy, [])
    if policy == "relabel":
        mended = {each.text: each for each in after}
        assert all(mended[text].output == ("a" if text.startswith("river") else "b") for text in wrong)
        assert all(mended[text].source.parents == (ids[text],) for text in wrong)
    elif policy == "ask":
        assert {each.text: each.source.suspect for each in after if each.source.suspect} == {
            text: "a" if text.startswith("river") else "b" for text in wrong
        }
        assert [each.output for each in after] == [each.output for each in rows]
    elif policy == "keep":
        assert after == rows


def test_a_judge_rejects_what_is_wrong_and_its_failures_leave_rows_unverified(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_examples(path, [row(sentence(n)) for n in range(4)])
    verdicts = ["right", "wrong", "cannot_tell"]
    judge = ScriptedLLM([*({"why": "so", "verdict": each} for each in verdicts), "no JSON at all"])
    found = verify_rows(path, SPEC, Checks(judge=judge))
    assert [each.source.judged for each in read_examples(path)] == [True, None, None]
    assert (found.rows, found.unverified, dict(found.dropped)) == (3, 2, {"judged_wrong": 1})
    assert "could not tell: 2 of the rows" in found.notes[0]


def test_a_judge_that_is_gone_rejects_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_examples(path, [row(sentence(n)) for n in range(300)])
    judge = ScriptedLLM([ToolError("the endpoint is gone")])
    found = verify_rows(path, SPEC, Checks(judge=judge))
    assert (found.rows, found.unverified, len(judge.asked)) == (300, 300, 1)
    assert "the endpoint is gone" in found.notes[0]


@pytest.mark.usefixtures("shared_hub")
def test_real_rows_are_hardly_ever_called_faulty() -> None:
    """A bound on false alarms, with a few rows to know each task by; the whole table: benchmarks/verification.py."""
    rows = faulty = 0
    for each in real_sets(60):
        row_filter = RowFilter(each.spec.model_copy(update={"language": None}), [], each.rows[:20])
        faulty += sum(row_filter.fault(Candidate(row, "")) is not None for row in each.rows[20:])
        rows += len(each.rows[20:])
    assert rows > 3000
    assert faulty < 0.004 * rows
