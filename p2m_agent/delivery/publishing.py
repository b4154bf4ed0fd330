"""Putting a model's folder on a model hub, when a person has said where."""

from __future__ import annotations

from pathlib import Path

from p2m_agent.errors import ToolError, UsageError
from p2m_agent.settings import Settings
from p2m_agent.weights.faults import hub_faults, reason

_OURS = ("export.json", "*.jsonl")
"""What stays here: the record of the export, and rows of whatever kind."""


def to_be_sent(folder: Path) -> list[tuple[str, int]]:
    """Files that would be published, with their bytes."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [
        (path.relative_to(folder).as_posix(), path.stat().st_size)
        for path in files
        if not any(path.match(pattern) for pattern in _OURS)
    ]


def publish(folder: Path, repo: str, settings: Settings, *, public: bool) -> str:
    """Send a folder to a repository of models, made where it is not there yet, and give its address.

    Raises:
        UsageError: there is no token.
        ToolError: the hub refused, or could not be reached.
    """
    from huggingface_hub import HfApi

    if not settings.hf_token:
        raise UsageError("Publishing needs a token of the hub.", "Set HF_TOKEN to one that may write.")
    api = HfApi(token=settings.hf_token)
    try:
        made = api.create_repo(repo, private=not public, exist_ok=True)
        api.upload_folder(
            repo_id=repo, folder_path=folder, ignore_patterns=list(_OURS), commit_message="A model made by p2m_agent"
        )
    except hub_faults() as error:
        raise ToolError(f"{repo} could not be published: {reason(error)}", "Check the name and the token.") from error
    return str(made)
