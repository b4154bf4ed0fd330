"""Share of outputs that can be read as JSON, right or wrong."""

from p2m_agent.scoring.json_fields import are_json, is_json
from p2m_agent.scoring.metric import Metric, mean_of

METRIC = Metric(
    name="valid_json",
    title="valid JSON",
    meaning="Valid JSON is the share of outputs that can be read as JSON, right or wrong.",
    purpose="for text_to_text with JSON outputs where only their form counts",
    kinds=("text_to_text",),
    statistics=mean_of(lambda expected, predicted: is_json(predicted)),
    same=lambda expected, predicted: is_json(predicted),
    all_or_nothing=True,
    suits=are_json,
    order=80,
)
