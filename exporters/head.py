"""Reads the last layer from a model's graph, and puts a newly fitted one back.

The layers before it are unchanged, so nothing has to be trained or converted again.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import numpy_helper

from emotion.exporters.model_files import put_model
from emotion.models.classes import Classes
from emotion.models.cores import available_cores
from emotion.models.errors import ModelFileError
from emotion.models.manifest import INPUT, ModelManifest, Precision, read_manifest
from emotion.models.training.refit import Head

FEATURES = "features"
_BATCH = 16


def with_features(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy with the input of its last layer as an output: ``features``, float32 (n, d)."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    product = _last(copy.graph, "MatMul")
    copy.graph.node.append(onnx.helper.make_node("Identity", [product.input[0]], [FEATURES]))
    copy.graph.output.append(onnx.helper.make_tensor_value_info(FEATURES, onnx.TensorProto.FLOAT, None))
    return copy


def features_of(
    folder: Path,
    region: str,
    crops: npt.NDArray[np.uint8],
    precision: Precision = "fp32",
    threads: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> npt.NDArray[np.float32]:
    """The features of crops before the last layer of a model, float32 (n, d), on the CPU.

    Args:
        folder: a model folder.
        region: of the model.
        crops: uint8 (n, height, width), without margin.
        precision: of the model.
        threads: their number; 0: one per core.
        progress: called with (crops done, crops in all).
    """
    model = with_features(onnx.load(folder / read_manifest(folder, region, precision).file))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or available_cores()
    # As in the program: spinning threads take cores from others.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    batches = []
    for at in range(0, len(crops), _BATCH):
        batches.append(session.run([FEATURES], {INPUT: crops[at : at + _BATCH, ..., None]})[0])
        progress(min(at + _BATCH, len(crops)), len(crops))
    return np.concatenate([np.reshape(part, (len(part), -1)) for part in batches]).astype(np.float32)


def read_head(model: onnx.ModelProto) -> Head:
    """The last layer, divided by its temperature: probabilities are the softmax of its logits."""
    graph = model.graph
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    kernel, bias, factor = (found[name].astype(np.float32) for name in _names(graph))
    return Head(kernel * factor, bias * factor)


def model_head(folder: Path, region: str) -> Head:
    """The last layer of a folder's model of a region, as from `read_head`."""
    return read_head(onnx.load(folder / read_manifest(folder, region).file))


def put_head(
    folder: Path,
    region: str,
    head: Head,
    temperature: float,
    output: Path,
    learnt_from: str = "",
    precision: Precision = "fp32",
    classes: Classes | None = None,
) -> Path:
    """Write a model with another last layer, of the same classes or of others, and its manifest.

    The last layer of a quantised model is float32 as well, so it gets the same one; the float model is
    written first.

    Args:
        folder: a model folder.
        region: which of its models.
        head: the new last layer.
        temperature: by which its logits are divided.
        output: the folder to write to; scores are not copied.
        learnt_from: the data to which the last layer was fitted; added to the manifest's data.
        precision: of the model.
        classes: of the new last layer; None: those of the model.

    Returns:
        The path of the new model.

    Raises:
        ModelFileError: the model is missing, damaged, or has another last layer.
    """
    manifest: ModelManifest = read_manifest(folder, region, precision)
    model = onnx.load(folder / manifest.file)
    _add_bias(model.graph, len(manifest.classes))
    kernel, bias, factor = _names(model.graph)
    cooled = np.asarray(1 / temperature, dtype=np.float32)
    values = {kernel: head.kernel, bias: head.bias, factor: cooled}
    for tensor in model.graph.initializer:
        if tensor.name in values:
            _fill(tensor, values[tensor.name], ends={len(manifest.classes): len(classes or manifest.classes)})
    if classes is not None:
        # Shapes between the layers are inferred again when the file is loaded.
        del model.graph.value_info[:]
        model.graph.output[0].type.tensor_type.shape.dim[-1].dim_value = len(classes)
    about = f"{manifest.data}; last layer fitted to {learnt_from}" if learnt_from else manifest.data
    changed = replace(manifest, temperature=round(temperature, 6), data=about, scores={})
    if classes is not None:
        changed = replace(changed, classes=classes)
    if manifest.int8:
        changed = replace(changed, made_from=read_manifest(output, region).sha256)
    return put_model(model, changed, output)


def _fill(tensor: onnx.TensorProto, value: npt.NDArray[np.float32], ends: Mapping[int, int]) -> None:
    """Replace a constant by one of the same type and shape, except for the last axis."""
    before = numpy_helper.to_array(tensor)
    wanted = (*before.shape[:-1], ends.get(before.shape[-1], before.shape[-1])) if before.ndim else ()
    if wanted != value.shape:
        raise ModelFileError(f"{tensor.name} is {before.shape}, not {value.shape}.")
    tensor.CopyFrom(numpy_helper.from_array(value.astype(before.dtype), tensor.name))


def _add_bias(graph: onnx.GraphProto, classes: int) -> None:
    """Add the bias of a last layer if it is missing: that of an untrained network is 0, and left out."""
    product = _last(graph, "MatMul")
    for place, node in enumerate(graph.node):
        if node.op_type == "Mul" and node.input[0] == product.output[0]:
            bias = numpy_helper.from_array(np.zeros(classes, np.float32), "emotion/bias")
            total = onnx.helper.make_node("Add", [product.output[0], bias.name], ["emotion/sum"])
            node.input[0] = total.output[0]
            graph.initializer.append(bias)
            graph.node.insert(place, total)
            return


def _names(graph: onnx.GraphProto) -> tuple[str, str, str]:
    """The initializers of the last layer's kernel and bias, and of the factor of its logits."""
    stored = {tensor.name for tensor in graph.initializer}
    casts = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Cast"}
    ends = [_last(graph, kind).input[1] for kind in ("MatMul", "Add", "Mul")]
    names = [name if name in stored else casts.get(name, "") for name in ends]
    if not stored.issuperset(names):
        raise ModelFileError("the model does not end in a product, a sum and a factor: export it again.")
    return names[0], names[1], names[2]


def _last(graph: onnx.GraphProto, kind: str) -> onnx.NodeProto:
    node = next((node for node in reversed(graph.node) if node.op_type == kind), None)
    if node is None:
        raise ModelFileError(f"the model has no {kind}: it is none of this program's.")
    return node
