"""Spellings of one label: `Waste`, `waste ` and `WASTE` are one, 007 and 7 are two."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from p2m_agent.types.doubts import Doubt

_WHOLE = re.compile(r"([-+]?(?:0|[1-9]\d*))[.,]0+")
_QUOTES = "\"'“”„‘’«»`"
SHORT = 4
"""Letters up to which two cases of one word may be two codes, as in `mW` and `MW`."""
_CODE = re.compile(r"[^\W\d_]*[a-zß-ÿ][A-ZÀ-Þ][^\W\d_]*")
_OF_CASE = re.compile(
    r"\b(?:units?|einheit\w*|unités?|unidad\w*|genes?|gen|allel\w*|genotyp\w*|symbols?|symbole?|case.sensitiv\w*|capitals?)\b",
    re.IGNORECASE,
)
"""Requests about codes that are told by their case."""
FREQUENT = 0.2
"""Share of a label's rows from which a spelling is no slip."""


@dataclass(frozen=True)
class Spellings:
    """Which texts are which label."""

    same: dict[str, str]
    """Text as the cells have it, trimmed, to label; the label's own spelling too."""
    doubts: tuple[Doubt, ...] = ()

    def label(self, text: str) -> str:
        """The label that a text spells; texts that were not seen are their own."""
        return self.same.get(text) or cleaned(text)


