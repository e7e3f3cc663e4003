"""A third, small classifier: predicts from the 52 blendshapes that come with the landmarks.

They cost nothing at run time. The classifier is a multilayer perceptron of scikit-learn, kept as
plain arrays, so that running it needs NumPy alone.
"""

import hashlib
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from emotion.models.classes import SIX, Classes
from emotion.models.errors import DatasetError, ModelFileError, unreadable_model
from emotion.models.shipped import put, workshop
from emotion.models.small_files import sha256
from emotion.models.statistics.affine import affine
from emotion.models.statistics.calibration import fit_temperature

FILE = "blendshapes.npz"
FORMAT = 1
DECIMALS = 5
"""Decimals of blendshapes in data sets."""
_COUNT = 52
# Blendshapes that hardly leave 0, such as cheekSquintLeft, are all 0 when rounded. If scaled by how much they
# vary, a face in which one is not would be a thousand standard deviations away.
_LEAST = 0.005
# What 0.2.0 and earlier wrote for those that did not vary at all.
_EARLIER_LEAST = np.float32(1e-6)

_Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class BlendshapeModel:
    """Blendshapes in, probabilities of the classes out.

    Attributes:
        mean, scale: float32 (52,): of the square roots of the blendshapes in the training part; infinite for
            those that hardly vary there, which do not count.
        layers: pairs of weights (in, out) and biases (out,); rectified between two.
        temperature: by which the logits are divided to calibrate them.
        classes: of the outputs, in order.
    """

    mean: _Array
    scale: _Array
    layers: tuple[tuple[_Array, _Array], ...]
    temperature: float = 1.0
    classes: Classes = SIX

    def __call__(self, blendshapes: npt.NDArray[np.float32]) -> _Array:
        """Probabilities, float32 (n, classes), for blendshapes, float32 (n, 52) in [0, 1]."""
        values = (features(blendshapes) - self.mean) / self.scale
        *hidden, (weights, bias) = self.layers
        for inner, offset in hidden:
            values = np.maximum(affine(values, inner, offset), 0)
        logits = affine(values, weights, bias) / self.temperature
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True), dtype=np.float32)

    @property
    def digest(self) -> str:
        """A checksum of its weights."""
        digest = hashlib.sha256(f"{self.temperature} {self.classes}".encode())
        for array in (self.mean, self.scale, *(part for pair in self.layers for part in pair)):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def save(self, folder: Path) -> Path:
        """Write ``blendshapes.npz`` into a model folder."""
        arrays: dict[str, Any] = {
            f"{kind}{i}": part
            for i, pair in enumerate(self.layers)
            for kind, part in zip("wb", pair, strict=True)
        }
        with workshop(folder) as making:
            np.savez_compressed(
                making / FILE,
                format=FORMAT,
                classes=np.array(self.classes.names),
                mean=self.mean,
                scale=self.scale,
                temperature=self.temperature,
                **arrays,
            )
            return put(making / FILE, folder)

    @classmethod
    def read(cls, folder: Path, digest: str | None = None, classes: Classes = SIX) -> "BlendshapeModel":
        """The classifier of a model folder.

        Args:
            folder: holds ``blendshapes.npz``.
            digest: the SHA-256 that the file must have, where it is known.
            classes: that it must have.

        Raises:
            ModelFileError: it is missing, damaged, or of another version.
        """
        path = folder / FILE
        advice = "Make it with 'emotion weights', or install emotion-live again."
        try:
            found = sha256(path)
            if digest is not None and found != digest:
                raise ModelFileError(f"{path} is damaged or changed (wrong sha256). {advice}")
            with np.load(path, allow_pickle=False) as stored:
                if int(stored["format"]) != FORMAT or tuple(stored["classes"].tolist()) != classes.names:
                    raise ModelFileError(f"{path} is for another version of the program. {advice}")
                count = sum(name.startswith("w") for name in stored.files)
                layers = tuple((stored[f"w{i}"], stored[f"b{i}"]) for i in range(count))
                scale = np.where(stored["scale"] == _EARLIER_LEAST, np.float32(np.inf), stored["scale"])
                model = cls(stored["mean"], scale, layers, float(stored["temperature"]), classes)
            if not np.isfinite(model(np.zeros((1, _COUNT), np.float32))).all():
                raise ValueError("what it says is no number")
        except OSError as error:
            raise unreadable_model(path, error, advice) from error
        except (KeyError, TypeError, ValueError, EOFError, BadZipFile) as error:
            if isinstance(error, ModelFileError):
                raise
            raise ModelFileError(f"{path} is not a classifier of blendshapes. {advice}") from error
        return model


def train_blendshapes(
    blendshapes: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64],
    held_out: tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]],
    seed: int = 0,
    classes: Classes = SIX,
    weights: npt.NDArray[np.float64] | None = None,
) -> BlendshapeModel:
    """Train the classifier, and calibrate it.

    Args:
        blendshapes: float32 (n, 52), of the training part.
        labels: int64 (n,), all classes among them.
        held_out: blendshapes and labels of faces to fit the temperature on.
        seed: of first weights and order.
        classes: of the labels.
        weights: float64 (n,), how much each face counts; then classes are taken to be equally likely, and how
            common they are among the weighed faces is left out (`training.refit`). Without, a face counts
            the less, the more common its class is.

    Raises:
        DatasetError: a class is missing.
    """
    from sklearn.neural_network import MLPClassifier  # noqa: PLC0415  running needs none of it

    if len(np.unique(labels)) != len(classes):
        raise DatasetError("The training part lacks faces of an emotion; --no-blendshapes does without them.")
    values = features(blendshapes)
    mean, scale = values.mean(axis=0), values.std(axis=0)
    scale[scale < _LEAST] = np.inf
    # Small sets need small batches: thirty passes are to be some thousand steps.
    batch = int(np.clip(len(labels) // 80, 16, 256))
    network = MLPClassifier((64,), alpha=1.0, batch_size=batch, max_iter=30, random_state=seed)
    with warnings.catch_warnings():  # intentionally stopped before convergence
        warnings.simplefilter("ignore")
        # A face of a common emotion has less weight: class frequencies of the data are not those in use.
        counts = np.bincount(labels)[labels] ** -0.5 if weights is None else weights
        network.fit((values - mean) / scale, labels, sample_weight=counts / counts.mean())
    pairs = zip(network.coefs_, network.intercepts_, strict=True)
    layers = [(kernel.astype(np.float32), bias.astype(np.float32)) for kernel, bias in pairs]
    kernel, bias = layers[-1]
    if len(classes) == 2:  # sklearn has one output then: the logit of the second above the first
        layers[-1] = np.hstack([-kernel / 2, kernel / 2]), np.hstack([-bias / 2, bias / 2])
    if weights is not None:
        kernel, bias = layers[-1]
        layers[-1] = kernel, bias - np.log(np.bincount(labels, weights) / weights.sum()).astype(np.float32)
    raw = BlendshapeModel(mean, scale, tuple(layers), classes=classes)
    return replace(raw, temperature=fit_temperature(held_out[1], raw(held_out[0])))


def features(blendshapes: npt.NDArray[np.floating]) -> _Array:
    """Square roots: most blendshapes are near 0, where small differences matter most.

    Rounded first, as in data sets: else the input would differ from that on which the
    classifier is trained and evaluated.
    """
    kept = np.round(np.clip(blendshapes, 0, 1).astype(np.float64), DECIMALS).astype(np.float32)
    return np.asarray(np.sqrt(kept), dtype=np.float32)
