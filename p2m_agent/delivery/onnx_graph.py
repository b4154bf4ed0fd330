"""What writing and running ONNX graphs share, whatever they give: vectors, or labels."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

BATCH_TOKENS = 1024
"""Of a batch, padding included: enough to keep a core busy; more only takes memory."""
_OPSET = 17


def write_graph(module: Any, shown: Mapping[str, Any], path: Path, outputs: Sequence[str]) -> None:
    """Write a module of torch as an ONNX graph for any number of rows and tokens.

    Args:
        module: takes tensors of shape (rows, tokens), gives tensors whose first axis is the rows.
        shown: an example of what it takes, by name, in its order.
        path: the file.
        outputs: names of what it gives, in its order.
    """
    import torch

    axes = {name: {0: "rows", 1: "tokens"} for name in shown} | {name: {0: "rows"} for name in outputs}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # what torch says of its own exporter
        torch.onnx.export(
            module,
            tuple(shown.values()),
            str(path),
            input_names=list(shown),
            output_names=list(outputs),
            dynamic_axes=axes,
            opset_version=_OPSET,
            dynamo=False,  # the newer exporter takes two more packages and ten times as long
        )


def open_session(path: Path) -> Any:
    """A session of one thread, so that several side by side do not wait for each other."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


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


def padded(rows: Sequence[Sequence[int]], pad: int) -> dict[str, NDArray[numpy.int64]]:
    """Token ids at the width of the longest row, and the mask that tells them from padding, by the names of inputs."""
    import numpy as np

    ids = np.full((len(rows), max(map(len, rows))), pad, np.int64)
    mask = np.zeros_like(ids)
    for place, row in enumerate(rows):
        ids[place, : len(row)], mask[place, : len(row)] = row, 1
    return {"input_ids": ids, "attention_mask": mask}
