"""What is known of a dataset's rows as a whole: kept beside them as JSON and Markdown, and shown by `p2m data`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from p2m_agent.events import LLMCalled
from p2m_agent.rows.measures import Measures, measure
from p2m_agent.types.rows import Dataset, Example
from p2m_agent.types.task import TaskSpec
from p2m_agent.types.value import Value

if TYPE_CHECKING:
    from p2m_agent.run.seams import Embedder

JSON_FILE, MARKDOWN_FILE = "data_card.json", "data_card.md"


class Making(Value):
    """What the rows took."""

    requests: int = 0
    """Answers of a language model, those taken from disk included."""
    tokens: int = 0
    output_tokens: int = 0
    usd: float | None = 0.0
    """Dollars; None where a price is unknown."""


class DataCard(Value):
    """One dataset."""

    dataset: str
    """Its id."""
    ref: str
    origin: str
    licence: str | None = None
    rows: int
    asked: int | None = None
    """Rows asked for or read, where that is known."""
    rejected: dict[str, int] = {}
    """Rows left out, by reason."""
    making: Making = Making()
    labels: dict[str, int] = {}
    measures: Measures = Measures()

    @property
    def share_used(self) -> float | None:
        """Rows used of those asked for, 0 to 1: the yield."""
        return min(1.0, self.rows / self.asked) if self.asked else None

    @property
    def usd_a_row(self) -> float | None:
        """Dollars for an accepted row; None where the price is unknown."""
        usd = self.making.usd
        return None if usd is None or not self.rows else usd / self.rows


def write_data_card(
    root: Path,
    dataset: Dataset,
    spec: TaskSpec,
    *,
    embedder: Embedder | None,
    asked: int | None = None,
    real: Sequence[Example] = (),
) -> DataCard:
    """Measure a dataset's rows and write `data_card.json` and `data_card.md` beside them.

    Args:
        root: the run's folder.
        dataset: the rows.
        spec: the task.
        embedder: for likeness; what needs it is left out where there is none.
        asked: rows asked for or read.
        real: rows that people wrote, to see how near generated ones come; held-out rows are none of them.
    """
    path = root / dataset.path
    measures = measure(path, spec, embedder=embedder, labels=dataset.labels, real=real)
    card = card_of_rows(root, dataset, measures, asked)
    path.with_name(JSON_FILE).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    path.with_name(MARKDOWN_FILE).write_text(markdown(card), encoding="utf-8")
    return card


def card_of_rows(root: Path, dataset: Dataset, measures: Measures, asked: int | None = None) -> DataCard:
    """What is known of a dataset, with what was measured of its rows."""
    return DataCard(
        dataset=dataset.id,
        ref=dataset.ref,
        origin=dataset.origin,
        licence=dataset.licence,
        rows=dataset.rows,
        asked=asked,
        rejected=dataset.dropped,
        making=making_of(root, dataset.made_by),
        labels=dataset.labels,
        measures=measures,
    )


def read_data_card(root: Path, dataset: Dataset) -> DataCard | None:
    """The card beside a dataset's rows; None where there is none, or it is about an earlier form of them."""
    path = (root / dataset.path).with_name(JSON_FILE)
    if not path.is_file():
        return None
    card = DataCard.model_validate_json(path.read_bytes())
    return card if card.dataset == dataset.id else None


def making_of(root: Path, call: str) -> Making:
    """Tokens and money of a call so far, from the run's events."""
    path = root / "events.jsonl"
    if not path.is_file():
        return Making()
    requests = prompt = output = 0
    usd: float | None = 0.0
    for answer in _answers(path, call):
        requests, prompt = requests + 1, prompt + answer.prompt_tokens
        output += answer.completion_tokens
        usd = None if usd is None or answer.usd is None else usd + answer.usd
    return Making(requests=requests, tokens=prompt + output, output_tokens=output, usd=usd)


def _answers(path: Path, call: str) -> Iterator[LLMCalled]:
    """The answers of a call. Other events, of which there may be very many, are not read."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            if '"event":"llm_called"' in line and f'"call":"{call}"' in line and line.endswith("\n"):
                yield LLMCalled.model_validate_json(line)


def card_lines(card: DataCard) -> list[tuple[str, str]]:
    """Name and value of what is known, for tables of all kinds."""
    lines = [("rows", f"{card.rows:,}"), ("origin", f"{card.origin}, {card.ref}"), *_yielded(card)]
    lines += card.measures.lines(card.rows)
    return lines


def _yielded(card: DataCard) -> Iterable[tuple[str, str]]:
    making = card.making
    if card.share_used is not None:
        yield "yield", f"{card.share_used:.0%} of {card.asked:,} rows asked for"
    if making.requests:
        money = "price unknown" if card.usd_a_row is None else f"${card.usd_a_row:.5f}" if making.usd else "nothing"
        yield "cost of a row", f"{money}, {making.tokens / max(1, card.rows):,.0f} tokens ({making.requests:,} answers)"
    if card.rejected:
        yield "rejected", ", ".join(f"{rows:,} {reason.replace('_', ' ')}" for reason, rows in card.rejected.items())


def markdown(card: DataCard) -> str:
    """The card as a page."""
    rows = "\n".join(f"| {_cell(name)} | {_cell(value)} |" for name, value in card_lines(card))
    labels = "\n".join(f"| {_cell(label)} | {count} |" for label, count in card.labels.items())
    text = f"# Rows of {_cell(card.ref)}\n\n| | |\n|---|---|\n{rows}\n"
    if labels:
        text += f"\n## Labels\n\n| label | rows |\n|---|---|\n{labels}\n"
    return f"{text}\n{card.measures.how}\n"


def _cell(text: str) -> str:
    flat = " ".join(text.split())
    for mark in "\\`*_[]|":
        flat = flat.replace(mark, "\\" + mark)
    return flat.replace("<", "&lt;")
