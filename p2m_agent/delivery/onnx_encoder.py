"""An encoder under ONNX Runtime: the vectors that torch gives, for less of the processor and without loading it."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p2m_agent.settings import Settings
from p2m_agent.types.value import Value
from p2m_agent.weights.embedding import TextEncoder
from p2m_agent.weights.loading import load_tokenizer

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

BATCH_TOKENS = 1024
"""Of a batch, padding included: enough to keep a core busy; more only takes memory."""
CLOSE = 1e-4
"""How far a number of a vector may be from torch's."""
_VERSION, _OPSET, _KEPT = 1, 17, 8
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

    def __init__(self, sessions: Sequence[Any], tokenizer: Any, told: Exported, max_tokens: int) -> None:
        """Take sessions of the same export."""
        self._sessions, self._tokenizer, self._told = sessions, tokenizer, told
        self.max_tokens, self.dim = max_tokens, told.dim
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
        prompted = [self._told.prompt + text for text in texts]
        told = self._tokenizer(prompted, return_attention_mask=False, return_token_type_ids=False, **limit)
        return [list(ids) for ids in told["input_ids"]]

    def _vectors(self, session: Any, rows: Sequence[Sequence[int]]) -> NDArray[numpy.float32]:
        import numpy as np

        shape = (len(rows), max(map(len, rows)))
        given = {name: np.zeros(shape, np.int64) for name in _NAMES}
        given["input_ids"] += self._tokenizer.pad_token_id or 0
        for place, row in enumerate(rows):
            given["input_ids"][place, : len(row)], given["attention_mask"][place, : len(row)] = row, 1
        made = session.run(None, {each.name: given[each.name] for each in session.get_inputs()})[0]
        unit: NDArray[numpy.float32] = made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-12)
        return unit


def token_batches(lengths: Sequence[int], budget: int = BATCH_TOKENS) -> Iterator[list[int]]:
    """Places of rows of like length, the longest first; a batch has no more tokens than the budget, or one row."""
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if batch and lengths[batch[0]] * (len(batch) + 1) > budget:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def load_onnx_encoder(
    folder: Path, max_tokens: int, settings: Settings, load: Callable[[], TextEncoder]
) -> OnnxEncoder | None:
    """The encoder of a folder under ONNX Runtime; None where that cannot be had or does not agree with torch.

    It is exported once, and kept in the cache by the hash of its files.

    Args:
        folder: of the checkpoint.
        max_tokens: of a text; longer ones are cut.
        settings: where the cache is, and how many threads there are.
        load: loads the same for torch, to export it.
    """
    if importlib.util.find_spec("onnxruntime") is None:
        return None
    path = settings.cache_dir / "onnx" / f"{_digest(folder)}.onnx"
    try:
        told = _told(path) or export(load(), path, max_tokens)
        if told.off_by > CLOSE:
            return None
        sessions = [_session(path) for _ in range(settings.threads)]
        return OnnxEncoder(sessions, load_tokenizer(folder), told, max_tokens)
    except Exception as error:
        # Every exporter has models that it cannot do, and says so in its own way; torch can do them all.
        log.info("torch is used: %s: %s", type(error).__name__, error)
        return None


def export(encoder: TextEncoder, path: Path, max_tokens: int) -> Exported:
    """Write an encoder with its pooling as ONNX, and beside it how well the two agree."""
    import torch

    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    shown = encoder.model.preprocess(list(_PROBES), prompt=None)
    names = [name for name in _NAMES if name in shown]
    axes = {name: {0: "rows", 1: "tokens"} for name in names}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # what torch says of its own exporter
        torch.onnx.export(
            _whole(encoder.model, names),
            tuple(shown[name] for name in names),
            str(new),
            input_names=names,
            output_names=["vector"],
            dynamic_axes={**axes, "vector": {0: "rows"}},
            opset_version=_OPSET,
            dynamo=False,  # the newer exporter takes two more packages
        )
    prompt = encoder.model.prompts.get(encoder.model.default_prompt_name) or ""
    told = Exported(prompt=prompt, dim=encoder.dim, off_by=0.0)
    made = OnnxEncoder([_session(new)], encoder.tokenizer, told, max_tokens)
    told = told.model_copy(update={"off_by": _off_by(made, encoder)})
    new.replace(path)
    path.with_suffix(".json").write_text(told.model_dump_json(), encoding="utf-8")
    _forget(path.parent)
    return told


def _forget(folder: Path) -> None:
    """Keep the newest exports only: each is as large as its weights."""
    newest_first = sorted(folder.glob("*.onnx"), key=lambda path: -path.stat().st_mtime)
    for path in newest_first[_KEPT:]:
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


def _session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _told(path: Path) -> Exported | None:
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
