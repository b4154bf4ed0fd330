"""The metric of a task that nobody chose one for, by what its outputs look like; in several languages."""

from __future__ import annotations

from typing import get_args

import pytest

from p2m_agent.errors import UsageError
from p2m_agent.scoring.metric_choice import choose_metric, metrics_in_words
from p2m_agent.scoring.metrics import load_metrics, meaning_of, metric_named, metrics_of, title_of
from p2m_agent.types.task import Kind

DATES = ["2024-01-01", "2024-02-02"]


@pytest.mark.parametrize(
    ("kind", "request_", "outputs", "metric"),
    [
        ("classification", "Translate or not?", ["a", "b"], "accuracy"),
        ("multi_label", "", ["a; b", "b"], "micro_f1"),
        ("text_to_text", "", DATES, "exact_match"),
        ("text_to_text", "", [], "chrf"),
        ("text_to_text", "Write dates as ISO 8601", [], "exact_match"),
        ("text_to_text", "Answer the customer", [], "chrf"),
        ("text_to_text", "Translate into French", [], "chrf"),
        ("text_to_text", "", ["word " * 40], "chrf"),
        ("text_to_text", "", ["x" * 200], "chrf"),
        ("text_to_text", "Translate short signs into French", ["sortie", "entrée"], "chrf"),
        ("text_to_text", "Write dates as ISO 8601", DATES, "exact_match"),
        ("text_to_text", "Reply with the year", ["1999", "2004"], "exact_match"),
        ("text_to_text", "Give the title and the year as JSON", ['{"title": "Emma", "year": 1815}'] * 3, "field_f1"),
        ("text_to_text", "", ["[]"] * 9 + ["none"], "field_f1"),
        ("text_to_text", "", ["[]"] * 8 + ["none"] * 2, "exact_match"),
    ],
)
def test_the_metric_follows_from_the_task_with_a_reason(
    kind: Kind, request_: str, outputs: list[str], metric: str
) -> None:
    chosen, why = choose_metric(kind, request=request_, outputs=outputs)
    assert chosen == metric
    assert chosen in metrics_of(kind)
    assert why


@pytest.mark.parametrize(
    "replies",
    [
        ["We are sorry to hear that and will look into it today.", "Thanks for telling us, a new lamp is on its way!"],
        ["Danke für Ihre Nachricht, wir kümmern uns darum.", "Das tut uns leid, wir schicken Ersatz."],
        ["Nous sommes désolés, un collègue vous rappelle.", "Merci, votre colis part demain."],
        ["Lo sentimos, lo revisamos hoy mismo.", "Gracias, le avisaremos mañana."],
        ["Tilauksesi saapuu huomenna.", "Pahoittelut, korjaamme asian."],
        ["非常抱歉，我们会尽快处理您的订单。", "谢谢您的来信，明天给您答复。"],
        ["ご連絡ありがとうございます。明日お届けします。", "申し訳ございません。確認いたします。"],
        ["ขอบคุณที่ติดต่อเรา เราจะตรวจสอบให้โดยเร็วที่สุด", "ขออภัยในความไม่สะดวก เราจะส่งสินค้าให้ใหม่"],
        ["شكرا لك، سنرد عليك غدا", "نعتذر عن ذلك، سنرسل لك قطعة جديدة"],
        ["Спасибо, мы ответим вам завтра.", "Просим прощения, заказ уже в пути."],
        ["we will call you back tomorrow", "your parcel leaves our house today"],
        ["a warm coat for rainy days", "light shoes for long walks"],
        ["订单1234将于明天送达", "订单5678已经取消退款"],
    ],
)
def test_what_can_be_worded_in_many_ways_is_never_matched_exactly(replies: list[str]) -> None:
    """However short: with the mails that they answer, and where the same few are sent again and again."""
    mails = [f"mail {number}: where is it?" for number, _ in enumerate(replies)]
    assert choose_metric("text_to_text", outputs=replies, inputs=mails)[0] == "chrf"
    if any(reply[-1] in ".!。" for reply in replies):
        assert choose_metric("text_to_text", outputs=replies * 20)[0] == "chrf"


