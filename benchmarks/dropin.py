"""Does a model answer old prompts as it answers the bare text? Fourteen forms of prompt over every row of a test.

Each form is a caller of its own, who begins with a reader that has learnt nothing; requests that are refused count as
wrong answers. The last line is JSON: the largest loss of accuracy, and each form's accuracy, loss, texts that were
read exactly, and refusals.

    python benchmarks/dropin.py RUN_OR_MODEL_FOLDER --rows examples/support/data/test.jsonl
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from _prompt_forms import FORMS, Case, Form

from p2m_agent.agent.beginning import model_folder
from p2m_agent.delivery.dropin.input_fields import UnreadableInput
from p2m_agent.delivery.dropin.prompt_reader import PromptReader, PromptReading, Turn
from p2m_agent.delivery.predictor import Predictor, load_predictor
from p2m_agent.rows.reading import read_rows
from p2m_agent.settings import Settings
from p2m_agent.task.yaml_file import read_task


@dataclass
class Remembering:
    """A student that is asked each text once: most forms are read as the same texts."""

    inner: Predictor
    said: dict[str, str] = field(default_factory=dict)

    def outputs(self, texts: Sequence[str]) -> dict[str, str]:
        """What it says to each text."""
        new = [text for text in dict.fromkeys(texts) if text not in self.said]
        answers = self.inner.predict([{"text": text} for text in new])
        self.said.update((text, one.output) for text, one in zip(new, answers, strict=True))
        return {text: self.said[text] for text in texts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("--runs-dir", type=Path, default=Path("runs"))
    parser.add_argument("--rows", type=Path, default=Path("examples/support/data/test.jsonl"))
    parser.add_argument("--examples", type=Path, default=Path("examples/support/data/train.jsonl"))
    parser.add_argument("--task", type=Path, default=Path("examples/support/task.yaml"))
    args = parser.parse_args()
    settings = Settings(_env_file=None, runs_dir=args.runs_dir)
    predictor = Remembering(load_predictor(model_folder(settings, args.run), settings, "onnx"))
    rows, shown = read_rows(args.rows), read_rows(args.examples)
    cases = [
        Case(
            str(row["text"]),
            number,
            predictor.inner.card.labels,
            [(str(one["text"]), str(one["label_text"])) for one in shown],
            read_task(args.task).request,
        )
        for number, row in enumerate(rows)
    ]
    right = [str(row["label_text"]) for row in rows]
    bare = accuracy(predictor, [[case.text] for case in cases], right)
    print(f"bare text {bare:.3f}")
    forms = {name: tried(predictor, form, cases, right, bare) for name, form in FORMS.items()}
    print(json.dumps({"worst_loss": max(float(each["loss"]) for each in forms.values()), "forms": forms}))


def tried(
    predictor: Remembering, form: Form, cases: Sequence[Case], right: Sequence[str], bare: float
) -> dict[str, float]:
    """One form over all rows."""
    reader = PromptReader(
        predictor.inner.card.input_fields,
        predictor.inner.card.labels,
        (predictor.inner.card.instruction, cases[0].request),
    )
    readings = [read(reader, form, case) for case in cases]
    texts = [[render["text"] for render in one.inputs] if one else [] for one in readings]
    score = accuracy(predictor, texts, right)
    exact = sum(found == [case.text.strip()] for found, case in zip(texts, cases, strict=True))
    wrong = [(case, found) for found, case in zip(texts, cases, strict=True) if found != [case.text.strip()]]
    result = {"accuracy": round(score, 4), "loss": round(bare - score, 4), "read": exact, "refused": texts.count([])}
    print(f"{form.__name__:20} {result}")
    for case, found in wrong[:3]:
        print("   ", case.number, repr(found)[:160])
    return result


def read(reader: PromptReader, form: Form, case: Case) -> PromptReading | None:
    try:
        return reader.read([Turn(turn["role"], turn["content"]) for turn in form(case)])
    except UnreadableInput:
        return None


def accuracy(predictor: Remembering, texts: Sequence[Sequence[str]], right: Sequence[str]) -> float:
    """A row is right where every reading of it gets the right label."""
    said = predictor.outputs([text for some in texts for text in some])
    hits = [bool(some) and {said[text] for text in some} == {label} for some, label in zip(texts, right, strict=True)]
    return sum(hits) / len(hits)


if __name__ == "__main__":
    main()
