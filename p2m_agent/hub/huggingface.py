"""The Hugging Face Hub: cards found by name, rows streamed at a pinned revision. Remote code is never run."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from p2m_agent.errors import ToolError
from p2m_agent.hub.card import Card, HubDataset, licence_of
from p2m_agent.hub.index import tokens
from p2m_agent.settings import Settings

if TYPE_CHECKING:
    from huggingface_hub import HfApi

NAME = "huggingface"
_TIMEOUT_S = 3.0
_PER_WORD = 15
"""Cards asked for by each of the search's words."""
_GO_ON = "Choose a dataset of a folder (--hub), bring rows of your own (--data), or generate examples."


@cache
def _answers(endpoint: str) -> bool:
    """Whether the Hub answers; asked once per process."""
    import httpx

    try:
        return httpx.get(f"{endpoint}/api/datasets?limit=1", timeout=_TIMEOUT_S, follow_redirects=True).is_success
    except (httpx.HTTPError, httpx.InvalidURL, OSError, RuntimeError):
        return False


class HuggingFace:
    """The Hub as `HF_ENDPOINT`, `HF_HUB_OFFLINE` and the token of the settings make it."""

    def __init__(self, settings: Settings) -> None:
        """Take the token; nothing is asked before the first use."""
        self._token = settings.hf_token

    def reachable(self) -> bool:
        """Whether rows and weights can be fetched from it now."""
        from huggingface_hub import constants

        return not constants.HF_HUB_OFFLINE and _answers(constants.ENDPOINT)

    def why_not(self) -> str:
        """Why it cannot be reached, in words."""
        from huggingface_hub import constants

        return "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else f"{constants.ENDPOINT} does not answer"

    def api(self) -> HfApi:
        """The client."""
        from huggingface_hub import HfApi

        return HfApi(token=self._token or None)

    def search(self, query: str) -> list[Card]:
        """Cards whose names or tags hold a word of the query; empty where the Hub fails."""
        words = sorted(dict.fromkeys(tokens(query)), key=len, reverse=True)[:4]
        found: dict[str, Card] = {}
        for word in words:
            try:
                for info in self.api().list_datasets(search=word, sort="downloads", limit=_PER_WORD, full=True):
                    found.setdefault(info.id, _card(info))
            except _faults():
                break
        return list(found.values())

    def card(self, repo: str) -> Card:
        """The card of one dataset.

        Raises:
            ToolError: the Hub has none of that name, or keeps it from us.
        """
        try:
            return _card(self.api().dataset_info(repo, timeout=30))
        except _faults() as error:
            raise ToolError(f"{repo} cannot be opened: {_reason(error)}", _GO_ON) from error

    def open(self, repo: str) -> HubDataset:
        """The dataset, its rows streamed from the revision that is newest now.

        Raises:
            ToolError: it is gated, has no data files, needs code of its own, or cannot be reached.
        """
        if not self.reachable():
            raise ToolError(f"the rows of {repo} cannot be reached now: {self.why_not()}", _GO_ON)
        card = self.card(repo)
        import datasets

        options: dict[str, Any] = {"revision": card.revision, "token": self._token or None}
        try:
            configs = datasets.get_dataset_config_names(repo, **options)
            options["name"] = "default" if "default" in configs else configs[0]
            info = datasets.load_dataset_builder(repo, **options).info
            splits = dict(info.splits or {}) or dict.fromkeys(
                datasets.get_dataset_split_names(
                    repo, config_name=options["name"], revision=card.revision, token=options["token"]
                )
            )
        except _faults() as error:
            raise ToolError(f"{repo} cannot be opened: {_reason(error)}", _GO_ON) from error
        columns = tuple(info.features or card.columns) or tuple(next(_rows(repo, options, next(iter(splits)), 1), {}))
        return HubDataset(
            repo=card.repo,
            hub=NAME,
            revision=card.revision or "",
            licence=card.licence,
            languages=card.languages,
            tasks=card.tasks,
            title=card.title,
            description=card.description,
            splits={str(name): getattr(split, "num_examples", None) or None for name, split in splits.items()},
            columns=columns,
            read=partial(_rows, repo, options),
            card=card.description,
        )


def _rows(repo: str, options: dict[str, Any], split: str, limit: int | None) -> Iterator[dict[str, object]]:
    import datasets

    try:
        stream = datasets.load_dataset(repo, split=split, streaming=True, **options)
        names = {key: kind for key, kind in (stream.features or {}).items() if isinstance(kind, datasets.ClassLabel)}
        for row in stream if limit is None else stream.take(limit):
            yield {key: _label(names[key], value) if key in names else value for key, value in row.items()}
    except _faults() as error:
        raise ToolError(f"the rows of {repo} ({split}) cannot be read: {_reason(error)}", _GO_ON) from error


def _label(kind: Any, value: object) -> object:
    """The name of a class; unlabelled rows (-1) have none."""
    return kind.int2str(value) if isinstance(value, int) and value >= 0 else None if isinstance(value, int) else value


def _card(info: Any) -> Card:
    tags: dict[str, list[str]] = {}
    for tag in info.tags or ():
        key, _, value = tag.partition(":")
        tags.setdefault(key, []).append(value)
    gated = bool(getattr(info, "gated", False))
    return Card(
        repo=info.id,
        hub=NAME,
        title=str((info.card_data or {}).get("pretty_name") or info.id.rsplit("/", maxsplit=1)[-1].replace("_", " ")),
        description=" ".join((getattr(info, "description", None) or "").split()),
        licence=licence_of(tags.get("license", [])),
        languages=tuple(tags.get("language", [])),
        tasks=tuple(tags.get("task_categories", [])),
        revision=info.sha,
        notes=("it is gated: its terms have to be accepted first",) if gated else (),
    )


def _faults() -> tuple[type[Exception], ...]:
    """What the client libraries raise when the Hub, the network or a dataset is at fault."""
    import datasets
    import httpx
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    return (
        HfHubHTTPError,
        HFValidationError,
        OfflineModeIsEnabled,
        datasets.exceptions.DatasetsError,
        httpx.HTTPError,
        OSError,
        ValueError,
        RuntimeError,
    )


def _reason(error: Exception) -> str:
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    if isinstance(error, GatedRepoError):
        return "it is gated; accept its terms on the Hub and set HF_TOKEN"
    if isinstance(error, RepositoryNotFoundError):
        return "the Hub has no such dataset, or it is private"
    if "script" in str(error).lower():
        return "it needs code of its own, which is never run here"
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
