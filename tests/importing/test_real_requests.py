"""Rows of real sets, whole, by the requests of the main job: everything between a file and its examples has its say."""

from __future__ import annotations

from pathlib import Path

import pytest

from .reading import labels, read_file, roles


@pytest.mark.parametrize(
    ("repo", "request_", "wanted", "count"),
    [
        ("PolyAI__banking77", "Tell which of the bank's intents a customer's message expresses", "label_text", 77),
        (
            "cogcomp__trec",
            "Tell what type of answer a question asks for: "
            "abbreviation, entity, description, human, location or numeric",
            "label_text",
            6,
        ),
        ("uci__sms_spam", "Tell whether a text message is spam or a legitimate message", "label_text", 2),
        (
            "google__disfl_qa",
            "Turn a spoken question with slips and restarts into the clean question that was meant",
            "original",
            0,
        ),
    ],
)
def test_the_right_column_is_learnt_from(shared_hub: Path, repo: str, request_: str, wanted: str, count: int) -> None:
    found = read_file(shared_hub / repo / "data" / "train.jsonl", request_)
    assert roles(found)[1] == wanted
    assert len(labels(found)) == count
    assert found.used > 1_000
