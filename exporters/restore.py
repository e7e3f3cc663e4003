"""Restores a Keras network from a model file, so that training can continue from it.

An exported graph has lost what only training needs: its batch norms are folded to a scale and a
shift, and the blendshape head is missing. Both can be estimated from data. A batch norm gets the mean
and the variance of its input, and the gamma and beta that give the
same scale and shift; the blendshape head is fitted to the features by least squares.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import onnx
from keras import layers
from onnx import numpy_helper

from emotion.models.atomic_files import atomic_output
from emotion.models.data.stored import RegionData, load_region
from emotion.models.errors import ModelFileError
from emotion.models.manifest import read_manifest
from emotion.models.training import networks
from emotion.models.training.inputs import View
from emotion.models.training.options import TITLES, Architecture
from emotion.models.training.trainer import BlendshapeTargets

Floats = npt.NDArray[np.float32]

_FACES = 4096
_BATCH = 64
_RIDGE = 1e-2  # of the features' own variance
_CALL = re.compile(r"_\d+$")  # Keras numbers the calls of a layer in a tensor's name


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """A folded batch norm, per channel: scale * x + shift."""

    scale: Floats
    shift: Floats


def restore(region: View, folder: Path, data: Path, output: Path) -> Path:
    """Write ``output``, a ``.keras`` network with the same outputs as the model in `folder`.

    Args:
        region: which of the folder's models.
        folder: a model folder, for example ``models/zoo``.
        data: the data set for further training; its training part is for the batch norms' statistics.
        output: the file to write.

    Raises:
        ModelFileError: the model is missing or damaged, or is not of this version's architecture.
        DatasetError: `data` has no training part.
    """
    manifest = read_manifest(folder, region)
    graph = onnx.load(folder / manifest.file).graph
    architecture = next((key for key, title in TITLES.items() if title == manifest.architecture), None)
    network = networks.build(region, architecture)
    training = load_region(data, region, ("train",))
    try:
        affines = _set_kernels(network, _constants(graph), graph)
    except (KeyError, IndexError, ValueError) as error:
        raise ModelFileError(
            f"{folder / manifest.file} is not a {region} network of this version: {error}"
        ) from error
    _divide_logits(network, manifest.temperature)
    return settle(network, affines, training, output)


def fill(network: keras.Model, folder: Path, region: str) -> None:
    """Copy the layers of a model in a folder into a network, except the heads.

    Its batch norms then have no statistics, only scale and shift: they must be frozen
    (as in `emotion.models.training.fine_tuning`).

    Args:
        network: made by `networks.network`, of the model's architecture, for any classes.
        folder: a model folder.
        region: of the model.

    Raises:
        ModelFileError: the model is missing or damaged, or is of another architecture.
    """
    file = folder / read_manifest(folder, region).file
    graph = onnx.load(file).graph
    try:
        affines = _set_kernels(network, _constants(graph), graph, with_head=False)
    except (KeyError, IndexError, ValueError) as error:
        raise ModelFileError(f"{file} cannot begin {network.name}: {error}") from error
    _set_affines(network, affines)


def architecture_of(path: Path) -> Architecture:
    """The architecture of a ``.keras`` file of this program, by its name.

    Raises:
        ModelFileError: it is not such a file.
    """
    try:
        name = keras.saving.load_model(path, compile=False).name.partition("_")[2]
    except (OSError, ValueError) as error:
        raise ModelFileError(f"{path} is no trained network: {error}") from error
    for known in TITLES:
        if known == name:
            return known
    raise ModelFileError(f"{path} does not say of which architecture it is: name it (--architecture).")


def take_layers(network: keras.Model, path: Path) -> None:
    """Copy layers of the same names from a ``.keras`` file into a network, except the heads.

    A first convolution for colours becomes the sum over them, since a gray picture has three equal
    channels.

    Raises:
        ModelFileError: it is not such a file, or lacks a layer.
    """
    try:
        begun = keras.saving.load_model(path, compile=False)
    except (OSError, ValueError) as error:
        raise ModelFileError(f"{path} is no trained network: {error}") from error
    there = {layer.name: layer.get_weights() for layer in _all_layers(begun)}
    heads = (networks.EMOTION_HEAD, networks.BLENDSHAPE_HEAD)
    for layer in network.layers:
        if not layer.weights or layer.name in heads:
            continue
        weights = there.get(layer.name, [])
        wanted = [tuple(weight.shape) for weight in layer.weights]
        if weights and weights[0].ndim == 4 and weights[0].shape[2] == 3 and wanted[0][2] == 1:
            weights = [weights[0].sum(axis=2, keepdims=True), *weights[1:]]
        if [weight.shape for weight in weights] != wanted:
            raise ModelFileError(
                f"{path} has no layer {layer.name} like {network.name}'s: both must have one --architecture."
            )
        layer.set_weights(weights)


def _all_layers(model: keras.Model) -> Iterator[keras.Layer]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _all_layers(layer)
        else:
            yield layer


def settle(network: keras.Model, affines: dict[str, Affine], training: RegionData, output: Path) -> Path:
    """Estimate batch norms and blendshape head of a network from data, and write it.

    Args:
        network: made by `networks.build`; its batch norms and blendshape head are filled.
        affines: scale and shift of each batch norm, by name.
        training: the training part of the data set.
        output: the ``.keras`` file to write.
    """
    rows = np.sort(np.random.default_rng(0).permutation(len(training))[:_FACES])
    _set_batch_norms(network, affines, training.crops()[rows])
    _fit_blendshapes(network, training, rows)
    output.parent.mkdir(parents=True, exist_ok=True)
    with atomic_output(output) as made:
        network.save(made)
    return output


def set_kernel(layer: layers.Conv2D, kernel: Floats) -> Floats:
    """Fill a convolution before a batch norm; returns the factor by which each filter was multiplied.

    There a kernel's norm is arbitrary, but it affects the effective learning rate: it is set to that of an
    untrained one.
    """
    length = np.sqrt((kernel**2).sum(axis=(0, 1, 2))) + 1e-12
    wanted = np.sqrt((np.asarray(layer.kernel) ** 2).sum(axis=(0, 1, 2))).mean()
    factor = np.asarray(wanted / length, dtype=np.float32)
    layer.set_weights([kernel * factor])
    return factor


def _constants(graph: onnx.GraphProto) -> dict[str, Floats]:
    """All weights by name, those that are stored as float16 too."""
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    casts = {
        n.output[0]: found[n.input[0]] for n in graph.node if n.op_type == "Cast" and n.input[0] in found
    }
    return {name: value.astype(np.float32) for name, value in (found | casts).items()}


def _set_kernels(
    network: keras.Model, constants: dict[str, Floats], graph: onnx.GraphProto, with_head: bool = True
) -> dict[str, Affine]:
    """Fill convolutions and the emotion head; returns scale and shift of each batch norm."""
    names = {layer.name for layer in network.layers}
    affines: dict[str, Affine] = {}
    for node in graph.node:
        if node.op_type == "Conv":
            layer = network.get_layer(_layer_of(f"{node.input[1]}/{node.input[-1]}", names))
            weights = [constants[name] for name in node.input[1:]]
            affine = _set_convolution(layer, *weights)
            if affine is not None:
                affines[_layer_of(node.input[2], names)] = affine
        elif node.op_type == "BatchNormalization":
            scale, shift = (constants[name] for name in node.input[1:3])
            affines[_layer_of(node.input[1], names)] = Affine(scale, shift)
        elif node.op_type == "MatMul":
            kernel = constants[node.input[1]]
        elif with_head and node.op_type == "Add" and "BiasAdd" in node.output[0]:
            network.get_layer(networks.EMOTION_HEAD).set_weights([kernel, constants[node.input[1]]])
    missing = {layer.name for layer in _batch_norms(network)} - set(affines)
    if missing:
        raise KeyError(f"no scale and shift for {', '.join(sorted(missing))}")
    return affines


def _set_convolution(layer: keras.layers.Layer, kernel: Floats, bias: Floats | None = None) -> Affine | None:
    """Fill a convolution; returns scale and shift of the batch norm after it, if the bias belongs to that."""
    kernel = kernel.transpose(2, 3, 1, 0)
    if isinstance(layer, layers.DepthwiseConv2D):
        kernel = kernel.transpose(0, 1, 3, 2)
    if bias is None:
        layer.set_weights([kernel])
    elif layer.use_bias:
        layer.set_weights([kernel, bias])
    else:
        return Affine(np.float32(1) / set_kernel(layer, kernel), bias)
    return None


def _divide_logits(network: keras.Model, temperature: float) -> None:
    """The operations of the exported graph after its head."""
    head = network.get_layer(networks.EMOTION_HEAD)
    head.set_weights([weights / temperature for weights in head.get_weights()])


def _layer_of(tensor: str, names: set[str]) -> str:
    """The Keras layer of a tensor, from its name: ``eyes_1/eyes_1/conv1_conv_1/convolution/...``."""
    for part in tensor.split("/"):
        if (name := _CALL.sub("", part)) in names:
            return name
    raise KeyError(f"{tensor} belongs to no layer")


def _batch_norms(network: keras.Model) -> list[layers.BatchNormalization]:
    return [layer for layer in network.layers if isinstance(layer, layers.BatchNormalization)]


def _set_affines(network: keras.Model, affines: dict[str, Affine]) -> list[layers.BatchNormalization]:
    """Set each batch norm to its scale and shift, for inputs of mean 0 and variance 1."""
    norms = _batch_norms(network)
    for norm in norms:
        affine = affines[norm.name]
        ones = np.ones_like(affine.scale)
        norm.set_weights([affine.scale, affine.shift, 0 * ones, ones - norm.epsilon])
    return norms


def _set_batch_norms(network: keras.Model, affines: dict[str, Affine], crops: npt.NDArray[np.uint8]) -> None:
    """Set the measured statistics, and the gamma and beta that keep the outputs."""
    norms = _set_affines(network, affines)
    probe = keras.Model(network.inputs, [_moments(norm.input) for norm in norms])
    seen = [probe.predict_on_batch(chunk) for chunk in _chunks(crops)]
    for norm, moments in zip(norms, zip(*seen, strict=True), strict=True):
        mean, square = np.mean(moments, axis=0)
        variance = np.maximum(square - mean**2, 0)
        affine = affines[norm.name]
        gamma = affine.scale * np.sqrt(variance + norm.epsilon)
        norm.set_weights([gamma, affine.shift + affine.scale * mean, mean, variance])


@keras.saving.register_keras_serializable("emotion")
class _Moments(layers.Layer):  # type: ignore[misc]  # keras ships no types
    """Mean and mean square of each channel over a batch, float32 (2, channels)."""

    def call(self, x: object) -> object:
        axes = tuple(range(len(x.shape) - 1))  # type: ignore[attr-defined]
        return keras.ops.stack([keras.ops.mean(x, axis=axes), keras.ops.mean(keras.ops.square(x), axis=axes)])


def _moments(tensor: object) -> object:
    return _Moments()(tensor)


def _fit_blendshapes(network: keras.Model, training: RegionData, rows: npt.NDArray[np.int64]) -> None:
    """Ridge regression of the standardised blendshapes on the last features."""
    head = network.get_layer(networks.BLENDSHAPE_HEAD)
    extractor = keras.Model(network.inputs, head.input)
    chunks = [extractor.predict_on_batch(chunk) for chunk in _chunks(training.crops()[rows])]
    features = np.concatenate(chunks).astype(np.float64)
    targets = BlendshapeTargets.fit(training.blendshapes)
    wanted = targets(training.blendshapes[rows[: len(features)]], np.zeros(len(features), bool))
    mean, offset = features.mean(axis=0), wanted.mean(axis=0)
    centred = features - mean
    ridge = _RIDGE * len(features) * (centred**2).mean() * np.eye(centred.shape[1])
    kernel = np.linalg.solve(centred.T @ centred + ridge, centred.T @ (wanted - offset))
    head.set_weights([kernel.astype(np.float32), (offset - mean @ kernel).astype(np.float32)])


def _chunks(crops: npt.NDArray[np.uint8]) -> Iterator[npt.NDArray[np.uint8]]:
    """Full batches, since one shape is traced only once; at least one batch."""
    for start in range(0, max(len(crops) - _BATCH, 0) + 1, _BATCH):
        yield crops[start : start + _BATCH, ..., None]
