from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.evaluation.clusters import error_clusters
from p2m_agent.evaluation.doubtful_labels import doubtful_dev, harmful_sources, label_noise
from p2m_agent.evaluation.error_analysis import AnalysisContext, analyse
from p2m_agent.evaluation.findings import Findings
from p2m_agent.evaluation.learning_curve import head_curve, power_law, recorded_curve
from p2m_agent.evaluation.slices import slices
from p2m_agent.evaluation.suggest import BELIEVED, suggestions
from p2m_agent.llm.client import Reply
from p2m_agent.types.analysis import ErrorAnalysis, LearningCurve, Suggestion
from p2m_agent.types.probe import ModelProbe, ProbedModel
from tests.evaluation.studies import rows, spec, student, study


def context(**more: Any) -> AnalysisContext:
    facts: dict[str, Any] = {
        "runs": [student(120, 0.8)], "names": {"dataset-a": "mail.csv"}, "race": None, "llm": None,
        "usd": lambda rows: 0.01 * rows, "report": lambda event: None,
    }  # fmt: skip
    return AnalysisContext(**{**facts, **more})


class Titling:
    """An LLM that finds titles; None for a failure."""

    def __init__(self, title: str | None, reliable: bool = True) -> None:
        self.title, self.capability, self.asked = title, type("C", (), {"reliable": reliable}), list[Any]()

    def ask_many(self, requests: Any, on_reply: Any = None) -> list[Reply]:
        self.asked += requests
        if self.title is None:
            return [Reply(text="", request_sha="0", error="no") for _ in requests]
        parsed = {"title": self.title}
        return [Reply(text=json.dumps(parsed), parsed=parsed, request_sha="0") for _ in requests]


def test_clusters_are_named_by_the_words_that_set_them_apart() -> None:
    found = error_clusters(study(), None)
    assert found
    assert all("late" in cluster.terms for cluster in found)
    assert all(cluster.confusion == ("delivery", "refund") for cluster in found)
    assert sum(cluster.errors for cluster in found) <= len(study().wrong)
    assert len({cluster.name for cluster in found}) == len(found)


def test_a_reliable_llm_gives_titles_and_a_failing_one_leaves_the_terms() -> None:
    reliable: Any = Titling("Late parcels")
    named = error_clusters(study(), reliable)
    assert named[0].name == "Late parcels"
    assert len({cluster.name for cluster in named}) == len(named)
    failing: Any = Titling(None)
    weak: Any = Titling("Never", reliable=False)
    plain = [cluster.name for cluster in error_clusters(study(), None)]
    assert [cluster.name for cluster in error_clusters(study(), failing)] == plain
    assert [cluster.name for cluster in error_clusters(study(), weak)] == plain
    assert not weak.asked


def test_an_unreachable_llm_leaves_the_terms() -> None:
    class Gone(Titling):
        def ask_many(self, requests: Any, on_reply: Any = None) -> list[Reply]:
            raise ToolError("gone")

    gone: Any = Gone("x")
    assert error_clusters(study(), gone) == error_clusters(study(), None)


def test_a_power_law_is_found_again() -> None:
    sizes = [50, 100, 200, 400]
    _, b, c = power_law(sizes, [2.0 * n**-0.5 + 0.05 for n in sizes])
    assert b == pytest.approx(0.5, abs=0.12)
    assert c == pytest.approx(0.05, abs=0.03)
    _, flat, _ = power_law(sizes, [0.2, 0.21, 0.2, 0.22])
    assert flat == pytest.approx(0, abs=0.01)
    assert power_law([409, 410], [0.9, 0.3]) == (pytest.approx(0.6), 0.0, 0.0), "no law is that steep"
    assert power_law([50, 100], [0.0, 0.0])[1:] == (0.0, 0.0)


def test_the_curve_extrapolates_what_twice_the_rows_bring() -> None:
    found = head_curve(study(train=rows(60, 1, noise=0.25)))
    assert found
    assert [part.rows for part in found.parts] == [8, 15, 30, 60]
    assert found.parts[0].value < found.parts[-1].value <= found.doubled <= 1
    assert found.doubled_ci95[0] <= found.doubled <= found.doubled_ci95[1]
    assert 0 <= found.error_left <= 1
    assert head_curve(study(train=rows(12, 1))) is None


def test_texts_have_a_curve_where_students_were_trained_on_different_numbers_of_rows() -> None:
    text = student(400, 0.5, kind="text_to_text")
    runs = [student(100, 0.2, kind="text_to_text"), student(200, 0.35, kind="text_to_text"), text]
    found = recorded_curve(runs, text, 100)
    assert found
    assert found.doubled > 0.5
    assert recorded_curve([text, student(100, 0.9)], text, 100) is None


