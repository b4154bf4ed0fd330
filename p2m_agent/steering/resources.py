"""What agents read of a run: the report as `p2m show` prints it, the result as JSON, and the model's card."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable

from p2m_agent.agent.beginning import model_folder
from p2m_agent.agent.outcome import outcome_of
from p2m_agent.errors import UsageError
from p2m_agent.run.checkpoints import read_state
from p2m_agent.run.store import RunFolder, open_run
from p2m_agent.settings import Settings
from p2m_agent.terminal.screen import fixed_screen
from p2m_agent.terminal.views.show import show

KINDS = {
    "report": ("text/plain", "what the run did and what came of it"),
    "result": ("application/json", "the same as JSON"),
    "card": ("text/markdown", "the card of the delivered model"),
}
"""Name, MIME type and what it is."""
_URI = re.compile(r"p2m://runs/([A-Za-z0-9][\w.-]*)/(report|result|card)")
WIDTH = 100


def uri(run: str, kind: str) -> str:
    """The address of a resource."""
    return f"p2m://runs/{run}/{kind}"


def read(address: str, settings: Settings) -> tuple[str, str]:
    """MIME type and text of a resource.

    Raises:
        UsageError: there is no such resource or run, or it has no card yet.
    """
    found = _URI.fullmatch(address)
    if found is None:
        raise UsageError(f"There is no resource {address}.", f"They look like {uri('RUN', 'report')}.")
    run, kind = found.groups()
    return KINDS[kind][0], _READERS[kind](open_run(settings.runs_dir, run), settings)


def _report(folder: RunFolder, _settings: Settings) -> str:
    page = io.StringIO()
    show(read_state(folder.root), folder.root, fixed_screen(WIDTH, page, page))
    return "".join(f"{line.rstrip()}\n" for line in page.getvalue().splitlines())


def _result(folder: RunFolder, _settings: Settings) -> str:
    return json.dumps(outcome_of(read_state(folder.root), folder.name), ensure_ascii=False, indent=1)


def _card(folder: RunFolder, settings: Settings) -> str:
    return (model_folder(settings, str(folder.root)) / "README.md").read_text(encoding="utf-8")


_READERS: dict[str, Callable[[RunFolder, Settings], str]] = {"report": _report, "result": _result, "card": _card}
