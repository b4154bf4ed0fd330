"""Dataset cards: what a `README.md` with YAML front matter says about a dataset."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from p2m_agent.weights.front_matter import languages_of, licence_of, split_card, strings

_SECTION = re.compile(r"^#{1,4}\s+(.+?)\s*$", re.MULTILINE)
_NAME = re.compile(r"^(?:[-*]\s+|\|\s*)?`([^`\n]{1,60})`", re.MULTILINE)
_MAX_LABELS = 200


@dataclass(frozen=True)
class Card:
    """The facts of one dataset, wherever it lives."""

    repo: str
    hub: str
    """The folder it was found under, `catalogue`, or `huggingface`."""
    title: str = ""
    description: str = ""
    licence: str | None = None
    languages: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    rows: dict[str, int] = field(default_factory=dict)
    configs: tuple[str, ...] = ()
    """Names of its subsets; empty where there is only one."""
    revision: str | None = None
    folder: Path | None = None
    """Where it lies, for a folder's; a path with a scheme (see `folder.place_of`) where that is not this machine."""
    reachable: bool = True
    gated: bool = False
    """Whether terms have to be accepted before its rows can be had."""
    year: int | None = None
    """When it came out."""
    aliases: tuple[str, ...] = ()
    """Its other names, and those of its variants."""
    notes: tuple[str, ...] = ()
    """What else speaks against it, in words."""
    text: str = ""
    """The whole card, Markdown without the front matter."""


def card_from(repo: str, hub: str, text: str) -> Card:
    """Read a card.

    Raises:
        ValueError: it is broken; the message says how.
    """
    return card_of(repo, hub, *split_card(text))


def card_of(repo: str, hub: str, meta: dict[str, object], body: str) -> Card:
    """The card that front matter and body make."""
    return Card(
        repo=repo,
        hub=hub,
        title=str(meta.get("pretty_name") or _heading(body) or repo.rsplit("/", maxsplit=1)[-1].replace("_", " ")),
        description=_description(body),
        licence=licence_of(meta.get("license")),
        languages=languages_of(meta.get("language")),
        tasks=strings(meta.get("task_categories")),
        columns=_columns(meta, body),
        labels=_labels(meta, body),
        rows=_rows(meta),
        configs=_configs(meta),
        text=body.strip(),
    )


def _sections(body: str) -> dict[str, str]:
    parts = _SECTION.split(body)
    return {title.lower(): text.strip() for title, text in zip(parts[1::2], parts[2::2], strict=True)}


def _heading(body: str) -> str | None:
    match = _SECTION.search(body)
    return match[1] if match else None


def _description(body: str) -> str:
    sections = _sections(body)
    for title in ("description", "dataset summary", "dataset description", "summary"):
        if sections.get(title):
            return " ".join(sections[title].split())
    paragraphs = [p for p in re.split(r"\n\s*\n", body) if p.strip() and not p.lstrip().startswith(("#", "|", "```"))]
    return " ".join(paragraphs[0].split())[:900] if paragraphs else ""


def _features(meta: dict[str, object]) -> list[dict[str, object]]:
    info = meta.get("dataset_info")
    info = info[0] if isinstance(info, list) and info else info
    features = info.get("features") if isinstance(info, dict) else None
    return [f for f in features if isinstance(f, dict)] if isinstance(features, list) else []


def _columns(meta: dict[str, object], body: str) -> tuple[str, ...]:
    declared = tuple(str(feature["name"]) for feature in _features(meta) if "name" in feature)
    return declared or tuple(_NAME.findall(_sections(body).get("columns", "")))


def _labels(meta: dict[str, object], body: str) -> tuple[str, ...]:
    for feature in _features(meta):
        kind = feature.get("dtype")
        names = kind.get("class_label", {}).get("names") if isinstance(kind, dict) else None
        if isinstance(names, dict):
            return tuple(map(str, names.values()))[:_MAX_LABELS]
        if isinstance(names, list):
            return tuple(map(str, names))[:_MAX_LABELS]
    section = _sections(body).get("labels", "")
    rows = _NAME.findall(section) if section.count("\n") > 2 else re.findall(r"`([^`\n]{1,60})`", section)
    return tuple(dict.fromkeys(rows))[:_MAX_LABELS]


def _rows(meta: dict[str, object]) -> dict[str, int]:
    info = meta.get("dataset_info")
    info = info[0] if isinstance(info, list) and info else info
    splits = info.get("splits") if isinstance(info, dict) else None
    found = {}
    for split in splits if isinstance(splits, list) else []:
        if isinstance(split, dict) and isinstance(split.get("num_examples"), int):
            found[str(split.get("name"))] = int(split["num_examples"])
    return found


def _configs(meta: dict[str, object]) -> tuple[str, ...]:
    """Names of the subsets, the default one first."""
    declared = meta.get("configs")
    configs = [c for c in declared if isinstance(c, dict) and "config_name" in c] if isinstance(declared, list) else []
    first = [c for c in configs if c.get("default") is True] or [c for c in configs if c["config_name"] == "default"]
    return tuple(dict.fromkeys(str(c["config_name"]) for c in [*first, *configs]))
