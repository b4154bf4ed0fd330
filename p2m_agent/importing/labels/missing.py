"""Cells that hold no label: the traces of missing values, and numbers that stand for "nobody said"."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from p2m_agent.importing.labels.spelling import cleaned, form
from p2m_agent.types.doubts import Doubt

TRACES = frozenset(
    {"nan", "-nan", "<na>", "null", "<null>", "(null)", "<none>", "#n/a", "#na", "#null!", "#value!", "#ref!", "#name?"}
    | {"#div/0!", "nat", r"\n", "undefined", "#num!"}
)
"""What programs write for a missing value. Nobody calls a class so."""
_UNLABELLED = re.compile(
    r"(?:un|no|not|never|to be|not yet|yet to be)[ _-]?(?:labell?ed|labels?|annotated|tagged)(?: yet)?"
    r"|sin etiquetar?|sans étiquette|без метки|未标注|未標注|ラベルなし"
)
"""What annotators write for a row that nobody labelled yet."""
_CELL_ERROR = re.compile(r"#[^\W\d_]{1,3}/[^\W\d_]!?|#[^\W\d_¡¿/]{2,8}[!?]|#[¡¿][^\W\d_]+[!?]|#nv|#yok|#n/d!|#div/0!")
"""What a spreadsheet writes in any language for what is not there: `#N/D`, `#NV`, `#¡VALOR!`."""
_LISTED = """
" | none | na | n/a | n.a. | n.a | n / a | nil | n/d | n.d. | n.d | s/d | s.d. | k.a. | k. a. | k.a | ka | nr
n.r. | tbd | t.b.d. | н/д | b.d. | n.v.t. | n.b. | i.u. | skip | skipped
missing | blank | (blank) | empty | (empty) | unassigned | not assigned
not specified | unspecified | not set | unset | not available | not applicable | no data | no value | no answer
to be determined | to do | todo | leer | (leer) | keine | keine angabe | keine angaben | ohne angabe | ohne
fehlt | nicht zugeordnet | nicht zugewiesen | offen | aucun | aucune | non renseigné | non renseignée | vide
(vide) | non attribué | non attribuée | non classé | non précisé | sans | ninguno | ninguna | sin dato
sin datos | sin asignar | sin clasificar | no especificado | vacío | (vacío) | en blanco
(en blanco) | nenhum | nenhuma | vazio | sem dados | sem rótulo | não informado | não atribuído | nessuno
nessuna | non disponibile | vuoto | non assegnato | non specificato | geen | leeg | onbekend/leeg
niet ingevuld | niet toegewezen | brak | brak danych | nie dotyczy | nieprzypisane | žádný | bez dat
nepřiřazeno | нет | нет данных | не указано | не указан | не указана | не назначено | пусто | отсутствует
yok | boş | belirtilmemiş | ingen | inget | saknas | puuttuu | κανένα | κενό | χωρίς | 无 | 無 | 空
无标签 | 未分类 | 未分类标注 | 未指定 | 暂无 | なし | 無し | 未設定 | 未分類 | 不明なし
없음 | 미분류 | 미지정 | 해당 없음 | 미분류 라벨 | لا يوجد | غير محدد | غير مصنف | غير مصنف بعد
فارغ
"""
WORDS = frozenset(word.strip() for line in _LISTED.strip().splitlines() for word in line.split("|")) | frozenset(
    ("", "-", "--", "---", "–", "—", "―", "?", "??", "???", ".", "..", "...", "…", "_", "/", "*")
)
"""What people write for one. A few of them are classes too: `none` among emotions, `NA` among countries."""
_NUMBERS_FOR_NOTHING = (-1, -9, -99, -100, -999, -9999)
_FAR_NUMBERS = (99, 999, 9999)
"""What surveys write for "no answer", far above the numbers that count the classes."""
_MEANT = re.compile(
    r"sentiment|polarit|stance|tone\b|mood|opinion|attitude|stimmung|haltung|opinión|opinion|avis|humeur|valence|trend"
    r"|positiv|negativ|neutral|情感|态度|感情|тональн",
    re.IGNORECASE,
)
"""Scales that have a middle, so that -1 may be one of their ends."""
LONGEST_CODE = 3
"""Letters of a code in small letters."""
MOST_COUNTED = 30
"""Class number up to which 99 is far away."""
AS_MANY = 0.5
"""Share of a usual label's rows from which a word is counted like a label."""


@dataclass(frozen=True)
class Absent:
    """Which texts of a column are no labels."""

    words: frozenset[str] = frozenset()
    """Texts as the cells have them."""
    doubts: tuple[Doubt, ...] = ()

    def reason(self, text: str) -> str:
        """Why a row with this text is left out."""
        return "no label" if _number(text) is None else "unlabelled"


