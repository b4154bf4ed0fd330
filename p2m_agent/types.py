"""The nouns: what the agent makes, keeps and shows. Rows and weights stay on disk; these refer to them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, computed_field

from p2m_agent.data.mixture import Mixture
from p2m_agent.data.transformation_plan import TransformationPlan
from p2m_agent.evaluation.analysis import ErrorAnalysis
from p2m_agent.evaluation.scores import EvalReport, MetricName
from p2m_agent.hub.candidates import DatasetSearch, ModelSearch
from p2m_agent.label_sets import parted
from p2m_agent.training.probe import ModelProbe
from p2m_agent.training.recipe import Recipe
from p2m_agent.value import Value

Kind = Literal["classification", "multi_label", "text_to_text"]
"""One label for an input, any number of labels (joined in the output, see `label_sets`), or a text."""
SplitName = Literal["train", "dev", "test"]
Origin = Literal["user", "hub", "transformed", "synthetic"]


class Demonstration(Value):
    """An input with its right output, as the person gave it."""

    input: dict[str, str]
    output: str


class Constraints(Value):
    """What the finished model may be. None means no limit."""

    max_params: int | None = Field(default=None, gt=0)
    """Largest number of parameters of a base model."""
    max_latency_ms: float | None = Field(default=None, gt=0)
    """Longest median time for one input on this machine."""
    licences: tuple[str, ...] | None = None
    """SPDX-like ids allowed for data and base models; None allows all and warns where unknown."""


class TaskSpec(Value):
    """The task, once understood. A changed task is a new spec, never a changed one."""

    artifact: Literal["spec"] = "spec"
    id: str
    request: str
    """The person's words, verbatim."""
    instruction: str
    """What the student is told, and what teachers are prompted with."""
    kind: Kind
    input_fields: tuple[str, ...] = ("text",)
    output_field: str = "label"
    labels: tuple[str, ...] = ()
    """Empty for text_to_text, else until data or a person names them."""
    language: str | None = None
    """ISO 639-1 code of inputs, None where the request does not tell."""
    metric: MetricName
    target: float | None = Field(default=None, ge=0, le=1)
    """Score on held-out rows at which to stop, 0 to 1."""
    demonstrations: tuple[Demonstration, ...] = ()
    constraints: Constraints = Constraints()
    assumptions: tuple[str, ...] = ()
    """What nobody said and the agent took for granted, one sentence each."""
    made_by: str = ""

    @property
    def sorts(self) -> bool:
        """Whether outputs are labels."""
        return self.kind != "text_to_text"

    def labels_in(self, output: str) -> tuple[str, ...]:
        """The labels that an output stands for; none for text_to_text."""
        if self.kind == "multi_label":
            return parted(output)
        return (output.strip(),) if self.sorts else ()

    def labels_of(self, outputs: Iterable[str]) -> tuple[str, ...]:
        """The labels that outputs stand for together, each once, in alphabetical order."""
        return tuple(sorted({label for output in outputs for label in self.labels_in(output)}))


class Source(Value):
    """Where an example comes from and what may be done with it."""

    origin: Origin
    ref: str
    """File, repo id, or the id of the generating call."""
    revision: str | None = None
    """Commit or content hash that pins `ref`."""
    licence: str | None = None
    """SPDX-like id; None where unknown."""
    parents: tuple[str, ...] = ()
    """Ids of the examples this one was made from."""
    prompt_sha: str | None = None
    """Hash of the LLM request that made it."""
    agreement: float | None = None
    """How far independent answers agree with the output, 0 to 1: share of votes (labels), mean likeness (texts)."""
    noise: str = ""
    """What was done to the input so that it looks hastily typed; never to the output."""
    judged: bool | None = None
    """Whether a judge found the output right; None where none was asked, or it could not tell."""
    suspect: str = ""
    """The label that a probe which had not seen the row holds for right instead; a person should look at it."""


