"""Mean cosine of the two texts' embeddings, not below 0."""

from collections.abc import Sequence

from p2m_agent.scoring.metric import Metric, RowStatistics, mean_statistics


def _statistics(expected: Sequence[str], predicted: Sequence[str]) -> RowStatistics:
    from p2m_agent.scoring.similarity import similarities

    return mean_statistics(similarities(expected, predicted))


METRIC = Metric(
    name="embedding_similarity",
    title="embedding similarity",
    meaning="Embedding similarity is the mean cosine of output and expected text, 0 to 1.",
    purpose="for text_to_text where the meaning counts and no word of it (it loads a model)",
    kinds=("text_to_text",),
    statistics=_statistics,
    open_ended=True,
    needs_model=True,
    order=120,
)
