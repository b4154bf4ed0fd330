"""Base models that cannot be trained are found before anything is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from p2m_agent.errors import ToolError
from p2m_agent.settings import Settings
from p2m_agent.weights.loading import load_tokenizer
from p2m_agent.weights.locate import Weights, locate, read_json

_TOKENIZER_FILES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "spiece.model",
    "tokenizer.model",
    "tokenizer_config.json",
)


def locate_base(base: str, architecture: str, method: str, settings: Settings) -> Weights:
    """A base model of the right kind, all of whose files are there.

    Raises:
        ToolError: it is not there, of another kind, or incomplete; says which file is missing.
    """
    found = locate(base, settings)
    if found.architecture != architecture:
        raise ToolError(
            f"{found.name} is a {found.architecture} model and {method} takes {_ARTICLE[architecture]}",
            f"Name {_ARTICLE[architecture]}, or leave the base model out.",
        )
    check_files(found.path)
    return found


_ARTICLE = {"encoder": "an encoder", "causal": "a causal LM", "seq2seq": "an encoder-decoder"}


def check_files(folder: Path) -> None:
    """Whether the weights and a tokenizer are all there.

    Raises:
        ToolError: something is missing, or a weight file is cut short.
    """
    shards = {str(name) for name in read_json(folder / "model.safetensors.index.json").get("weight_map", {}).values()}
    missing = sorted(name for name in shards if not (folder / name).is_file())
    if missing:
        raise ToolError(
            f"{folder} lacks {len(missing)} of {len(shards)} weight files, {missing[0]} first",
            "Copy or download the base model again.",
        )
    if not any((folder / name).is_file() for name in _TOKENIZER_FILES) and not _computed_tokenizer(folder):
        raise ToolError(f"{folder} has weights but no tokenizer", "Save the tokenizer beside them (save_pretrained).")
    for path in folder.glob("*.safetensors"):
        _check_whole(path)


def fitting_tokenizer(folder: Path, model: Any) -> Any:
    """The tokenizer beside a model, where every token has a row in the model's embedding.

    Raises:
        ToolError: it has more tokens than the model, so it belongs to another, or no token that ends a text.
    """
    tokenizer = load_tokenizer(folder)
    rows = int(model.get_input_embeddings().weight.shape[0])
    if len(tokenizer) > rows:
        raise ToolError(
            f"the tokenizer in {folder} has {len(tokenizer):,} tokens and the model's embedding {rows:,} rows",
            "Put the model's own tokenizer beside it, or enlarge the embedding (resize_token_embeddings).",
        )
    return tokenizer


def _computed_tokenizer(folder: Path) -> bool:
    """ByT5's tokenizer is the bytes themselves."""
    return "byt5" in str(read_json(folder / "config.json").get("tokenizer_class", "")).lower()


def _check_whole(path: Path) -> None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy"):
            return
    except SafetensorError as error:
        raise ToolError(f"{path} is damaged or cut short: {error}", "Copy or download the base model again.") from error
