"""MediaPipe's nets for faces as ONNX files::

    python -m emotion.exporters.landmarks FOLDER

extracts the TensorFlow Lite nets from ``face_landmarker.task``, converts them by tf2onnx, and checks on
the bundled clip that ONNX Runtime gives the same outputs as TensorFlow Lite. Each file then takes batches of
pictures (uint8) and gives one tensor, so that the same engine runs all of them.
"""

import json
import sys
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import tensorflow as tf
import tf2onnx
from onnx import TensorProto, helper, numpy_helper

from emotion.exporters.convert import OPSET
from emotion.exporters.cpu_layout import keep_layout
from emotion.exporters.graphs import drop_unused, store_weights_as_fp16
from emotion.exporters.mixer import BATCH, as_matrix_products
from emotion.models.engines import landmark_nets
from emotion.models.engines.landmark_nets import FORMAT, MANIFEST, NET_NAMES, NetName
from emotion.models.engines.providers import NetOptions
from emotion.models.engines.session import Net
from emotion.models.errors import ModelFileError
from emotion.models.manifest import ZOO
from emotion.models.shipped import put, put_text, workshop
from emotion.models.signature import Signature
from emotion.models.small_files import sha256

TASK = ZOO / "face_landmarker.task"
_Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class _Recipe:
    """How a net of the bundle is converted to one with one input and one output.

    Attributes:
        file: its name in the bundle.
        outputs: of the net, in the order in which they are joined.
        scale, shift: value * scale + shift converts a pixel to the net's input.
        fast_on_cpu: it is rewritten for ONNX Runtime's memory layout, see `cpu_layout`.
        mixer: it is rewritten as matrix products, see `mixer`; its input is points, not pixels.
    """

    file: str
    outputs: tuple[str, ...]
    scale: float = 1.0
    shift: float = 0.0
    fast_on_cpu: bool = False
    mixer: bool = False


_LANDMARKS = "face_landmarks_detector.tflite"
_RECIPES: dict[NetName, _Recipe] = {
    "face_detector": _Recipe(
        "face_detector.tflite", ("regressors", "classificators"), scale=1 / 127.5, shift=-1.0
    ),
    "face_landmarks": _Recipe(_LANDMARKS, ("Identity", "Identity_1"), scale=1 / 255),
    "face_landmarks.cpu": _Recipe(_LANDMARKS, ("Identity", "Identity_1"), scale=1 / 255, fast_on_cpu=True),
    "face_blendshapes": _Recipe("face_blendshapes.tflite", ("StatefulPartitionedCall:0",), mixer=True),
}

MAX_DIFFERENCE: dict[NetName, float] = {
    "face_detector": 0.01,  # of 128ths of a picture, and of a logit
    "face_landmarks": 0.01,  # pixels of a crop of 256
    "face_landmarks.cpu": 0.01,
    "face_blendshapes": 1e-4,
}


@dataclass(frozen=True, slots=True)
class NetParity:
    """The largest difference between the outputs of a file and of the original net."""

    name: NetName
    items: int
    largest_difference: float

    @property
    def holds(self) -> bool:
        """Whether it may replace the net."""
        return self.largest_difference <= MAX_DIFFERENCE[self.name]

    def __str__(self) -> str:
        return f"{self.name}: largest difference {self.largest_difference:.1e} on {self.items} inputs"


def export(folder: Path, pictures: _Array, task: Path = TASK) -> list[NetParity]:
    """Write the nets and their manifest into a folder.

    Args:
        folder: created if necessary; existing files are kept as the previous version.
        pictures: uint8 (n, 256, 256, 3) RGB, some with faces, for the parity check.
        task: MediaPipe's bundle.

    Raises:
        ModelFileError: a file has other outputs than the original net; then the folder is unchanged.
        ShippedModelsError: the folder is that of the models that ship.
    """
    proofs = []
    with zipfile.ZipFile(task) as bundle, TemporaryDirectory() as scratch, workshop(folder) as making:
        for name, recipe in _RECIPES.items():
            tflite = Path(bundle.extract(recipe.file, scratch))
            path = making / f"{name}.onnx"
            known = landmark_nets.signature(name, "")
            onnx.save(_convert(tflite, recipe, known), path)
            proofs.append(_compare(name, tflite, path, known, pictures))
            if not proofs[-1].holds:
                raise ModelFileError(f"{path.name} does not say what {recipe.file} says ({proofs[-1]}).")
        made = [making / f"{name}.onnx" for name in NET_NAMES]
        nets = {path.stem: {"file": path.name, "sha256": sha256(path)} for path in made}
        values = {"format": FORMAT, "made_from": sha256(task), "nets": nets}
        for path in made:
            put(path, folder)
    put_text(json.dumps(values, indent=2) + "\n", folder / MANIFEST)
    return proofs


def _convert(tflite: Path, recipe: _Recipe, known: Signature) -> onnx.ModelProto:
    with _quiet():
        model, _ = tf2onnx.convert.from_tflite(str(tflite), opset=OPSET)
    graph = model.graph
    if recipe.mixer:
        as_matrix_products(graph, known)
    else:
        _free_batch(graph)
        _take(graph, recipe, known)
        _give(graph, recipe.outputs, known)
    if recipe.fast_on_cpu:
        keep_layout(graph)
    drop_unused(graph)
    # The weights are float16 in the bundle; tensors that are computed from them are unchanged.
    return store_weights_as_fp16(model, exact=True)


