"""Checkpoints: loading them quietly, and making one out of a GGUF file."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any


def quiet() -> Any:
    """The transformers package with its progress bars and advice off: progress is shown by our own events."""
    import transformers

    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    return transformers


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of a checkpoint."""
    return quiet().AutoTokenizer.from_pretrained(str(folder))


def load_causal(folder: Path, dtype: Any) -> Any:
    """The causal LM of a checkpoint, in evaluation mode."""
    return quiet().AutoModelForCausalLM.from_pretrained(str(folder), dtype=dtype).eval()


def load_seq2seq(folder: Path, dtype: Any) -> Any:
    """The encoder-decoder of a checkpoint, in evaluation mode."""
    return quiet().AutoModelForSeq2SeqLM.from_pretrained(str(folder), dtype=dtype).eval()


def without_pooler(folder: Path) -> dict[str, Any]:
    """What keeps transformers from adding a layer of its own that no encoder of ours uses."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return {"add_pooling_layer": False} if config.get("model_type") in {"bert", "roberta", "xlm-roberta"} else {}


def checkpoint_of_gguf(path: Path, cache: Path) -> Path:
    """The folder with a GGUF file's weights as a float checkpoint, made on first use.

    A model that transformers loads from GGUF refuses `save_pretrained`, so it is built anew from its
    configuration and state. The folder appears by a rename, hence it is complete when it is there.
    """
    digest = _sha256(path)
    target = cache / "weights" / f"{path.stem}-{digest[:12]}"
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".converting-", dir=target.parent))
    try:
        _convert(path, made)
        (made / "source.json").write_text(json.dumps({"file": path.name, "sha256": digest}))
        if not target.is_dir():
            made.replace(target)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return target


def _convert(path: Path, folder: Path) -> None:
    import torch

    transformers = quiet()
    where = {"gguf_file": path.name}
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(path.parent), **where)
    loaded = transformers.AutoModelForCausalLM.from_pretrained(str(path.parent), dtype=torch.float32, **where)
    config = loaded.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    config.architectures = [type(loaded).__name__]
    plain = type(loaded)(config)
    plain.load_state_dict(loaded.state_dict())
    plain.tie_weights()
    # The weights come from 4 or 8 bits, so half the bytes hold them without a loss that matters.
    plain.to(torch.bfloat16).save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy_checkpoint(source: Path, target: Path) -> None:
    """Copy what loading a model needs, the modules of its pipeline too, so that the student's folder stands alone."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in sorted(source.iterdir()):
        if path.is_file() and path.suffix in {".json", ".txt", ".model", ".jinja", ".safetensors"}:
            shutil.copyfile(path, target / path.name)
    for name in _modules(source):
        shutil.copytree(source / name, target / name)


def _modules(folder: Path) -> list[str]:
    """Folders of what sentence-transformers puts behind the encoder: pooling, dense layers."""
    listed = folder / "modules.json"
    paths = [str(module["path"]) for module in json.loads(listed.read_text())] if listed.is_file() else []
    return [path for path in paths if path and Path(path).name == path and (folder / path).is_dir()]
