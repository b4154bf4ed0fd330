"""Words by which people call their columns, in the languages that they write, and what each means in English.

A word that means two things (`asunto` is a subject line and a topic) stands where a column of that name is read wrong
least often.
"""

from __future__ import annotations

import re
from functools import cache

from p2m_agent.languages import bare

_LISTED = """
text: texto testo tekst texte metin szoveg teksti текст κειμενο 文本 テキスト 텍스트 نص النص texten tekstas
message: nachricht mensaje mensagem messaggio bericht wiadomosc сообщение обращение zprava mesaj 留言 消息 信息
    メッセージ お客様の声 声 메시지 رسالة الرسالة μηνυμα besked meddelande melding viesti uzenet anfrage
    zuschrift anliegen pesan tin
complaint: beschwerde reclamacion reclamo queja reclamacao lamentela plainte klacht skarga жалоба stiznost
    sikayet 投诉 苦情 불만 شكوى الشكوى παραπονο klage
question: frage pregunta pergunta domanda vraag pytanie вопрос otazka soru 问题 質問 질문 문의 سؤال السؤال
    ερωτηση sporgsmal fraga kysymys kerdes
subject: betreff asunto oggetto sujet objet onderwerp
title: titel titre titulo titolo tytul заголовок 标题 件名 題名 제목 عنوان العنوان baslik τιτλος otsikko nadpis
content: inhalt contenido conteudo contenuto contenu inhoud tresc содержание obsah icerik 内容 本文 내용 محتوى
    المحتوى περιεχομενο cuerpo corpo corps innehall
review: rezension resena recensione recensie отзыв 评论 レビュー 리뷰 recenzja recenze bewertungstext
comment: kommentar comentario commento commentaire opmerking komentarz комментарий komentar yorum コメント 댓글
    تعليق التعليق σχολιο bemerkung anmerkung remarque observacion
document: dokument documento документ belge 文档 文書 문서 وثيقة εγγραφο protokoll verbale
article: artikel articulo artigo articolo artykul статья clanek makale 文章 記事 기사 مقال αρθρο beitrag
sentence: satz frase oracion phrase zin zdanie предложение veta cumle 句子 文 문장 جملة προταση mening
passage: abschnitt textstelle absatz pasaje trecho brano passaggio fragment отрывок pasaz 段落 지문 فقرة
context: kontext contexto contesto contexte kontekst контекст baglam 上下文 文脈 문맥 سياق
premise: pramisse premisa premissa premessa premisse przeslanka посылка 前提 전제
hypothesis: hypothese hipotesis hipotese ipotesi hipoteza гипотеза 假设 仮説 가설
claim: behauptung these afirmacion afirmacao affermazione affirmation bewering twierdzenie утверждение tvrzeni
    iddia 声明 主張 주장 ادعاء aussage enonce
description: beschreibung descripcion descricao descrizione beschrijving opis описание popis aciklama 描述 説明
    설명 وصف الوصف περιγραφη beskrivning
request: solicitud solicitacao richiesta demande aanvraag zgloszenie заявка zadost talep 请求 依頼 요청 طلب
    الطلب αιτημα auftrag bestellung pedido ordine commande zlecenie
history: verlauf historial historico storico historique geschiedenis historia история 历史 履歴 이력
dialogue: dialog gesprach conversacion conversa conversazione gesprek rozmowa диалог разговор 对话 会話 대화
    محادثة
input: eingabe entrada ingresso entree invoer wejscie вход vstup girdi 输入 入力 입력 مدخل
label: etikett etiquette etiqueta etichetta etykieta метка stitek etiket 标签 ラベル 라벨 레이블 وسم ετικετα
tag: schlagwort schlagworter stichwort motcle タグ 태그
category: kategorie categoria categorie kategoria категория kategori 类别 分类 类型 カテゴリ カテゴリー 카테고리
    분류 تصنيف التصنيف فئة الفئة κατηγορια rubrik rubrique gruppe grupo gruppo groupe grupa группа 组 rubro
    luokka
class: klasse clase classe klasa класс trida sinif 类 クラス 클래스
department: abteilung departamento dipartimento departement afdeling dzial отдел oddeleni departman birim 部门
    部署 부서 قسم القسم τμημα reparto ufficio service servizio servicio zustandigkeit avdeling osasto
topic: thema themen tema temas temi theme themes assunto temat тема konu 主题 话题 テーマ 주제 موضوع الموضوع
    θεμα
verdict: urteil veredicto verdetto oordeel werdykt вердикт rozsudek hukum 判决 判定 판정
sentiment: stimmung sentimiento sentimento sentyment тональность duygu 情感 感情 감정 المشاعر
priority: prioritat dringlichkeit prioridad prioridade priorita priorite prioriteit priorytet приоритет oncelik
    优先级 優先度 우선순위 urgencia urgenza urgence urgentie
rating: bewertung punktzahl valoracion puntuacion nota valutazione voto beoordeling ocena оценка hodnoceni puan
    评分 評価 평점 تقييم βαθμολογια stufe stern sterne etoiles estrellas stelle
answer: antwort respuesta resposta risposta reponse antwoord odpowiedz ответ odpoved cevap yanit 回答 答案 답변
    إجابة جواب απαντηση svar vastaus valasz losung
output: ausgabe salida saida uscita sortie uitvoer wyjscie выход вывод vystup cikti 输出 出力 출력 مخرج ergebnis
    resultado risultato resultat
summary: zusammenfassung kurzfassung resumen resumo riassunto resume samenvatting streszczenie сводка shrnuti
    ozet 摘要 概要 要約 요약 ملخص περιληψη
translation: ubersetzung traduccion traducao traduzione traduction vertaling tlumaczenie перевод preklad ceviri
    翻译 翻訳 번역 ترجمة μεταφραση
id: nr nummer numero numer номер cislo 编号 序号 番号 번호 رقم αριθμος kennung n° nº № aktenzeichen
date: datum fecha дата tarih 日期 時間 时间 日付 날짜 تاريخ التاريخ ημερομηνια zeitstempel zeitpunkt uhrzeit
    eingang fechahora horodatage datetime datahora
author: autor verfasser absender remitente remetente mittente expediteur afzender nadawca отправитель автор
    gonderen yazar 作者 送信者 작성자 مرسل αποστολεας sender auteur autore bearbeiter assignee
user: benutzer usuario utente utilisateur gebruiker uzytkownik пользователь kullanici 用户 ユーザー 사용자
    مستخدم uzivatel
language: sprache idioma lingua langue taal jezyk язык jazyk dil 语言 言語 언어 لغة γλωσσα
confidence: vertrauen konfidenz sicherheit confianza confianca confidenza confiance zekerheid pewnosc
    уверенность jistota guven 置信度 信頼度 신뢰도 ثقة
url: link lien enlace ligacao ссылка odkaz 链接 リンク 링크 رابط permalink webseite
source: quelle fuente fonte zrodlo источник zdroj kaynak 来源 出典 출처 مصدر πηγη herkunft
explanation: begrundung erklarung erlauterung explicacion explicacao spiegazione uitleg wyjasnienie обоснование
    объяснение vysvetleni gerekce 解释 理由 이유 شرح justification justificacion justificativa
level: ebene nivel livello niveau poziom уровень uroven seviye 级别 レベル 레벨 مستوى
"""
"""A meaning in English, and the words for it; further lines of the same are set in."""


