"""Share of the leaves of predicted JSON that are right, all rows together."""

from p2m_agent.scoring.json_fields import are_json, same_fields, share_of_leaves
from p2m_agent.scoring.metric import Metric

METRIC = Metric(
    name="field_precision",
    title="field precision",
    meaning="Field precision is the share of the JSON outputs' fields that are right.",
    purpose="for text_to_text with JSON outputs where a wrong field is worse than a missing one",
    kinds=("text_to_text",),
    statistics=share_of_leaves(lambda expected, predicted: predicted),
    same=same_fields,
    suits=are_json,
    order=81,
)
