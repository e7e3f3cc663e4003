"""Rewrites MediaPipe's blendshape net as matrix products, which ONNX Runtime computes faster.

The net is an MLP-Mixer (Tolstikhin et al. 2021, https://arxiv.org/abs/2105.01601): its blocks mix tokens,
then channels. TensorFlow Lite has the products as convolutions of one pixel, with a change of memory layout
around each, and a layer normalisation as a dozen steps. Only the first token is used, so the last
block computes no other.

The output is the same up to rounding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from emotion.models.signature import Signature

BATCH = "batch"
"""The name of a variable first axis."""
_Array: TypeAlias = npt.NDArray[Any]
_Layer: TypeAlias = tuple[_Array, _Array]
"""Weights (out, in) and biases (out,)."""


def as_matrix_products(graph: onnx.GraphProto, known: Signature) -> None:
    """Rewrite the graph of the net, in place, with a variable batch size.

    Args:
        graph: the bundle's net, converted by tf2onnx.
        known: inputs, float32 (n, points, 2), and outputs, float32 (n, blendshapes).

    Raises:
        ValueError: it is another net.
    """
    weights = _read(graph)
    writer = _Writer(weights.epsilon)
    tokens = _embed(writer, known.input, weights)
    for block in weights.blocks[:-1]:
        tokens = writer.block(tokens, block)
    token = writer.last_block(tokens, weights.blocks[-1])
    writer.node("Sigmoid", [writer.gemm(token, weights.head)], "answers")
    for old in (graph.node, graph.initializer, graph.input, graph.output, graph.value_info):
        del old[:]
    graph.node.extend(writer.nodes)
    graph.initializer.extend(writer.constants)
    for values, name, shape in (
        (graph.input, known.input, known.shape),
        (graph.output, "answers", known.output),
    ):
        values.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [BATCH, *shape]))


@dataclass(frozen=True, slots=True)
class _Block:
    """A mixer block: two perceptrons of two layers, each after a layer normalisation with scales only."""

    token_scales: _Array
    tokens: tuple[_Layer, _Layer]
    channel_scales: _Array
    channels: tuple[_Layer, _Layer]


@dataclass(frozen=True, slots=True)
class _Weights:
    """The weights of the net.

    Attributes:
        factor: of the points, after normalisation of their mean distance from the centre to 1.
        points: layer from points to tokens.
        coordinates: layer from a token's two coordinates to channels.
        extra: (channels,), the additional first token, which becomes the output.
        blocks: in order.
        head: layer from the first token to blendshapes.
        epsilon: of the layer normalisations.
    """

    factor: _Array
    points: _Layer
    coordinates: _Layer
    extra: _Array
    blocks: tuple[_Block, ...]
    head: _Layer
    epsilon: float


def _read(graph: onnx.GraphProto) -> _Weights:
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}

    def used(kind: str, size: int | None = None) -> list[_Array]:
        """The constants of the nodes of a kind, in order."""
        inputs = [name for node in graph.node if node.op_type == kind for name in node.input]
        found = [constants[name] for name in inputs if name in constants]
        return [one for one in found if size is None or one.size == size]

    try:
        convolutions = [one.reshape(len(one), -1).squeeze() for one in used("Conv")]
        points, coordinates, *inner, head = _in_pairs(convolutions)
        scales = [one.reshape(-1) for one in used("Mul", len(coordinates[1]))]
        perceptrons = _in_pairs(inner)
        halves = zip(scales[::2], perceptrons[::2], scales[1::2], perceptrons[1::2], strict=True)
        blocks = [_Block(*half) for half in halves]
        (extra,), (factor,) = used("Concat"), used("Mul", 1)
        (epsilon,) = {float(one.item()) for one in used("Add", 1)}
    except ValueError as error:
        raise ValueError("the graph is not that of MediaPipe's blendshape net") from error
    return _Weights(factor, points, coordinates, extra.reshape(-1), tuple(blocks), head, epsilon)


def _in_pairs(items: Sequence[Any]) -> list[tuple[Any, Any]]:
    return list(zip(items[::2], items[1::2], strict=True))


class _Writer:
    """A builder of nodes and constants; the batch is always the first axis."""

    def __init__(self, epsilon: float) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[TensorProto] = []
        self._epsilon = epsilon

    def node(self, kind: str, inputs: Sequence[str | _Array], output: str = "", **attributes: Any) -> str:
        """Add a node, with constants; returns the name of its output."""
        names = [one if isinstance(one, str) else self._constant(one) for one in inputs]
        output = output or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, names, [output], **attributes))
        return output

    def _constant(self, values: _Array) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(values, order="C"), name))
        return name

    def block(self, x: str, block: _Block) -> str:
        """A block for all tokens, (n, tokens, channels)."""
        inner = self._rows(self._normalised(x, block.token_scales), block.tokens[0])
        x = self.node("Add", [x, self._rows(self.node("Relu", [inner]), block.tokens[1])])
        inner = self._columns(self._normalised(x, block.channel_scales), block.channels[0])
        return self.node("Add", [x, self._columns(self.node("Relu", [inner]), block.channels[1])])

    def last_block(self, x: str, block: _Block) -> str:
        """A block's first token alone, (n, channels)."""
        inner = self.node("Relu", [self._rows(self._normalised(x, block.token_scales), block.tokens[0])])
        weights, biases = (one[:1] for one in block.tokens[1])
        mixed = self._rows(inner, (weights, biases))
        token = self.node("Add", [self.first(x), self.first(mixed)])
        inner = self.gemm(self._normalised(token, block.channel_scales), block.channels[0])
        return self.node("Add", [token, self.gemm(self.node("Relu", [inner]), block.channels[1])])

    def first(self, tokens: str) -> str:
        """The first token, (n, channels)."""
        return self.node("Gather", [tokens, np.array(0)], axis=1)

    def gemm(self, x: str, layer: _Layer) -> str:
        """A layer on (n, in)."""
        weights, biases = layer
        return self.node("Gemm", [x, weights.T, biases])

    def _rows(self, x: str, layer: _Layer) -> str:
        """A layer on (n, in, any)."""
        weights, biases = layer
        return self.node("Add", [self.node("MatMul", [weights, x]), biases[:, None]])

    def _columns(self, x: str, layer: _Layer) -> str:
        """A layer on (n, any, in)."""
        weights, biases = layer
        return self.node("Add", [self.node("MatMul", [x, weights.T]), biases])

    def _normalised(self, x: str, scales: _Array) -> str:
        return self.node("LayerNormalization", [x, scales], axis=-1, epsilon=self._epsilon)


def _embed(writer: _Writer, points: str, weights: _Weights) -> str:
    """Tokens (n, tokens, channels) of points (n, points, 2) at any position and scale."""
    middle = writer.node("ReduceMean", [points], axes=[1], keepdims=1)
    centred = writer.node("Sub", [points, middle])
    distances = writer.node("ReduceL2", [centred], axes=[-1], keepdims=1)
    size = writer.node("ReduceMean", [distances], axes=[1], keepdims=1)
    shape = writer.node("Div", [centred, size])
    rows, row_biases = weights.points
    columns, column_biases = weights.coordinates
    # The extra token begins as nothing of any point.
    rows = np.concatenate([np.zeros_like(rows[:1]), rows * weights.factor])
    mixed = writer.node("MatMul", [rows, shape])
    mixed = writer.node("Add", [mixed, np.concatenate([[np.float32(0)], row_biases])[:, None]])
    channels = writer.node("MatMul", [mixed, columns.T])
    biases = np.tile(column_biases, (len(rows), 1))
    biases[0] = weights.extra
    return writer.node("Add", [channels, biases])
