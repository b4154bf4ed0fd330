"""What goes wrong between here and the Hub: waited for where that helps, refused with the reason where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.search.hubs import huggingface
from p2m_agent.search.hubs.huggingface import HuggingFace
from p2m_agent.settings import Settings
from p2m_agent.weights.faults import TRIES
from p2m_agent.weights.locate import locate
from tests.fakes.hub import make_dataset
from tests.fakes.hub_server import FakeHub, Fault
from tests.fakes.tiny_models import tiny_bert

INFO, CARD, DATA = "^/api/datasets/acme/letters$", r"/README\.md$", r"/train\.jsonl$"
ROWS = ["text 0", "text 1", "text 2"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, cache_dir=tmp_path / "p2m")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    make_dataset(tmp_path / "hub", "acme__letters")
    with FakeHub(tmp_path / "hub") as server:
        server.connect(monkeypatch, tmp_path / "cache")
        yield server


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody sleeps; how long they would have."""
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    return slept


def texts(settings: Settings) -> list[object]:
    return [row["text"] for row in HuggingFace(settings).open("acme/letters").rows("train")]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(INFO, status=429, headers={"Retry-After": "2"}),
        Fault(INFO, status=503, times=2),
        Fault(INFO, cut_after=10),
        Fault(CARD, status=502),
        Fault(CARD, cut_after=5, method="GET"),
        Fault("/tree/", status=500, times=2),
        Fault(DATA, status=429, headers={"Retry-After": "2"}),
        Fault(DATA, status=503, times=3),
        Fault(DATA, cut_after=20, times=2),
        Fault(DATA, slow_s=0.01, block=16),
        Fault(DATA, etag="0123456789"),
        Fault(CARD, etag="0123456789", times=-1),
    ],
    ids=lambda fault: f"{fault.path} {fault.status or ''}",
)
def test_what_passes_does_no_harm(server: FakeHub, settings: Settings, fault: Fault) -> None:
    server.order(fault)
    assert texts(settings) == ROWS
    assert fault.times <= 0


def test_a_busy_hub_is_waited_for_as_long_as_it_asks(server: FakeHub, settings: Settings, waits: list[float]) -> None:
    server.order(Fault(INFO, status=429, headers={"Retry-After": "7"}), Fault("^/api/datasets$", status=503))
    HuggingFace(settings).card("acme/letters")
    assert waits == [7]


def test_a_wait_that_is_too_long_is_refused_and_told(server: FakeHub, settings: Settings, waits: list[float]) -> None:
    server.order(Fault(INFO, status=429, headers={"Retry-After": "600"}))
    with pytest.raises(ToolError, match=r"busy or down \(status 429, it asks to wait 600 s\)"):
        HuggingFace(settings).card("acme/letters")
    assert waits == []


@pytest.mark.parametrize(("path", "most"), [(INFO, TRIES), (CARD, 7), ("/tree/", 13), (DATA, 6 * TRIES)])
@pytest.mark.parametrize("fault", [{"status": 503}, {"cut_after": 1, "method": "GET"}], ids=["503", "cut"])
def test_what_does_not_pass_is_refused_in_bounded_time(
    server: FakeHub, settings: Settings, path: str, most: int, fault: dict[str, Any]
) -> None:
    server.order(Fault(path, times=-1, **fault))
    with pytest.raises(ToolError, match=r"busy or down \(status 503\)|peer closed|could not list|Server Disconnected"):
        texts(settings)
    failed = [each for each in server.asked if each.status == 503 or (each.sent == 1 and each.method == "GET")]
    assert TRIES <= len(failed) <= most


@pytest.mark.parametrize("status", [400, 404, 501])
def test_what_waiting_does_not_help_is_not_asked_again(
    server: FakeHub, settings: Settings, waits: list[float], status: int
) -> None:
    server.order(Fault(INFO, status=status, times=-1))
    with pytest.raises(ToolError, match="cannot be opened"):
        HuggingFace(settings).card("acme/letters")
    assert server.count(INFO) == 1
    assert waits == []


