"""How many requests an endpoint takes at once, found while working."""

from __future__ import annotations

_FALL = 0.8
_HOLDS, _SUFFERS = 2.0, 4.0
"""Latency against the best seen, up to which the limit rises and beyond which it falls."""
_SMOOTHING, _FORGETTING = 0.1, 0.002
_SAMPLES = 8
"""Answers before latency is judged."""
_FIRST = 8
"""What any endpoint is trusted with at first."""
_PROMPT_AS_TOKENS = 20
"""What reading a prompt takes, in tokens of answer: it makes the latencies of short and long answers comparable."""


class Concurrency:
    """A limit that rises while latency holds and falls on push-backs and timeouts.

    Additive increase, multiplicative decrease with slow start (Chiu and Jain 1989; Jacobson, "Congestion avoidance and
    control", 1988), and a second signal from latency against the best latency seen, as in TCP Vegas (Brakmo and
    Peterson 1995): a server that queues requests rather than refuse them is noticed, too. It begins at half of `most`
    and reaches `most` after one round of answers that hold.
    """

    def __init__(self, most: int) -> None:
        """Take the most that are ever allowed, at least 1."""
        self.most = most
        self._limit = max(float(min(most, _FIRST)), most / 2)
        self._slow_start = True
        self._recent = self._best = 0.0
        self._samples = 0
        self._fell_at = float("-inf")

    @property
    def allowed(self) -> int:
        """How many may be under way now, 1 to `most`."""
        return int(self._limit)

    def answered(self, seconds: float, completion_tokens: int) -> None:
        """Learn from an answer that took so long for so many tokens."""
        latency = seconds / (completion_tokens + _PROMPT_AS_TOKENS)
        self._samples += 1
        if self._samples == 1:
            self._recent = self._best = latency
        self._recent += _SMOOTHING * (latency - self._recent)
        # The best is forgotten slowly: endpoints differ between the hours of a day.
        self._best = min(self._recent, self._best + _FORGETTING * (self._recent - self._best))
        if self._samples < _SAMPLES or self._recent <= _HOLDS * self._best:
            self._set(self._limit + (1.0 if self._slow_start else 1.0 / self._limit))
        elif self._recent > _SUFFERS * self._best:
            self._slow_start = False
            self._set(self._limit - (1.0 - _FALL) / 2)  # a tenth for each round of answers

    def pushed_back(self, sent_at: float, now: float) -> None:
        """Learn from a 429, an overload or a timeout; of requests that left before the last fall, nothing."""
        if sent_at >= self._fell_at:
            self._slow_start = False
            self._fell_at = now
            self._set(self._limit * _FALL)

    def _set(self, limit: float) -> None:
        self._limit = min(float(self.most), max(1.0, limit))
