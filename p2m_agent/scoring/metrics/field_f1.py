"""F1 over the leaves of JSON outputs, all rows together."""

from p2m_agent.scoring.json_fields import are_json, same_fields, share_of_leaves
from p2m_agent.scoring.metric import Metric

METRIC = Metric(
    name="field_f1",
    title="field F1",
    meaning="Field F1 is how far the outputs' JSON fields and the expected ones agree, all rows together, 0 to 1.",
    purpose="for text_to_text where the output is a JSON object or list",
    kinds=("text_to_text",),
    statistics=share_of_leaves(lambda expected, predicted: (expected + predicted) / 2),
    same=same_fields,
    suits=are_json,
    default_for=lambda evidence: (
        "outputs are JSON, so fields are compared one by one" if are_json(evidence.outputs) else None
    ),
    order=60,
)
