"""SQuAD's exact match: case, punctuation, English articles and space aside."""

from p2m_agent.scoring.metric import Metric, mean_of
from p2m_agent.scoring.text_forms import same_answer

METRIC = Metric(
    name="squad_em",
    title="SQuAD EM",
    meaning="SQuAD EM is the share of outputs that equal the expected text, case, punctuation and articles aside.",
    purpose="for text_to_text where answers are short and case and punctuation do not matter",
    kinds=("text_to_text",),
    statistics=mean_of(same_answer),
    same=same_answer,
    all_or_nothing=True,
    order=90,
)
