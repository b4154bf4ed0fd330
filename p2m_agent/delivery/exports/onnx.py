"""ONNX: one graph with the labels inside, for onnxruntime and tokenizers alone."""

from __future__ import annotations

from pathlib import Path

from p2m_agent.delivery.export import Export, Student
from p2m_agent.delivery.onnx_classifier import load_classifier, write_classifier
from p2m_agent.training.heads import labelled
from p2m_agent.training.recipes import has_network
from p2m_agent.training.student_card import StudentCard
from p2m_agent.types.student import Answer


def write(student: Student, target: Path) -> None:
    """Graph and tokenizer."""
    write_classifier(student.folder, student.card, target)


def answers(target: Path, _card: StudentCard) -> Answer:
    """By onnxruntime."""
    return labelled(*load_classifier(target))


def usage(student: Student) -> str:
    """Python with two packages."""
    several = student.card.kind == "multi_label"
    chosen = "[l for l, p in zip(labels, row) if p > 0.5]" if several else "labels[row.argmax()], row.max()"
    return f"""\
import json, numpy, onnxruntime, tokenizers

tokenizer = tokenizers.Tokenizer.from_file("tokenizer.json")
model = onnxruntime.InferenceSession("model.onnx")
about = model.get_modelmeta().custom_metadata_map
labels = json.loads(about["labels"])
text = {student.example!r}
coded = tokenizer.encode(about["prefix"] + text)
ids, mask = numpy.array([[coded.ids], [coded.attention_mask]], "int64")
fed = {{"input_ids": ids, "attention_mask": mask}}
[row] = model.run(["probabilities"], fed)[0]
print({chosen})
"""


def refuses(card: StudentCard) -> str:
    """A student without a network has nothing to put into a graph."""
    return "" if has_network(card.recipe.method) else "it is a table of vectors, which needs no runtime"


EXPORT = Export(
    name="onnx",
    does="one ONNX graph with pooling, head, calibration and labels; runs on onnxruntime and tokenizers alone",
    write=write,
    answers=answers,
    usage=usage,
    refuses=refuses,
    packages=("onnx", "onnxruntime", "tokenizers"),
)
