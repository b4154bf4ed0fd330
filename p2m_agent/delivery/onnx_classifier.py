"""A classifying student as one ONNX graph: from token ids to probabilities, with its labels inside."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p2m_agent.delivery.onnx_encoder import token_batches
from p2m_agent.training.heads import ENCODER, load_head
from p2m_agent.training.label_code import LabelCode
from p2m_agent.training.student_card import StudentCard

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

GRAPH, TOKENIZER = "model.onnx", "tokenizer.json"
_INPUTS, _OUTPUTS = ("input_ids", "attention_mask"), ("logits", "probabilities")
_OPSET = 18
Logits = Callable[[Sequence[str]], "NDArray[numpy.float32]"]


def write_graph(folder: Path, card: StudentCard, target: Path) -> None:
    """Write `model.onnx` and `tokenizer.json` of the student in `folder` into `target`.

    The graph pools, normalises and holds head and temperature; its metadata have the labels and the text that stands
    before each input. The tokenizer pads, and cuts where the student was trained to.
    """
    import torch

    from p2m_agent.weights.embedding import load_text_encoder

    encoder = load_text_encoder(folder / ENCODER, dtype=torch.float32, max_tokens=card.max_tokens)
    graph = _graph(encoder.model.cpu(), load_head(folder), several=card.kind == "multi_label").eval()
    ids = torch.tensor([[2, 3, 4, 5], [2, 3, 0, 0]])
    shown = (ids, (ids > 0).long())
    target.mkdir(parents=True, exist_ok=True)
    names = [*_INPUTS, *_OUTPUTS]
    with warnings.catch_warnings():  # the exporter without onnxscript, ten times as fast, says that it is the old one
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph,
            shown,
            str(target / GRAPH),
            input_names=list(_INPUTS),
            output_names=list(_OUTPUTS),
            dynamic_axes={name: {0: "rows"} | ({1: "tokens"} if name in _INPUTS else {}) for name in names},
            opset_version=_OPSET,
            dynamo=False,
        )
    _describe(target / GRAPH, card, encoder.prompt)
    _save_tokenizer(encoder.tokenizer, card.max_tokens, target / TOKENIZER)


def _graph(model: Any, head: dict[str, Any], *, several: bool) -> Any:
    import torch

    class Graph(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.head = model, torch.nn.Linear(*head["weight"].shape[::-1])
            self.head.load_state_dict({name: torch.from_numpy(values) for name, values in head.items()})

        def forward(self, input_ids: Any, attention_mask: Any) -> tuple[Any, Any]:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            vectors = self.encoder(features)["sentence_embedding"][:, : model.truncate_dim]
            logits = self.head(torch.nn.functional.normalize(vectors, dim=-1))
            return logits, logits.sigmoid() if several else logits.softmax(-1)

    return Graph()


def _describe(path: Path, card: StudentCard, prefix: str) -> None:
    """What is needed to use the graph, in its metadata."""
    import onnx

    model = onnx.load(str(path))
    about = {"labels": json.dumps(card.labels), "prefix": prefix, "several": json.dumps(card.kind == "multi_label")}
    onnx.helper.set_model_props(model, about)
    onnx.save(model, str(path))


def _save_tokenizer(tokenizer: Any, max_tokens: int, path: Path) -> None:
    from tokenizers import Tokenizer

    copy = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    copy.enable_truncation(max_tokens)
    copy.enable_padding(direction="right", pad_id=tokenizer.pad_token_id, pad_token=tokenizer.pad_token)
    copy.save(str(path))


def load_graph(folder: Path, *, threads: int = 1) -> tuple[LabelCode, Logits]:
    """The labels and what gives logits for texts, with onnxruntime and tokenizers alone.

    Inputs are put together by length, so that little of a batch is padding.
    """
    import onnxruntime
    from tokenizers import Tokenizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(str(folder / GRAPH), options, providers=["CPUExecutionProvider"])
    about = session.get_modelmeta().custom_metadata_map
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    pad = (tokenizer.padding or {}).get("pad_id", 0)
    tokenizer.no_padding()  # a batch is padded to its own longest row below
    code = LabelCode(tuple(json.loads(about["labels"])), several=json.loads(about["several"]))

    def logits(texts: Sequence[str]) -> NDArray[numpy.float32]:
        import numpy as np

        made = np.zeros((len(texts), len(code.labels)), np.float32)
        coded = [row.ids for row in tokenizer.encode_batch_fast([about["prefix"] + text for text in texts])]
        for rows in token_batches([len(ids) for ids in coded]):
            longest = max(len(coded[row]) for row in rows)
            ids = np.full((len(rows), longest), pad, np.int64)
            mask = np.zeros_like(ids)
            for place, row in enumerate(rows):
                ids[place, : len(coded[row])], mask[place, : len(coded[row])] = coded[row], 1
            made[rows] = session.run(["logits"], {"input_ids": ids, "attention_mask": mask})[0]
        return made

    return code, logits
