from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from p2m_agent.delivery.model_card import Facts, write_model_card
from p2m_agent.run.state import Parent
from p2m_agent.types.rows import Dataset
from p2m_agent.types.scores import Baseline, Difference, EvalReport, Mistake, Score, Speed
from p2m_agent.types.task import Demonstration
from tests.fakes.student import StudentRun, student_card


def facts(root: Path, **changes: Any) -> Facts:
    run = StudentRun(root / "run-7", target=0.9)
    spec, student = run.state.spec, run.state.best()
    assert spec
    assert student
    score = Score(metric="accuracy", value=0.8512, ci95=(0.81, 0.89), scored=40, unscored=2)
    baselines = {
        "majority": Baseline(score=score, student_minus=Difference(value=0.3, ci95=(0.2, 0.4), rows=40)),
        "teacher": Baseline(note="the teacher could not be asked: no | key"),
    }
    report = EvalReport(
        id="e", training_run=student.id, split="test", proxy=False, score=score, extra={"macro_f1": score},
        per_label={"billing": {"precision": 1.0, "recall": 0.5, "f1": 0.667, "support": 20.0}},
        baselines=baselines, looks=1, speed=Speed(p50_ms=3.2, p95_ms=5.0, timed=40), made_by="e",
    )  # fmt: skip
    dev = EvalReport(
        id="d", training_run=student.id, split="dev", proxy=False, score=score,
        confusions=(("delivery", "billing", 4),),
        mistakes=(Mistake(example_id="1", text="<script>alert(1)</script> | a\nb", expected="x", predicted="y"),),
        made_by="d",
    )  # fmt: skip
    given: dict[str, Any] = {
        "run": "run-7", "spec": spec, "student": student, "card": student_card(), "report": report, "dev": dev,
        "holdout": run.holdout, "datasets": tuple(run.state.all(Dataset)),
    }  # fmt: skip
    return Facts(**{**given, **changes})


def header(card: str) -> dict[str, Any]:
    return dict(yaml.safe_load(card.split("---\n")[1]))


def test_the_hub_library_reads_the_score_out_of_the_card(tmp_path: Path) -> None:
    from huggingface_hub import ModelCard

    card = ModelCard(write_model_card(facts(tmp_path)))
    (result,) = card.data.eval_results
    assert (result.metric_type, result.metric_value, result.dataset_split) == ("accuracy", 0.8512, "test")
    assert result.task_type == "text-classification"
    assert card.data.base_model is None  # a name of ours is no id there
    assert card.data.language == ["en"]
    assert card.data.pipeline_tag == "text-classification"


@pytest.mark.parametrize(
    ("name", "revision", "told"),
    [
        ("BAAI/bge-small-en-v1.5", "0123456789" * 4, "BAAI/bge-small-en-v1.5"),
        ("models/mine", None, None),
        ("models/mine", "0123456789abcdef", None),
        ("tiny", "0123456789" * 4, None),
    ],
)
def test_the_base_is_named_to_hubs_where_its_name_is_an_id(
    tmp_path: Path, name: str, revision: str | None, told: str | None
) -> None:
    card = student_card()
    base = card.base.model_copy(update={"name": name, "revision": revision})
    given = facts(tmp_path, card=card.model_copy(update={"base": base}), usage=("sentence-transformers", "print(1)"))
    said = header(write_model_card(given))
    assert said.get("base_model") == told
    assert said["library_name"] == "sentence-transformers"


def test_the_score_stands_beside_its_interval_and_the_baselines(tmp_path: Path) -> None:
    card = write_model_card(facts(tmp_path))
    assert "| **this model** | **0.851** | 0.810 to 0.890 |" in card
    assert "| most frequent output | 0.851 | 0.810 to 0.890 | +0.300 (0.200 to 0.400) |" in card
    assert r"| teacher LLM | – | – |  | the teacher could not be asked: no \| key |" in card
    assert "2 more rows could not be scored" in card
    assert "The target of 0.900 was **not met**" in card
    assert "| delivery | billing | 4 |" in card
    assert "2 (exact)" in card


def test_no_table_is_broken_by_an_empty_line(tmp_path: Path) -> None:
    lines = write_model_card(facts(tmp_path)).splitlines()
    for before, line, after in zip(lines, lines[1:], lines[2:], strict=False):
        assert not (before.startswith("|") and not line and after.startswith("|"))
        if line.startswith("|---"):
            assert before.startswith("|")


