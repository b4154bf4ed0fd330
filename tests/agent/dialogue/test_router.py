"""What people say has the right effect, and nothing is decided or changed on a guess."""

from __future__ import annotations

import json

import pytest

from benchmarks.utterances import BASES, COLUMNS, FILE, LABELS, effect_of, is_destructive, is_right
from p2m_agent.agent.dialogue.hearing import hear
from p2m_agent.agent.dialogue.likeness import likely
from p2m_agent.agent.dialogue.readings import Edit, Place, Understood
from p2m_agent.agent.dialogue.router import route
from p2m_agent.agent.dialogue.slash_edits import read_slash
from p2m_agent.errors import UsageError

ROWS = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]


def place(about: str) -> Place:
    return Place(about=about, labels=LABELS, columns=COLUMNS, bases=BASES)


def heard(text: str, about: str = "rest") -> Understood:
    return route(text, place(about))


def test_the_recorded_utterances() -> None:
    rows = [row for row in ROWS if not row.get("held")]
    effects = [(row, *effect_of(heard(row["say"], row["at"]), place(row["at"]))) for row in rows]
    assert [row["say"] for row, effect, value in effects if is_destructive(row, effect, value)] == []
    assert sum(is_right(*each) for each in effects) >= 0.95 * len(rows)


@pytest.mark.parametrize("about", ["spec", "columns", "rows", "prompt", "plan", "spend", "delivery"])
@pytest.mark.parametrize(
    "text",
    [
        "take only the refunds",
        "yes but only for refunds",
        "a model for mail",
        "r u sure?",
        "is that right?",
        "no idea",
        "great",
        "thanks",
        "accept what exactly?",
        "deliver pizza",
        "ok?",
        "hm",
        "not sure",
        "wait a moment",
        "why not",
    ],
)
def test_nothing_is_decided_by_words_that_say_more_than_a_verdict(text: str, about: str) -> None:
    assert heard(text, about).kind != "answer"


def test_an_open_question_takes_words_and_lets_itself_be_asked_back() -> None:
    assert heard("English and Polish", "open").kind == "answer"
    assert heard("why do you ask?", "open").kind == "ask"


def test_likeness_never_decides_or_changes() -> None:
    """Whatever the classifier makes of a line is harmless."""
    kinds = {
        each.kind
        for text in ("bananas are yellow", "how good?", "thanks", "ta")
        for each in likely(hear(text, place("spend")))
    }
    assert kinds == {"ask", "fact", "remark", "nothing", "unclear"}


def test_an_unclear_line_offers_two_or_three_readings() -> None:
    found = heard("velvet gravel tambourine", "spend")
    assert found.kind == "unclear"
    assert 2 <= len(found.options) <= 3
    assert "accept" not in {each.verdict for each in found.options}


def test_an_edit_with_words_that_nobody_knows_is_offered_and_not_done() -> None:
    assert heard("set the target to 90%").edit == Edit(what="target", to=0.9)
    offered = heard("set the target to 90% flibbertigibbet")
    assert (offered.kind, offered.edit) == ("unclear", None)
    assert offered.options[0].edit == Edit(what="target", to=0.9)
    assert len(offered.options) == 3


@pytest.mark.parametrize("about", ["spec", "spend", "delivery"])
def test_nothing_is_taken_back_in_words_while_a_question_is_open(about: str) -> None:
    assert heard("undo that").command == "/undo"
    assert heard("undo that", about).command == ""
    assert heard("/undo", about).command == "/undo"


@pytest.mark.parametrize(
    ("line", "edit"),
    [
        ("/label merge refund return > money back", Edit(what="merge", names=("refund", "return"), to="money back")),
        ("/label rename delivery shipping", Edit(what="rename", names=("delivery",), to="shipping")),
        ("/labels work, private, spam", Edit(what="labels", names=("work", "private", "spam"))),
        ("/target 90%", Edit(what="target", to=0.9)),
        ("/language german", Edit(what="language", to="de")),
        ("/budget 30 min", Edit(what="max_minutes", to=30.0)),
        ("/budget 2.50", Edit(what="budget_usd", to=2.5)),
        ("/columns body > queue", Edit(what="columns", names=("body",), to="queue")),
        ("/model distilbert", Edit(what="model", to="distilbert/distilbert-base-uncased")),
        ("/budget", None),
        ("/labels", None),
        ("/undo", None),
    ],
)
def test_commands_that_change(line: str, edit: Edit | None) -> None:
    assert read_slash(line, place("rest")) == edit


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("/label merge refund nosuch > x", "no label 'nosuch'"),
        ("/target 90", "not between 0 and 1"),
        ("/rounds none", "no number of rounds"),
        ("/columns body > nosuch", "no column 'nosuch'"),
        ("/budget much", "neither money nor time"),
    ],
)
def test_commands_that_do_not_fit_say_why(line: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_slash(line, place("rest"))
