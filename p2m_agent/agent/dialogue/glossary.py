"""The words that an answer may have to explain, each in a sentence."""

from __future__ import annotations

import re

TERMS = {
    "locked test": "Rows put away before any work on data, opened once, at the end; each look is counted.",
    "dev": "Held-out rows that rounds are compared on; mistakes are studied here, never on the locked test.",
    "macro f1": "For each label the balance of finding its rows and being right about them; the mean of that.",
    "accuracy": "The share of rows that get the right answer.",
    "interval": "The range in which the score would lie in 95 of 100 draws of as many rows.",
    "baseline": "What something simpler scores on the same rows, so that the score can be judged.",
    "teacher": "The large language model that writes or labels rows, and that the small model is compared with.",
    "student": "The small model that is trained, and that you get.",
    "base model": "The pretrained model that a student starts from.",
    "linear head": "A quick classifier on the frozen base model's embeddings; seconds of work, and the yardstick.",
    "setfit": "Training on pairs of rows, good where rows are few.",
    "encoder": "A model that turns a text into numbers from which the label is read; here trained as a whole.",
    "fine-tune": "Training a pretrained model further on the rows of your task.",
    "synthetic proxy": "Held-out rows that the teacher made, since there were no real ones: no real test.",
    "leak": "A training row that matches a held-out one; such rows are removed and counted.",
    "epoch": "One pass over all training rows.",
    "budget": "What may be spent and how long it may take: a wall, not a wish.",
}


def explained(text: str) -> list[str]:
    """The terms that a question names; without one of them, which there are."""
    plain = re.sub(r"[\s_-]+", " ", text.casefold())
    found = [term for term in TERMS if re.sub(r"[\s_-]+", " ", term) in plain]
    if not found:
        return [f"I can explain: {', '.join(TERMS)}."]
    return [f"{term}: {TERMS[term]}" for term in found]
