"""The task: as a person gives it, and as it is understood."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, field_validator

from p2m_agent.types.label_sets import parted
from p2m_agent.types.scores import MetricName
from p2m_agent.types.value import Value

Kind = Literal["classification", "multi_label", "text_to_text"]
"""One label for an input, any number of labels (joined in the output, see `label_sets`), or a text."""


def read_share(text: str) -> float:
    """`0.9`, `0,9`, `90%` and `90 %` as 0.9.

    Raises:
        ValueError: it is no number, or outside of 0 to 1 (a bare 90 may be meant otherwise, so it is refused).
    """
    number, percent, _ = text.strip().partition("%")
    value = float(number.strip().replace(",", ".")) / (100 if percent else 1)
    if not 0 <= value <= 1:
        raise ValueError(f"{text.strip()} is not between 0 and 1 (write 0.9, or 90%)")
    return round(value, 6)


class Demonstration(Value):
    """An input with its right output, as the person gave it."""

    input: dict[str, str]
    output: str


class Constraints(Value):
    """What the finished model may be. None means no limit."""

    max_params: int | None = Field(default=None, gt=0)
    """Largest number of parameters of a base model."""
    max_latency_ms: float | None = Field(default=None, gt=0)
    """Longest time for one input on this machine, at the 95th percentile (p95), inputs one at a time."""
    max_size_mb: float | None = Field(default=None, gt=0)
    """Largest size of the finished model in megabytes, at 32 bits a parameter."""
    max_train_rows: int | None = Field(default=None, gt=0)
    """Most rows that a student may learn from."""
    licences: tuple[str, ...] | None = None
    """SPDX-like ids allowed for data and base models; None allows all and warns where unknown."""
    refused_licences: tuple[str, ...] = ()
    """Licences or kinds of licence that neither data nor base models may have."""
    avoid_sources: tuple[str, ...] = ()
    """Words for kinds of texts or sources: a found set whose card names one of them is not used."""
    only_sources: tuple[str, ...] = ()
    """A found set is used only where its card names one of these."""
    avoid_bases: tuple[str, ...] = ()
    """Words that the name of a base model must not hold."""
    data_languages: tuple[str, ...] = ()
    """ISO 639-1 codes: a found set in another language is not used."""
    public_data: bool = True
    """Whether found sets may be used beside the person's own rows."""
    synthetic: bool = True
    """Whether a language model may write rows."""
    prefer_labels: tuple[str, ...] = ()
    """Labels to take where another fits as well. Said in the instruction; nothing else holds a student to it."""
    unenforced: tuple[str, ...] = ()
    """Conditions in the person's words that nothing here can hold a run to."""

    def set_here(self) -> dict[str, object]:
        """Those that say something."""
        return self.model_dump(mode="json", exclude_defaults=True)


@dataclass(frozen=True)
class ReadOptions:
    """What the person says about a file; what is empty is found out."""

    format: str = ""
    """Name of a reader."""
    encoding: str = ""
    header: bool | None = None
    """False where the first line is a row already, True where it holds the names."""
    sheet: str = ""
    """A sheet of a workbook, a table of a database, a file of an archive or of a folder."""
    delimiter: str = ""
    """Between cells: the sign itself or its name, such as `tab`."""


_FILE = "a file"
File = Annotated[str | None, _FILE]
"""A file of the person's, which a task file names relative to itself."""


