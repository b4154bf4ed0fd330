"""Ways out of this program: a student in the form that another one reads, scored again before it counts."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from p2m_agent.delivery.predictor import load_predictor
from p2m_agent.delivery.same_answers import SameAnswers, same_answers
from p2m_agent.errors import UsageError
from p2m_agent.scanning import members
from p2m_agent.settings import Settings
from p2m_agent.training.student_card import CARD, StudentCard, read_card, size_mb
from p2m_agent.types.rows import Example
from p2m_agent.types.student import Answer, Prediction
from p2m_agent.types.value import Value

RECORD = "export.json"
_COMPARED = 300
"""Inputs on which an export has to say the same, where there are so many."""
_LINE = 80
"""Longest input that is shown in a line of code."""


@dataclass(frozen=True)
class Student:
    """What an export is made from."""

    folder: Path
    card: StudentCard
    texts: Sequence[str] = ()
    """Inputs as the student reads them, of training rows: what a scheme may be chosen by."""

    @property
    def example(self) -> str:
        """An input to show in snippets."""
        return next((text for text in self.texts if len(text) <= _LINE and "\n" not in text), "…")


@dataclass(frozen=True)
class Export:
    """A form that students can leave in."""

    name: str
    does: str
    """What comes of it, in one line."""
    write: Callable[[Student, Path], None]
    """Write the export of a student into an empty folder."""
    answers: Callable[[Path, StudentCard], Answer]
    """What the export says to rendered inputs, by the library that it is for."""
    usage: Callable[[Student], str]
    """About ten lines that use it, to be run in its folder."""
    sorts: bool = True
    """Whether students that sort by labels can leave this way."""
    says: bool = False
    """Whether students that write texts can."""
    refuses: Callable[[StudentCard], str] = lambda _card: ""
    """Why such a student cannot, for another reason than its kind; empty where it can."""
    packages: tuple[str, ...] = ()
    """Modules without which it cannot be written; all come with the extra `export`."""


class ExportRecord(Value):
    """What is known of an export: `export.json` in its folder."""

    version: int = 1
    format: str
    student: str
    """Id of the student, or the name of its folder."""
    size_mb: float
    agreement: SameAnswers | None
    """On dev; None where no dev rows were at hand."""


def known_exports() -> dict[str, Export]:
    """Every way out, by name: one file each in `exports/`."""
    return {export.name: export for export in members("p2m_agent.delivery.exports", "EXPORT", Export)}


def export_named(name: str, card: StudentCard) -> Export:
    """A way out that this student can take.

    Raises:
        UsageError: there is none of that name, it is not for such students, or a package is missing.
    """
    known = known_exports()
    fitting = {each.name: each for _, each in sorted(known.items()) if (each.says if _writes(card) else each.sorts)}
    if name not in known:
        raise UsageError(f"There is no export {name!r}.", f"There are {', '.join(fitting)}.")
    if name not in fitting:
        what = "writes texts" if _writes(card) else "sorts by labels"
        raise UsageError(f"{name} is not for a student that {what}.", f"It can leave as {', '.join(fitting)}.")
    if reason := known[name].refuses(card):
        others = ", ".join(other for other, each in fitting.items() if not each.refuses(card))
        raise UsageError(f"This student cannot leave as {name}: {reason}.", f"It can leave as {others}.")
    missing = [package for package in known[name].packages if importlib.util.find_spec(package) is None]
    if missing:
        hint = "Install the extra: pip install 'p2m_agent[export]'"
        raise UsageError(f"{name} needs {', '.join(missing)}.", hint)
    return known[name]


def write_export(export: Export, student: Student, target: Path) -> None:
    """Write an export into a folder that is complete when it is there; one that stood there before is replaced.

    Raises:
        UsageError: the folder holds something that is no export.
    """
    if target.exists() and any(target.iterdir()) and not (target / RECORD).is_file():
        raise UsageError(f"{target} is not empty and holds no export.", "Name another folder with --into.")
    made = target.with_name(f".{target.name}.new")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    export.write(student, made)
    shutil.copyfile(student.folder / CARD, made / CARD)
    shutil.rmtree(target, ignore_errors=True)
    made.replace(target)


def compare(export: Export, student: Student, target: Path, rows: Sequence[Example], settings: Settings) -> SameAnswers:
    """Answer rows by the student and by its export, and hold one against the other.

    Where the rows are few, whether outputs are the same is looked at on inputs that the student learnt from too: that
    needs no right answers, and one row in thirty is no share to judge by.
    """
    more = student.texts[: max(0, _COMPARED - len(rows))]
    texts = [*(row.text for row in rows), *more]
    ours = load_predictor(student.folder, settings).rendered(texts)
    theirs = export.answers(target, student.card)(texts)
    return same_answers(
        student.card,
        rows,
        [each.output for each in ours],
        [each.output for each in theirs],
        _score_difference(ours, theirs),
    )


def record(target: Path, export: Export, student: str, found: SameAnswers | None) -> ExportRecord:
    """Write what is known of an export beside it."""
    made = ExportRecord(format=export.name, student=student, size_mb=size_mb(target), agreement=found)
    (target / RECORD).write_text(made.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return made


def read_record(target: Path) -> tuple[ExportRecord, StudentCard]:
    """What is known of an export, and its student's card.

    Raises:
        UsageError: the folder holds none.
    """
    if not (target / RECORD).is_file():
        raise UsageError(f"{target} holds no export: there is no {RECORD}.", "p2m export RUN --to onnx makes one.")
    return ExportRecord.model_validate_json((target / RECORD).read_bytes()), read_card(target)


def _writes(card: StudentCard) -> bool:
    return card.kind == "text_to_text"


def _score_difference(ours: Sequence[Prediction], theirs: Sequence[Prediction]) -> float | None:
    known = [(one.scores, other.scores) for one, other in zip(ours, theirs, strict=True) if one.scores and other.scores]
    if not known:
        return None
    return max(abs(scores[label] - other[label]) for scores, other in known for label in scores)