@pytest.mark.parametrize(
    "answers",
    [
        ["AB-1234-X", "KL-0042-Q"],
        ["12.50 EUR", "7 USD"],
        ["3 March 2024", "14 May 2021"],
        ["3. März 2024", "14. Mai 2021"],
        ["3 de marzo de 2024", "14 de mayo de 2021", "2 de mayo de 2020"],
        ["martes, 3 de marzo de 2024", "viernes, 14 de mayo de 2021", "martes, 2 de marzo de 2020"],
        ["2024年3月5日", "1999年12月31日"],
        ["٣ مارس ٢٠٢٤", "١٤ مايو ٢٠٢١"],
        ["+49 30 123456", "(020) 7946 0000"],
        ["18:05", "07:30"],
        ["SELECT name FROM users WHERE id = 3", "SELECT COUNT(id) FROM orders"],
        ["ls -la /tmp", "tar -xzf box.tar.gz -C /srv"],
        ["Johann Wolfgang von Goethe", "Ada Lovelace", "Gabriel García Márquez"],
        ["ran", "gingen"],
        ["北京", "上海市"],
        ["ja", "nein"],
    ],
)
def test_a_code_a_number_a_date_a_name_has_one_right_form(answers: list[str]) -> None:
    assert choose_metric("text_to_text", outputs=answers)[0] == "exact_match"


def test_what_is_cut_out_of_the_input_has_one_right_form() -> None:
    places = ["the bench behind the old mill", "a lamp post near the north gate"]
    inputs = [f"Please mend {place} soon" for place in places]
    assert choose_metric("text_to_text", outputs=places, inputs=inputs)[0] == "exact_match"
    assert choose_metric("text_to_text", outputs=places, inputs=inputs[::-1])[0] == "chrf"
    assert choose_metric("text_to_text", outputs=places)[0] == "chrf"


def test_the_same_letters_in_another_case_and_spacing_are_cut_out_too() -> None:
    outputs = ["How are you today?", "Bring the blue cup."]
    assert choose_metric("text_to_text", outputs=outputs, inputs=["howareyoutoday", "BRING THE BLUE CUP"])[0] == (
        "exact_match"
    )


def test_a_copy_now_and_then_is_no_evidence() -> None:
    """Of corrected sentences some were right before."""
    outputs = ["Bring the blue cup.", "She goes home now.", "They were late again.", "I have seen it."]
    inputs = ["Bring the blue cup.", "She go home now.", "They was late again.", "I has seen it."]
    assert choose_metric("text_to_text", outputs=outputs, inputs=inputs)[0] == "chrf"


def test_phrases_that_recur_are_answers_to_choose_from() -> None:
    phrases = ["send to the front desk", "wait for the next bus"]
    assert choose_metric("text_to_text", outputs=phrases * 5)[0] == "exact_match"
    assert choose_metric("text_to_text", outputs=phrases)[0] == "chrf"


def test_every_kind_has_a_default_and_every_metric_its_words() -> None:
    for kind in get_args(Kind):
        assert choose_metric(kind)[0] in metrics_of(kind)
    for name, metric in load_metrics().items():
        assert metric.kinds
        assert meaning_of(name).endswith(".")
        assert title_of(name) == metric.title
        assert f"{name} {metric.purpose}" in metrics_in_words()
    assert {title_of("llm_judge"), title_of("gone_since")} == {"LLM judge", "gone since"}


def test_the_command_line_names_every_metric() -> None:
    from p2m_agent.cli import build_parser

    for name in load_metrics():
        assert build_parser().parse_args(["auto", "Sort mail", "--metric", name]).metric == name


def test_graded_metrics_are_of_texts() -> None:
    graded = {name for name, metric in load_metrics().items() if metric.open_ended}
    assert {"chrf", "bleu", "rouge_l", "embedding_similarity"} <= graded <= {*metrics_of("text_to_text")}


def test_an_unknown_metric_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match="no metric 'acuracy'") as refused:
        metric_named("acuracy")
    assert "accuracy" in refused.value.hint
