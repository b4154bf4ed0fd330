"""Class probabilities as the log probabilities of tokens: a label is one token."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from p2m_agent.delivery.web.bad_request import BadRequest

if TYPE_CHECKING:
    from p2m_agent.types.student import Prediction

_LEAST = 1e-9


def logprobs_of(answer: Prediction, top: int) -> dict[str, object]:
    """What `logprobs` of a choice holds.

    Raises:
        BadRequest: the student writes texts, of which no token's alternatives are kept.
    """
    if not answer.scores:
        raise BadRequest("This model writes texts and has no log probabilities; leave out logprobs.", "logprobs")
    sure = answer.scores.get(answer.output, answer.confidence or 0.0)
    listed = [_token(label, share) for label, share in list(answer.scores.items())[:top]]
    return {"content": [{**_token(answer.output, sure), "top_logprobs": listed}], "refusal": None}


def _token(text: str, share: float) -> dict[str, object]:
    return {"token": text, "logprob": math.log(max(share, _LEAST)), "bytes": list(text.encode())}
