"""An error analysis from its parts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from p2m_agent.evaluation.clusters import error_clusters
from p2m_agent.evaluation.doubtful_labels import doubtful_dev, harmful_sources, label_noise
from p2m_agent.evaluation.findings import Findings
from p2m_agent.evaluation.learning_curve import FEWEST_ROWS, head_curve, recorded_curve
from p2m_agent.evaluation.slices import slices
from p2m_agent.evaluation.suggest import suggestions
from p2m_agent.events import Progressed
from p2m_agent.scoring.label_counts import confusions
from p2m_agent.types.analysis import ErrorAnalysis, LearningCurve

if TYPE_CHECKING:
    from p2m_agent.evaluation.study import Study
    from p2m_agent.run.seams import LLM
    from p2m_agent.types.probe import ModelProbe
    from p2m_agent.types.student import TrainingRun

CONFUSIONS = 20
T = TypeVar("T")


@dataclass(frozen=True)
class AnalysisContext:
    """What the run knows beside dev and training rows."""

    runs: Sequence[TrainingRun]
    """All students so far."""
    names: Mapping[str, str]
    """Dataset id to the name it is shown under."""
    race: ModelProbe | None
    llm: LLM | None
    """Finds titles for clusters."""
    usd: Callable[[int], float | None]
    """Dollars for so many rows by the teacher."""
    report: Callable[[Progressed], None]
    left_s: float = float("inf")
    """Time left for what is suggested."""
    seconds_left: Callable[[], float] = lambda: math.inf
    """Time left for the analysis itself."""


def analyse(study: Study, context: AnalysisContext, made_by: str) -> ErrorAnalysis:
    """All parts, the cheap ones first. The same study gives the same analysis, but for titles by an LLM."""
    clusters = _reported(context, "grouping the errors", lambda: error_clusters(study, context.llm))
    noise = _reported(context, "looking for wrong labels", lambda: label_noise(study))
    curve = _reported(context, "learning from parts of the rows", lambda: _curve(study, context))
    doubtful = doubtful_dev(study)
    found = Findings(
        study=study,
        clusters=clusters,
        noise=noise,
        curve=curve,
        sources=harmful_sources(study),
        doubtful_dev=len(doubtful),
        race=context.race,
        tried=frozenset(run.recipe.method for run in context.runs if run.datasets == study.run.datasets),
        usd=context.usd,
        left_s=context.left_s,
    )
    sorting = study.sorting
    return ErrorAnalysis(
        id=f"error_analysis-{made_by}",
        training_run=study.run.id,
        metric=study.spec.metric,
        value=study.run.dev,
        rows=len(study.dev),
        errors=len(study.wrong),
        confusions=confusions(study.expected, study.answers)[:CONFUSIONS] if sorting else (),
        clusters=clusters,
        slices=slices(study, context.names),
        noise=noise,
        doubtful_dev=tuple(study.dev[doubt.row].id for doubt in doubtful),
        curve=curve,
        suggestions=suggestions(found),
        notes=tuple(_notes(study, curve)),
        made_by=made_by,
    )


def _reported(context: AnalysisContext, what: str, part: Callable[[], T]) -> T:
    context.report(Progressed(message=what))
    return part()


def _curve(study: Study, context: AnalysisContext) -> LearningCurve | None:
    if study.spec.sorts:
        return head_curve(study, context.seconds_left)
    return recorded_curve(context.runs, study.run, len(study.dev))


def _notes(study: Study, curve: LearningCurve | None) -> list[str]:
    notes = []
    if len(study.kept) < len(study.train):
        notes.append(f"{len(study.kept)} of {len(study.train)} training rows were looked at, a random choice.")
    if study.embedder is None:
        notes.append("There is no embedding model, so texts were compared by their letters.")
    if curve is None and study.spec.sorts:
        notes.append(f"There is no learning curve: it takes {FEWEST_ROWS} training rows of two labels, and time.")
    elif curve and study.spec.sorts and curve.parts[-1].rows < len(study.kept):
        notes.append(f"The time allowed the learning curve up to {curve.parts[-1].rows} rows.")
    elif curve is None:
        notes.append("There is no learning curve: it takes students of one recipe on different numbers of rows.")
    if not study.sorting:
        notes.append("Label noise is looked for where every row has one label.")
    return notes
