"""The nouns of scores: what a report on a student holds. They refer to rows by id; test rows are never in them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from p2m_agent.types.value import Value

MetricName = str
"""What a student can be trained towards: a file of `scoring/metrics`. All are 0 to 1, and 1 is best.

Whether there is one of that name for the kind of task is checked where a task is given (`task.checking`).
"""
JUDGED: Literal["llm_judge"] = "llm_judge"
"""A score beside the metric: it takes requests to an LLM, so nothing is tuned on it."""


class Score(Value):
    """A metric with its uncertainty."""

    metric: MetricName | Literal["llm_judge"]
    value: float
    ci95: tuple[float, float]
    """Bootstrap percentile interval."""
    scored: int
    """Rows scored."""
    unscored: int = 0
    """Rows whose evaluation failed; they count neither as right nor as wrong."""


class Difference(Value):
    """Student minus another on the same rows (paired bootstrap)."""

    value: float
    ci95: tuple[float, float]
    rows: int

    @property
    def verdict(self) -> Literal["better", "worse", "not clearly different"]:
        """What the interval allows to be said."""
        if self.ci95[0] > 0:
            return "better"
        return "worse" if self.ci95[1] < 0 else "not clearly different"


class Speed(Value):
    """How fast something answered on this machine, other work beside it included."""

    p50_ms: float | None = None
    """Median milliseconds for one input at a time."""
    p95_ms: float | None = None
    timed: int = 0
    """Inputs behind the two."""
    rows_per_s: float | None = None
    """Inputs a second, many at a time."""


class Baseline(Value):
    """What something simpler, or the teacher, scores on (a stated sample of) the same rows."""

    score: Score | None = None
    student_minus: Difference | None = None
    """The student against it on the rows that both were scored on."""
    note: str = ""
    """Why it is missing, or which sample it was scored on."""
    speed: Speed | None = None
    usd_per_1000: float | None = None
    """Dollars for 1,000 rows at its price; None where unknown or where nothing is paid by the row."""


class Mistake(Value):
    """A dev row the student got wrong. Never a locked-test row."""

    example_id: str
    text: str
    expected: str
    predicted: str


class ReliabilityBin(Value):
    """Rows of like confidence."""

    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    rows: int
    confidence: float
    """Mean over the rows, 0 to 1."""
    accuracy: float
    """Share of the rows that are right."""


class Calibration(Value):
    """Whether confidence can be taken at its word."""

    ece: float = Field(ge=0, le=1)
    """Expected calibration error: mean distance of confidence from accuracy over the bins, weighted by rows."""
    bins: tuple[ReliabilityBin, ...]
    """Bins that have rows, by confidence."""


class ErrorPromise(Value):
    """Of what a student answers at all, no more than so many are wrong, as far as its dev rows can show it."""

    max_error: float = Field(gt=0, lt=1)
    """Share of wrong answers among those given."""
    level: float = 0.95
    """Confidence at which it is promised."""
    threshold: float | None = None
    """Answers at least so sure are given, the others passed on; None where no threshold keeps the promise."""
    rows: int
    """Dev rows it was set by."""
    answered: float = 0.0
    """Share of them that the student answers itself."""
    error: float = 0.0
    """Share of wrong answers among those."""
    rows_needed: int | None = None
    """Where no threshold keeps it: dev rows like these by which one would; None where no number of them does."""

    def abstains(self, confidence: float | None) -> bool:
        """Whether an answer is not sure enough to be given."""
        return self.threshold is None or confidence is None or confidence < self.threshold


class PromiseCheck(Value):
    """What became of a promise on the locked test, by its one look."""

    answered: float
    """Share of the rows that the student answers itself."""
    answered_ci95: tuple[float, float]
    """Exact binomial (Clopper-Pearson)."""
    rows: int
    """Rows answered."""
    wrong: int
    """Wrong answers among them."""
    kept: bool
    """Whether no more of them are wrong than was promised."""
    refuted: bool
    """Whether so many are wrong that chance does not explain it (exact binomial test at 5 %)."""

    @property
    def error(self) -> float:
        """Share of wrong answers among those given."""
        return self.wrong / self.rows if self.rows else 0.0


class LeakCertificate(Value):
    """That the training rows hold no held-out row, how it was looked for, and what was removed."""

    train_rows: int
    """Rows the student learned from, after removal."""
    held_out_rows: int
    """Dev and locked-test rows."""
    test_sha256: str
    """Of the sealed file."""
    removed: dict[str, int] = {}
    """Training rows removed, by kind of match: exact, normalised, near, meaning."""
    remaining: dict[str, int] = {}
    """Matches found when the finished training rows were checked once more; empty as it should be."""
    how: str
    """The checks with their thresholds, in a sentence."""

    @property
    def clean(self) -> bool:
        """Whether no match is left."""
        return not sum(self.remaining.values())


class EvalReport(Value):
    """How a student did on one split."""

    artifact: Literal["eval_report"] = "eval_report"
    id: str
    training_run: str
    split: Literal["dev", "test"]
    proxy: bool
    """Whether the held-out rows were made by the teacher instead of by people."""
    score: Score
    extra: dict[str, Score] = {}
    """Other metrics of the kind of task by name, and the LLM judge's score where it was asked."""
    per_label: dict[str, dict[str, float]] = {}
    """Label to precision, recall, f1 (0 to 1) and support (rows)."""
    confusions: tuple[tuple[str, str, int], ...] = ()
    """(expected, predicted, rows), most frequent first; dev only."""
    mistakes: tuple[Mistake, ...] = ()
    """A sample; dev only."""
    answers: str = ""
    """JSONL of every dev row's id, answer and confidence, relative to the run's folder; dev only."""
    against: str = ""
    """Id of the student of an earlier round that it was compared with on the same dev rows; dev only."""
    against_minus: Difference | None = None
    """This student minus that one."""
    baselines: dict[str, Baseline] = {}
    """teacher, teacher_zero_shot, linear_head (the run's own), majority, nearest_neighbour, untuned_base. Test only."""
    calibration: Calibration | None = None
    """Classification only."""
    promise: ErrorPromise | None = None
    """Where the task asks for one; set by the dev rows."""
    promise_check: PromiseCheck | None = None
    """Test only."""
    certificate: LeakCertificate | None = None
    """Test only."""
    looks: int = 0
    """How often the locked test has been opened, this time included; 0 on dev."""
    speed: Speed | None = None
    """Of the student; test only."""
    not_worth: tuple[str, ...] = ()
    """What cheaper thing is as good, in sentences with figures; empty where the fine-tune earns its cost. Test only."""
    notes: tuple[str, ...] = ()
    """What a reader of the scores should know."""
    made_by: str

    @property
    def latency_ms(self) -> float | None:
        """Median time of the student for one input on this machine."""
        return self.speed.p50_ms if self.speed else None
