"""Which split a name says, in the languages in which people name them, and the column that says it of each row."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from p2m_agent.rows.column_profile import text_of
from p2m_agent.rows.reading import Row
from p2m_agent.types.rows import SplitName

_WORDS: dict[SplitName, tuple[str, ...]] = {
    "train": (
        *("train", "training", "trn", "learn", "entrenamiento", "entrainement", "apprentissage", "treino"),
        *("treinamento", "addestramento", "treningowy", "обучение", "训练", "訓練", "学習", "훈련", "تدريب"),
    ),
    "dev": (
        *("dev", "devel", "development", "val", "valid", "validation", "validierung", "validacion", "validacao"),
        *("validazione", "validatie", "walidacja", "tune", "tuning", "проверка", "验证", "検証", "검증", "تحقق"),
    ),
    "test": (
        *("test", "tst", "testing", "eval", "evaluation", "heldout", "holdout", "prueba", "essai", "teste", "prova"),
        *("тест", "测试", "テスト", "評価", "시험", "اختبار"),
    ),
}


def _bare(name: str) -> str:
    """In small letters without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))


_OF_WORD = {_bare(word): split for split, words in _WORDS.items() for word in words}
_NAMED = re.compile(r"(?:.*[_. -])?(?:split|fold|partition|subset|set|phase|part|dataset|usage)|.*_set", re.IGNORECASE)
"""Names of columns that say a split; the values must say it too."""
MAX_VALUES = 6


def named_split(name: str) -> SplitName | None:
    """`train`, `dev` or `test` where a name is a word for it, as in `validation`, `Test set`, `entrenamiento`.

    >>> named_split("train"), named_split("Validación"), named_split("test-set"), named_split("contest")
    ('train', 'dev', 'test', None)
    """
    words = [re.sub(r"(?:set|data|split|ing|集)$", "", word) or word for word in re.findall(r"[^\W\d_]+", _bare(name))]
    found = {_OF_WORD[word] for word in words if word in _OF_WORD}
    rest = [word for word in words if word not in _OF_WORD]
    return found.pop() if len(found) == 1 and all(len(word) <= 4 for word in rest) else None


def split_column(rows: Sequence[Row]) -> str:
    """The column whose every value says a split, training among them; empty where none does.

    A column of another name than `split` counts only where a further column might be the output.
    """
    columns = list(dict.fromkeys(name for row in rows for name in row))
    for column in columns:
        values = Counter(text_of(row.get(column)) for row in rows)
        if len(values) > MAX_VALUES:
            continue
        found = {named_split(value) if value else None for value in values}
        if None in found or "train" not in found or len(found) < 2:
            continue
        if _NAMED.fullmatch(column.strip()) or len(columns) > 2:
            return column
    return ""
