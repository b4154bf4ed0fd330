"""ROUGE-L: F of the longest common subsequence of words.

Source: Lin 2004. On English it is Google's rouge_score without stemming; that package drops every letter outside a to
z, so other languages need this one.
"""

from collections.abc import Sequence

from p2m_agent.scoring.metric import Metric, mean_of
from p2m_agent.scoring.text_forms import words


def rouge_l(expected: str, predicted: str) -> float:
    """How far two texts share their words in order, 0 to 1."""
    truth, said = words(expected), words(predicted)
    if not truth or not said:
        return 0.0
    return 2 * _longest_common(truth, said) / (len(truth) + len(said))


def _longest_common(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest common subsequence, a row of the table at a time."""
    before = [0] * (len(second) + 1)
    for one in first:
        row = [0]
        for column, other in enumerate(second):
            row.append(before[column] + 1 if one == other else max(before[column + 1], row[column]))
        before = row
    return before[-1]


METRIC = Metric(
    name="rouge_l",
    title="ROUGE-L",
    meaning="ROUGE-L is how far output and expected text share their words in order, on average, 0 to 1.",
    purpose="for text_to_text such as summaries, where it is usual",
    kinds=("text_to_text",),
    statistics=mean_of(rouge_l),
    open_ended=True,
    order=111,
)
