"""Augmentation inside the network: the effects of cameras, codecs and inexact landmarks on crops.

All chance is drawn beforehand, with NumPy, from a seed that names the run and the step: a run that
is killed and resumed sees the same pictures as one that is not, on whatever backend Keras computes.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops

# Spread of the random transform: landmark jitter, and faces that are not average.
ROTATION = 0.18  # radians
SCALE = 0.12  # in log units
STRETCH = 0.06  # of the width alone, in log units
SHIFT = 0.06  # of the crop's height
GAMMA = 0.3  # in log units
CONTRAST = 0.15
NOISE = 3.0  # gray levels
# Shares of the pictures that are flipped, coarsened (a face far away) or partly covered.
FLIP = 0.5
COARSE = 0.15
COVERED = 0.15

_COLUMNS = (
    *("flip", "angle", "log_scale", "log_stretch", "right", "down", "log_gamma", "slope_x", "slope_y"),
    *("coarse", "noise", "noise_row", "noise_column", "mixed"),
    *("covered", "box_y", "box_x", "box_height", "box_width", "box_tone"),
)
_CONTINUOUS = (
    "angle",
    "log_scale",
    "log_stretch",
    "right",
    "down",
    "log_gamma",
    "slope_x",
    "slope_y",
    "noise",
)
DRAWS = len(_COLUMNS)
"""How many numbers a picture's fate takes."""
FEATURE_STEPS = 255 / 6
"""What features of ReLU6 are multiplied by to keep them as uint8."""
_NOISE_SIDE = 256
_DARKEST = 5.0  # gray level of the darkest pixel of a face; below it is painted black


def draw(count: int, seed: Sequence[int], mixup: float = 0.0) -> npt.NDArray[np.float32]:
    """Decide what becomes of each of `count` pictures.

    Args:
        count: pictures.
        seed: numbers that name the run and the step.
        mixup: parameter of the beta distribution of the weight of the previous picture
            through each one (Zhang et al. 2018, "mixup"); 0: nothing.

    Returns:
        float32 (count, `DRAWS`), for `Augment`.
    """
    rng = np.random.default_rng(tuple(seed))
    uniform = rng.random((count, 11))
    normal = np.clip(rng.standard_normal((count, 8)), -2.5, 2.5)
    jitter = normal / 1.5
    shown = rng.beta(mixup, mixup, count) if mixup else np.ones(count)
    columns = {
        "flip": uniform[:, 0] < FLIP,
        "angle": ROTATION * jitter[:, 0],
        "log_scale": SCALE * jitter[:, 1],
        "log_stretch": STRETCH * jitter[:, 2],
        "right": SHIFT * jitter[:, 3],
        "down": SHIFT * jitter[:, 4],
        "log_gamma": GAMMA * normal[:, 5],
        "slope_x": CONTRAST * normal[:, 6],
        "slope_y": CONTRAST * normal[:, 7],
        "coarse": np.searchsorted([COARSE / 2, COARSE], uniform[:, 1], side="right"),
        "noise": NOISE * uniform[:, 2],
        "noise_row": uniform[:, 3],
        "noise_column": uniform[:, 4],
        # Of the two pictures the one that comes first shows more, as its label counts more.
        "mixed": np.minimum(shown, 1 - shown),
        "covered": uniform[:, 5] < COVERED,
        "box_y": uniform[:, 6],
        "box_x": uniform[:, 7],
        "box_height": 0.1 + 0.15 * uniform[:, 8],
        "box_width": 0.1 + 0.15 * uniform[:, 9],
        "box_tone": uniform[:, 10],
    }
    return np.stack([columns[name] for name in _COLUMNS], axis=1).astype(np.float32)


