"""An encoder under ONNX Runtime: the vectors that torch gives, for less of the processor and without loading it."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p2m_agent.delivery.onnx_graph import open_session, padded, token_batches, write_graph
from p2m_agent.settings import Settings
from p2m_agent.types.recipe import Cut
from p2m_agent.types.value import Value
from p2m_agent.weights.embedding import TextEncoder
from p2m_agent.weights.loading import load_tokenizer
from p2m_agent.weights.long_texts import without_middle

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

CLOSE = 1e-4
"""How far a number of a vector may be from torch's."""
_VERSION, KEPT = 1, 8
_PROBES = ("a", "Where is my parcel? It was due on Monday.", "Is the lamp still to be had in green? " * 8)
_NAMES = ("input_ids", "attention_mask", "token_type_ids")
log = logging.getLogger("p2m.onnx")


class Exported(Value):
    """What lies beside an exported encoder."""

    prompt: str
    """Goes before every text."""
    dim: int
    off_by: float
    """The largest difference of a number from torch's, on texts of several lengths, alone and together."""


class OnnxEncoder:
    """Unit vectors of texts. Sessions have one thread each and there are as many as cores, so batches share none."""

    def __init__(
        self, sessions: Sequence[Any], tokenizer: Any, exported: Exported, max_tokens: int, cut: Cut = "end"
    ) -> None:
        """Take sessions of the same export; `cut` is left out of texts of more than `max_tokens`."""
        self._sessions, self._tokenizer, self._exported = sessions, tokenizer, exported
        self.max_tokens, self.dim, self._cut = max_tokens, exported.dim, cut
        self._pool = ThreadPoolExecutor(len(sessions), "onnx")

    def encode(self, texts: Sequence[str]) -> NDArray[numpy.float32]:
        """Unit rows in the order of `texts`, shape (texts, dim); a row does not depend on its neighbours."""
        import numpy as np

        vectors = np.zeros((len(texts), self.dim), np.float32)
        coded = self._coded(texts)
        batches = list(token_batches([len(ids) for ids in coded]))

        def run(worker: int) -> None:
            for rows in batches[worker :: len(self._sessions)]:
                vectors[rows] = self._vectors(self._sessions[worker], [coded[row] for row in rows])

        if len(batches) < 2:
            run(0)
        else:
            list(self._pool.map(run, range(len(self._sessions))))
        return vectors

    def lengths(self, texts: Sequence[str], *, cut: bool = True) -> list[int]:
        """Tokens of each text with the model's prompt and special tokens, at most `max_tokens` where they are cut."""
        return [len(ids) for ids in self._coded(texts, cut=cut)]

    def _coded(self, texts: Sequence[str], *, cut: bool = True) -> list[list[int]]:
        if not texts:
            return []
        limit = {"truncation": True, "max_length": self.max_tokens} if cut else {"verbose": False}
        if cut and self._cut == "middle":
            texts = without_middle(
                texts, self._tokenizer, self.max_tokens - len(self._tokenizer(self._exported.prompt)["input_ids"])
            )
        prompted = [self._exported.prompt + text for text in texts]
        encoded = self._tokenizer(prompted, return_attention_mask=False, return_token_type_ids=False, **limit)
        return [list(ids) for ids in encoded["input_ids"]]

    def _vectors(self, session: Any, rows: Sequence[Sequence[int]]) -> NDArray[numpy.float32]:
        import numpy as np

        given = padded(rows, self._tokenizer.pad_token_id or 0)
        given["token_type_ids"] = np.zeros_like(given["input_ids"])
        made = session.run(None, {each.name: given[each.name] for each in session.get_inputs()})[0]
        unit: NDArray[numpy.float32] = made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-12)
        return unit


def load_onnx_encoder(
    folder: Path, max_tokens: int, settings: Settings, load: Callable[[], TextEncoder], cut: Cut = "end"
) -> OnnxEncoder | None:
    """The encoder of a folder under ONNX Runtime; None where that cannot be had or does not agree with torch.

    It is exported once, and kept in the cache by the hash of its files.

    Args:
        folder: of the checkpoint.
        max_tokens: of a text; longer ones are cut.
        settings: where the cache is, and how many threads there are.
        load: loads the same for torch, to export it.
        cut: what is left out of longer texts.
    """
    if importlib.util.find_spec("onnxruntime") is None:
        return None
    path = settings.cache_dir / "onnx" / f"{_digest(folder)}.onnx"
    try:
        exported = _exported_at(path) or export(load(), path, max_tokens)
        if exported.off_by > CLOSE:
            return None
        sessions = [open_session(path) for _ in range(settings.threads)]
        return OnnxEncoder(sessions, load_tokenizer(folder), exported, max_tokens, cut)
    except Exception as error:
        # Every exporter has models that it cannot do, and says so in its own way; torch can do them all.
        log.info("torch is used: %s: %s", type(error).__name__, error)
        return None


def export(encoder: TextEncoder, path: Path, max_tokens: int) -> Exported:
    """Write an encoder with its pooling as ONNX, and beside it how well the two agree."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    shown = encoder.model.preprocess(list(_PROBES), prompt=None)
    given = {name: shown[name] for name in _NAMES if name in shown}
    write_graph(_whole(encoder.model, list(given)), given, new, ["vector"])
    exported = Exported(prompt=encoder.prompt, dim=encoder.dim, off_by=0.0)
    made = OnnxEncoder([open_session(new)], encoder.tokenizer, exported, max_tokens)
    exported = exported.model_copy(update={"off_by": _off_by(made, encoder)})
    new.replace(path)
    path.with_suffix(".json").write_text(exported.model_dump_json(), encoding="utf-8")
    _forget(path.parent)
    return exported


def _forget(folder: Path) -> None:
    """Keep the newest exports only: each is as large as its weights."""
    newest_first = sorted(folder.glob("*.onnx"), key=lambda path: -path.stat().st_mtime)
    for path in newest_first[KEPT:]:
        path.unlink(missing_ok=True)
        path.with_suffix(".json").unlink(missing_ok=True)


def _off_by(made: OnnxEncoder, encoder: TextEncoder) -> float:
    import numpy as np

    torchs = encoder.encode(_PROBES)
    together, alone = made.encode(_PROBES), np.concatenate([made.encode([text]) for text in _PROBES])
    return float(max(np.abs(together - torchs).max(), np.abs(alone - torchs).max()))


def _whole(model: Any, names: Sequence[str]) -> Any:
    """All modules of a model of sentence-transformers as one, from ids to the vector."""
    import torch

    class Whole(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.inner = model

        def forward(self, *given: Any) -> Any:
            features = dict(zip(names, given, strict=True))
            for module in self.inner:
                features = module(features)
            return features["sentence_embedding"]

    return Whole().eval()


def _exported_at(path: Path) -> Exported | None:
    beside = path.with_suffix(".json")
    if not (path.is_file() and beside.is_file()):
        return None
    return Exported.model_validate(json.loads(beside.read_text(encoding="utf-8")))


def _digest(folder: Path) -> str:
    digest = hashlib.sha256(str(_VERSION).encode())
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        with path.open("rb") as file:
            digest.update(path.relative_to(folder).as_posix().encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:32]
