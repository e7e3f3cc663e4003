"""A net with PRelu, written so that ONNX Runtime keeps its memory layout on a CPU.

ONNX Runtime computes convolutions, and what it knows to join with them (a sum, max(x, 0)), in a memory layout
of its own, whose blocks have 8 or 16 channels. PRelu is not among that: around each the layout changes twice.
So PRelu with slope b is written by convolutions of one weight a channel:

- b * x + max((1 - b) * x, 0), where b <= 1 for all channels. A channel with b > 1 is computed with the other
  sign, which the weights of whoever uses it take back.
- In front of a convolution of each channel by itself, which is linear, as two of these: w * b on x and
  w * (1 - b) on max(x, 0); where there are few channels, by twice as many: max(x, 0) and max(-x, 0).

What comes out is the same to rounding.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

_Array = npt.NDArray[Any]
# So many channels fill half of a block of 16.
_FEW = 8


def keep_layout(graph: onnx.GraphProto) -> None:
    """Rewrite a graph in place.

    Raises:
        ValueError: it has a PRelu or a Pad of another kind than MediaPipe's face landmark net.
    """
    rewriting = _Rewriting(graph)
    for node in graph.node:
        rewriting.take(node)
    rewriting.finish()


class _Rewriting:
    """The new nodes, and what is known of each tensor that they give."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._graph = graph
        self._constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        self._users: dict[str, list[onnx.NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self._users.setdefault(name, []).append(node)
        self._producers = {name: node for node in graph.node for name in node.output}
        self._answers = {value.name for value in graph.output}
        self._nodes: list[onnx.NodeProto] = []
        self._made: dict[str, _Array] = {}
        # 1 or -1 for each channel of a tensor, where some have the other sign.
        self._signs: dict[str, _Array] = {}
        # PRelus that the next convolution takes along: what they are given, and their slopes.
        self._along: dict[str, tuple[str, _Array]] = {}
        # Tensors with twice the channels: of what is positive, then of what is negative, with its slopes.
        self._halves: dict[str, _Array] = {}

    def take(self, node: onnx.NodeProto) -> None:
        """Write one node anew."""
        if node.op_type == "Conv":
            self._conv(node)
        elif node.op_type == "PRelu":
            self._prelu(node)
        elif node.op_type == "Add":
            self._add(node)
        elif node.op_type == "Pad":
            self._pad(node)
        else:
            self._nodes.append(node)

    def finish(self) -> None:
        """Put the new nodes and their weights into the graph."""
        for name, values in self._made.items():
            self._graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), name))
        copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in self._nodes]
        del self._graph.node[:]
        self._graph.node.extend(copies)

    def _conv(self, node: onnx.NodeProto) -> None:
        (x, *_), (y,) = node.input, node.output
        weight, bias = self._weights(node)
        depthwise = _group(node) == len(weight) > 1
        if (signs := self._signs.get(x)) is not None:
            weight = weight * (signs[:, None, None, None] if depthwise else signs[None, :, None, None])
        if x in self._along:
            self._joined(node, weight, bias)
        elif depthwise and x in self._halves:
            below = -self._halves[x][:, None, None, None] * weight
            self._emit(node, x, y, np.concatenate([weight, below]), np.concatenate([bias, 0 * bias]))
            self._halves[y] = self._halves[x]
        elif x in self._halves:
            self._emit(node, x, y, np.concatenate([weight, weight], axis=1), bias)
        elif self._is_doubled(y):
            self._emit(node, x, f"{y}/both", np.concatenate([weight, -weight]), np.concatenate([bias, -bias]))
        else:
            self._emit(node, x, y, weight, bias)

    def _joined(self, node: onnx.NodeProto, weight: _Array, bias: _Array) -> None:
        (inner, slope), (y,) = self._along[node.input[0]], node.output
        slope = slope[:, None, None, None]
        self._node("Relu", [inner], f"{y}/positive")
        self._emit(node, inner, f"{y}/below", weight * slope, bias)
        self._emit(node, f"{y}/positive", f"{y}/above", weight * (1 - slope), None)
        self._node("Add", [f"{y}/above", f"{y}/below"], y)

    def _prelu(self, node: onnx.NodeProto) -> None:
        (x, slopes), (y,) = node.input, node.output
        slope = self._constants[slopes].reshape(-1).astype(np.float32)
        user = self._only_user(y, "Conv")
        if f"{x}/both/weight" in self._made:
            self._node("Relu", [f"{x}/both"], y)
            self._halves[y] = slope
            return
        if user is not None and _group(user) == slope.size and x not in self._signs:
            self._along[y] = x, slope
            return
        before, after = self._signs.get(x, np.ones_like(slope)), np.ones_like(slope)
        if self._may_change_signs(y) and (slope > 1).any():
            after = self._signs[y] = np.where(slope > 1, -1, 1).astype(np.float32)
        # The slopes of what comes out for what comes in, which may have the other sign.
        up, down = (after * before * np.where(side, 1, slope) for side in (before > 0, before < 0))
        self._scaled(x, f"{y}/below", down)
        if (up >= down).all():
            # One pass with the convolution before it, where Relu comes last.
            self._scaled(x, f"{y}/steps", up - down)
            self._node("Relu", [f"{y}/steps"], f"{y}/above")
        else:
            self._node("Relu", [x], f"{y}/positive")
            self._scaled(f"{y}/positive", f"{y}/above", up - down)
        self._node("Add", [f"{y}/below", f"{y}/above"], y)

    def _may_change_signs(self, name: str) -> bool:
        """Whether all that use a tensor are convolutions, or sums with one that nobody else uses."""
        return name not in self._answers and all(
            user.op_type == "Conv" or (user.op_type == "Add" and self._summand(user, name))
            for user in self._users[name]
        )

    def _summand(self, add: onnx.NodeProto, name: str) -> str | None:
        """The other summand, where it is the answer of a convolution of all that nobody else uses."""
        (other,) = [one for one in add.input if one != name]
        made = self._producers.get(other)
        if made is None or made.op_type != "Conv" or _group(made) > 1:
            return None
        return other if self._only_user(other, "Add") is add else None

    def _add(self, node: onnx.NodeProto) -> None:
        for name in node.input:
            if (signs := self._signs.get(name)) is not None:
                other = self._summand(node, name)
                assert other is not None
                self._made[f"{other}/weight"] = self._made[f"{other}/weight"] * signs[:, None, None, None]
                self._made[f"{other}/bias"] = self._made[f"{other}/bias"] * signs
                self._signs[node.output[0]] = signs
        self._nodes.append(node)

    def _pad(self, node: onnx.NodeProto) -> None:
        """Channels of nought behind those that are there, by a convolution."""
        x, y = node.input[0], node.output[0]
        pads = self._constants[node.input[1]]
        count = int(pads[5])
        if pads.sum() != count:
            raise ValueError(f"{y} pads more than channels")
        weight = np.concatenate([np.eye(count), np.zeros((count, count))])[:, :, None, None]
        self._made[f"{y}/weight"] = weight
        self._node("Conv", [x, f"{y}/weight"], y, kernel_shape=[1, 1])

    def _is_doubled(self, name: str) -> bool:
        """Whether a convolution has few channels, a PRelu, one of each by itself and one of all behind it."""
        made, prelu = self._producers[name], self._only_user(name, "PRelu")
        count = len(self._constants[made.input[1]])
        if prelu is None or count > _FEW or _group(made) > 1:
            return False
        alone = self._only_user(prelu.output[0], "Conv")
        if alone is None or _group(alone) != count:
            return False
        last = self._only_user(alone.output[0], "Conv")
        return last is not None and _group(last) == 1

    def _only_user(self, name: str, kind: str) -> onnx.NodeProto | None:
        """Who uses a tensor, where that is one node of a kind and nobody else."""
        users = self._users.get(name, [])
        return users[0] if name not in self._answers and [one.op_type for one in users] == [kind] else None

    def _weights(self, node: onnx.NodeProto) -> tuple[_Array, _Array]:
        weight = self._constants[node.input[1]]
        bias = self._constants[node.input[2]] if len(node.input) > 2 else np.zeros(len(weight), np.float32)
        return weight, bias

    def _emit(self, like: onnx.NodeProto, x: str, y: str, weight: _Array, bias: _Array | None) -> None:
        """A convolution with other weights."""
        self._made[f"{y}/weight"] = weight
        names = [x, f"{y}/weight"]
        if bias is not None:
            self._made[f"{y}/bias"] = bias
            names.append(f"{y}/bias")
        attributes = {one.name: helper.get_attribute_value(one) for one in like.attribute}
        if attributes.get("group", 1) > 1:
            attributes["group"] = len(weight)
        self._node("Conv", names, y, **attributes)

    def _scaled(self, x: str, y: str, factors: _Array) -> None:
        self._made[f"{y}/weight"] = factors[:, None, None, None]
        self._node("Conv", [x, f"{y}/weight"], y, group=len(factors), kernel_shape=[1, 1])

    def _node(self, kind: str, inputs: Iterable[str], output: str, **attributes: Any) -> None:
        self._nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))


def _group(node: onnx.NodeProto) -> int:
    return next((int(one.i) for one in node.attribute if one.name == "group"), 1)
