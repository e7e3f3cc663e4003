"""Models in int8: faster on a CPU, and used only if the predictions agree.

Static quantisation (Jacob et al. 2018): the ranges of activations are calibrated on
training crops, and written into the graph as pairs of QuantizeLinear and DequantizeLinear
around each convolution and matrix product. Everything else stays float32.
"""

import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

from emotion.exporters.graphs import rewrite_gray, unfold_fp16
from emotion.models.checksums import follow
from emotion.models.data.stored import RegionData, load_region
from emotion.models.engines.session import RegionModel
from emotion.models.errors import ModelFileError
from emotion.models.manifest import INPUT, ModelManifest, manifest_path, read_manifest
from emotion.models.shipped import previous_path, put, refuse_shipped, workshop
from emotion.models.small_files import sha256

MIN_AGREEMENT = 0.98
MAX_LOSS = 0.01
SPARED = (2, 4, 8, 16)
"""How many of the first convolutions stay float32; the last layer always does."""
# All operations in int8 would be little faster, less accurate, and crash OpenVINO.
_QUANTISED = ("Conv", "MatMul")
# Not by itself: what comes out of a convolution is then rounded once, behind it, and not before it too.
_JOINED = ("Relu",)
_BATCH = 32
_CALIBRATING = 512


@dataclass(frozen=True, slots=True)
class Gate:
    """The comparison of a quantised model with the float one.

    Attributes:
        faces: of the validation part.
        agreement: share of them on which both give the same emotion.
        accuracy, accuracy_fp32: of both.
        trained_on: whether the models were trained on these faces; then the accuracies are not reported.
    """

    faces: int
    agreement: float
    accuracy: float
    accuracy_fp32: float
    trained_on: bool = False

    @property
    def passed(self) -> bool:
        """Whether it may replace the float model."""
        return self.agreement >= MIN_AGREEMENT and self.accuracy >= self.accuracy_fp32 - MAX_LOSS

    def __str__(self) -> str:
        agreement = f"same label on {self.agreement:.2%} of {self.faces} faces"
        if self.trained_on:
            return agreement
        return f"{agreement}, {self.accuracy:.2%} right (fp32: {self.accuracy_fp32:.2%})"


@dataclass(frozen=True, slots=True)
class Quantised:
    """The result of quantisation: the files, and the comparison."""

    model: Path
    manifest: Path
    gate: Gate


def quantise(
    region: str,
    folder: Path,
    data: Path,
    crops: int = _CALIBRATING,
    seed: int = 0,
    say: Callable[[str], None] = lambda line: None,
) -> Quantised:
    """Write ``<region>.int8.onnx`` and its manifest beside the model, if one passes the comparison.

    The first convolutions have the fewest inputs and lose the most: `SPARED` of them
    stay float32, and more if the comparison fails.

    Args:
        region: of the model.
        folder: the model folder.
        data: a data set; its training part is for calibration, its validation part for the comparison.
        crops: their number for calibration.
        seed: of their choice.
        say: called with a line on each step.

    Raises:
        ModelFileError: there is no such model, or the quantised one does not pass: then there is no
            int8 model, and an earlier one is kept as the previous version.
        ShippedModelsError: it is the folder of the models that ship.
        DatasetError: `data` lacks a part.
    """
    refuse_shipped(folder)
    plain = read_manifest(folder, region)
    training = load_region(data, region, ("train",), plain.classes.names).crops()
    chosen = training[np.random.default_rng(seed).permutation(len(training))[:crops]]
    validation = load_region(data, region, ("validation",), plain.classes.names)
    expected = predicted_classes(RegionModel(folder, region, "cpu", threads=0), validation)
    with workshop(folder) as making:
        shutil.copy(manifest_path(folder, region), making)
        path = making / f"{region}.int8.onnx"
        for spared in SPARED:
            _quantise(folder / plain.file, path, chosen, spared)
            manifest = _int8_of(plain, path)
            manifest.save(making)
            ours = predicted_classes(
                RegionModel(making, region, "cpu", threads=0, precision="int8"), validation
            )
            gate = compare(ours, expected, validation.labels)
            say(f"{len(chosen)} crops, the first {spared} convolutions left in float32: {gate}")
            if gate.passed:
                scored = _with_gate(manifest, gate).save(making)
                return Quantised(put(path, folder), put(scored, folder), gate)
    _withdraw(folder, region)
    raise ModelFileError(
        f"The {region} model loses too much in int8 ({gate}): it is not offered. The gate is "
        f"{MIN_AGREEMENT:.0%} agreement and {100 * MAX_LOSS:.0f} point of accuracy."
    )


def predicted_classes(model: RegionModel, faces: RegionData) -> npt.NDArray[np.int64]:
    """int64 (n,): a model's prediction for each face."""
    probabilities = np.concatenate([model(part) for part in _batches(faces.crops())])
    return np.asarray(probabilities.argmax(axis=1), dtype=np.int64)


