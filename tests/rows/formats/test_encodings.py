"""Code pages: what was written is read, or a doubt says that it was a guess."""

from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent.errors import UsageError
from p2m_agent.rows.encoding.detection import encoding_of

from .conftest import Bring

SENTENCES = {
    "de": ("Der Sperrmüll liegt in der Straße, bitte prüfen", "cp1252 mac_roman cp850 iso8859_15"),
    "nl": ("De lantaarn in de drieëntwintigste straat, één hele week", "cp1252"),
    "nl_short": ("Graag een kopie, financiën", "cp1252"),
    "fr": ("La poubelle n’a pas été vidée depuis très longtemps", "cp1252 mac_roman"),
    "fr_short": ("problème de réseau", "cp1252 cp850"),
    "es": ("¿Dónde está el camión? No pasó mañana", "cp1252"),
    "pt": ("A coleta de lixo não passou na região", "cp1252"),
    "pl": ("Śmieci nie zostały odebrane, proszę o pilną pomoc", "cp1250 iso8859_2"),
    "cs": ("Popelnice nebyla vyvezena, prosím o kontrolu příští týden", "cp1250"),
    "hu": ("Kérem, intézkedjenek minél előbb, az űrlap nem működik", "cp1250"),
    "tr": ("Çöp kamyonu geçmedi, lütfen ilgilenin, ışıklar sönük", "cp1254"),
    "sv": ("Soporna har inte hämtats på två veckor", "cp1252"),
    "lt": ("Šiukšlės neišvežtos jau dvi savaites, žalia ąžuolas", "cp1257"),
    "ru": ("Мусор не вывезли уже две недели, примите меры", "cp1251 koi8_r cp866 iso8859_5"),
    "uk": ("Сміття не вивезли вже два тижні, їжа є", "cp1251 koi8_u"),
    "el": ("Τα σκουπίδια δεν μαζεύτηκαν εδώ και δύο εβδομάδες", "cp1253"),
    "he": ("הזבל לא נאסף כבר שבועיים", "cp1255"),
    "ar": ("لم يتم جمع القمامة منذ أسبوعين", "cp1256"),
    "th": ("ขยะไม่ได้ถูกเก็บมาสองสัปดาห์แล้ว", "cp874"),
    "ja": ("ゴミが二週間も収集されていません、早く", "cp932 euc_jp"),
    "ko": ("쓰레기가 이 주 동안 수거되지 않았습니다", "cp949"),
    "zh": ("垃圾已经两个星期没有收了", "gb18030"),
    "zh_tw": ("垃圾已經兩個星期沒有收了", "big5"),
    "en": ("It’s £20 – a naïve résumé…", "cp1252"),
}
PAIRS = [(name, codec) for name, (_, codecs) in SENTENCES.items() for codec in codecs.split()]


@pytest.mark.parametrize(("name", "codec"), PAIRS)
def test_a_code_page_is_found_by_how_the_text_looks(bring: Bring, name: str, codec: str) -> None:
    sentence, _ = SENTENCES[name]
    rows, table = bring("d.csv", f'id;text\n1;"{sentence}"\n2;ok\n'.encode(codec))
    assert rows == [{"id": "1", "text": sentence}, {"id": "2", "text": "ok"}]
    (doubt,) = table.doubts
    assert doubt.kind == "format"
    assert "--encoding" in doubt.settle


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-le"])
def test_unicode_in_all_forms(bring: Bring, codec: str) -> None:
    rows, table = bring("d.csv", "text\tlabel\nZażółć gęślą jaźń\tpolski\nπάντα ῥεῖ\tgreek\n".encode(codec))
    assert [row["text"] for row in rows] == ["Zażółć gęślą jaźń", "πάντα ῥεῖ"]
    assert bool(table.doubts) == codec.endswith(("le", "be"))


def test_the_person_names_the_encoding(bring: Bring) -> None:
    content = "text,label\nkožich,x\nžába,y\n".encode("cp1250")
    rows, table = bring("d.csv", content, encoding="cp1257")
    assert table.encoding == "cp1257"
    assert not table.doubts
    assert rows[1]["text"] == "žába".encode("cp1250").decode("cp1257")


def test_an_encoding_that_does_not_fit_or_is_none_is_refused(bring: Bring) -> None:
    content = "text,label\nprüfen,x\n".encode("cp1252")
    with pytest.raises(UsageError, match="not UTF-8 throughout") as raised:
        bring("d.csv", content, encoding="utf-8")
    assert "--encoding" in raised.value.hint
    with pytest.raises(UsageError, match="no encoding 'latin-77'"):
        bring("d.csv", content, encoding="latin-77")


def test_letters_far_down_are_seen(bring: Bring) -> None:
    content = b"text,label\n" + b"plain line here,x\n" * 100_000 + "zu prüfen,y\n".encode("cp1252")
    rows, table = bring("d.csv", content)
    assert rows[-1]["text"] == "zu prüfen"
    assert "Windows-1252" in table.format


def test_letters_after_a_long_line_are_seen(tmp_path: Path) -> None:
    file = tmp_path / "d.txt"
    file.write_bytes(b"x" * 500_000 + b"\r\n" + "zu prüfen".encode("cp1252"))
    assert encoding_of(file).name == "Windows-1252"


def test_a_few_other_bytes_in_utf8_are_mended_and_said(bring: Bring) -> None:
    content = b"text,label\n" + "größer,x\n".encode() * 20 + "prüfen,y\n".encode("cp1252")
    rows, table = bring("d.csv", content)
    assert (rows[0]["text"], rows[-1]["text"]) == ("größer", "prüfen")
    assert "1 of its" in table.doubts[0].text


def test_two_code_pages_that_fit_alike_are_grave(bring: Bring) -> None:
    _, table = bring("d.csv", b"name,label\n\xf8\xe8,x\nok,y\n")
    assert table.doubts[0].grave


def test_jsonl_in_another_code_page(bring: Bring) -> None:
    rows, _ = bring("d.jsonl", '{"text": "La poubelle était très pleine"}\n{"text": "ok"}\n'.encode("cp1252"))
    assert rows[0]["text"] == "La poubelle était très pleine"
