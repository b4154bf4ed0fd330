"""Labels that were written are the labels that are read, however they are spelt and whoever said them."""

from __future__ import annotations

import csv
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from p2m_agent.importing.labels.spelling import form
from p2m_agent.importing.task_rows import Reading

from .reading import read_file
from .test_label_clothes import SORT

TEXTS = [
    f"{('The bath', 'A drill', 'My bill')[n % 3]} of room {n} must be seen to by {n % 9 + 1} o'clock" for n in range(36)
]
WORDS = ["waste", "roads", "permits", "Straße", "ménage", "запрос", "λόγος", "予約", "B2"]
NAMES = st.lists(st.sampled_from(WORDS), min_size=2, max_size=4, unique_by=form)
WIDE = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})
SPELLINGS = st.lists(
    st.sampled_from(
        [str, str.upper, str.title, "  {} ".format, "{}\u00a0".format, '"{}"'.format, lambda x: x.translate(WIDE)]
    ),
    min_size=1,
    max_size=4,
)
DELIMITERS = st.sampled_from([",", ";", "\t", "|"])
QUOTING = st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
CODECS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])


def brought(rows: list[list[str]], delimiter: str, quoting: int = csv.QUOTE_MINIMAL, codec: str = "utf-8") -> Reading:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "d.csv"
        with path.open("w", newline="", encoding=codec) as file:
            csv.writer(file, delimiter=delimiter, quoting=quoting).writerows(rows)  # type: ignore[arg-type]
        return read_file(path, SORT)


def answers(reading: Reading) -> dict[str, str]:
    return {example.text: example.output for part in reading.parts.values() for example in part}


@settings(max_examples=15, deadline=None)
@given(names=NAMES, spellings=SPELLINGS, delimiter=DELIMITERS, quoting=QUOTING, codec=CODECS)
def test_spellings(names: list[str], spellings: list[object], delimiter: str, quoting: int, codec: str) -> None:
    told = [names[n % len(names)] for n in range(36)]
    cells = [spellings[n // len(names) % len(spellings)](name) for n, name in enumerate(told)]  # type: ignore[operator]
    found = brought([["message", "topic"], *map(list, zip(TEXTS, cells, strict=True))], delimiter, quoting, codec)
    read = answers(found)
    assert {text: form(label) for text, label in read.items()} == dict(zip(TEXTS, map(form, told), strict=True))
    assert len(set(read.values())) == len(names)
    varied = len({cell.strip() for cell in cells}) > len(names)
    assert not varied or any(doubt.kind == "label_spelling" for doubt in found.doubts)


@settings(max_examples=20, deadline=None)
@given(
    names=st.permutations(["waste", "roads", "permits"]),
    slips=st.sets(st.tuples(st.integers(0, 35), st.integers(0, 2)), max_size=20),
    wide=st.booleans(),
    delimiter=DELIMITERS,
)
def test_annotators(names: list[str], slips: set[tuple[int, int]], wide: bool, delimiter: str) -> None:
    votes = [[names[(n + (k + 1) * ((n, k) in slips)) % 3] for k in range(3)] for n in range(36)]
    if wide:
        rows = [
            ["message", "rater_1", "rater_2", "rater_3"],
            *([text, *said] for text, said in zip(TEXTS, votes, strict=True)),
        ]
    else:
        each = [[text, f"w{k}", label] for text, said in zip(TEXTS, votes, strict=True) for k, label in enumerate(said)]
        rows = [["message", "worker", "topic"], *each]
    found = brought(rows, delimiter)
    most = {text: Counter(said).most_common(1)[0] for text, said in zip(TEXTS, votes, strict=True)}
    assert answers(found) == {text: label for text, (label, count) in most.items() if count > 1}
    differ = any(count < 3 for _, count in most.values())
    assert not differ or any(doubt.kind == "annotators" and "disagree" in doubt.said for doubt in found.doubts)