def _free_batch(graph: onnx.GraphProto) -> None:
    """Make the batch size variable, which is 1 in the bundle's nets, always on the first axis."""
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Reshape":
            shape = constants[node.input[1]].copy()
            if shape[0] == 1:
                shape[0] = 0 if -1 in shape else -1
            node.input[1] = f"{node.output[0]}/shape"
            graph.initializer.append(numpy_helper.from_array(shape, node.input[1]))
    del graph.value_info[:]


def _take(graph: onnx.GraphProto, recipe: _Recipe, known: Signature) -> None:
    """Make the signature's input, with its conversion to the net's own input in the graph."""
    inner = graph.input[0].name
    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info(known.input, TensorProto.UINT8, [BATCH, *known.shape]))
    for key, value in (("scale", recipe.scale), ("shift", recipe.shift)):
        graph.initializer.append(numpy_helper.from_array(np.float32(value), f"{known.input}/{key}"))
    nodes = [
        helper.make_node("Cast", [known.input], [f"{known.input}/float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{known.input}/float", f"{known.input}/scale"], [f"{known.input}/scaled"]),
        helper.make_node("Add", [f"{known.input}/scaled", f"{known.input}/shift"], [inner]),
    ]
    _put(graph, [*nodes, *graph.node])


def _give(graph: onnx.GraphProto, outputs: tuple[str, ...], known: Signature) -> None:
    """Make one output, by concatenation along the last axis; nodes for other outputs are removed."""
    joined = []
    for name in outputs:
        width = 1 if name != outputs[0] else known.output[-1] - (len(outputs) - 1)
        shape = np.array([-1, *known.output[:-1], width], dtype=np.int64)
        whole, flat = _whole_batch(graph, name), f"{name}/flat"
        graph.initializer.append(numpy_helper.from_array(shape, f"{flat}/shape"))
        joined.append(helper.make_node("Reshape", [whole, f"{flat}/shape"], [flat]))
    last = helper.make_node("Concat", [node.output[0] for node in joined], ["answers"], axis=-1)
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("answers", TensorProto.FLOAT, [BATCH, *known.output]))
    _put(graph, _needed([*graph.node, *joined, last], "answers"))


def _whole_batch(graph: onnx.GraphProto, name: str) -> str:
    """The tensor from which an output takes its only item."""
    producers = {output: node for node in graph.node for output in node.output}
    while producers[name].op_type in ("Slice", "Squeeze"):
        name = producers[name].input[0]
    return name


def _needed(nodes: list[onnx.NodeProto], output: str) -> list[onnx.NodeProto]:
    """The nodes that lead to an output, in order."""
    wanted, kept = {output}, []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            kept.append(node)
    return kept[::-1]


def _put(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)


def _compare(name: NetName, tflite: Path, path: Path, known: Signature, pictures: _Array) -> NetParity:
    """Compare both on the same inputs: one at a time in TensorFlow Lite, in one batch here."""
    inputs = _inputs(known, pictures)
    net = Net(lambda _: (path, known), NetOptions("cpu", threads=0, max_batch=len(inputs)))
    recipe = _RECIPES[name]
    values = inputs.astype(np.float32) * np.float32(recipe.scale) + np.float32(recipe.shift)
    theirs = np.stack([_ask(tflite, value, recipe.outputs, known) for value in values])
    ours = net(inputs)
    if ours.shape != theirs.shape:
        raise ModelFileError(f"{path} gives {ours.shape} for {theirs.shape}: its batch is not free.")
    return NetParity(name, len(inputs), float(np.abs(ours - theirs).max()))


def _inputs(known: Signature, pictures: _Array) -> _Array:
    """The inputs of the parity check: the pictures in the net's size, or random points."""
    if known.dtype == "float32":
        return np.random.default_rng(0).uniform(0, 256, (len(pictures), *known.shape)).astype(np.float32)
    step = pictures.shape[1] // known.shape[0]
    return np.ascontiguousarray(pictures[:, ::step, ::step])


def _ask(tflite: Path, value: _Array, outputs: tuple[str, ...], known: Signature) -> _Array:
    with _quiet():
        interpreter = tf.lite.Interpreter(str(tflite), num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], value[None])
    interpreter.invoke()
    found = {detail["name"]: detail["index"] for detail in interpreter.get_output_details()}
    parts = [interpreter.get_tensor(found[name]) for name in outputs]
    return np.concatenate([part.reshape(*known.output[:-1], -1) for part in parts], axis=-1)


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the warning that the interpreter will move to its own package."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\s*Warning: tf\.lite\.Interpreter is deprecated")
        yield


def clip_pictures(count: int = 8) -> _Array:
    """Squares of the bundled clip that a face fills to a large part."""
    import av  # noqa: PLC0415
    import cv2  # noqa: PLC0415

    clip = Path(__file__).parents[1] / "realtime" / "sources" / "demo.mp4"
    with av.open(str(clip)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    chosen = [frames[index] for index in np.linspace(0, len(frames) - 1, count).astype(int)]
    side = min(chosen[0].shape[:2])
    left = (chosen[0].shape[1] - side) // 2
    return np.stack([cv2.resize(frame[:side, left : left + side], (256, 256)) for frame in chosen])


if __name__ == "__main__":
    for proof in export(Path(sys.argv[1]), clip_pictures()):
        print(proof)  # noqa: T201
