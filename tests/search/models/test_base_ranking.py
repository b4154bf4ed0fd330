"""Ranking of models by words, tasks and languages."""

from __future__ import annotations

from p2m_agent.search.models.base_card import ModelCard
from p2m_agent.search.models.base_ranking import ModelRanking


def first(query: str, *cards: ModelCard) -> str:
    return ModelRanking(cards, None).rank(query)[0].card.repo


def test_a_use_finds_its_task_though_the_cards_share_no_word_with_it() -> None:
    speech, image = ModelCard("a/x", task="automatic-speech-recognition"), ModelCard("a/y", task="text-to-image")
    assert first("Write down what was said in our calls and podcasts", image, speech) == "a/x"
    assert first("Draw an illustration for a book cover", speech, image) == "a/y"


def test_forms_of_a_word_meet() -> None:
    assert first("translate this", ModelCard("a/x", "for images"), ModelCard("a/y", "a translation model")) == "a/y"


def test_a_pair_of_languages_has_a_direction() -> None:
    there, back = ModelCard("o/mt-en-fr"), ModelCard("o/mt-fr-en")
    assert first("Translate contracts from French to English", there, back) == "o/mt-fr-en"
    assert first("Translate contracts from English to French", back, there) == "o/mt-en-fr"


def test_twins_are_told_apart_by_what_the_request_names() -> None:
    twins = [ModelCard(f"a/bert-base-{kind}", "BERT") for kind in ("cased", "uncased")]
    assert first("a cased bert", *twins) == "a/bert-base-cased"
    assert first("an uncased bert", *twins) == "a/bert-base-uncased"


def test_the_language_asked_for_counts_and_another_one_sinks() -> None:
    german, plain = ModelCard("a/g", "entities", languages=("de",)), ModelCard("a/p", "entities", languages=("en",))
    assert first("entities in German news", plain, german) == "a/g"
    assert first("entities in news", german, plain) == "a/p"


def test_names_give_languages_away_but_words_do_not() -> None:
    assert "ko" in ModelCard("a/kobart", "a Korean model").speaks()
    assert ModelCard("a/no-speech").speaks() == frozenset()
    assert "multilingual" in ModelCard("a/b", languages=("multilingual",)).speaks()


def test_the_text_to_work_on_is_not_searched() -> None:
    wanted, other = ModelCard("a/x", "summaries"), ModelCard("a/y", "dragons and knights")
    assert first("Make summaries\n###Input: dragons and knights dragons", other, wanted) == "a/x"


def test_scores_fall_from_one_and_nothing_is_an_order() -> None:
    ranked = ModelRanking([ModelCard("a/x", "mail"), ModelCard("a/y", "ships")], None).rank("mail")
    assert ranked[0].score == 1 > ranked[1].score > 0
    assert ModelRanking([], None).rank("mail") == []