def compare(
    ours: npt.NDArray[np.int64],
    plain: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
    trained_on: bool = False,
) -> Gate:
    """Compare the quantised model's predictions with the float one's and with the truth."""
    return Gate(
        faces=len(labels),
        agreement=float((ours == plain).mean()),
        accuracy=float((ours == labels).mean()),
        accuracy_fp32=float((plain == labels).mean()),
        trained_on=trained_on,
    )


def prove(
    folder: Path,
    region: str,
    ours: npt.NDArray[np.int64],
    plain: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
    trained_on: bool = False,
) -> Gate:
    """Keep a quantised model with its scores, or remove it if it does not pass.

    Args:
        folder: with the float model and the quantised one.
        region: of the models.
        ours, plain: int64 (n,), the predictions of both for some faces.
        labels: int64 (n,), the truth.
        trained_on: whether the models were trained on these faces.
    """
    gate = compare(ours, plain, labels, trained_on)
    if gate.passed:
        _with_gate(read_manifest(folder, region, "int8"), gate).save(folder)
    else:
        _withdraw(folder, region)
    return gate


def write_int8(
    folder: Path, region: str, crops: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64], spared: int
) -> Gate:
    """Write a model's quantised version beside it, and keep it if its predictions agree.

    Args:
        folder: with the float model.
        region: of the model.
        crops: uint8 (n, height, width), for calibration and comparison: those that it was trained on.
        labels: int64 (n,), the truth.
        spared: number of the first convolutions that stay float32.
    """
    plain = read_manifest(folder, region)
    path = folder / f"{region}.int8.onnx"
    chosen = crops[np.random.default_rng(0).permutation(len(crops))[:_CALIBRATING]]
    _quantise(folder / plain.file, path, chosen, spared)
    _int8_of(plain, path).save(folder)
    predicted = [
        np.concatenate([model(part) for part in _batches(crops)]).argmax(axis=1)
        for model in (
            RegionModel(folder, region, "cpu", threads=0, precision="int8"),
            RegionModel(folder, region, "cpu", threads=0),
        )
    ]
    return prove(folder, region, predicted[0], predicted[1], labels, trained_on=True)


def _int8_of(plain: ModelManifest, path: Path) -> ModelManifest:
    """The manifest of a quantised model."""
    return replace(
        plain, file=path.name, sha256=sha256(path), precision="int8", made_from=plain.sha256, scores={}
    )


def _quantise(source: Path, target: Path, crops: npt.NDArray[np.uint8], spared: int) -> None:
    model = onnx.shape_inference.infer_shapes(rewrite_gray(unfold_fp16(onnx.load(source))))
    names = [node.name for node in model.graph.node if node.op_type in _QUANTISED]
    with TemporaryDirectory() as folder, _without_advice():
        plain = Path(folder) / "plain.onnx"
        onnx.save(model, plain)
        quantize_static(
            plain,
            target,
            _Crops(crops),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=[*_QUANTISED, *_JOINED],
            nodes_to_exclude=[*names[:spared], names[-1]],
            per_channel=True,
            # Seven bits for weights: processors without VNNI add two products in 16 bits, which overflow
            # with eight. So the model gives the same results on every processor.
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"CalibMovingAverage": True},
        )


@contextmanager
def _without_advice() -> Iterator[None]:
    """Suppress the quantiser's advice to prepare the graph, which the export has done."""
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(previous)


class _Crops(CalibrationDataReader):  # type: ignore[misc]  # ONNX Runtime ships no types
    """Feeds crops to the quantiser, a batch at a time."""

    def __init__(self, crops: npt.NDArray[np.uint8]) -> None:
        self._batches = _batches(crops)

    def get_next(self) -> dict[str, Any] | None:
        """The next batch by the input's name; None at the end."""
        batch = next(self._batches, None)
        return None if batch is None else {INPUT: batch[..., None]}


def _batches(crops: npt.NDArray[np.uint8]) -> Iterator[npt.NDArray[np.uint8]]:
    return (crops[start : start + _BATCH] for start in range(0, len(crops), _BATCH))


def _with_gate(manifest: ModelManifest, gate: Gate) -> ModelManifest:
    scores = {"faces": gate.faces, "agreement_with_fp32": round(gate.agreement, 4)}
    if not gate.trained_on:
        scores |= {"accuracy": round(gate.accuracy, 4), "accuracy_fp32": round(gate.accuracy_fp32, 4)}
    return replace(manifest, scores=scores)


def _withdraw(folder: Path, region: str) -> None:
    """Remove the quantised model; it is kept as the previous version."""
    for file in (manifest_path(folder, region, "int8"), folder / f"{region}.int8.onnx"):
        if file.exists():
            os.replace(file, previous_path(file))
            follow(file)
