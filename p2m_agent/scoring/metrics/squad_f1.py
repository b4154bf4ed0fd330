"""SQuAD's F1: overlap of the normalised tokens. Scripts without spaces are compared character by character.

Source: the SQuAD 2 script (two texts without tokens agree); characters as in MLQA (Lewis et al. 2020).
"""

from collections import Counter

from p2m_agent.scoring.metric import Metric, mean_of
from p2m_agent.scoring.text_forms import answer_tokens, same_answer


def squad_f1(expected: str, predicted: str) -> float:
    """Overlap of two answers, 0 to 1."""
    truth, said = answer_tokens(expected), answer_tokens(predicted)
    if not truth or not said:
        return float(truth == said)
    shared = sum((Counter(truth) & Counter(said)).values())
    return 2 * shared / (len(truth) + len(said))


METRIC = Metric(
    name="squad_f1",
    title="SQuAD F1",
    meaning="SQuAD F1 is how far the words of output and expected text overlap, on average, 0 to 1.",
    purpose="for text_to_text where answers are some words and a part of them is worth something",
    kinds=("text_to_text",),
    statistics=mean_of(squad_f1),
    same=same_answer,
    order=91,
)
