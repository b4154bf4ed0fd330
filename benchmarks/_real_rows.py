"""Rows of the real datasets as examples, read by the columns written down in `import_mappings.jsonl`."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from p2m_agent.types.rows import Example, Source
from p2m_agent.types.task import Kind, TaskSpec

ROOT = Path(__file__).resolve().parent.parent
HUB = Path(os.environ.get("P2M_SHARED") or ROOT.parent / "shared") / "hub" / "datasets"
MAPPINGS = Path(__file__).with_name("import_mappings.jsonl")


@dataclass(frozen=True)
class RealSet:
    """One dataset with its task."""

    repo: str
    spec: TaskSpec
    rows: list[Example]


def real_sets(most: int = 1000, kind: str | None = None, split: str = "train") -> Iterator[RealSet]:
    """Each dataset once, with up to `most` rows of a split; rows without an input or an output are left out."""
    seen: set[str] = set()
    for line in MAPPINGS.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        folder = HUB / case["repo"].replace("/", "__")
        if case["repo"] in seen or kind not in (None, case["kind"]) or not (folder / f"data/{split}.jsonl").exists():
            continue
        seen.add(case["repo"])
        rows = list(_rows(folder / f"data/{split}.jsonl", case["inputs"], case["output"], most))
        if rows:
            yield RealSet(case["repo"], _spec(case, rows, _language(folder)), rows)


def _rows(path: Path, inputs: list[str], output: str, most: int) -> Iterator[Example]:
    source = Source(origin="hub", ref=path.parent.parent.name)
    with path.open(encoding="utf-8") as file:
        for _, line in zip(range(most), file, strict=False):
            row = json.loads(line)
            fields = {name: row.get(name) for name in (*inputs, output)}
            texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
            if all(fields[name] not in (None, "", []) for name in fields):
                yield Example(input={name: texts[name] for name in inputs}, output=texts[output], source=source)


def _spec(case: dict[str, object], rows: list[Example], language: str | None) -> TaskSpec:
    kind: Kind = "classification" if case["kind"] == "classification" else "text_to_text"
    return TaskSpec(
        id="spec",
        request=str(case["request"]),
        instruction=str(case["request"]),
        kind=kind,
        input_fields=tuple(rows[0].input),
        output_field=str(case["output"]),
        labels=tuple(sorted({row.output for row in rows})) if kind == "classification" else (),
        language=language,
        metric="accuracy" if kind == "classification" else "chrf",
    )


def _language(folder: Path) -> str | None:
    """The language that a card names, where it names one."""
    front = (folder / "README.md").read_text(encoding="utf-8").split("---")[1]
    found = re.search(r"^language:\s*(?:\n\s*-\s*|\[?)([a-z]{2})\b(?!\s*\n\s*-\s*[a-z]{2}\b)", front, re.MULTILINE)
    return found.group(1) if found else None
