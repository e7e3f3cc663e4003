"""A model folder of any classes, made in a moment: networks that tell them by the mean gray of a crop."""

import json
from pathlib import Path

import numpy as np
import onnx

from emotion.models.classes import Classes
from emotion.models.manifest import ModelManifest
from emotion.models.regions import EYES, LIPS, Region
from emotion.models.small_files import sha256
from emotion.models.voting.vote import FORMAT, VoteWeights


def model_folder(folder: Path, classes: Classes, regions: tuple[Region, ...] = (EYES, LIPS)) -> Path:
    """Write models of some regions, and their equal vote."""
    for region in regions:
        path = folder / f"{region.name}.onnx"
        onnx.save(_network(region, len(classes)), path)
        ModelManifest(
            region.name, "mean gray", path.name, sha256(path), "float32", region.size, classes=classes
        ).save(folder)
    names = tuple(region.name for region in regions)
    rule = VoteWeights.equal(classes, names).rule
    values = {
        "format": FORMAT,
        "classes": list(classes),
        "regions": list(names),
        "rule": "equal",
        "rules": {"equal": rule.to_json(classes, names)},
    }
    (folder / "weights.json").write_text(json.dumps(values), encoding="utf-8")
    return folder


def _network(region: Region, count: int) -> onnx.ModelProto:
    make, tensor = onnx.helper.make_node, onnx.numpy_helper.from_array
    height, width = region.size
    levels = np.linspace(-1, 1, count, dtype=np.float32)
    constants = [
        tensor(np.array([-1, height * width]), "flat"),
        tensor(np.float32(1 / 128), "scale"),
        # The larger the gray, the later the class: tangents of a parabola.
        tensor(np.stack([4 * levels]), "kernel"),
        tensor(-2 * levels**2 - 4 * levels, "bias"),
    ]
    nodes = [
        make("Cast", ["crops"], ["gray"], to=onnx.TensorProto.FLOAT),
        make("Reshape", ["gray", "flat"], ["rows"]),
        make("ReduceMean", ["rows"], ["mean"], axes=[1], keepdims=1),
        make("Mul", ["mean", "scale"], ["seen"]),
        make("MatMul", ["seen", "kernel"], ["product"]),
        make("Add", ["product", "bias"], ["logits"]),
        make("Softmax", ["logits"], ["probabilities"]),
    ]
    crops = onnx.helper.make_tensor_value_info("crops", onnx.TensorProto.UINT8, ["n", height, width, 1])
    reported = onnx.helper.make_tensor_value_info("probabilities", onnx.TensorProto.FLOAT, ["n", count])
    graph = onnx.helper.make_graph(nodes, region.name, [crops], [reported], constants)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
