from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.events import EventLog, LLMCalled
from p2m_agent.rows.data_card import card_lines, read_data_card, write_data_card
from p2m_agent.rows.measures import distinct, entropy
from p2m_agent.rows.reading import write_examples
from p2m_agent.types.rows import Dataset, Example, Source
from p2m_agent.types.task import TaskSpec
from tests.fakes.embedder import LaidEmbedder
from tests.fakes.rows import sentence
from tests.verification.test_filter import by_topic, planted, row

SPEC = TaskSpec(
    id="s", request="r", instruction="Sort mail", kind="classification", labels=("a", "b"), metric="accuracy"
)


def dataset(root: Path, rows: list[Example], **other: Any) -> Dataset:
    (root / "calls/1").mkdir(parents=True, exist_ok=True)
    write_examples(root / "calls/1/rows.jsonl", rows)
    labels = {label: sum(each.output == label for each in rows) for label in "ab"}
    values = {"id": "dataset-1", "path": "calls/1/rows.jsonl", "sha256": "0", "rows": len(rows), "labels": labels}
    return Dataset.model_validate({**values, "origin": "synthetic", "ref": "1", "made_by": "1", **other})


def called(usd: float | None, call: str = "1") -> LLMCalled:
    return LLMCalled(
        call=call, role="teacher", model="m", prompt_tokens=90, completion_tokens=10, usd=usd, cached=False, wall_s=1
    )


def test_a_card_tells_what_rows_took_and_what_they_are_like(tmp_path: Path) -> None:
    rows, wrong = planted()
    log = EventLog(tmp_path / "events.jsonl", "r")
    for event in (called(0.3), called(0.3), called(9.0, "2")):
        log(event)
    made = dataset(tmp_path, rows, dropped={"refusal": 30})
    real = [row("river boat", origin="user"), row("storm cloud", origin="hub")]
    embedder = LaidEmbedder(by_topic)
    card = write_data_card(tmp_path, made, SPEC, embedder=embedder, asked=160, real=real)
    assert card.share_used == 0.75
    assert card.usd_a_row == pytest.approx(0.6 / 120)
    assert (card.making.requests, card.making.tokens) == (2, 200)
    measures = card.measures
    assert measures.label_noise == pytest.approx(len(wrong) / 120, abs=0.03)
    assert measures.nearest_real
    assert measures.real_rows == 2
    assert measures.self_similarity is not None
    assert measures.self_similarity > 0.6
    assert read_data_card(tmp_path, made) == card
    page = (tmp_path / "calls/1/data_card.md").read_text()
    assert "$0.00500, 2 tokens (2 answers)" in page
    assert "30 refusal" in page
    assert json.loads((tmp_path / "calls/1/data_card.json").read_text())["rows"] == 120


def test_an_unknown_price_is_said_and_not_taken_for_nothing(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl", "r")
    log(called(0.3))
    log(called(None))
    card = write_data_card(tmp_path, dataset(tmp_path, [row(sentence(n)) for n in range(5)]), SPEC, embedder=None)
    assert card.usd_a_row is None
    assert "price unknown" in dict(card_lines(card))["cost of a row"]


def test_a_card_of_other_rows_is_not_read(tmp_path: Path) -> None:
    made = dataset(tmp_path, [row(sentence(n)) for n in range(5)])
    write_data_card(tmp_path, made, SPEC, embedder=None)
    assert read_data_card(tmp_path, made.model_copy(update={"id": "dataset-2"})) is None


def test_large_files_are_sampled_and_say_so(tmp_path: Path) -> None:
    made = dataset(tmp_path, [row(f"{sentence(n)} {n}") for n in range(2500)])
    card = write_data_card(tmp_path, made, SPEC, embedder=None)
    assert card.measures.read == 2000
    assert dict(card_lines(card))["measured on"].startswith("2,000 rows")


def test_a_hostile_row_or_label_cannot_break_out_of_the_page(tmp_path: Path) -> None:
    source = Source(origin="hub", ref="x")
    rows = [Example(input={"text": "t"}, output="<script>|", source=source)]
    write_data_card(tmp_path, dataset(tmp_path, rows, labels={"<script>|": 1}), SPEC, embedder=None)
    page = (tmp_path / "calls/1/data_card.md").read_text()
    assert "&lt;script>\\|" in page
    assert "<script>" not in page


def test_distinct_and_entropy() -> None:
    assert distinct(["a b a b", "a b"], 2) == pytest.approx(2 / 4)
    assert distinct(["私は私"], 1) == pytest.approx(2 / 3)
    assert distinct(["a"], 2) == 0
    assert entropy({"a": 5, "b": 5}) == pytest.approx(1)
    assert entropy({"a": 5, "b": 0}) == 0
    assert entropy({"a": 5}) is None
