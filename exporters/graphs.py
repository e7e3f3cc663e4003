"""Rewrites ONNX graphs to equivalent ones that are faster or smaller, without TensorFlow and Keras."""

import numpy as np
import onnx
from onnx import helper, numpy_helper

_ELEMENTWISE = ("Add", "Div", "Greater", "Mul", "Sub")
_KEEP_FP32_BELOW = 256  # elements; small tensors save nothing and some must stay exact


def rewrite_batch_norm(model: onnx.ModelProto) -> onnx.ModelProto:
    """One BatchNormalization for each Mul + Add by a constant per channel.

    tf2onnx leaves a batch norm that it cannot fold into a convolution as a pair of Mul and Add.
    ONNX Runtime then changes the memory layout around each pair; around a BatchNormalization it
    does not. The result is the same to rounding.
    """
    graph = model.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    producers = {name: node for node in graph.node for name in node.output}
    outputs = {output.name for output in graph.output}
    dropped: set[str] = set()
    for mul in [node for node in graph.node if node.op_type == "Mul"]:
        following = readers.get(mul.output[0], [])
        if len(following) != 1 or following[0].op_type != "Add" or mul.output[0] in outputs:
            continue
        add = following[0]
        scale = _per_channel(mul, constants)
        shift = _per_channel(add, constants)
        if scale is None or shift is None or scale[1].shape != shift[1].shape:
            continue
        if not _from_channels_first(scale[0], producers):
            continue
        _replace(graph, mul, add, scale, shift[1])
        dropped.add(mul.output[0])
    kept = [node for node in graph.node if not dropped.intersection(node.output)]
    del graph.node[:]
    graph.node.extend(kept)
    drop_unused(graph)
    return model


def rewrite_gray(model: onnx.ModelProto) -> onnx.ModelProto:
    """Rewrite scalars and sums so that ONNX Runtime is fast on gray crops, (n, height, width, 1).

    If the last axis of a tensor is 1, a scalar of rank 0 is combined with it element by element, at 14 ns
    each, and a sum over rows and columns takes a step for each element too. A scalar with the tensor's
    rank, and a sum over the last axis as well, are equivalent, the sum up to rounding.

    Args:
        model: changed in place.
    """
    graph = onnx.shape_inference.infer_shapes(model).graph
    known = [*graph.input, *graph.value_info]
    sides = {value.name: [side.dim_value for side in value.type.tensor_type.shape.dim] for value in known}
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "ReduceSum" and _is_gray(sides.get(node.input[0])):
            axes = [list(constants.get(name, ())) for name in node.input[1:]]
            if _keeps_sides(node) and axes == [[1, 2]]:
                _give_constant(model.graph, node, 1, np.array([1, 2, 3]))
        elif node.op_type in _ELEMENTWISE and len(node.input) == 2:
            for place, name in enumerate(node.input):
                scalar, other = constants.get(name), sides.get(node.input[1 - place])
                if scalar is not None and scalar.ndim == 0 and _is_gray(other):
                    _give_constant(model.graph, node, place, scalar.reshape(1, 1, 1, 1))
    drop_unused(model.graph)
    return model


def store_weights_as_fp16(model: onnx.ModelProto, exact: bool = False) -> onnx.ModelProto:
    """Halve the file: large weights are stored as float16 and cast to float32 when loaded.

    Computation stays in float32 (float16 is slow on a CPU): ONNX Runtime folds the casts when
    it opens the file.

    Args:
        model: changed in place.
        exact: only convert weights that are exact in float16.
    """
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < _KEEP_FP32_BELOW:
            continue
        if np.abs(values).max() > np.finfo(np.float16).max:
            continue
        if exact and (values.astype(np.float16) != values).any():
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}/fp16"))
        casts.append(helper.make_node("Cast", [f"{name}/fp16"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return model


def unfold_fp16(model: onnx.ModelProto) -> onnx.ModelProto:
    """Undo `store_weights_as_fp16`: the quantiser requires float32 weights."""
    graph = model.graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    casts = [node for node in graph.node if node.op_type == "Cast" and node.input[0] in stored]
    for node in casts:
        tensor = stored[node.input[0]]
        values = numpy_helper.to_array(tensor).astype(np.float32)
        tensor.CopyFrom(numpy_helper.from_array(values, node.output[0]))
    kept = [node for node in graph.node if node not in casts]
    del graph.node[:]
    graph.node.extend(kept)
    return model


def drop_unused(graph: onnx.GraphProto) -> None:
    """Remove unused constants."""
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _is_gray(sides: list[int] | None) -> bool:
    return sides is not None and len(sides) == 4 and sides[-1] == 1


def _keeps_sides(node: onnx.NodeProto) -> bool:
    return all(one.i == 1 for one in node.attribute if one.name == "keepdims")


def _give_constant(graph: onnx.GraphProto, node: onnx.NodeProto, place: int, value: np.ndarray) -> None:
    """A new constant for an input of a node."""
    node.input[place] = f"{node.output[0]}/constant"
    graph.initializer.append(numpy_helper.from_array(value, node.input[place]))


def _per_channel(node: onnx.NodeProto, constants: dict[str, np.ndarray]) -> tuple[str, np.ndarray] | None:
    """(the other input, the constant as a vector) if a node has a constant per channel."""
    for index in (0, 1):
        value = constants.get(node.input[index])
        if value is not None and value.ndim in (3, 4) and value.size == value.shape[-3]:
            return node.input[1 - index], value.reshape(-1)
    return None


def _from_channels_first(name: str, producers: dict[str, onnx.NodeProto]) -> bool:
    """Whether a tensor is channels first, which a broadcast constant alone does not prove."""
    channels_first = {"Conv", "MaxPool", "AveragePool", "BatchNormalization", "GlobalAveragePool"}
    passing = {"Relu", "Concat", "Add", "Mul"}
    node = producers.get(name)
    while node is not None and node.op_type in passing:
        node = producers.get(node.input[0])
    return node is not None and node.op_type in channels_first


def _replace(
    graph: onnx.GraphProto,
    mul: onnx.NodeProto,
    add: onnx.NodeProto,
    scale: tuple[str, np.ndarray],
    shift: np.ndarray,
) -> None:
    """Replace both nodes by a BatchNormalization."""
    channels = scale[1].size
    prefix = mul.output[0]
    # scale * (x - 0) / sqrt(1 + 0) + shift, with epsilon 0, is the pair itself.
    values = {
        "scale": scale[1],
        "shift": shift,
        "mean": np.zeros(channels, np.float32),
        "variance": np.ones(channels, np.float32),
    }
    for key, value in values.items():
        graph.initializer.append(numpy_helper.from_array(value.astype(np.float32), f"{prefix}/{key}"))
    node = helper.make_node(
        "BatchNormalization",
        [scale[0], *(f"{prefix}/{key}" for key in values)],
        [add.output[0]],
        name=f"{prefix}/batch_norm",
        epsilon=0.0,
    )
    add.CopyFrom(node)
