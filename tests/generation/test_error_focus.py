from __future__ import annotations

import pytest

from p2m_agent.generation.error_focus import Focus, focuses
from p2m_agent.generation.taint import HeldOutTexts
from p2m_agent.types.rows import Example, Source
from p2m_agent.types.scores import EvalReport, Mistake, Score
from tests.fakes.scripted_llm import ScriptedLLM
from tests.generation.test_rounds import CLASSES, TEXTS, prompt_of

NOTHING = HeldOutTexts(())
DEV = (
    ("the courier billed me for customs twice", "billing", "parcels"),
    ("customs were billed again by your courier", "billing", "parcels"),
    ("the parcel with my invoice is late", "parcels", "billing"),
)


def report(mistakes: tuple[tuple[str, str, str], ...] = DEV, split: str = "dev") -> EvalReport:
    return EvalReport(
        id="report",
        training_run="run",
        split=split,
        proxy=False,
        score=Score(metric="accuracy", value=0.5, ci95=(0.4, 0.6), scored=9),
        mistakes=tuple(
            Mistake(example_id=str(n), text=text, expected=expected, predicted=predicted)
            for n, (text, expected, predicted) in enumerate(mistakes)
        ),
        made_by="call",
    )


def described(*texts: str) -> ScriptedLLM:
    return ScriptedLLM([{"groups": [{"group": n, "description": text} for n, text in enumerate(texts)]}])


def test_groups_are_the_confused_pairs_described_by_the_teacher() -> None:
    teacher = described("fees of carriers that look like shipping", "papers that travel with goods")
    found = focuses(report(), CLASSES, teacher, NOTHING, 0)
    assert found == [
        Focus("billing", "parcels", "fees of carriers that look like shipping", 2),
        Focus("parcels", "billing", "papers that travel with goods", 1),
    ]
    assert "customs were billed" in prompt_of(teacher.asked[0])


def test_a_description_that_quotes_dev_is_replaced_by_words() -> None:
    teacher = described('such as "The courier billed me for customs twice"', "papers that travel")
    found = focuses(report(), CLASSES, teacher, NOTHING, 0)
    assert found[0].description == "about billed, courier, customs"
    assert found[1].description == "papers that travel"


def test_without_a_reliable_teacher_words_describe_the_groups() -> None:
    found = focuses(report(), CLASSES, None, NOTHING, 0)
    assert found[0].description == "about billed, courier, customs"
    assert found[0].errors == 2


def test_a_failed_description_falls_back_to_words() -> None:
    found = focuses(report(), CLASSES, ScriptedLLM(["no idea"]), NOTHING, 0)
    assert found[0].description.startswith("about ")


def test_texts_are_grouped_by_how_the_answers_differ() -> None:
    wrong = (("shout it loud", "SHOUT IT LOUD", ""), ("say it", "SAY IT", "say it"), ("cry out", "CRY OUT", "CRY OFF"))
    found = focuses(report(wrong), TEXTS, None, NOTHING, 0)
    assert len(found) == 3
    assert {(focus.label, focus.rival) for focus in found} == {("", "")}


def test_nothing_of_the_locked_test_is_read_or_shown() -> None:
    with pytest.raises(ValueError, match="dev only"):
        focuses(report(split="test"), CLASSES, None, NOTHING, 0)
    locked = Example(input={"text": DEV[0][0]}, output="billing", source=Source(origin="user", ref="f"))
    teacher = ScriptedLLM()
    found = focuses(report(), CLASSES, teacher, HeldOutTexts([locked]), 0)
    assert teacher.asked == []
    assert found[0].description.startswith("about ")
