"""What trainings that write text share: dev rows that are answered, what is odd about the answers, the folder."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from p2m_agent.training.batching import sample
from p2m_agent.training.job import TrainRows, dev_metric
from p2m_agent.training.progress import Progress
from p2m_agent.training.student_card import StudentCard, write_card
from p2m_agent.training.texts.greedy import Decoded
from p2m_agent.types.rows import Example
from p2m_agent.types.student import Prediction
from p2m_agent.weights.device import device, inference_dtype

MODEL = "model"
DEV_ROWS = {"cpu": 100, "cuda": 500}
"""Dev rows answered after each epoch."""
FIRST_ROWS = 8
"""Of them, answered before it is known how long that takes."""


@dataclass
class DevAnswers:
    """A sample of the dev rows, answered by a model as it stands."""

    rows: TrainRows
    say: Callable[[Any, Sequence[str], Callable[[int], None]], list[Decoded]]
    """What a model says to texts; the last argument is told how many it has answered."""
    text: Callable[[Sequence[int]], str]
    """Token ids as words."""
    seed: int
    faults: list[str] = field(default_factory=list)
    """Of the answers given last."""

    def __post_init__(self) -> None:
        """Draw the rows."""
        picked = sample(len(self.rows.dev), DEV_ROWS.get(device().type, 100), self.seed)
        self.drawn: list[Example] = [self.rows.dev[i] for i in picked]

    def score(self, saved: Any, progress: Progress) -> float:
        """The task's metric on the sample, or as much of it as there is time for, of the weights as they are saved."""
        import torch

        model = saved.to(torch.bfloat16).to(inference_dtype()).eval()
        drawn, said = list(self.drawn), list[Decoded]()
        if progress.limited:
            random.Random(self.seed).shuffle(drawn)  # noqa: S311 (so that any beginning of them is a sample too)
        for part in progress.parts("a dev score", len(drawn), first=FIRST_ROWS):
            texts = [row.text for row in drawn[part]]
            said += self.say(model, texts, progress.meter("scoring", len(texts)))
        self.faults = answer_faults(said)
        expected = [row.output for row in drawn[: len(said)]]
        return dev_metric(self.rows, expected, [self.text(one.ids) for one in said])

    def notes(self) -> list[str]:
        """What should be known about the scores."""
        fewer = len(self.drawn) < len(self.rows.dev)
        told = f"Dev scores are on {len(self.drawn)} of {len(self.rows.dev)} dev rows, drawn with the seed."
        return [told, *self.faults] if fewer else self.faults


def answer_faults(said: Sequence[Decoded]) -> list[str]:
    """What is odd about answers as a whole, one sentence each."""
    empty, cut = sum(not one.ids for one in said), sum(not one.ended for one in said)
    notes = [f"{empty} of {len(said)} dev answers are empty."] if empty else []
    return notes + ([f"{cut} of {len(said)} dev answers were cut at the longest length."] if cut else [])


def written(output: str, one: Decoded, *, cut: bool) -> Prediction:
    """An answer as a prediction.

    Args:
        output: its text.
        one: how it was decoded.
        cut: whether its input was read in part only.
    """
    return Prediction(output=output, confidence=one.confidence, input_cut=cut, output_cut=not one.ended)


def save_student(folder: Path, model: Any, tokenizer: Any, card: StudentCard) -> None:
    """Write a student in bfloat16 with its tokenizer and its card."""
    import torch

    model.to(torch.bfloat16).save_pretrained(str(folder / MODEL))
    tokenizer.save_pretrained(str(folder / MODEL))
    write_card(folder, card)
