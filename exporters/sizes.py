"""A model for crops of another size: its layers take any size, only the graph's declared sizes change."""

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import numpy_helper

_NEAR = 0.02
_SHAPE = 4  # numbers in the shape of a batch of pictures


def with_size(model: onnx.ModelProto, before: tuple[int, int], after: tuple[int, int]) -> onnx.ModelProto:
    """A copy that takes crops of another (height, width).

    Convolutions and global average pooling take any size. The declared sizes are those of the input, and the
    shapes between channels first and last, also after upsampling by an integer factor.

    Args:
        model: whose last features are from global average pooling, as in `emotion.models.training.networks`.
        before, after: (height, width) of its crops.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for dimension, side in zip(copy.graph.input[0].type.tensor_type.shape.dim[1:3], after, strict=True):
        dimension.dim_value = side
    for tensor in _shapes(copy.graph):
        values = numpy_helper.to_array(tensor).copy()
        for at in (1, 2):
            factor = values[at] / before[0]
            if values[3 if at == 1 else 1] == 1 and abs(values[at + 1] / before[1] - factor) < _NEAR:
                values[at : at + 2] = [int(factor * side + 1e-6) for side in after]
                tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
                break
    del copy.graph.value_info[:]  # inferred again when it is loaded
    return copy


def _shapes(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """The constants with the shapes of pictures."""
    names = {node.input[1] for node in graph.node if node.op_type == "Reshape"}
    for tensor in graph.initializer:
        if tensor.name in names and tensor.data_type == onnx.TensorProto.INT64:
            values = numpy_helper.to_array(tensor)
            if values.shape == (_SHAPE,) and np.all(values[1:] > 0) and values[1:].max() > 1:
                yield tensor
