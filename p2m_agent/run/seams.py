"""What the work of a run stands on and tests put others in the place of: language model, search, embeddings, clock.

The rooms above name these and not the classes behind them; a stand-in that drifts from one is a type error.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from p2m_agent.types.candidates import DatasetsFound, HubDataset, ModelsFound
from p2m_agent.types.completion import Reply, Request
from p2m_agent.types.rows import Dataset, Holdout, Pool
from p2m_agent.types.task import TaskSpec

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy
    from numpy.typing import NDArray


class Capabilities(Protocol):
    """What a model can be relied on for.

    Every property may raise `ToolError`, where the endpoint is unreachable or does not answer the probe.
    """

    @property
    def tools(self) -> bool:
        """It calls a tool when it has to, natively or written as text."""

    @property
    def json_schema(self) -> bool:
        """Its endpoint enforces a JSON schema."""

    @property
    def reliable(self) -> bool:
        """It gets the probe's easy questions right, so its choices are worth something."""

    @property
    def reads(self) -> bool:
        """It reads what a request rules out: enough to choose among legal moves and to read conditions."""


class LLM(Protocol):
    """One role's language model: planner, teacher or judge."""

    @property
    def role(self) -> str:
        """What it is asked as."""

    @property
    def model(self) -> str:
        """The model's name.

        Raises:
            ToolError: the endpoint is unreachable, or the embedded model is not installed.
        """

    @property
    def local(self) -> bool:
        """Whether it runs inside this process."""

    @property
    def paid(self) -> bool:
        """Whether its answers may cost money."""

    @property
    def capability(self) -> Capabilities:
        """What it can be relied on for."""

    def ask(self, request: Request) -> Reply:
        """One request; see `ask_stream`."""

    def ask_many(
        self,
        requests: Sequence[Request],
        on_reply: Callable[[int, Reply], None] | None = None,
        seconds_left: Callable[[], float] = ...,
    ) -> list[Reply]:
        """Ask everything; replies in the order of the requests. `on_reply` gets each as it arrives."""

    def ask_stream(
        self, requests: Iterable[Request], seconds_left: Callable[[], float] = ...
    ) -> Generator[tuple[int, Reply]]:
        """Ask requests as they are drawn; each index with its reply, in the order of arrival.

        A request without a usable answer has `Reply.error` set, also one for which `seconds_left()` had run out.

        Raises:
            ToolError: the endpoint is unreachable, or refuses the key or the model.
            BudgetExceeded: the next request could pass the budget.
        """

    def estimate_usd(self, requests: int, prompt_tokens: int, completion_tokens: int) -> float | None:
        """Dollars for this many requests of this many tokens each; None where the price is unknown."""


class Hub(Protocol):
    """All sources of datasets and base models behind one search."""

    def find_datasets(self, query: str, spec: TaskSpec | None, k: int, *, card: str = "") -> DatasetsFound:
        """At most `k` datasets for a task; `card` is the text of one that would fit, where somebody imagined it."""

    def find_models(self, query: str, spec: TaskSpec | None, k: int, *, card: str = "") -> ModelsFound:
        """At most `k` base models that fit the task and its constraints; `card` as above."""

    def open_dataset(self, repo: str, config: str | None = None) -> HubDataset:
        """A dataset by the name that a search shows; `config` is one of its subsets.

        Raises:
            ToolError: there is none of that name or config, or its rows cannot be had; the message says why.
        """


Role = Literal["query", "document"]
"""What a text is in a search. Many models were trained with another prompt for each."""


class Embedder(Protocol):
    """Texts to unit vectors."""

    @property
    def name(self) -> str:
        """The model's; vectors of one name are comparable."""

    @property
    def dim(self) -> int:
        """Numbers in a vector."""

    def encode(self, texts: Sequence[str], role: Role | None = None) -> NDArray[numpy.float32]:
        """Unit rows, shape (number of texts, dim), in the order of `texts`; without a role for texts of one kind."""


class Pools(Protocol):
    """Training rows, prepared once for the same files."""

    def of(self, datasets: Sequence[Dataset], holdout: Holdout, embedder: Embedder | None) -> Pool:
        """The rows of the datasets, in their order, without duplicates and held-out rows.

        Raises:
            ToolError: a file is gone or was changed, or nothing is left to train on.
        """


class Clock(Protocol):
    """Seconds that only go forward, from no time in particular."""

    def __call__(self) -> float:
        """Now."""
