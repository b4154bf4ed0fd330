"""Students with weights, made without training: what exports and servers are tried on."""

from __future__ import annotations

import io
import shutil
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np

from p2m_agent.training.heads import ENCODER, save_head
from p2m_agent.training.recipes.causal import Causal
from p2m_agent.training.recipes.linear_head import LinearHead
from p2m_agent.training.student_card import StudentBase, StudentCard, write_card
from p2m_agent.training.texts.answering import MODEL
from p2m_agent.types.task import Kind

LABELS = ("invoice", "parcel", "refund")


def sorting_student(folder: Path, encoder: Path, *, kind: Kind = "classification", max_tokens: int = 12) -> StudentCard:
    """A head of random weights on an encoder, in a folder of its own."""
    from p2m_agent.weights.embedding import load_text_encoder

    folder.mkdir(parents=True)
    shutil.copytree(encoder, folder / ENCODER)
    width = load_text_encoder(encoder).dim
    random = np.random.default_rng(0)
    save_head(folder, random.normal(size=(len(LABELS), width)).astype(np.float32) * 4, np.zeros(3, np.float32))
    card = StudentCard(
        kind=kind,
        recipe=LinearHead(base="tiny"),
        instruction="Sort the message.",
        input_fields=("text",),
        output_field="label",
        labels=LABELS,
        metric="micro_f1" if kind == "multi_label" else "accuracy",
        base=StudentBase(name="tiny", revision=None, licence="apache-2.0", params=1000),
        max_tokens=max_tokens,
        params=1000,
    )
    write_card(folder, card)
    return card


def writing_student(folder: Path, model: Path) -> StudentCard:
    """A causal checkpoint as it is, in the folder of a student."""
    folder.mkdir(parents=True)
    shutil.copytree(model, folder / MODEL)
    card = StudentCard(
        kind="text_to_text",
        recipe=Causal(base="tiny", max_new_tokens=8),
        instruction="Say it in other words.",
        input_fields=("text",),
        output_field="answer",
        metric="exact_match",
        base=StudentBase(name="tiny", revision=None, licence="apache-2.0", params=1000),
        max_tokens=64,
        params=1000,
    )
    write_card(folder, card)
    return card


def printed(lines: str) -> str:
    """What lines of Python print in the present folder, with names of their own alone."""
    said = io.StringIO()
    with warnings.catch_warnings(action="ignore"), redirect_stdout(said):
        exec(compile(lines, "<printed>", "exec"), {"__name__": "__main__"})
    return said.getvalue()
