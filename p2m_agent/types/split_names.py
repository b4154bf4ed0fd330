"""Which split a name says, in the languages in which people name them: of a file, a folder, a sheet, a key, a cell."""

from __future__ import annotations

import re

from p2m_agent.languages import bare
from p2m_agent.types.rows import SplitName

_WORDS: dict[SplitName, str] = {
    "train": "train training trn learn entrenamiento entrainement apprentissage treino treinamento addestramento "
    "treningowy treningowe trenovaci egitim обучение обучающая 训练 訓練 学習 훈련 تدريب εκπαιδευση traning",
    "dev": "dev devel development val valid validation validierung validacion validacao validazione validatie "
    "walidacja walidacyjny validacni dogrulama tune tuning проверка валидация 验证 検証 검증 تحقق επικυρωση",
    "test": "test tst testing eval evaluation heldout holdout prueba pruebas essai teste prova testowy testovaci тест "
    "тестовая 测试 測試 テスト 評価 시험 테스트 اختبار",
}
_OF_WORD = {bare(word): split for split, words in _WORDS.items() for word in words.split()}
_ENDS = re.compile(r"(?:set|data|split|ing|daten|satz|集|データ)$")
_IN_FILES = {"train": "train", "dev": "validation", "test": "test"}


def _said(word: str) -> SplitName | None:
    return _OF_WORD.get(word) or _OF_WORD.get(_ENDS.sub("", word))


def named_split(value: str) -> SplitName | None:
    """`train`, `dev` or `test` where a text says nothing else, as in `validation`, `Test set`, `entrenamiento`.

    >>> named_split("train"), named_split("Validación"), named_split("test-set"), named_split("contest")
    ('train', 'dev', 'test', None)
    """
    words = re.findall(r"[^\W\d_]+", bare(value))
    found = {split for word in words if (split := _said(word))}
    rest = [word for word in words if not _said(word)]
    return found.pop() if len(found) == 1 and all(len(word) <= 4 for word in rest) else None


def split_of(name: str) -> str:
    """`train`, `validation` or `test` where one word of a file's or sheet's name says so; else empty.

    >>> split_of("train-00000-of-00002"), split_of("en_dev"), split_of("contest"), split_of("testset")
    ('train', 'validation', '', 'test')
    """
    words = re.findall(r"[^\W\d_]+", bare(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)))
    found = {_IN_FILES[split] for word in words if (split := _said(word))}
    return found.pop() if len(found) == 1 else ""
