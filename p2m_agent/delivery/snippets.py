"""A few lines of Python that use a student with the library that its folder is for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from p2m_agent.training.heads import ENCODER
from p2m_agent.training.recipes.causal import Causal
from p2m_agent.training.student_card import StudentCard
from p2m_agent.training.texts.answering import MODEL
from p2m_agent.training.texts.chat_format import ChatFormat
from p2m_agent.weights.loading import load_tokenizer


def folder_snippet(folder: Path, card: StudentCard, example: str) -> tuple[str, str]:
    """The library that a delivered folder works with, and the lines, to be run in the folder; none for some kinds."""
    if (folder / ENCODER).is_dir():
        return "sentence-transformers", with_sentence_transformers(card, example)
    if card.recipe.method != "causal" or not (folder / MODEL).is_dir():
        return "", ""
    chat = ChatFormat(load_tokenizer(folder / MODEL), card.instruction)
    return "transformers", with_transformers(chat.messages(example), Causal.of(card.recipe).max_new_tokens, MODEL)


def with_sentence_transformers(card: StudentCard, example: str) -> str:
    """Labels by the logits that the folder's model gives as vectors."""
    several = card.kind == "multi_label"
    chosen = "[label for label, logit in zip(labels, row) if logit > 0]" if several else "labels[row.argmax()]"
    return f"""\
import json
from sentence_transformers import SentenceTransformer

model = SentenceTransformer(".")
labels = json.load(open("p2m.json"))["labels"]
for row in model.encode([{example!r}]):
    print({chosen})
"""


def with_transformers(messages: Sequence[dict[str, str]], max_new_tokens: int, place: str) -> str:
    """A text by the pipeline that writes texts."""
    return f"""\
from transformers import pipeline

model = pipeline("text-generation", {place!r})
messages = {list(messages)!r}
[said] = model(messages, max_new_tokens={max_new_tokens}, do_sample=False)
print(said["generated_text"][-1]["content"])
"""
