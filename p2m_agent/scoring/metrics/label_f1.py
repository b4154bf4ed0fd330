"""scikit-learn's macro F1 of label sets: the mean of the labels' F1, 0 where nothing is labelled."""

from p2m_agent.scoring.label_counts import f1_of_sets, same_labels
from p2m_agent.scoring.metric import Metric

METRIC = Metric(
    name="label_f1",
    title="mean F1 of labels",
    meaning="Label F1 is the mean of the labels' F1 scores, every label counting the same.",
    purpose="for multi_label where rare labels matter most",
    kinds=("multi_label",),
    statistics=f1_of_sets(pooled=False),
    same=same_labels,
    row=same_labels,
    balanced=True,
    order=40,
)
