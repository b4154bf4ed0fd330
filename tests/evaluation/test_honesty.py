"""The protocol: what keeps a score honest, held by code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.evaluation.answers import against, read_answers, write_answers
from p2m_agent.evaluation.output_judge import judge
from p2m_agent.llm.client import Reply
from p2m_agent.rows.holdout import open_test
from p2m_agent.rows.pool import training_pool
from p2m_agent.rows.reading import write_examples
from p2m_agent.run.tooling import load_tools
from p2m_agent.scoring.calibration import calibration
from p2m_agent.scoring.certificate import certify
from p2m_agent.types.rows import Dataset
from p2m_agent.types.scores import Difference, EvalReport
from p2m_agent.types.student import Prediction
from tests.evaluation.studies import spec
from tests.fakes.student import StudentRun, example


def planted(run: StudentRun) -> Dataset:
    """Training rows with a row of the locked test among them, as it is and in other dress."""
    from p2m_agent.rows.holdout import file_sha256

    one, two = run.test[1], run.test[2]
    dressed = two.model_copy(update={"input": {"text": f"  {two.text.upper()} !! "}})
    path = run.root / "calls" / "001-import_rows" / "more.jsonl"
    write_examples(path, [*run.train, one, dressed])
    (dataset,) = run.state.all(Dataset)
    facts = {"path": path.relative_to(run.root).as_posix(), "sha256": file_sha256(path)}
    return dataset.model_copy(update=facts)


def test_a_planted_test_row_is_caught_before_training_and_the_certificate_says_so(tmp_path: Path) -> None:
    run = StudentRun(tmp_path)
    pool = training_pool(run.root, [planted(run)], run.holdout, None)
    assert pool.leaks_removed["exact"] == 1
    assert pool.leaks_removed["normalised"] == 1
    assert not {row.text for row in pool.examples} & {row.text for row in run.test}
    held = [*run.dev, *run.test]
    found = certify(pool.examples, held, run.holdout, pool.leaks_removed, None)
    assert found.clean
    assert found.removed == pool.leaks_removed
    assert (found.train_rows, found.held_out_rows) == (len(pool.examples), len(held))
    assert found.test_sha256 == run.holdout.test_sha256
    assert "no embedding model" in found.how


def test_a_row_that_slipped_through_spoils_the_certificate(tmp_path: Path) -> None:
    run = StudentRun(tmp_path)
    found = certify([*run.train, run.test[0]], [*run.dev, *run.test], run.holdout, {}, None)
    assert not found.clean
    assert found.remaining == {"exact": 1}


def test_a_changed_test_is_refused(tmp_path: Path) -> None:
    run = StudentRun(tmp_path)
    path = run.root / run.holdout.test_path
    path.chmod(0o600)
    path.write_text(path.read_text().replace("billing", "delivery"))
    with pytest.raises(ToolError, match="changed"):
        open_test(run.root, run.holdout, "009-evaluate")


def test_no_tool_but_evaluate_opens_the_locked_test() -> None:
    root = Path(__file__).resolve().parents[2]
    callers = [
        path.relative_to(root).as_posix()
        for folder in ("p2m_agent", "tools", "prompts")
        for path in sorted((root / folder).rglob("*.py"))
        if "open_test" in path.read_text(encoding="utf-8")
    ]
    assert callers == ["p2m_agent/rows/holdout.py", "tools/evaluate.py"]


def test_a_tool_that_asks_for_test_rows_before_the_end_is_refused(tmp_path: Path) -> None:
    """Rows come from files the person gave and datasets that were found: the seal is none of them."""
    run = StudentRun(tmp_path)
    tool = load_tools()["import_rows"]
    for source in (run.holdout.test_path, str(run.root / run.holdout.test_path)):
        refused = tool.refusal(tool.args.model_validate({"source": source}), run.state)
        assert refused
        assert "was not found by a search" in refused


class Judging:
    """A judge that finds the longer output better, likes the first one best, or fails where it is told to."""

    model, paid = "fake-judge", False

    def __init__(self, says: Any, reliable: bool = True) -> None:
        self.says, self.capability, self.asked = says, type("C", (), {"reliable": reliable}), list[Any]()

    def estimate_usd(self, requests: int, prompt_tokens: int, completion_tokens: int) -> float | None:
        return 0.0

    def ask_many(self, requests: Any, on_reply: Any = None) -> list[Reply]:
        self.asked += requests
        replies = []
        for request in requests:
            said = self.says(
                json.loads(request.messages[-1].content.removeprefix("<outputs>").removesuffix("</outputs>"))
            )
            parsed = {"reason": "r", "better": said}
            error = None if said else "it would not answer"
            replies.append(Reply(text="", parsed=parsed if said else None, request_sha="0", error=error))
        return replies


def longer(shown: dict[str, str]) -> str:
    first, second = len(shown["first"]), len(shown["second"])
    return "same" if first == second else "first" if first > second else "second"


ROWS = [example(f"say {i}", "a fair answer") for i in range(12)]
BETTER, WORSE = "a fair answer and more", "bad"


def judged(says: Any, answers: list[str], left_usd: float | None = None, **more: Any) -> Any:
    stand_in: Any = Judging(says, **more)
    return judge(spec("text_to_text", "chrf"), ROWS, answers, stand_in, left_usd)


def test_the_judge_sees_both_orders() -> None:
    found = judged(longer, [BETTER] * 6 + [WORSE] * 6)
    assert found.values == (1.0,) * 6 + (0.0,) * 6
    score = found.score(0)
    assert (score.metric, score.value, score.scored, score.unscored) == ("llm_judge", 0.5, 12, 0)
    assert score.ci95[0] < 0.5 < score.ci95[1]


def test_a_judge_that_goes_by_position_says_nothing() -> None:
    assert judged(lambda shown: "first", [WORSE] * 12).values == (0.5,) * 12


def test_a_judge_that_fails_leaves_rows_unscored() -> None:
    def sometimes(shown: dict[str, Any]) -> str | None:
        return None if shown["input"]["text"] in ("say 3", "say 5") else longer(shown)

    found = judged(sometimes, [BETTER] * 12)
    assert found.values.count(None) == 2
    score = found.score(0)
    assert (score.value, score.scored, score.unscored) == (1.0, 10, 2)
    assert "2 of 12 rows are unscored" in found.note
    nothing = judged(lambda shown: None, [BETTER] * 12)
    assert nothing.score(0) is None


def test_a_weak_judge_is_not_asked() -> None:
    found = judged(longer, [BETTER] * 12, reliable=False)
    assert found.score(0) is None
    assert "too weak" in found.note


def test_calibration_agrees_with_its_definition() -> None:
    confidences = [0.95] * 10 + [0.55] * 10
    right = [True] * 9 + [False] + [True] * 3 + [False] * 7
    found = calibration(confidences, right)
    assert found
    assert found.ece == pytest.approx(0.5 * abs(0.95 - 0.9) + 0.5 * abs(0.55 - 0.3))
    assert [(each.rows, each.accuracy) for each in found.bins] == [(10, 0.3), (10, 0.9)]
    assert calibration([1.0, 0.0], [True, False]).ece == 0  # type: ignore[union-attr]
    assert calibration([], []) is None


@pytest.mark.parametrize(
    ("ci95", "verdict"),
    [((0.01, 0.2), "better"), ((-0.2, -0.01), "worse"), ((-0.01, 0.2), "not clearly different")],
)
def test_better_is_said_only_where_the_interval_says_so(ci95: tuple[float, float], verdict: str) -> None:
    assert Difference(value=0.1, ci95=ci95, rows=9).verdict == verdict


def report(run: str, answers: str, value: float, split: Any = "dev") -> EvalReport:
    from p2m_agent.types.scores import Score

    score = Score(metric="accuracy", value=value, ci95=(0.0, 1.0), scored=20)
    return EvalReport(id=run, training_run=run, split=split, proxy=False, score=score, answers=answers, made_by="m")


def test_rounds_are_compared_on_the_same_dev_rows(tmp_path: Path) -> None:
    rows = [example(f"row {i}", "a") for i in range(40)]
    said: list[Prediction | None] = [Prediction(output="a" if i < 20 else "b", confidence=0.5) for i in range(39)]
    write_answers(tmp_path / "old.jsonl", rows, [*said, None])
    assert read_answers(tmp_path / "old.jsonl", rows)[-2:] == ["b", None]
    reports = [report("old", "old.jsonl", 0.5), report("gone", "gone.jsonl", 0.9)]
    other, minus = against(spec(), rows, ["a"] * 40, tmp_path, reports, seed=0)
    assert other == "old"
    assert minus
    assert (minus.rows, minus.verdict) == (39, "better")
    assert minus.value == pytest.approx(19 / 39)
    assert against(spec(), rows, ["a"] * 40, tmp_path, reports, seed=0) == (other, minus)
    assert against(spec(), rows, ["a"] * 40, tmp_path, [], seed=0) == ("", None)