class Example(Value):
    """One row of a task. Its id is a hash of the content, so equal rows have equal ids."""

    input: dict[str, str]
    """Field name to text, in the order of `TaskSpec.input_fields`."""
    output: str
    source: Source

    @computed_field  # type: ignore[prop-decorator]
    @property
    def id(self) -> str:
        """The first 16 hex digits of the SHA-256 of input and output."""
        content = json.dumps([self.input, self.output], ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    @property
    def text(self) -> str:
        """The input as one text: the bare field, or `name: value` lines where there are several."""
        return render_input(self.input)


def render_input(fields: dict[str, str]) -> str:
    """Input fields as the one text that students and teachers read."""
    if len(fields) == 1:
        return next(iter(fields.values()))
    return "\n".join(f"{name}: {value}" for name, value in fields.items())


class Dataset(Value):
    """Rows that may be trained on: one JSONL file of `Example`."""

    artifact: Literal["dataset"] = "dataset"
    id: str
    path: str
    """JSONL file, relative to the run's folder."""
    sha256: str
    rows: int
    origin: Origin
    ref: str
    revision: str | None = None
    licence: str | None = None
    labels: dict[str, int] = {}
    """Rows with each label; empty for text_to_text."""
    dropped: dict[str, int] = {}
    """Rows left out, by reason; they are kept in `rejected.jsonl` beside the file."""
    columns: dict[str, str] = {}
    """Column of the source that each field was read from."""
    made_by: str
    """Id of the call that made it."""


class Holdout(Value):
    """The two held-out splits of a run, fixed once, before any training data is used."""

    artifact: Literal["holdout"] = "holdout"
    id: str
    dev_path: str
    """JSONL of `Example`, relative to the run's folder; the loop tunes on it."""
    dev_rows: int
    dev_sha256: str
    test_path: str
    """The locked test. Only `evaluate(final=True)` opens it."""
    test_rows: int
    test_sha256: str
    origin: Literal["user", "hub", "synthetic"]
    """`synthetic` is a proxy: made by the teacher, and said so wherever its score appears."""
    ref: str
    made_by: str


class CurvePoint(Value):
    """One evaluation during training."""

    epoch: float
    loss: float | None = None
    dev: float | None = None
    """The task's metric on dev rows, 0 to 1."""


class TrainingRun(Value):
    """A trained student."""

    artifact: Literal["training_run"] = "training_run"
    id: str
    recipe: Recipe
    path: str
    """Folder of the student, loadable by `p2m_agent.delivery.predictor`, relative to the run's folder."""
    datasets: tuple[str, ...]
    train_rows: int
    leaks_removed: dict[str, int] = {}
    """Training rows dropped because they match dev or locked-test rows, by kind of match."""
    metric: MetricName
    dev: float
    """The task's metric on the dev rows, 0 to 1."""
    train: float | None = None
    """The same on (a sample of) the training rows."""
    curve: tuple[CurvePoint, ...] = ()
    params: int
    size_mb: float
    """Bytes on disk / 1e6."""
    wall_s: float | None = None
    """What the training took, a search over trials included; None where it was not measured."""
    notes: tuple[str, ...] = ()
    """What a reader should know: rows cut, time limit reached, batch halved."""
    made_by: str


class ColumnChoice(Value):
    """Columns proposed for an import, waiting for a verdict."""

    artifact: Literal["column_choice"] = "column_choice"
    id: str
    ref: str
    """File or repo id that would be imported."""
    inputs: tuple[str, ...]
    output: str
    columns: tuple[str, ...]
    """All columns there are."""
    sample: tuple[dict[str, str], ...]
    """A few rows, column to text."""
    why: str
    made_by: str


class PromptChange(Value):
    """A proposed new instruction, waiting for a verdict."""

    artifact: Literal["prompt_change"] = "prompt_change"
    id: str
    before: str
    after: str
    why: str
    made_by: str


class Answer(Value):
    """What a person (or the policy in their place) said to a question."""

    verdict: Literal["accept", "edit", "reject"]
    edits: dict[str, object] = {}
    """Changed fields (spec, plan), the new text (prompt), `inputs` and `output` (columns), ids of bad rows (rows)."""
    remarks: str = ""
    by: Literal["person", "policy"] = "person"


class Question(Value):
    """Something only a person should decide."""

    id: str
    about: Literal["spec", "columns", "rows", "plan", "spend", "prompt", "delivery", "open"]
    text: str
    subject: str | None = None
    """Id of the artifact it is about."""
    preview: dict[str, object] = {}
    """What to show: spec fields, sample rows, a diff, an estimate."""


class Review(Value):
    """A question with its answer, kept."""

    artifact: Literal["review"] = "review"
    id: str
    question: Question
    answer: Answer
    made_by: str


class Delivery(Value):
    """The finished folder."""

    artifact: Literal["delivery"] = "delivery"
    id: str
    training_run: str
    path: str
    """Folder with weights, tokenizer, `p2m.json` and the model card, relative to the run's folder."""
    report: str
    """Id of the locked-test report."""
    size_mb: float
    made_by: str


Artifact = Annotated[
    TaskSpec
    | Dataset
    | Holdout
    | DatasetSearch
    | ModelSearch
    | Mixture
    | ModelProbe
    | TrainingRun
    | EvalReport
    | ErrorAnalysis
    | ColumnChoice
    | PromptChange
    | TransformationPlan
    | Review
    | Delivery,
    Field(discriminator="artifact"),
]
