"""What all tests share: no network beyond loopback, no settings from outside, no caches in the home folder."""

from __future__ import annotations

import gc
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.sharing import FromBothEnds

os.environ["HF_HUB_OFFLINE"] = "1"  # before any library reads it
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads of two workers that wait for each other on busy cores crawl

ROOT = Path(__file__).resolve().parent.parent

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A job in the background ignores Ctrl-C, and so would the programs whose answer to it is tested.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FromBothEnds | None:
    """Files are shared out in an order of our own (`--no-loadscope-reorder`, see the Makefile)."""
    from tests.sharing import FromBothEnds

    return FromBothEnds(config, log) if config.option.dist == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where several processes work, the longest files are at the ends of the list."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        from tests.sharing import place

        items.sort(key=lambda item: place(item.nodeid.partition("::")[0]))


def pytest_collection_finish() -> None:
    """What is loaded by now stays: looking through it for garbage again and again took a twentieth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)


@pytest.fixture(autouse=True)
def clean_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see neither the developer's keys and P2M_* settings nor their `.env`."""
    for name in list(os.environ):
        if name.startswith("P2M_") and name != "P2M_SHARED":
            monkeypatch.delenv(name)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "HF_TOKEN", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def shared_hub() -> Path:
    """The folder of real datasets in Hub layout; tests that want it skip where it is absent."""
    shared = Path(os.environ.get("P2M_SHARED") or ROOT.parent / "shared")
    if not (shared / "hub" / "datasets").is_dir():
        pytest.skip("needs the shared folder of real datasets: set P2M_SHARED, or put it at ../shared")
    return shared / "hub" / "datasets"
