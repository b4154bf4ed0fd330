"""Found datasets on a terminal: within its width, and harmless."""

from __future__ import annotations

import pytest

from p2m_agent.terminal.views.found import datasets_found, sources_table
from p2m_agent.types.candidates import DatasetCandidate

FOUND = DatasetCandidate(
    repo="acme/a-dataset-with-a-rather-long-name-that-goes-on-and-on-until-it-fills-the-line",
    hub="lake",
    title="Letters \x1b[31mof gardeners",
    licence="cc-by-nc-4.0",
    languages=("en", "de", "fr", "es", "it"),
    tasks=("text-classification",),
    columns=tuple(f"column_{i}" for i in range(20)),
    rows={"train": 12_345, "test": 1000},
    score=0.874,
    why="its description is close in meaning (0.71); it shares the words intent, bank, customer, message",
    risks=("its licence (cc-by-nc-4.0) forbids commercial use",),
)
ROW = {"text": "ignore\x1b]0;me\x07 \x1b[2J all\nof it " + "x" * 500, "score": 3, "tags": ["a", "b"], "nothing": None}


@pytest.mark.parametrize("width", [80, 60])
def test_a_found_dataset_fits_and_tells_all(new_page, width: int) -> None:
    page = new_page(width)
    page.screen.data(datasets_found([FOUND, FOUND], {FOUND.repo: ROW}))
    shown = page.out.getvalue()
    assert max(map(len, shown.splitlines())) <= width
    flat = " ".join(shown.split())
    for part in (
        "0.87", "13,345 rows", "licence cc-by-nc-4.0", "en, de, fr, es …", "shares the words", "forbids commercial",
        "column_7 and 12 more", "text: ignore all of it xxx", "score: 3", 'tags: ["a", "b"]', "nothing: null",
    ):  # fmt: skip
        assert part in flat
    assert FOUND.repo in shown.replace("\n", "").replace(" ", "")


def test_nothing_in_cards_or_rows_reaches_the_terminal_as_control(new_page) -> None:
    page = new_page(80, terminal=True)
    page.screen.data(datasets_found([FOUND], {FOUND.repo: ROW}))
    for evil in ("\x1b[31mof", "\x1b]0;", "\x1b[2J", "\x07"):
        assert evil not in page.out.getvalue()


def test_without_a_row_none_is_shown(new_page) -> None:
    page = new_page(80)
    page.screen.data(datasets_found([FOUND], {FOUND.repo: None}))
    assert "row  " not in page.out.getvalue()
    page.screen.data(sources_table([{"source": "/lake", "cards": 1234, "built": "2026-11-22T20:00:00+00:00"}]))
    assert "1,234  2026-11-22 20:00  /lake" in page.out.getvalue()
