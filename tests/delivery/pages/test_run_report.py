from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from p2m_agent.delivery.pages.charts import Axes, Point, chart, flow
from p2m_agent.delivery.pages.run_report import Reported, run_report
from p2m_agent.run.state import Decision
from p2m_agent.run.tooling import Outcome
from p2m_agent.types.analysis import ErrorAnalysis, ErrorCluster, Suggestion
from p2m_agent.types.budget import Cost
from p2m_agent.types.scores import Calibration, EvalReport, ReliabilityBin, Score
from tests.fakes.student import StudentRun

HOSTILE = "<script>alert(1)</script><img src=x onerror=y>"


class Page(HTMLParser):
    """What a browser would see: tags, and the words between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def reported(root: Path) -> Reported:
    run = StudentRun(root / "run-7", target=0.9)
    state, student = run.state, run.state.best()
    assert student
    score = Score(metric="accuracy", value=0.8512, ci95=(0.81, 0.89), scored=40)
    dev_rows = run.dev
    answers = root / "run-7" / "answers.jsonl"
    answers.write_text("".join(json.dumps({"id": row.id, "output": HOSTILE}) + "\n" for row in dev_rows))
    bins = (ReliabilityBin(low=0.8, high=0.9, rows=7, confidence=0.85, accuracy=0.7),)
    state.artifacts += [
        EvalReport(
            id="d", training_run=student.id, split="dev", proxy=False, score=score, answers="answers.jsonl",
            per_label={"billing": {"recall": 0.5, "support": 8.0}, "delivery": {"recall": 1.0, "support": 9.0}},
            confusions=(("billing", "delivery", 4),), made_by="d",
        ),
        EvalReport(
            id="t", training_run=student.id, split="test", proxy=False, score=score, looks=2,
            calibration=Calibration(ece=0.1, bins=bins), made_by="t",
        ),
        ErrorAnalysis(
            id="a", training_run=student.id, metric="accuracy", value=0.85, rows=17, errors=4,
            clusters=(ErrorCluster(name=HOSTILE, terms=(), errors=4, rows=9, example_ids=(dev_rows[0].id,)),),
            suggestions=(Suggestion(kind="more_data", why="few rows", gain=0.02, basis="guess", usd=None),),
            made_by="a",
        ),
    ]  # fmt: skip
    state.decisions.append(Decision(call_id="001-evaluate", tool="evaluate", why=HOSTILE, by="rules", outcome="0.85"))
    folder = root / "run-7" / "calls" / "001-evaluate"
    folder.mkdir(parents=True, exist_ok=True)
    outcome = Outcome(summary="0.85", cost=Cost(wall_s=12.0, tokens=345))
    (folder / "manifest.json").write_text(outcome.model_dump_json())
    return Reported("run-7", root / "run-7", state)


def test_the_page_says_what_the_record_says(tmp_path: Path) -> None:
    page = Page(run_report(reported(tmp_path)))
    for words in (
        "0.851 accuracy on the locked test, 95 % interval 0.810 to 0.890",
        "test rows, opened 2 times",
        "not met target 0.900",
        "4 errors among 9 rows like them",
        "more data few rows +0.020 guess 0 s, price unknown",
        "evaluate 1 12.0 0.0000 345",
    ):
        assert words in page.text
    row = page.text[page.text.index("expected ↓ given →") :]
    assert row.startswith("expected ↓ given → billing delivery billing 4 4 delivery · 9")


def test_text_from_data_is_text_on_the_page_and_nothing_is_fetched(tmp_path: Path) -> None:
    html = run_report(reported(tmp_path))
    page = Page(html)
    assert HOSTILE in page.text
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "img", "iframe", "link", "object", "form"}
    assert not [value for _, attributes in page.tags for name, value in attributes.items() if name.startswith("on")]
    assert not re.search(r"https?://", html)


def test_every_picture_says_in_words_what_it_shows_and_headings_follow_each_other(tmp_path: Path) -> None:
    page = Page(run_report(reported(tmp_path)))
    pictures = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert len(pictures) >= 3
    assert all(each["role"] == "img" and each["aria-label"] for each in pictures)
    assert [tag for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)][:2] == ["h1", "h2"]


def test_two_runs_stand_side_by_side(tmp_path: Path) -> None:
    run, other = reported(tmp_path / "a"), reported(tmp_path / "b")
    other.state.spent = Cost(wall_s=600.0)
    page = Page(run_report(run, other))
    assert "time 0.0 min 10.0 min" in page.text


def test_a_run_that_has_only_begun_has_a_page_too(tmp_path: Path) -> None:
    from p2m_agent.run.state import RunState

    page = Page(run_report(Reported("young", tmp_path, RunState())))
    assert "The locked test has not been opened" in page.text


@pytest.mark.parametrize("at", [(0.0, 0.0), (1.0, 1.0), (0.5, 0.25)])
def test_points_lie_where_their_values_say(at: tuple[float, float]) -> None:
    axes = Axes("t", "x", "y", (0.0, 1.0))
    svg = chart(axes, [Point(*at)])
    [(x, y)] = [
        tuple(map(float, found)) for found in re.findall(r'<circle class="point" cx="([\d.]+)" cy="([\d.]+)"', svg)
    ]
    assert (x, y) == pytest.approx((60 + at[0] * 484, 204 - at[1] * 192))


def test_what_became_of_what_is_joined_column_by_column() -> None:
    svg = flow("t", [[("a", ""), ("b", "")], [], [("c & d", "")]])
    assert (svg.count("<rect"), svg.count('class="path"')) == (3, 2)
    assert "c &amp; d" in svg
