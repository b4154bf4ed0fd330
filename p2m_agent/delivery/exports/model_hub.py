"""The folder of a model repository: weights, tokenizer and card, ready to be published."""

from __future__ import annotations

from pathlib import Path

from p2m_agent.delivery.export import Export, Student
from p2m_agent.delivery.exports import sentence_transformers
from p2m_agent.delivery.predictor import load_predictor
from p2m_agent.settings import Settings
from p2m_agent.training.student_card import StudentCard
from p2m_agent.types.student import Answer


def answers(target: Path, _card: StudentCard) -> Answer:
    """By the copy."""
    return load_predictor(target, Settings()).rendered


def usage(_student: Student) -> str:
    """How it is published, which only a person decides."""
    return "p2m export RUN --to hub --publish you/name      # private; --public lets everybody see it\n"


EXPORT = Export(
    name="hub",
    does="the folder of a model repository with its card; sent only by --publish you/name",
    write=sentence_transformers.write,
    answers=answers,
    usage=usage,
    says=True,
)