def cleaned(text: str) -> str:
    """A text without what nobody sees: outer and doubled blanks, blanks that do not break, composed letters apart."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def form(text: str) -> str:
    """What all spellings of a label have in common."""
    wide = unicodedata.normalize("NFKC", text).casefold().replace("i\u0307", "i").replace("ı", "i")  # Turkish
    seen = "".join(char for char in wide if unicodedata.category(char) != "Cf")
    plain = " ".join(re.sub(r"(?<=\w)[_\-‐‑](?=\w)", " ", seen).split()).strip(_QUOTES).strip()
    trimmed = re.sub(r"(?<=[^\W\d])[.,;:!]+$", "", plain).strip() or plain
    return unicodedata.normalize("NFC", trimmed)


def spellings_of(
    counts: Mapping[str, int], *, known: Collection[str] = (), request: str = "", where: str = ""
) -> Spellings:
    """Bring the spellings of each label together under the one that is known, else the most frequent.

    Args:
        counts: Rows per text.
        known: Labels that somebody gave; two of them are never one.
        request: Where it names two cases of a word, both are labels.
        where: The column, for the doubts.
    """
    groups: defaultdict[str, list[str]] = defaultdict(list)
    whole = _whole_numbers(counts)
    for text in counts:
        groups[whole.get(text) or form(text)].append(text)
    _join_capitals(groups)
    apart = _distinct_by_case(groups, counts, request)
    same: dict[str, str] = {}
    for key, texts in groups.items():
        for each in _parts(texts, counts, apart=key in apart, known=known):
            label = _name(each, counts, known)
            same |= dict.fromkeys(each, whole.get(label, label) if label not in known else label)
    return Spellings(same, tuple(_doubts(same, counts, [groups[key] for key in apart], where)))


def _join_capitals(groups: dict[str, list[str]]) -> None:
    """Capitals are often written without accents: `RESERVATION` is `réservation`, `ΘΟΡΥΒΟΣ` is `θόρυβος`."""
    bare: defaultdict[str, list[str]] = defaultdict(list)
    for key in groups:
        bare[_without_marks(key)].append(key)
    for plain, keys in bare.items():
        marked = [key for key in keys if key != plain]
        if len(marked) == 1 and len(keys) == 2 and all(text.isupper() for text in groups[plain]):
            groups[marked[0]] += groups.pop(plain)


def _without_marks(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))


def _whole_numbers(counts: Collection[str]) -> dict[str, str]:
    """`1.0` as `1`, unless other numbers of the column need their point, as versions do."""
    texts = {text: unicodedata.normalize("NFKC", text).strip() for text in counts}
    pointed = [plain for plain in texts.values() if re.fullmatch(r"[-+]?\d+[.,]\d+", plain)]
    if not pointed or not all(_WHOLE.fullmatch(plain) for plain in pointed):
        return {}
    return {
        text: _WHOLE.sub(r"\1", plain) for text, plain in texts.items() if re.fullmatch(r"[-+]?\d+(?:[.,]0+)?", plain)
    }


def _distinct_by_case(groups: Mapping[str, Sequence[str]], counts: Mapping[str, int], request: str) -> set[str]:
    """Forms whose cases are labels of their own."""
    cased = {key: _cases(texts, counts) for key, texts in groups.items()}
    varied = [key for key, cases in cased.items() if len(cases) > 1]
    found = set()
    for key in varied:
        cases = cased[key]
        frequent = sum(rows >= max(2, FREQUENT * sum(cases.values())) for rows in cases.values()) > 1
        said = sum(re.search(rf"(?<!\w){re.escape(text)}(?!\w)", request) is not None for text in cases) > 1
        code = (
            any(_CODE.fullmatch(text) for text in cases)
            or _OF_CASE.search(request)
            or (len(groups) == 1 and len(key) < 3)
        )
        if said or (frequent and len(key) <= SHORT and key.isalpha() and code):
            found.add(key)
    return found


def _cases(texts: Sequence[str], counts: Mapping[str, int]) -> Counter[str]:
    """Rows by spelling, blanks and composition aside."""
    cases: Counter[str] = Counter()
    for text in texts:
        cases[cleaned(text)] += counts[text]
    bare = {text: text.casefold() for text in cases}
    return cases if len(set(bare.values())) < len(cases) else Counter()


def _parts(texts: Sequence[str], counts: Mapping[str, int], *, apart: bool, known: Collection[str]) -> list[list[str]]:
    """The texts of one form, by label."""
    given = [text for text in dict.fromkeys(map(cleaned, texts)) if text in known]
    if apart and len(given) < 2:
        found: defaultdict[str, list[str]] = defaultdict(list)
        for text in texts:
            found[cleaned(text)].append(text)
        return list(found.values())
    if len(given) < 2:
        return [list(texts)]
    rest = [text for text in texts if cleaned(text) not in given]
    most = max(given, key=lambda label: sum(counts[text] for text in texts if cleaned(text) == label))
    return [[text for text in texts if cleaned(text) == label] + (rest if label == most else []) for label in given]


def _name(texts: Sequence[str], counts: Mapping[str, int], known: Collection[str]) -> str:
    by_form = {form(label): label for label in known}
    exact = next((cleaned(text) for text in texts if cleaned(text) in known), None)
    if exact or (form(texts[0]) in by_form):
        return exact or by_form[form(texts[0])]
    shown: Counter[str] = Counter()
    for text in texts:
        shown[cleaned(text)] += counts[text]
    return min(shown, key=lambda text: (-shown[text], text.strip(_QUOTES + ".,;:!") != text, text.isupper(), text))


def _doubts(
    same: Mapping[str, str], counts: Mapping[str, int], apart: Sequence[Sequence[str]], where: str
) -> list[Doubt]:
    by_label: defaultdict[str, list[str]] = defaultdict(list)
    for text, label in same.items():
        by_label[label].append(text)
    joined = {label: texts for label, texts in by_label.items() if texts != [label]}
    rows = sum(counts[text] for label, texts in joined.items() for text in texts if text != label)
    doubts = []
    if joined:
        listed = "; ".join(
            f"{label} is also written " + ", ".join(f"{text!r} ({counts[text]:,})" for text in texts if text != label)
            for label, texts in list(joined.items())[:6]
        )
        doubts.append(
            Doubt(
                kind="label_spelling",
                text=f"{len(joined)} labels are written in several ways: {listed}{' …' if len(joined) > 6 else ''}.",
                where=where,
                rows=rows,
                done="Spellings of one label are taken as one, under the name that was given or is most frequent.",
                settle="List the labels under `labels` in the task file to name or part them.",
            )
        )
    return [*doubts, *_case_doubts(apart, counts, where), *_typo_doubts(same, counts, where)]


def _case_doubts(apart: Sequence[Sequence[str]], counts: Mapping[str, int], where: str) -> list[Doubt]:
    if not apart:
        return []
    listed = "; ".join(" and ".join(f"{text} ({counts[text]:,})" for text in sorted(texts)) for texts in apart[:6])
    return [
        Doubt(
            kind="label_spelling",
            text=f"Some labels differ in nothing but capitals: {listed}.",
            where=where,
            rows=sum(counts[text] for texts in apart for text in texts),
            done="They are kept apart, as codes are told by their case.",
            settle="If they are one label, write them one way, or list the labels under `labels`.",
            grave=True,
        )
    ]


def _typo_doubts(same: Mapping[str, str], counts: Mapping[str, int], where: str) -> list[Doubt]:
    """Rare labels that look like a slip of a frequent one: said, and left alone."""
    totals: Counter[str] = Counter()
    for text, label in same.items():
        totals[label] += counts[text]
    frequent = [label for label, rows in totals.items() if rows >= 20]
    if len(totals) > 500:
        return []
    slips = []
    for label, rows in totals.items():
        if rows <= 2 and len(label) >= 5 and not any(char.isdigit() for char in label):
            near = difflib.get_close_matches(label, frequent, n=1, cutoff=0.85)
            slips += [f"{label} ({rows}) for {near[0]} ({totals[near[0]]:,})"] if near else []
    if not slips:
        return []
    text = f"Labels that may be slips of the pen: {', '.join(slips[:6])}{' …' if len(slips) > 6 else ''}."
    done, settle = "They are labels of their own.", "Correct them in the file, if they are slips."
    return [Doubt(kind="label_spelling", text=text, where=where, rows=len(slips), done=done, settle=settle)]
