"""Share of rows that get the right label, space around labels aside."""

from p2m_agent.scoring.label_counts import same_label
from p2m_agent.scoring.metric import Metric, mean_of

METRIC = Metric(
    name="accuracy",
    title="accuracy",
    meaning="Accuracy is the share of rows that got the right label.",
    purpose="for classification",
    kinds=("classification",),
    statistics=mean_of(same_label),
    same=same_label,
    all_or_nothing=True,
    default_for=lambda evidence: "the share of inputs that get the right label",
    order=10,
)
