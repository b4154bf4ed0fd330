"""scikit-learn's micro F1 of label sets, 0 where nothing is labelled."""

from p2m_agent.scoring.label_counts import f1_of_sets, same_labels
from p2m_agent.scoring.metric import Metric

METRIC = Metric(
    name="micro_f1",
    title="micro F1",
    meaning="Micro F1 is how far the labels given and the right ones overlap, all rows together, 0 to 1.",
    purpose="for multi_label",
    kinds=("multi_label",),
    statistics=f1_of_sets(pooled=True),
    same=same_labels,
    row=same_labels,
    default_for=lambda evidence: "how far the labels given and the right ones overlap, over all inputs together",
    order=30,
)
