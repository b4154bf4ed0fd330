"""Which language a request is about."""

from __future__ import annotations

import pytest

from p2m_agent.languages import languages_of, written_in


@pytest.mark.parametrize(
    ("request_text", "codes"),
    [
        ("Is this Japanese review kind?", ("ja",)),
        ("Translate English words to French", ("en", "fr")),
        ("Sort mail into queues", ()),
        ("Erkenne, ob ein Kunde mit der Lieferung zufrieden ist", ("de",)),
        ("Erkenne, ob ein deutscher Tweet positiv ist", ("de",)),
        ("ホテルの口コミが肯定的かを判定する", ("ja",)),
        ("判断一条中文商品评论是好评还是差评", ("zh",)),
        ("", ()),
    ],
)
def test_languages_of_a_request(request_text: str, codes: tuple[str, ...]) -> None:
    assert languages_of(request_text) == codes


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Sortiere unsere E-Mails in Arbeit, Privat, Spam", "de"),
        ("Teile E-Mails in Beschwerde, Frage, Lob ein", "de"),
        ("Ordina le e-mail in tre cartelle: lavoro, privato e spam", "it"),
    ],
)
def test_german_mail_is_not_italian(text: str, code: str) -> None:
    assert written_in(text) == code


def test_written_in() -> None:
    assert written_in("Tell whether the message is spam") == "en"
    assert written_in("xyzzy") is None
