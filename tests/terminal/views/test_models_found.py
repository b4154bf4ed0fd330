"""The base models that a search found, at 80 columns."""

from __future__ import annotations

from io import StringIO

from rich.console import Console
from rich.theme import Theme

from p2m_agent.terminal.views.found import models_found
from p2m_agent.types.candidates import ModelCandidate


def shown(**facts: object) -> str:
    base: dict[str, object] = {
        "repo": "a/b", "hub": "huggingface", "architecture": "encoder", "params": 110_000_000, "available": True,
        "train_gb": 3.2, "score": 0.8, "why": "mail",
        "memory": "training: weights 0.44 = 3.2 of 2.0 GB free RAM; serving: x",
    }  # fmt: skip
    out = StringIO()
    theme = Theme(dict.fromkeys(("soft", "accent", "warn"), "default"))
    console = Console(file=out, width=80, theme=theme, force_terminal=False)
    console.print(models_found([ModelCandidate.model_validate({**base, **facts})]))
    return out.getvalue()


def test_the_facts_are_there_and_fit_the_width() -> None:
    text = shown(licence="mit", languages=("en", "de"), max_tokens=512, fits=False, risks=("gated " * 30,))
    for part in ("a/b", "0.80", "110 M parameters", "encoder", "licence mit", "en, de", "512 tokens", "does not fit"):
        assert part in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_what_is_unknown_is_said() -> None:
    text = " ".join(shown().split())
    assert "licence unknown" in text
    assert "languages unknown" in text
    assert "context unknown" in text


def test_names_are_no_markup_and_no_control_characters() -> None:
    text = shown(repo="[bold]x[/bold]\x1b[31m", why="[link=http://x]y", licence="[red]z")
    assert "[bold]x[/bold]" in text
    assert "[link=http://x]y" in text
    assert "\x1b" not in text
