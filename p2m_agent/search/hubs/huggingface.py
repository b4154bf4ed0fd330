"""The Hugging Face Hub: cards listed and found, rows streamed at a pinned revision. Remote code is never run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p2m_agent.errors import ToolError
from p2m_agent.search.hubs.card import Card, card_of
from p2m_agent.search.hubs.streamed_rows import GO_ON, check_files, open_rows, quietly
from p2m_agent.search.words import tokens
from p2m_agent.settings import Settings
from p2m_agent.types.candidates import HubDataset
from p2m_agent.weights.faults import hub_faults, patiently, reason, why_unreachable
from p2m_agent.weights.front_matter import split_card

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import DatasetInfo

NAME = "huggingface"
INFO_TIMEOUT_S = 30.0
_WORDS, _PER_WORD = 4, 15
"""Words of a query that are searched for, longest first, and the cards asked for by each."""
_ASKED_FOR: list[Any] = ["cardData", "description", "downloads", "gated", "private", "sha", "tags"]
"""What a listing brings of each dataset; its list of files would be most of the answer."""
_MAX_CARD_CHARS = 500_000


def _limited(request: Any) -> None:
    """No request waits for ever: the client library sets no limit for its listings, and takes none."""
    limits = request.extensions.get("timeout") or {}
    asked = {kind: limits.get(kind) or INFO_TIMEOUT_S for kind in ("connect", "read", "write", "pool")}
    request.extensions["timeout"] = asked


class HuggingFace:
    """The Hub as `HF_ENDPOINT`, `HF_HUB_OFFLINE` and the token of the settings make it."""

    name = NAME

    def __init__(self, settings: Settings) -> None:
        """Take the settings; nothing is asked before the first use."""
        self._token, self._max_gb = settings.hf_token or None, settings.max_dataset_gb

    def reachable(self) -> bool:
        """Whether rows and weights can be fetched from it now."""
        return self.why_not() is None

    def why_not(self) -> str | None:
        """Why it cannot be reached, in words; None where it can."""
        return why_unreachable()

    def cards(self, query: str | None = None, limit: int | None = None) -> Iterator[Card]:
        """Cards whose names hold a word of the query; without one all of the Hub, most downloaded first.

        Raises:
            ToolError: the Hub stopped answering on the way.
        """
        words = sorted(dict.fromkeys(tokens(query or "")), key=len, reverse=True)[:_WORDS]
        listings = [self._listed(None, limit)] if query is None else [self._listed(word, _PER_WORD) for word in words]
        found: set[str] = set()
        for info in chain.from_iterable(listings):
            if info.id not in found and (limit is None or len(found) < limit):
                found.add(info.id)
                yield _card(info)

    def _listed(self, search: str | None, limit: int | None) -> Iterator[DatasetInfo]:
        try:
            with self.api() as api:
                yield from api.list_datasets(search=search, sort="downloads", limit=limit, expand=_ASKED_FOR)
        except hub_faults() as error:
            raise ToolError(f"the Hugging Face Hub cannot be listed: {reason(error)}", "Try again later.") from error

    def search(self, query: str) -> list[Card]:
        """Cards for a query, as far as the Hub answers."""
        found: list[Card] = []
        with suppress(ToolError):  # a search goes on with what the other hubs have
            found.extend(self.cards(query))
        return found

    def card(self, repo: str) -> Card:
        """The card of one dataset.

        Raises:
            ToolError: the Hub has none of that name, or keeps it from us.
        """
        return _card(self._info(repo))

    def open(self, repo: str, config: str | None = None) -> HubDataset:
        """The dataset, its rows streamed from the commit that is newest now.

        Raises:
            ToolError: it is gated, too large, has no data files, needs code of its own, or cannot be reached.
        """
        if why := self.why_not():
            raise ToolError(f"the rows of {repo} cannot be reached now: {why}", GO_ON)
        info = self._info(repo, files_metadata=True)
        check_files(info)
        card = self._whole_card(info)
        chosen = _config(card, config)
        rows = open_rows(info, chosen, self._token, self._max_gb)
        return HubDataset(
            repo=card.repo,
            hub=NAME,
            revision=card.revision or "",
            licence=card.licence,
            languages=card.languages,
            tasks=card.tasks,
            title=card.title,
            description=card.description,
            splits=rows.splits,
            columns=rows.columns,
            read=rows.rows,
            card=card.text,
            config=chosen or "default",
            configs=card.configs or ("default",),
        )

    @contextmanager
    def api(self) -> Iterator[HfApi]:
        """The client, whose requests are limited in time as long as it is used."""
        from huggingface_hub import HfApi, get_session

        session = get_session()  # the library has one for all, and no other place to say it
        session.event_hooks["request"].append(_limited)
        try:
            yield HfApi(token=self._token)
        finally:
            session.event_hooks["request"].remove(_limited)

    def _info(self, repo: str, **more: Any) -> DatasetInfo:
        try:
            with self.api() as api:
                info = patiently(lambda: api.dataset_info(repo, timeout=INFO_TIMEOUT_S, **more))
        except hub_faults() as error:
            raise ToolError(f"{repo} cannot be opened: {reason(error)}", GO_ON) from error
        if not info.sha:
            raise ToolError(f"{repo} cannot be opened: the Hub names no revision of it", GO_ON)
        return info

    def _whole_card(self, info: DatasetInfo) -> Card:
        """The card with its text. A set that is kept from us is refused here, where the Hub says clearly why."""
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

        wanted: dict[str, Any] = {"repo_type": "dataset", "revision": info.sha, "token": self._token}
        try:
            with quietly():
                path = Path(hf_hub_download(info.id, "README.md", **wanted))
            text = path.read_text(encoding="utf-8", errors="replace")[:_MAX_CARD_CHARS]
        except hub_faults() as error:
            if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
                return _card(info)  # it has none
            raise ToolError(f"{info.id} cannot be opened: {reason(error)}", GO_ON) from error
        return _card(info, text)


def _config(card: Card, wanted: str | None) -> str | None:
    """The name of the subset to open; None where the set has no names for them."""
    if wanted is None or (wanted == "default" and not card.configs):
        return next(iter(card.configs), None)
    if wanted not in card.configs:
        known = f"It has {', '.join(card.configs[:20])}." if card.configs else "It has only one, without a name."
        raise ToolError(f"{card.repo} has no config {wanted!r}", known)
    return wanted


def _card(info: DatasetInfo, text: str = "") -> Card:
    """The card of a listing or of one dataset; `text` is its README.md."""
    data: Any = info.card_data
    meta = {**_tagged(info.tags or ()), **(data.to_dict() if data else {})}
    try:
        body = split_card(text)[1]
    except ValueError:
        body = text
    card = card_of(info.id, NAME, meta, body)
    return replace(
        card,
        revision=info.sha,
        description=card.description or " ".join((getattr(info, "description", None) or "").split()),
        gated=bool(info.gated),
        notes=("it is gated: its terms have to be accepted first",) if info.gated else (),
    )


def _tagged(tags: Iterable[str]) -> dict[str, object]:
    """What the tags say, as front matter says it: `license:mit` is {"license": ["mit"]}."""
    meta: dict[str, list[str]] = {}
    for tag in tags:
        key, _, value = tag.partition(":")
        meta.setdefault(key, []).append(value)
    return dict(meta)