class Task(Value):
    """A task as a person gives it: in words, by a task file, by flags, and by the run that it goes on from.

    Made once, when a run is started, and never overruled. None is what nobody said. Every field is a key of
    `task.yaml`, and sets the flag of the same name where the command line has one.
    """

    request: str
    """What the model should do, in plain words. The only one that is needed."""
    kind: Kind | None = None
    input_fields: tuple[str, ...] | None = None
    output_field: str | None = None
    labels: tuple[str, ...] | None = None
    metric: MetricName | None = None
    language: str | None = None
    target: float | None = Field(default=None, ge=0, le=1)
    max_error: float | None = Field(default=None, gt=0, lt=1)
    """Largest share of wrong answers among those that the model gives; what it is less sure of is passed on."""
    examples: tuple[dict[str, object], ...] | None = None
    """A few rows with their right outputs."""
    data: File = None
    """A labelled file or a Hub dataset id."""
    input: tuple[str, ...] | None = None
    """Columns of `data` that are inputs; one may be given as a text."""
    output: str | None = None
    """The column of `data` that is the output."""
    test: File = None
    """A further labelled file that is the locked test."""
    format: str | None = None
    """Of `data`, where neither its ending nor its content is to decide."""
    encoding: str | None = None
    """Of `data`, where it is not to be found out."""
    delimiter: str | None = None
    """Between the cells of `data`: a sign, or its name, such as `tab`."""
    sheet: str | None = None
    """Which sheet of a workbook, table of a database or file of an archive `data` is."""
    no_header: bool | None = None
    """Whether the first line of `data` is a row already; False where it holds the names."""
    group: str | None = None
    """The column of `data` whose equal values stay on one side of a split."""
    contradictions: Literal["train", "leave_out"] | None = None
    """What becomes of rows of `data` whose input has another label elsewhere: they are trained on unless left out."""
    buckets: str | None = None
    """Into how many ranges a number is put, or their edges: `5`, `0.25,0.5,0.75`."""
    unlabelled: File = None
    """A file of real inputs without outputs; the teacher labels them."""
    attributes: File = None
    """A YAML file of what generated inputs differ in."""
    constraints: Constraints | None = None

    @field_validator("input", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("buckets", mode="before")
    @classmethod
    def _written(cls, value: object) -> object:
        if isinstance(value, list | tuple):
            return ",".join(map(str, value))
        return str(value) if isinstance(value, int | float) else value

    @property
    def read_options(self) -> ReadOptions:
        """How the person says that their files are read."""
        return ReadOptions(
            format=self.format or "",
            encoding=self.encoding or "",
            header=None if self.no_header is None else not self.no_header,
            sheet=self.sheet or "",
            delimiter=self.delimiter or "",
        )

    @property
    def given(self) -> frozenset[str]:
        """The keys that were said, besides the request."""
        return frozenset(name for name in type(self).model_fields if getattr(self, name) is not None) - {"request"}

    @classmethod
    def files(cls) -> tuple[str, ...]:
        """The keys that name a file."""
        return tuple(name for name, field in cls.model_fields.items() if _FILE in field.metadata)


def labels_in(kind: Kind, output: str) -> tuple[str, ...]:
    """The labels that an output of such a task stands for; none for text_to_text."""
    if kind == "multi_label":
        return parted(output)
    return (output.strip(),) if kind == "classification" else ()


class TaskSpec(Value):
    """The task, once understood. A changed task is a new spec, never a changed one."""

    artifact: Literal["spec"] = "spec"
    id: str
    request: str
    """The person's words, verbatim."""
    instruction: str
    """What the student is told, and what teachers are prompted with."""
    kind: Kind
    kind_stated: bool = Field(default=True, validation_alias=AliasChoices("kind_stated", "kind_told"))
    """Whether somebody said the kind, or a word of the request does; else rows tell it better."""
    input_fields: tuple[str, ...] = ("text",)
    output_field: str = "label"
    labels: tuple[str, ...] = ()
    """Empty for text_to_text, else until data or a person names them."""
    columns: dict[str, str] = {}
    """Field to the column of the first rows that it was read from, where that is called otherwise."""
    language: str | None = None
    """ISO 639-1 code of inputs, None where the request does not tell."""
    metric: MetricName
    target: float | None = Field(default=None, ge=0, le=1)
    """Score on held-out rows at which to stop, 0 to 1."""
    max_error: float | None = Field(default=None, gt=0, lt=1)
    """Largest share of wrong answers among those that the student gives; None: it answers everything."""
    demonstrations: tuple[Demonstration, ...] = ()
    constraints: Constraints = Constraints()
    assumptions: tuple[str, ...] = ()
    """What nobody said and the agent took for granted, one sentence each."""
    assumed: dict[str, str] = {}
    """Fields whose values are such, each with its sentence among the assumptions."""
    made_by: str = ""

    def still_assumed(self, known: Collection[str]) -> tuple[tuple[str, ...], dict[str, str]]:
        """What `assumptions` and `assumed` are once these fields are known."""
        overtaken = [said for name, said in self.assumed.items() if name in known]
        assumed = {name: said for name, said in self.assumed.items() if name not in known}
        return tuple(said for said in self.assumptions if said not in overtaken), assumed

    @property
    def sorts(self) -> bool:
        """Whether outputs are labels."""
        return self.kind != "text_to_text"

    def labels_in(self, output: str) -> tuple[str, ...]:
        """The labels that an output stands for; none for text_to_text."""
        return labels_in(self.kind, output)

    def labels_of(self, outputs: Iterable[str]) -> tuple[str, ...]:
        """The labels that outputs stand for together, each once, in alphabetical order."""
        return tuple(sorted({label for output in outputs for label in self.labels_in(output)}))