def test_a_proxy_warns_before_anything_else(tmp_path: Path) -> None:
    plain = facts(tmp_path)
    assert "synthetic proxy" not in write_model_card(plain)
    proxy = Facts(**{**plain.__dict__, "report": plain.report.model_copy(update={"proxy": True})})
    body = write_model_card(proxy).split("---\n", 2)[2]
    assert body.index("synthetic proxy") < body.index("## Score")


def test_a_text_to_text_card_shows_dev_mistakes_that_cannot_break_the_page(tmp_path: Path) -> None:
    plain = facts(tmp_path)
    spec = plain.spec.model_copy(update={"kind": "text_to_text", "labels": ()})
    card = write_model_card(Facts(**{**plain.__dict__, "spec": spec, "card": student_card("text_to_text")}))
    assert r"| &lt;script>alert(1)&lt;/script> \| a b | x | y |" in card
    assert header(card)["pipeline_tag"] == "text-generation"


def test_the_request_cannot_break_the_page(tmp_path: Path) -> None:
    plain = facts(tmp_path)
    spec = plain.spec.model_copy(update={"request": "first\n---\n# second <b>"})
    card = write_model_card(Facts(**{**plain.__dict__, "spec": spec}))
    assert "> first\n> ---\n> # second &lt;b>" in card


def test_the_python_example_holds_a_real_input(tmp_path: Path) -> None:
    plain = facts(tmp_path)
    shown = Demonstration(input={"text": 'it\'s "my" invoice'}, output="billing")
    spec = plain.spec.model_copy(update={"demonstrations": (shown,)})
    card = write_model_card(Facts(**{**plain.__dict__, "spec": spec}))
    assert r'model.predict({"text": "it' in card
    for block in card.split("```python\n")[1:]:
        compile(block.split("```")[0], "card", "exec")


def dataset(**changes: Any) -> Dataset:
    given = {"id": "d", "path": "p", "sha256": "0", "rows": 5, "origin": "hub", "ref": "a/b", "made_by": "c"}
    return Dataset.model_validate({**given, **changes})


@pytest.mark.parametrize(
    ("datasets", "licence"),
    [
        ((dataset(licence="apache-2.0"),), "apache-2.0"),
        ((dataset(licence="cc-by-4.0"),), "other"),
        ((dataset(licence=None),), "other"),
        ((dataset(origin="user", licence=None),), "apache-2.0"),
    ],
)
def test_the_licence_follows_base_and_data(tmp_path: Path, datasets: tuple[Dataset, ...], licence: str) -> None:
    card = write_model_card(facts(tmp_path, datasets=datasets))
    assert header(card)["license"] == licence


@pytest.mark.parametrize(
    ("licence", "warning"),
    [
        (None, "**unknown**"),
        ("cc-by-nc-4.0", "**Not for commercial use.**"),
        ("gpl-3.0", "under the same terms"),
        ("odbl-1.0", "under the same terms"),
        ("cdla-sharing-1.0", "under the same terms"),
        ("eupl-1.2", "under the same terms"),
        ("mit, cc-by-nc-4.0", "**Not for commercial use.**"),
        ("some-house-terms", "not known here"),
        ("cc-by-nd-4.0", "does not allow derived works"),
    ],
)
def test_licences_that_bind_are_warned_of(tmp_path: Path, licence: str | None, warning: str) -> None:
    card = write_model_card(facts(tmp_path, datasets=(dataset(licence=licence),)))
    assert warning in card.split("## Licences")[1].split("## Limits")[0]


def test_the_card_says_where_the_fine_tune_was_not_worth_it_and_where_the_run_came_from(tmp_path: Path) -> None:
    plain = facts(tmp_path)
    assert "goes on from" not in write_model_card(plain)
    said = ("The linear head is as good: 0.9 against 0.9.", "Your teacher beats it: 0.95.")
    parent = Parent(run="two", path="p", ancestors=("one",), artifacts=1, decisions=1, looks=1)
    card = write_model_card(replace(plain, report=plain.report.model_copy(update={"not_worth": said}), parent=parent))
    for line in said:
        assert f"\n\n**{line}**\n" in card
    assert "The run `run-7` goes on from `one`, then `two`" in card
