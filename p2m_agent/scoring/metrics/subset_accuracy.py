"""Share of label sets that are right as a whole."""

from p2m_agent.scoring.label_counts import same_labels
from p2m_agent.scoring.metric import Metric, mean_of

METRIC = Metric(
    name="subset_accuracy",
    title="whole sets right",
    meaning="Subset accuracy is the share of rows whose labels are all right, none missing, none too many.",
    purpose="for multi_label where a set counts only as a whole",
    kinds=("multi_label",),
    statistics=mean_of(same_labels),
    same=same_labels,
    all_or_nothing=True,
    order=50,
)