def flipped(draws: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Which pictures are mirrored, bool (n,) (left and right blendshapes change places there)."""
    return np.asarray(draws[:, _COLUMNS.index("flip")] > 0.5)


def unflipped(draws: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The same fates, none of them in a mirror."""
    kept = draws.copy()
    kept[:, _COLUMNS.index("flip")] = 0.0
    return kept


def weaker(draws: npt.NDArray[np.float32], strength: float) -> npt.NDArray[np.float32]:
    """The same fates, less far from the picture as it is (or farther: above 1); mirrors and mixup stay."""
    kept = draws.copy()
    for name in _CONTINUOUS:
        kept[:, _COLUMNS.index(name)] *= strength
    return kept


def mixed(draws: npt.NDArray[np.float32], targets: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Targets (n, k) of pictures through each of which the one before it shows."""
    share = draws[:, _COLUMNS.index("mixed"), None]
    return np.asarray((1 - share) * targets + share * np.roll(targets, 1, axis=0), dtype=np.float32)


@keras.saving.register_keras_serializable("emotion")
class Augment(layers.Layer):  # type: ignore[misc]  # keras ships no types
    """Random views of crops, at the size that is trained on.

    Takes uint8 (n, parts * h, w), crops with their margin, `parts` of one face one above the other, and
    the draws of `draw`; gives float32 (n, height, width, 1) in gray levels 0 to 255 with 0 outside the
    face.

    Args:
        margin: pixels around each crop proper.
        size: (height, width) of the result.
        parts: crops in a picture.
    """

    def __init__(self, margin: int, size: tuple[int, int], parts: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.margin, self.size, self.parts = margin, tuple(size), parts

    def call(self, images: Any, draws: Any) -> Any:
        """Augment a batch."""
        value = {name: ops.reshape(draws[:, i], (-1, 1, 1, 1)) for i, name in enumerate(_COLUMNS)}
        x = self._views(ops.cast(images, "float32")[..., None], draws)
        face = ops.cast(x > _DARKEST - 1, "float32")
        x = self._coarsen(x, value["coarse"])
        x = self._tone(x, value)
        x = x + value["noise"] * self._noise(value)
        x = ops.clip(x, _DARKEST, 255.0) * face
        x = self._cover(x, value)
        return x + value["mixed"] * (ops.roll(x, 1, axis=0) - x)

    def _views(self, images: Any, draws: Any) -> Any:
        """Each part through the face's transform about its own middle, and back together."""
        count, (height, width) = self.parts, images.shape[1:3]
        images = ops.reshape(images, (-1, height // count, width, 1))
        size = (self.size[0] // count, self.size[1])
        transforms = ops.repeat(self._transforms(draws, (height // count, width), size), count, axis=0)
        warped = ops.image.affine_transform(images, transforms, "bilinear", "constant", 0.0)
        return ops.reshape(warped[:, : size[0], : size[1]], (-1, *self.size, 1))

    def _transforms(self, draws: Any, padded: tuple[int, int], size: tuple[int, int]) -> Any:
        """(n, 8): from a result's pixel to a picture's, for a part of `padded` size.

        The margin is beyond the result's edge until rotation, scale or shift bring it in.
        """
        value = {name: draws[:, i] for i, name in enumerate(_COLUMNS)}
        height, width = padded
        inner = height - 2 * self.margin
        step = ops.exp(value["log_scale"]) * (inner / size[0])  # picture's pixels a result's pixel
        mirror = (1.0 - 2.0 * value["flip"]) * ops.exp(value["log_stretch"])
        a, b = step * ops.cos(value["angle"]), step * ops.sin(value["angle"])
        middle_x, middle_y = (size[1] - 1) / 2, (size[0] - 1) / 2
        x0 = (width - 1) / 2 + inner * value["right"] - (a * mirror * middle_x - b * middle_y)
        y0 = (height - 1) / 2 + inner * value["down"] - (b * mirror * middle_x + a * middle_y)
        zero = ops.zeros_like(a)
        return ops.stack([a * mirror, -b, x0, b * mirror, a, y0, zero, zero], axis=1)

    def _coarsen(self, x: Any, coarse: Any) -> Any:
        """Some pictures at a half or a third of their resolution: a face far away or out of focus."""
        half, third = (
            ops.image.resize(
                ops.image.resize(x, (self.size[0] // by, self.size[1] // by), antialias=True), self.size
            )
            for by in (2, 3)
        )
        return ops.where(coarse < 0.5, half, ops.where(coarse < 1.5, third, x))

    def _tone(self, x: Any, value: dict[str, Any]) -> Any:
        """Gamma and a slope of light across the face: exposure, display and side light."""
        x = 255.0 * ops.power(ops.clip(x / 255.0, 0.0, 1.0), ops.exp(value["log_gamma"]))
        across = ops.reshape(ops.linspace(-1.0, 1.0, self.size[1]), (1, 1, -1, 1))
        down = ops.reshape(ops.linspace(-1.0, 1.0, self.size[0]), (1, -1, 1, 1))
        return x * (1.0 + value["slope_x"] * across + value["slope_y"] * down)

    def _noise(self, value: dict[str, Any]) -> Any:
        """Standard normal noise: for each picture another window of one plane that repeats."""
        plane = np.random.default_rng(0).standard_normal(_NOISE_SIDE * _NOISE_SIDE).astype(np.float32)
        rows = np.arange(self.size[0]).reshape(1, -1, 1, 1)
        columns = np.arange(self.size[1]).reshape(1, 1, -1, 1)
        top, left = (ops.cast(_NOISE_SIDE * value[name], "int32") for name in ("noise_row", "noise_column"))
        place = (rows + top) % _NOISE_SIDE * _NOISE_SIDE + (columns + left) % _NOISE_SIDE
        return ops.take(ops.convert_to_tensor(plane), place)

    def _cover(self, x: Any, value: dict[str, Any]) -> Any:
        """Paint an even box over some pictures: a hand, hair, a mask, glasses."""
        rows = np.arange(self.size[0], dtype=np.float32).reshape(1, -1, 1, 1) / self.size[0]
        columns = np.arange(self.size[1], dtype=np.float32).reshape(1, 1, -1, 1) / self.size[1]
        box = ops.logical_and(
            ops.abs(rows - value["box_y"]) < value["box_height"],
            ops.abs(columns - value["box_x"]) < value["box_width"],
        )
        box = ops.logical_and(box, value["covered"] > 0.5)
        return ops.where(ops.logical_and(box, x > 0.0), _DARKEST + 250.0 * value["box_tone"], x)

    def get_config(self) -> dict[str, Any]:
        """What the layer was made with."""
        config: dict[str, Any] = super().get_config()
        return config | {"margin": self.margin, "size": self.size, "parts": self.parts}


@keras.saving.register_keras_serializable("emotion")
class Mix(layers.Layer):  # type: ignore[misc]  # keras ships no types
    """Features that were computed before, as a network takes them, with mixup: of `Augment` what is left.

    Takes uint8 (n, h, w, c), `FEATURE_STEPS` a unit, and the draws of `draw`; gives float32 of that shape.
    """

    def call(self, features: Any, draws: Any) -> Any:
        """Mix a batch."""
        x = ops.cast(features, "float32") / FEATURE_STEPS
        share = ops.reshape(draws[:, _COLUMNS.index("mixed")], (-1, 1, 1, 1))
        return x + share * (ops.roll(x, 1, axis=0) - x)


def resize(crops: npt.NDArray[np.uint8], size: tuple[int, int]) -> Any:
    """Crops without their margin, uint8 (n, h, w), at another size: float32 (n, height, width, 1)."""
    inner = crops[..., None].astype(np.float32)
    return inner if inner.shape[1:3] == size else np.asarray(ops.image.resize(inner, size, antialias=True))