def test_wrong_labels_are_suspected_and_their_removal_is_measured() -> None:
    train = rows(240, 1, noise=0.2)
    clean = {row.text: row.output for row in rows(240, 1)}
    flipped = {row.id for row in train if row.output != clean[row.text]}
    found = label_noise(study(train=train))
    assert found
    assert found.score_with is not None
    assert found.score_without is not None
    assert found.score_without >= found.score_with
    assert len(flipped & set(found.example_ids)) > 0.7 * len(found.example_ids) > 5
    assert found.by_source == {"dataset-a": found.suspected}


def test_dev_rows_with_a_doubtful_label_are_told() -> None:
    dev = rows(60, 2, noise=0.3)
    clean = {row.text: row.output for row in rows(60, 2)}
    one = study(train=rows(240, 1), dev=dev, answer=lambda row: clean[row.text])
    found = {one.dev[doubt.row].id for doubt in doubtful_dev(one)}
    wrong = {row.id for row in dev if row.output != clean[row.text]}
    assert found <= wrong
    assert len(found) > len(wrong) / 2
    stubborn = study(train=rows(240, 1), dev=dev, answer=lambda row: row.output)
    assert not doubtful_dev(stubborn)  # where the student sees it as the label says, nothing is doubted


def test_a_source_that_does_harm_is_found() -> None:
    good, bad = rows(90, 1), rows(120, 3, ref="b", noise=0.95)
    one = study(train=[*good, *bad], sources=["dataset-a"] * 90 + ["dataset-b"] * 120)
    found = harmful_sources(one)
    assert found[0].dataset == "dataset-b"
    assert found[0].gain.verdict == "better"
    ranked = analyse(one, context(), "c").suggestions
    dropped = next(each for each in ranked if each.kind == "drop_source")
    assert (dropped.source, dropped.basis) == ("dataset-b", "measured")
    assert ranked[-1].kind == "stop"


def test_slices_are_by_length_and_by_the_source_that_is_near() -> None:
    train = rows(120, 1)
    near_a = [row.output == "refund" for row in train]
    one = study(train=train, sources=["dataset-a" if near else "dataset-b" for near in near_a])
    found = slices(one, {"dataset-a": "bank mail", "dataset-b": "shop mail"})
    assert {part.by for part in found} == {"length", "source"}
    by_source = {part.name: part for part in found if part.by == "source"}
    assert by_source["shop mail"].value < by_source["bank mail"].value == 1
    for kind in ("length", "source"):
        assert sum(part.rows for part in found if part.by == kind) == 90


def test_suggestions_are_ranked_by_gain_with_a_cost() -> None:
    found = analyse(study(train=rows(120, 1, noise=0.2)), context(), "007-analyse_errors")
    *ranked, last = found.suggestions
    assert last.kind == "stop"
    believed = [each.gain * BELIEVED[each.basis] for each in ranked]
    assert believed == sorted(believed, reverse=True)
    assert BELIEVED["measured"] > BELIEVED["extrapolated"] > BELIEVED["guess"]
    assert {"more_data", "other_recipe"} <= {each.kind for each in ranked}
    aimed = next(each for each in ranked if each.clusters)
    assert set(aimed.clusters) <= {cluster.name for cluster in found.clusters}
    assert set(aimed.labels) == {"delivery", "refund"}
    assert aimed.usd == pytest.approx(0.01 * aimed.rows)
    assert all(each.cost_s > 0 and each.why for each in ranked)
    assert found.id == "error_analysis-007-analyse_errors"


def test_a_label_without_training_rows_comes_first() -> None:
    train = [row for row in rows(120, 1) if row.output != "account"]
    one = study(train=train, answer=lambda row: "refund" if row.output == "account" else row.output)
    first = analyse(one, context(), "c").suggestions[0]
    assert (first.kind, first.labels) == ("more_data", ("account",))
    assert first.gain == pytest.approx(1 / 6)


def test_the_race_names_another_base() -> None:
    results = (
        ProbedModel(model="tiny", score=0.6, rows=50),
        ProbedModel(model="better", score=0.7, rows=50),
        ProbedModel(model="hasty", score=0.9, rows=10),
    )
    race = ModelProbe(
        id="m", datasets=(), chosen="tiny", why="w", probe="p", measure="m", rounds=(10, 50), results=results,
        seconds=1.0, path="p", made_by="m",
    )  # fmt: skip
    other = next(each for each in analyse(study(), context(race=race), "c").suggestions if each.kind == "other_base")
    assert (other.base, other.gain) == ("better", pytest.approx(1 - study().run.dev))  # no more than is missing


