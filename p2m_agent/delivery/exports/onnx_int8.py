"""ONNX with weights of 8 bits, whose answer to a text does not depend on the texts beside it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p2m_agent.delivery.export import Export, Student
from p2m_agent.delivery.exports import onnx as whole
from p2m_agent.delivery.onnx_classifier import GRAPH

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

_BLOCK = 32
"""Weights that share a scale."""
_INT8_STEPS = 127
_COMPUTE_IN_INT8 = 4
"""ONNX Runtime's accuracy level; inputs get a scale a row and block, so rows of a batch do not touch each other."""
_LARGE = 100_000
"""Numbers from which an embedding table is worth it."""


def write(student: Student, target: Path) -> None:
    """The whole graph with its matrices in blocks of 8 bits, and each row of its embeddings with a scale of its own.

    Quantising inputs by the range of a whole batch, as is usual, would be faster by a third to a half, but then an
    answer depends on what else is asked: logits moved by up to 0.8.
    """
    import onnx
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    whole.write(student, target)
    model = onnx.load(str(target / GRAPH))
    about = {each.key: each.value for each in model.metadata_props}
    quantiser = MatMulNBitsQuantizer(
        model, bits=8, block_size=_BLOCK, is_symmetric=True, accuracy_level=_COMPUTE_IN_INT8
    )
    with _silenced("onnxruntime.quantization.matmul_nbits_quantizer"):  # it tells of every node
        quantiser.process()
    made = quantiser.model.model
    for gather in [node for node in made.graph.node if node.op_type == "Gather"]:
        _shrink(made.graph, gather)
    onnx.helper.set_model_props(made, about)
    smaller = target / f"{GRAPH}.new"
    onnx.save(made, str(smaller))
    os.replace(smaller, target / GRAPH)  # noqa: PTH105 (one step)


@contextmanager
def _silenced(logger: str) -> Iterator[None]:
    """A library's logger says errors only for a while."""
    log = logging.getLogger(logger)
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


def _shrink(graph: Any, gather: Any) -> None:
    """Hold an embedding table in 8 bits: look up a row and its scale, and multiply."""
    from onnx import TensorProto, helper, numpy_helper

    table = next((each for each in graph.initializer if each.name == gather.input[0]), None)
    if table is None or len(table.dims) != 2 or table.dims[0] * table.dims[1] < _LARGE:
        return
    rows, scales = _in_int8(numpy_helper.to_array(table))
    name, ids, out = table.name, gather.input[1], gather.output[0]
    place = list(graph.node).index(gather)
    graph.node.remove(gather)
    graph.initializer.remove(table)
    graph.initializer.extend(
        [numpy_helper.from_array(rows, f"{name}_int8"), numpy_helper.from_array(scales, f"{name}_scale")]
    )
    nodes = [
        helper.make_node("Gather", [f"{name}_int8", ids], [f"{out}_int8"], axis=0),
        helper.make_node("Cast", [f"{out}_int8"], [f"{out}_float"], to=TensorProto.FLOAT),
        helper.make_node("Gather", [f"{name}_scale", ids], [f"{out}_scale"], axis=0),
        helper.make_node("Mul", [f"{out}_float", f"{out}_scale"], [out]),
    ]
    for offset, node in enumerate(nodes):
        graph.node.insert(place + offset, node)


def _in_int8(table: NDArray[numpy.float32]) -> tuple[NDArray[numpy.int8], NDArray[numpy.float32]]:
    import numpy as np

    scales = np.maximum(np.abs(table).max(axis=1, keepdims=True), 1e-9) / _INT8_STEPS
    return np.round(table / scales).astype(np.int8), scales.astype(np.float32)


EXPORT = Export(
    name="onnx-int8",
    does="the same graph with weights in 8 bits: about a quarter of the size",
    write=write,
    answers=whole.answers,
    usage=whole.usage,
    refuses=whole.refuses,
    packages=(*whole.EXPORT.packages, "onnx_ir"),
)
