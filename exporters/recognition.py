"""A face-recognition network as initial weights of an expression network.

Davis King trained dlib's face recognition (2017, public domain) on three million photographs of
faces. Its first layers have learnt features of brows, lids and lips, for which 37,000 labelled faces are
too few. The npm package ``@vladmandic/face-api`` (MIT) has its weights in a plain file::

    npm pack @vladmandic/face-api && tar xzf vladmandic-face-api-*.tgz package/model
    emotion train lips --start-from package/model
"""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emotion.exporters.restore import Affine, set_kernel, settle
from emotion.models.errors import ModelFileError
from emotion.models.training import networks
from emotion.models.training.inputs import View, load_view

Floats = npt.NDArray[np.float32]

INDEX = "face_recognition_model-weights_manifest.json"
_WEIGHTS = "face_recognition_model.bin"
# dlib's network divides gray levels by 256; ours by their standard deviation, about 45.
_CONTRAST = 45 / 256


def is_recognition(folder: Path) -> bool:
    """Whether a folder holds the weights of face recognition."""
    return (folder / INDEX).is_file()


def begin(view: View, folder: Path, data: Path, output: Path) -> Path:
    """Write ``output``, an untrained ``resnet29`` whose features are those of face recognition.

    Args:
        view: of the network.
        folder: with `INDEX` and the file of weights.
        data: the data set to train on; its training part is for the batch norms' statistics.
        output: the ``.keras`` file to write.

    Raises:
        ModelFileError: the weights are missing, damaged or of another network.
        DatasetError: `data` has no training part.
    """
    network = networks.build(view, "resnet29")
    affines: dict[str, Affine] = {}
    try:
        weights = _read(folder)
        for ours, theirs in _names():
            kernel, bias, scale, shift = (
                weights[f"{theirs}/{part}"]
                for part in ("conv/filters", "conv/bias", "scale/weights", "scale/biases")
            )
            if ours == "stem":
                # A gray picture has three equal channels.
                kernel = kernel.sum(axis=2, keepdims=True) * np.float32(_CONTRAST)
            factor = set_kernel(network.get_layer(f"{ours}_conv"), kernel)
            affines[f"{ours}_bn"] = Affine(scale / factor, shift + scale * bias)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ModelFileError(
            f"{folder} does not hold face-api's face recognition ({error}): unpack package/model of "
            "the npm package @vladmandic/face-api again."
        ) from error
    return settle(network, affines, load_view(data, view, ("train",)), output)


def _names() -> list[tuple[str, str]]:
    """(our layer, its name in face-api), input first; the last block, 3 pixels wide, is left out."""
    names = [("stem", "conv32_down")]
    for stage, (width, blocks) in enumerate(networks.RESNET29_STAGES, start=1):
        first = 1 if stage == 1 else 0
        for block in range(1, blocks + 1):
            number = block - 1 + first
            theirs = f"conv{width}_{number or 'down'}"
            names += [
                (f"stage{stage}_block{block}_{part}", f"{theirs}/conv{index}")
                for index, part in enumerate(("first", "second"), start=1)
            ]
    return names


def _read(folder: Path) -> dict[str, Floats]:
    """All weights by name; TensorFlow.js stores most as bytes between a minimum and a maximum."""
    raw = (folder / _WEIGHTS).read_bytes()
    found: dict[str, Floats] = {}
    position = 0
    for entry in json.loads((folder / INDEX).read_text(encoding="utf-8"))[0]["weights"]:
        packing = entry.get("quantization")
        kind = np.dtype(packing["dtype"] if packing else entry["dtype"])
        count = int(np.prod(entry["shape"]))
        values = np.frombuffer(raw, kind, count, position).astype(np.float32)
        position += count * kind.itemsize
        if packing:
            values = values * np.float32(packing["scale"]) + np.float32(packing["min"])
        found[entry["name"]] = values.reshape(entry["shape"])
    if position != len(raw):
        raise ValueError(f"{len(raw)} bytes of weights where {position} belong")
    return found
