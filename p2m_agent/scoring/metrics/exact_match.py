"""Share of outputs that equal the expected text; case and punctuation count, white space does not."""

from p2m_agent.scoring.answer_forms import why_one_is_right
from p2m_agent.scoring.metric import Metric, mean_of, same_text

METRIC = Metric(
    name="exact_match",
    title="exact match",
    meaning="Exact match is the share of outputs that equal the expected text, white space aside.",
    purpose="for text_to_text where one output is right: a code, a number, a date, a name, a copied part of the input",
    kinds=("text_to_text",),
    statistics=mean_of(same_text),
    all_or_nothing=True,
    default_for=why_one_is_right,
    order=70,
)
