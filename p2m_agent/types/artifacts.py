"""Everything that a call can make."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from p2m_agent.types.analysis import ErrorAnalysis
from p2m_agent.types.candidates import DatasetSearch, ModelSearch
from p2m_agent.types.mixture import Mixture
from p2m_agent.types.plan import TransformationPlan
from p2m_agent.types.probe import ModelProbe
from p2m_agent.types.questions import ColumnChoice, PromptChange, Review
from p2m_agent.types.rows import Dataset, Holdout
from p2m_agent.types.scores import EvalReport
from p2m_agent.types.student import Delivery, TrainingRun
from p2m_agent.types.task import TaskSpec

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
