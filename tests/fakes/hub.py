"""Stand-ins for the hub's tests: datasets on disk, an embedding model that counts words."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from p2m_agent.errors import ToolError
from p2m_agent.run.seams import Role
from p2m_agent.search.words import tokens
from p2m_agent.types.candidates import DatasetCandidate, DatasetsFound, HubDataset, ModelCandidate, ModelsFound
from p2m_agent.types.task import TaskSpec

if TYPE_CHECKING:
    pass

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

CARD = """---
license: {licence}
language:
- {language}
task_categories:
- {task}
pretty_name: {title}
configs:
- config_name: default
  data_files:
  - split: train
    path: {train}
  - split: test
    path: data/test.jsonl
---

# {title}

## Description

{description}

## Columns

- `text` (str): the text
- `label_text` (str): the label

## Labels

`good_one`, `bad_one`
"""


class CountingEmbedder:
    """Texts as bags of hashed words: texts that share words are close."""

    name, dim = "counting", 256

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode(self, texts: Sequence[str], role: Role | None = None) -> NDArray[numpy.float32]:
        import numpy as np

        self.encoded += texts
        vectors = np.zeros((len(texts), self.dim), np.float32)
        for row, text in enumerate(texts):
            for word in tokens(text) or ["nothing"]:
                vectors[row, zlib.crc32(word.encode()) % self.dim] += 1
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


@dataclass
class ListedHub:
    """Finds what it was given, whatever is looked for, and opens nothing."""

    sets: tuple[DatasetCandidate, ...] = ()
    bases: tuple[ModelCandidate, ...] = ()
    notes: tuple[str, ...] = ()
    asked: list[tuple[str, int]] = field(default_factory=list)
    """Each search: its words, and how many it may find."""
    cards: list[str] = field(default_factory=list)
    """The imagined card of each search of datasets."""

    def find_datasets(self, query: str, spec: TaskSpec | None, k: int, *, card: str = "") -> DatasetsFound:
        self.asked.append((query, k))
        self.cards.append(card)
        return DatasetsFound(self.sets, self.notes)

    def find_models(self, query: str, spec: TaskSpec | None, k: int, *, card: str = "") -> ModelsFound:
        self.asked.append((query, k))
        return ModelsFound(self.bases, ())

    def open_dataset(self, repo: str, config: str | None = None) -> HubDataset:
        raise ToolError(f"there is no dataset {repo!r}")


def make_dataset(hub: Path, name: str, description: str = "Letters to a shop.", **facts: str) -> Path:
    """A dataset folder with three training rows and one test row."""
    folder = hub / name
    (folder / "data").mkdir(parents=True)
    given = {"licence": "mit", "language": "en", "task": "text-classification", "train": "data/train.jsonl"}
    card = CARD.format(**{**given, "title": name.title(), "description": description, **facts})
    (folder / "README.md").write_text(card, encoding="utf-8")
    rows = [{"text": f"text {i}", "label_text": "good_one"} for i in range(3)]
    (folder / "data" / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "data" / "test.jsonl").write_text(json.dumps(rows[0]) + "\n")
    return folder