def test_a_card_without_an_etag_is_refused_with_the_reason(server: FakeHub, settings: Settings) -> None:
    server.order(Fault(CARD, etag="", times=-1))
    with pytest.raises(ToolError, match="does not have an ETag"):
        texts(settings)


def test_a_hub_that_goes_away_while_rows_are_read(server: FakeHub, settings: Settings) -> None:
    dataset = HuggingFace(settings).open("acme/letters")
    server.stop()
    with pytest.raises(ToolError, match=r"rows of acme/letters .* cannot be read"):
        list(dataset.rows("train"))
    with pytest.raises(ToolError, match="acme/letters cannot be opened"):
        HuggingFace(settings).card("acme/letters")


def test_a_listing_that_fails_is_said_and_a_search_goes_on(server: FakeHub, settings: Settings) -> None:
    hub = HuggingFace(settings)
    assert hub.reachable()
    server.order(Fault("^/api/datasets$", status=503, times=-1))
    with pytest.raises(ToolError, match="cannot be listed: the Hub is busy"):
        list(hub.cards())
    assert hub.search("letters") == []


def test_what_is_set_for_requests_to_the_hub_is_set_back(server: FakeHub, settings: Settings) -> None:
    import datasets
    from huggingface_hub import get_session

    def of_the_process() -> tuple[object, ...]:
        retries = datasets.config.STREAMING_READ_MAX_RETRIES, datasets.config.STREAMING_OPEN_MAX_RETRIES
        return (*retries, *get_session().event_hooks["request"])

    before = of_the_process()
    hub = HuggingFace(settings)
    assert list(hub.cards())
    rows = hub.open("acme/letters").rows("train")
    assert next(rows)
    assert of_the_process() == before, "also between two rows"


def test_a_listing_that_never_comes_is_not_waited_for(
    server: FakeHub, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = HuggingFace(settings)
    monkeypatch.setattr(huggingface, "INFO_TIMEOUT_S", 0.02)
    server.order(Fault("^/api/datasets$", slow_s=1.0, times=-1))
    with pytest.raises(ToolError, match="cannot be listed"):
        list(hub.cards())


@pytest.mark.parametrize(("status", "there"), [(429, True), (401, True), (503, False)])
def test_a_busy_hub_is_there_and_a_broken_one_is_not(
    server: FakeHub, settings: Settings, status: int, there: bool
) -> None:
    server.order(Fault("^/api/datasets$", status=status))
    hub = HuggingFace(settings)
    assert hub.reachable() is hub.reachable() is there
    assert server.count("^/api/datasets$") == 1


def test_weights_are_waited_for_and_refused_likewise(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    tiny_bert(tmp_path / "models" / "acme" / "tiny")
    with FakeHub(None, tmp_path / "models") as server:
        server.connect(monkeypatch, tmp_path / "cache")
        server.order(Fault("^/api/models/acme/tiny", status=429, headers={"Retry-After": "3"}))
        server.order(Fault(r"config\.json$", status=503), Fault(r"safetensors$", cut_after=100, method="GET"))
        found = locate("acme/tiny", settings)
        assert (found.architecture, found.revision) == ("encoder", server.kinds["models"]["acme/tiny"].commits[0].sha)
        assert waits[0] == 3
        server.add("acme/shut", tmp_path / "models" / "acme" / "tiny", "models").gated = "auto"
        with pytest.raises(ToolError, match="it is gated; accept its terms"):
            locate("acme/shut", settings)
        server.order(Fault("acme/away", status=503, times=-1))
        with pytest.raises(ToolError, match=r"busy or down \(status 503\)"):
            locate("acme/away", settings)
    with pytest.raises(ToolError, match="'acme/gone' cannot be had here"):
        locate("acme/gone", settings)
