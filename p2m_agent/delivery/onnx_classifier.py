"""A classifying student as one ONNX graph: from token ids to probabilities, with its labels inside."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p2m_agent.delivery.onnx_graph import open_session, padded, token_batches, write_graph
from p2m_agent.training.heads import ENCODER, load_head
from p2m_agent.training.label_code import LabelCode
from p2m_agent.training.student_card import StudentCard

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

GRAPH, TOKENIZER = "model.onnx", "tokenizer.json"
_OUTPUTS = ("logits", "probabilities")
Logits = Callable[[Sequence[str]], "NDArray[numpy.float32]"]


def write_classifier(folder: Path, card: StudentCard, target: Path) -> None:
    """Write `model.onnx` and `tokenizer.json` of the student in `folder` into `target`.

    The graph pools, normalises and holds head and temperature; its metadata have the labels and the text that stands
    before each input. The tokenizer pads, and cuts where the student was trained to.
    """
    import torch

    from p2m_agent.weights.embedding import load_text_encoder

    encoder = load_text_encoder(folder / ENCODER, dtype=torch.float32, max_tokens=card.max_tokens)
    graph = _graph(encoder.model.cpu(), load_head(folder), several=card.kind == "multi_label").eval()
    ids = torch.tensor([[2, 3, 4, 5], [2, 3, 0, 0]])
    target.mkdir(parents=True, exist_ok=True)
    write_graph(graph, {"input_ids": ids, "attention_mask": (ids > 0).long()}, target / GRAPH, _OUTPUTS)
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


def load_classifier(folder: Path) -> tuple[LabelCode, Logits]:
    """The labels and what gives logits for texts, with onnxruntime and tokenizers alone.

    Inputs are put together by length, so that little of a batch is padding.
    """
    from tokenizers import Tokenizer

    session = open_session(folder / GRAPH)
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
            made[rows] = session.run(["logits"], padded([coded[row] for row in rows], pad))[0]
        return made

    return code, logits
