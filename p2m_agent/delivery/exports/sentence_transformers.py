"""The folder as a model of sentence-transformers, whose last module is the head."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p2m_agent.delivery.export import Export, Student
from p2m_agent.delivery.snippets import with_sentence_transformers
from p2m_agent.delivery.standard_folder import make_loadable
from p2m_agent.training.heads import labelled
from p2m_agent.training.label_code import LabelCode
from p2m_agent.training.student_card import StudentCard
from p2m_agent.types.student import Answer

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray


def write(student: Student, target: Path) -> None:
    """A copy of the weights, described for the library."""
    shutil.copytree(student.folder, target, dirs_exist_ok=True)
    make_loadable(target, student.card)


def answers(target: Path, card: StudentCard) -> Answer:
    """By the library, as anybody would load it."""
    from sentence_transformers import SentenceTransformer

    model: Any = SentenceTransformer(str(target), local_files_only=True)

    def logits(texts: Sequence[str]) -> NDArray[numpy.float32]:
        made: NDArray[numpy.float32] = model.encode(list(texts), show_progress_bar=False)
        return made

    return labelled(LabelCode(card.labels, several=card.kind == "multi_label"), logits)


def usage(student: Student) -> str:
    """Python with one package."""
    return with_sentence_transformers(student.card, student.example)


EXPORT = Export(
    name="sentence-transformers",
    does="a model of sentence-transformers whose vectors are the logits of the labels",
    write=write,
    answers=answers,
    usage=usage,
)
