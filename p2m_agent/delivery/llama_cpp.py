"""What llama.cpp makes of a GGUF file: its tokens and its answers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from p2m_agent.llm.embedded import start

_TIMEOUT_S = 600.0


def tokens_of(gguf: Path, prompts: Sequence[str]) -> list[list[int]]:
    """Token ids of rendered prompts."""
    asked = [{"content": prompt, "add_special": False, "parse_special": True} for prompt in prompts]
    return [list(said["tokens"]) for said in _ask(gguf, "tokenize", asked)]


def chat_answers(gguf: Path, chats: Sequence[Sequence[dict[str, str]]], max_tokens: int) -> list[str]:
    """Greedy answers to conversations, by the chat template in the file."""
    asked = [{"messages": list(chat), "temperature": 0, "max_tokens": max_tokens} for chat in chats]
    said = _ask(gguf, "v1/chat/completions", asked)
    return [str(each["choices"][0]["message"]["content"] or "").strip() for each in said]


def _ask(gguf: Path, path: str, bodies: Sequence[dict[str, Any]]) -> list[Any]:
    import httpx

    with closing(start(gguf, threads=1)) as server, httpx.Client(timeout=_TIMEOUT_S) as client:
        base = server.url.removesuffix("/v1")
        return [client.post(f"{base}/{path}", json=body).raise_for_status().json() for body in bodies]
