"""Share of the leaves of expected JSON that the outputs have right, all rows together."""

from p2m_agent.scoring.json_fields import are_json, same_fields, share_of_leaves
from p2m_agent.scoring.metric import Metric

METRIC = Metric(
    name="field_recall",
    title="field recall",
    meaning="Field recall is the share of the expected fields that the JSON outputs have right.",
    purpose="for text_to_text with JSON outputs where a missing field is worse than a wrong one",
    kinds=("text_to_text",),
    statistics=share_of_leaves(lambda expected, predicted: expected),
    same=same_fields,
    suits=are_json,
    order=82,
)
