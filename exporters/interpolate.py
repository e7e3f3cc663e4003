"""Interpolates between two models: an included one, and one fine-tuned from it on other sets.

Fine-tuning often improves results on new faces and worsens them on old ones; with the mean of both weights,
much of the gain remains and little of the loss (Wortsman et al. 2022, "Robust fine-tuning of zero-shot
models", WiSE-FT). Here the exported graphs are interpolated, in which batch norms are a scale and a shift
already, so no statistics have to be estimated again.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from emotion.exporters.graphs import rewrite_gray
from emotion.exporters.model_files import put_model
from emotion.models.errors import ModelFileError
from emotion.models.manifest import read_manifest


def interpolate(before: Path, after: Path, region: str, share: float, output: Path) -> Path:
    """Write a model whose weights are ``(1 - share) * before + share * after``, and its manifest.

    Args:
        before, after: model folders with the same network, the second fine-tuned from the first.
        region: of the models.
        share: of the second, from 0 to 1.
        output: the folder to write to, where models of the same name are kept as previous versions; scores
            are not copied, and the temperature is the second's.

    Returns:
        The path of the new model; its last layer should be fitted again.

    Raises:
        ModelFileError: a model is missing or damaged, or they are different networks.
    """
    manifests = [read_manifest(folder, region) for folder in (before, after)]
    first, second = (
        onnx.load(folder / manifest.file) for folder, manifest in zip((before, after), manifests, strict=True)
    )
    mixed = mix_graphs(first, second, share)
    return put_model(mixed, replace(manifests[1], scores={}), output)


def mix_graphs(first: onnx.ModelProto, second: onnx.ModelProto, share: float) -> onnx.ModelProto:
    """The first graph with constants between its own and those of the second at the same places.

    Args:
        first, second: rewritten in place for gray crops, as what `emotion export` writes is and older models
            are not: constants of two graphs of one network then have the same shapes.

    Raises:
        ModelFileError: they are graphs of different networks.
    """
    first, second = rewrite_gray(first), rewrite_gray(second)
    if [node.op_type for node in first.graph.node] != [node.op_type for node in second.graph.node]:
        raise ModelFileError("these are different networks: only the same one can be mixed with itself.")
    others = {tensor.name: tensor for tensor in second.graph.initializer}
    # Names differ between exports; positions in the graph do not.
    places = {
        name: other
        for mine, theirs in zip(first.graph.node, second.graph.node, strict=True)
        for name, other in zip(mine.input, theirs.input, strict=True)
    }
    mixed = onnx.ModelProto()
    mixed.CopyFrom(first)
    for tensor in mixed.graph.initializer:
        mine = numpy_helper.to_array(tensor)
        theirs = numpy_helper.to_array(others[places[tensor.name]])
        if mine.shape != theirs.shape:
            raise ModelFileError(f"{tensor.name} is {mine.shape} in one and {theirs.shape} in the other.")
        if np.issubdtype(mine.dtype, np.floating):
            between = (1 - share) * mine.astype(np.float32) + share * theirs.astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(between.astype(mine.dtype), tensor.name))
    return mixed