def test_texts_that_differ_in_form_alone_ask_for_a_clearer_instruction() -> None:
    dev = rows(30, 2)
    one = study(dev=dev, answer=lambda row: f"The {row.output}!", spec=spec("text_to_text"))
    one = replace(one, run=student(120, 0.0, kind="text_to_text"))
    found = analyse(one, context(), "c")
    refine = next(each for each in found.suggestions if each.kind == "refine_instruction")
    assert refine.gain == pytest.approx(0.5)
    assert found.confusions == ()
    assert any("learning curve" in note for note in found.notes)


def test_an_open_ended_output_is_an_error_where_it_is_far_off() -> None:
    dev = rows(10, 2)
    near, far = dev[0].text, dev[1].text
    one = study(
        dev=[row.model_copy(update={"output": row.text}) for row in dev],
        answer=lambda row: "something else" if row.text == far else row.text + ("!" if row.text == near else ""),
        spec=spec("text_to_text", "chrf"),
    )
    assert one.wrong == [1]


def test_labels_taken_for_each_other_are_a_question_to_the_person() -> None:
    swap = {"delivery": "refund", "refund": "delivery"}
    draw = random.Random(0)
    one = study(answer=lambda row: swap.get(row.output, row.output) if draw.random() < 0.4 else row.output)
    asked = [each for each in analyse(one, context(), "c").suggestions if each.kind == "ask_person" and each.labels]
    assert asked[0].labels == ("delivery", "refund")


def test_nothing_wrong_leaves_only_to_stop() -> None:
    one = study(answer=lambda row: row.output)
    found = analyse(one, context(), "c")
    assert found.errors == 0
    assert found.clusters == ()
    assert [each.kind for each in found.suggestions] == ["stop"]


def test_the_same_study_gives_the_same_analysis() -> None:
    assert analyse(study(), context(), "c") == analyse(study(), context(), "c")


def test_without_an_embedding_model_letters_are_compared_and_it_says_so() -> None:
    found = analyse(study(embedder=None), context(), "c")
    assert found.clusters
    assert any("letters" in note for note in found.notes)


def test_an_analysis_reads_back_from_json() -> None:
    found = analyse(study(), context(), "c")
    assert ErrorAnalysis.model_validate_json(found.model_dump_json()) == found


def suggested(found: ErrorAnalysis, kind: str, method: str = "") -> Suggestion | None:
    return next((each for each in found.suggestions if (each.kind, each.method) == (kind, method)), None)


def test_setfit_is_for_few_rows_a_label() -> None:
    few = suggested(analyse(study(train=rows(30, 1)), context(), "c"), "other_recipe", "setfit")
    many = suggested(analyse(study(train=rows(300, 1)), context(), "c"), "other_recipe", "setfit")
    assert few
    assert many
    assert few.gain > 2 * many.gain
    assert "10 rows a label" in few.why
    assert few.cost_s < many.cost_s


def findings(doubled_leaves: float | None, **more: Any) -> Findings:
    curve = None
    if doubled_leaves is not None:
        facts = {
            "measured_on": "m",
            "parts": ({"rows": 300, "value": 0.8},),
            "exponent": 0.1,
            "floor": 0,
            "doubled": 0.8,
            "doubled_ci95": (0.7, 0.9),
        }
        curve = LearningCurve.model_validate({**facts, "error_left": doubled_leaves})
    return Findings(study=study(run=student(300, 0.8, wall_s=40.0)), curve=curve, **more)


def trials(found: Findings) -> list[Suggestion]:
    return [each for each in suggestions(found) if each.kind == "hyperparameters"]


def test_hyperparameters_are_searched_where_the_curve_is_flat() -> None:
    (search,) = trials(findings(0.97))
    assert (search.trials, search.cost_s) == (8, 320.0), "what the training took, as often as it is repeated"
    assert search.gain == pytest.approx(0.08 * 0.2)
    assert trials(findings(0.8)) == [], "more rows bring more"
    assert trials(findings(None)) == [], "nobody knows"


def test_a_search_fits_into_the_time_that_is_left() -> None:
    (search,) = trials(findings(0.97, left_s=400.0))
    assert (search.trials, search.cost_s) == (5, 200.0)
    assert trials(findings(0.97, left_s=200.0)) == [], "two trainings are no search"


def test_what_a_student_took_tells_how_fast_trainings_go_here() -> None:
    found = findings(None)
    slow = replace(found, study=study(run=student(300, 0.8, wall_s=400.0)))
    assert (found.train_s(), slow.train_s()) == pytest.approx((40.0, 400.0))
    assert found.train_s() < found.train_s(rows=300) < 80
    assert slow.train_s("encoder") == pytest.approx(10 * found.train_s("encoder"))
    few, some, many = (found.train_s("setfit", rows) for rows in (0, 100, 1000))
    assert few < some < many < 1.1 * some, "pairs are limited"
