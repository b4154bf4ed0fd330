"""What things cost, and the wall that spending stops at."""

from __future__ import annotations

from pydantic import Field

from p2m_agent.types.value import Value


class Cost(Value):
    """What an operation takes. Estimates and measurements share the type."""

    usd: float = Field(default=0.0, ge=0)
    """Money for paid endpoints."""
    wall_s: float = Field(default=0.0, ge=0)
    gpu_s: float = Field(default=0.0, ge=0)
    tokens: int = Field(default=0, ge=0)
    """LLM tokens, prompt and answer together."""

    def __add__(self, other: Cost) -> Cost:
        """Add field by field."""
        return Cost(
            usd=self.usd + other.usd,
            wall_s=self.wall_s + other.wall_s,
            gpu_s=self.gpu_s + other.gpu_s,
            tokens=self.tokens + other.tokens,
        )


class Budget(Value):
    """Upper limits for a whole run; None means no limit."""

    usd: float | None = Field(default=None, ge=0)
    wall_s: float | None = Field(default=None, gt=0)
    rounds: int | None = Field(default=None, ge=1)
    """Training rounds (calls of `fine_tune`)."""

    @property
    def reserve_s(self) -> float:
        """Seconds kept back for the final evaluation and the delivery, so that a model can always be handed over."""
        return 0.0 if self.wall_s is None else min(120.0, 0.15 * self.wall_s)

    def left_s(self, spent: Cost) -> float:
        """Seconds left; infinity without a limit."""
        return float("inf") if self.wall_s is None else max(0.0, self.wall_s - spent.wall_s)

    def left_usd(self, spent: Cost) -> float | None:
        """Money left; None without a limit."""
        return None if self.usd is None else max(0.0, self.usd - spent.usd)

    def objection(self, spent: Cost, estimate: Cost) -> str | None:
        """Why an operation must not start, or None.

        Checked before the operation; a measured overrun is then at most one wrong estimate.
        """
        if self.usd is not None and spent.usd + estimate.usd > self.usd + 1e-9:
            return f"it may cost ${estimate.usd:.4f} and ${self.left_usd(spent):.4f} of ${self.usd:.2f} is left"
        if estimate.wall_s > self.left_s(spent):
            return f"it takes about {estimate.wall_s:.0f} s and {self.left_s(spent):.0f} s are left"
        return None