def is_null_word(text: str) -> bool:
    """Whether a text is what people or programs write for a missing value."""
    return is_trace(text) or _form(text) in WORDS


def is_trace(text: str) -> bool:
    """Whether a program wrote it for a missing value; nobody calls a class so."""
    return _form(text) in TRACES or any(each.fullmatch(_form(text)) for each in (_CELL_ERROR, _UNLABELLED))


def absent_of(
    counts: Mapping[str, int], *, known: Collection[str] = (), said: str = "", where: str = "", named: bool = False
) -> Absent:
    """Find the texts of a column of labels that are none.

    Args:
        counts: Rows per text; empty cells are none of them.
        known: Labels that somebody gave, which are labels whatever they look like.
        said: The request and what a card says: a word that they name is a label.
        where: The column.
        named: Whether the classes from 0 up have names, and -1 has none.
    """
    given = {form(label) for label in known}
    open_words = [text for text in counts if form(text) not in given]
    nulls = [text for text in open_words if is_null_word(text)]
    others = {text: rows for text, rows in counts.items() if text not in nulls}
    kept = [text for text in nulls if _is_class(text, nulls, counts, others, said)]
    dropped = [text for text in nulls if text not in kept]
    numbers, number_doubts = _numbers_for_nothing(open_words, others, said, where, named=named)
    doubts = [*_said_of_dropped(dropped, counts, where), *_said_of_kept(kept, counts, said, where), *number_doubts]
    return Absent(frozenset((*dropped, *numbers)), tuple(doubts))


def _form(text: str) -> str:
    return cleaned(text).casefold()


def _is_class(text: str, nulls: Sequence[str], counts: Mapping[str, int], others: Mapping[str, int], said: str) -> bool:
    """Whether a null word is a class here: it was named, is a code among codes, or is used as the labels are."""
    if not _form(text):
        return False
    if _is_named(text, said):
        return True
    if _is_code(text, others):
        return True
    if is_trace(text) or not others:
        return False
    rivals = [other for other in nulls if _form(other) not in ("", _form(text)) and counts[other] * 2 >= counts[text]]
    mine = sum(rows for other, rows in counts.items() if _form(other) == _form(text))
    return not rivals and _looks_like(text, others) and mine >= AS_MANY * median(_by_form(others).values())


def _is_named(text: str, said: str) -> bool:
    word = cleaned(text)
    if not any(char.isalnum() for char in word):
        return re.search(rf"[\"'“”‘’«»`(]{re.escape(word)}[\"'“”‘’«»`)]", said) is not None
    flags = re.IGNORECASE if len(word) > 3 and word.isalpha() else 0
    return re.search(rf"(?<![\w/]){re.escape(word)}(?![\w/])", said, flags) is not None


def _is_code(text: str, others: Mapping[str, int]) -> bool:
    """Whether a word stands among codes of its length, as `NA` among countries or `ka` among languages."""
    word = cleaned(text)
    upper, lower = word.isupper(), word.islower() and word.isascii() and len(word) <= LONGEST_CODE
    if not (word.isalpha() and (upper or lower) and len(others) >= 4):
        return False
    codes = [cleaned(other) for other in others]
    alike = sum(len(code) == len(word) and code.isalpha() and code.isupper() == upper for code in codes)
    return alike >= 0.9 * len(others)


def _looks_like(text: str, others: Mapping[str, int]) -> bool:
    """Whether a word is written as most labels are: in small letters, with a capital, in capitals, as a sign."""
    styles = [_style(other) for other, rows in others.items() for _ in range(min(rows, 50))]
    return styles.count(_style(text)) * 2 > len(styles)


def _style(text: str) -> str:
    word = cleaned(text)
    if not any(char.isalnum() for char in word):
        return "sign"
    if not word.replace(" ", "").replace("_", "").replace("-", "").isalnum():
        return "abbreviation"
    letters = "".join(char for char in word if char.isalpha())
    if not letters:
        return "number"
    return (
        "small"
        if letters.islower()
        else "capitals"
        if letters.isupper()
        else "capital"
        if letters[:1].isupper()
        else "none"
    )


def _by_form(counts: Mapping[str, int]) -> dict[str, int]:
    forms: dict[str, int] = {}
    for text, rows in counts.items():
        forms[form(text)] = forms.get(form(text), 0) + rows
    return forms


def _number(text: str) -> float | None:
    try:
        return float(text.replace("\u2212", "-"))
    except ValueError:
        return None