def _read(listed: str) -> dict[str, tuple[str, ...]]:
    entries = (entry.partition(":") for entry in re.split(r"\n(?=\S)", listed.strip()))
    return {meaning: tuple(words.split()) for meaning, _, words in entries}


_MEANINGS = _read(_LISTED)
_COMPOUNDS = 5
"""Letters of a word from which on it may be the end of a compound, as in `Kundennummer`."""


@cache
def _english() -> dict[str, str]:
    return {bare(word): meaning for meaning, words in _MEANINGS.items() for word in words}


@cache
def in_english(name: str) -> str:
    """A column's name with the words that are known translated, joined by underscores.

    >>> in_english("Kundennummer"), in_english("thème principal"), in_english("Nachricht_1"), in_english("foo")
    ('id', 'topic_principal', 'message_1', 'foo')
    """
    whole = _english().get(bare(name.strip()))
    spaced = re.sub(r"(?<=[a-zß-ÿ])(?=[A-ZÀ-Þ])", " ", name.strip())
    return whole or "_".join(map(_word, re.findall(r"[^\W\d_]+|\d+|[n№]°", spaced)))


def _word(word: str) -> str:
    known, plain = _english(), bare(word)
    if plain in known:
        return known[plain]
    ends = (plain[start:] for start in range(3, len(plain) - _COMPOUNDS + 1)) if plain.isascii() else ()
    return next((known[end] for end in ends if end in known), plain)


def meanings_of(name: str) -> set[str]:
    """What the words of a name mean that are known."""
    words = {_word(word) for word in re.findall(r"[^\W\d_]+", name)}
    return words & _MEANINGS.keys()


def means_something(name: str) -> bool:
    """Whether a name is such a word itself."""
    return bare(" ".join(name.split())) in _english()
