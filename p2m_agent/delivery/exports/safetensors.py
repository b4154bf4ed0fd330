"""The weights as they are, for transformers and what reads its folders."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from p2m_agent.delivery.export import Export, Student
from p2m_agent.delivery.snippets import with_transformers
from p2m_agent.training.recipes.causal import Causal
from p2m_agent.training.student_card import StudentCard
from p2m_agent.training.texts.answering import MODEL
from p2m_agent.training.texts.chat_format import ChatFormat
from p2m_agent.types.student import Answer, Prediction
from p2m_agent.weights.loading import load_tokenizer


def write(student: Student, target: Path) -> None:
    """The checkpoint's files, without a folder around them."""
    shutil.copytree(student.folder / MODEL, target, dirs_exist_ok=True)


def answers(target: Path, card: StudentCard) -> Answer:
    """By a pipeline of transformers, as anybody would load it."""
    import torch
    from transformers import pipeline

    run: Any = pipeline("text-generation", str(target), dtype=torch.float32, device="cpu")
    chat = ChatFormat(load_tokenizer(target), card.instruction)

    def answer(texts: Sequence[str]) -> list[Prediction]:
        return [Prediction(output=_said(run, chat, text, card), confidence=None) for text in texts]

    return answer


def _said(run: Any, chat: ChatFormat, text: str, card: StudentCard) -> str:
    turns = chat.messages(text)
    [made] = run(turns, max_new_tokens=Causal.of(card.recipe).max_new_tokens, do_sample=False, return_full_text=False)
    return str(made["generated_text"]).strip()


def usage(student: Student) -> str:
    """Python with transformers."""
    turns = ChatFormat(load_tokenizer(student.folder / MODEL), student.card.instruction).messages(student.example)
    return with_transformers(turns, Causal.of(student.card.recipe).max_new_tokens, ".")


def refuses(card: StudentCard) -> str:
    """Why a student cannot leave this way; empty where it can."""
    return "" if card.recipe.method == "causal" else "its folder `model` is a checkpoint of transformers already"


EXPORT = Export(
    name="safetensors",
    does="a checkpoint of transformers, for its text-generation pipeline and all that loads such folders",
    write=write,
    answers=answers,
    usage=usage,
    sorts=False,
    says=True,
    refuses=refuses,
)
