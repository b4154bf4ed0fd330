"""A student's folder as a model of sentence-transformers, so that it works with the libraries people have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from p2m_agent.training.heads import ENCODER, load_head
from p2m_agent.training.student_card import StudentCard
from p2m_agent.weights.locate import read_json

MODULES, HEAD_MODULE = "modules.json", "head"
_LIMITS = "sentence_bert_config.json"
_SETTINGS = "config_sentence_transformers.json"
_CLASSES = "sentence_transformers.models."
"""Where every version of the library finds its modules; version 6 writes places that older ones do not know."""


def make_loadable(folder: Path, card: StudentCard) -> None:
    """Describe a student with encoder and head so that `SentenceTransformer(folder).encode(texts)` gives its logits.

    The weights stay where they are: the list of modules names the encoder's own, then unit length, then the head as a
    dense layer. Files that may be links to those of the training are written anew, never changed in place.
    """
    if not (folder / ENCODER).is_dir():
        return
    _limit(folder / ENCODER, card.max_tokens)
    modules = _modules_of(folder)
    if not any(each["type"].endswith("Normalize") for each in modules[-1:]):
        modules.append({"path": "normalize", "type": f"{_CLASSES}Normalize"})
        (folder / "normalize").mkdir(exist_ok=True)
    _save_dense(folder)
    modules.append({"path": HEAD_MODULE, "type": f"{_CLASSES}Dense"})
    numbered = [{**each, "idx": number, "name": str(number)} for number, each in enumerate(modules)]
    _write(folder / MODULES, numbered)
    _write(folder / _SETTINGS, read_json(folder / ENCODER / _SETTINGS))  # the text before each input stands there


def _modules_of(folder: Path) -> list[dict[str, Any]]:
    """The encoder's own modules, seen from the student's folder."""
    listed = folder / ENCODER / MODULES
    if not listed.is_file():  # a plain checkpoint, of whose token states the library takes the mean
        (folder / "pooling").mkdir(exist_ok=True)
        _save_mean(folder)
        kinds = {ENCODER: "Transformer", "pooling": "Pooling"}
        return [{"path": path, "type": f"{_CLASSES}{kind}"} for path, kind in kinds.items()]
    known = json.loads(listed.read_text(encoding="utf-8"))
    return [
        {**each, "path": f"{ENCODER}/{each['path']}".rstrip("/"), "type": _anywhere(each["type"])} for each in known
    ]


def _save_mean(folder: Path) -> None:
    from sentence_transformers.sentence_transformer.modules import Pooling
    from transformers import AutoConfig

    width = AutoConfig.from_pretrained(str(folder / ENCODER)).hidden_size
    Pooling(width, "mean").save(str(folder / "pooling"))


def _anywhere(kind: str) -> str:
    """The name of a module that every version of the library knows."""
    import sentence_transformers.models as known

    name = kind.rsplit(".", 1)[-1]
    return f"{_CLASSES}{name}" if kind.startswith("sentence_transformers.") and hasattr(known, name) else kind


def _limit(folder: Path, max_tokens: int) -> None:
    """The length that it was trained with, which others read from the encoder's settings."""
    _write(folder / _LIMITS, {**read_json(folder / _LIMITS), "max_seq_length": max_tokens})
    path = folder / "tokenizer_config.json"
    _write(path, {**read_json(path), "model_max_length": max_tokens})


def _save_dense(folder: Path) -> None:
    import torch
    from sentence_transformers.sentence_transformer.modules import Dense

    head = {name: torch.from_numpy(values) for name, values in load_head(folder).items()}
    labels, width = head["weight"].shape
    dense: Any = Dense(width, labels, activation_function=torch.nn.Identity())
    dense.linear.load_state_dict(head)
    (folder / HEAD_MODULE).mkdir(exist_ok=True)
    dense.save(str(folder / HEAD_MODULE))


def _write(path: Path, value: object) -> None:
    path.unlink(missing_ok=True)
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