def _numbers_for_nothing(
    texts: Sequence[str], others: Mapping[str, int], said: str, where: str, *, named: bool
) -> tuple[list[str], list[Doubt]]:
    """-1 among class numbers that count from 0 or 1 up, unless it is the end of a scale."""
    values = {text: _number(text) for text in others}
    if (found := [text for text in _number_among_words(values) if text in texts]) and not _says_minus_one(said):
        return found, [
            _number_doubt(
                found, sum(others[text] for text in found), where, "These rows are left out.", "If it is a class"
            )
        ]
    if not values or any(value is None or value != int(value) for value in values.values() if value == value):  # noqa: PLR0124
        return [], []
    found = [text for text in texts if values.get(text) in _NUMBERS_FOR_NOTHING or _is_far(text, values)]
    found = [text for text in found if values[text] == -1 or not _says(text, said)]
    classes = {value for text, value in values.items() if text not in found and value is not None}
    if not found or not classes or min(classes) < 0 or len(classes) < 2:
        return [], []
    rows = sum(others[text] for text in found)
    usual = median(others[text] for text in others if text not in found)
    if (not named or _says_minus_one(said)) and _is_scale(classes, said, where, often=rows >= AS_MANY * usual):
        return [], [
            _number_doubt(
                found, rows, where, "It is a label like the others.", "If it says that nobody labelled the row"
            )
        ]
    return found, [_number_doubt(found, rows, where, "These rows are left out.", "If it is a class")]


def _number_among_words(values: Mapping[str, float | None]) -> list[str]:
    """-1 where all other labels are words, as a set has it that names its classes."""
    found = [text for text, value in values.items() if value in _NUMBERS_FOR_NOTHING]
    words = [text for text, value in values.items() if value is None]
    return found if found and len(words) > 1 and len(found) + len(words) == len(values) else []


def _is_far(text: str, values: Mapping[str, float | None]) -> bool:
    """Whether a number of nines stands far above numbers that count up without a gap."""
    classes = {value for value in values.values() if value is not None and value >= 0 and value not in _FAR_NUMBERS}
    counted = len(classes) > 1 and max(classes) - min(classes) == len(classes) - 1 and min(classes) in (0, 1)
    return values.get(text) in _FAR_NUMBERS and counted and max(classes) <= MOST_COUNTED


def _is_scale(classes: set[float | None] | set[float], said: str, where: str, *, often: bool) -> bool:
    if _says_minus_one(said):
        return (
            re.search(r"[-\u2212]1\W{0,3}(?:\w+\W+){0,4}(?:unlabel|missing|no gold|hidden|without|not )", said) is None
        )
    return classes == {0, 1} and (often or _MEANT.search(f"{said} {where}") is not None)


def _says_minus_one(said: str) -> bool:
    return _says("-1", said)


def _says(number: str, said: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(number)}(?![\w.])", said.replace("\u2212", "-")) is not None


def _number_doubt(found: Sequence[str], rows: int, where: str, done: str, otherwise: str) -> Doubt:
    return Doubt(
        kind="not_gold",
        text=f"{rows:,} rows have the class {found[0]}, where the other classes are names, or numbers from 0 or 1 up.",
        where=where,
        rows=rows,
        done=done,
        settle=f"{otherwise}, list the right labels under `labels` in the task file.",
        grave=True,
    )


def _said_of_dropped(dropped: Sequence[str], counts: Mapping[str, int], where: str) -> list[Doubt]:
    words = [text for text in dropped if _form(text)]
    if not words:
        return []
    rows = sum(counts[text] for text in words)
    listed = ", ".join(f"{cleaned(text)} ({counts[text]:,})" for text in words[:8])
    return [
        Doubt(
            kind="not_gold",
            text=f"{rows:,} rows have no label but a word for a missing value: {listed}.",
            where=where,
            rows=rows,
            done="They are left out.",
            settle=f"If {cleaned(words[0])} is a class, name it in the request or list it under `labels`.",
            grave=True,
        )
    ]


def _said_of_kept(kept: Sequence[str], counts: Mapping[str, int], said: str, where: str) -> list[Doubt]:
    unsure = [text for text in kept if not _is_named(text, said)]
    if not unsure:
        return []
    rows = sum(counts[text] for text in unsure)
    listed = ", ".join(f"{cleaned(text)} ({counts[text]:,})" for text in unsure)
    return [
        Doubt(
            kind="not_gold",
            text=f"{listed} may be a class or a word for a missing value.",
            where=where,
            rows=rows,
            done="It counts as a class, since it is used as the labels beside it are.",
            settle="If nobody labelled these rows, empty their cells.",
            grave=True,
        )
    ]
