"""Visibility of regions: detects a mouth behind a hand, or eyes behind sunglasses.

A crop is shrunk, standardised and described by a histogram of oriented gradients; a net with one small hidden
layer gives the probability that nothing covers the region. It was fitted on photographs with synthetic
occluders, and its weights are in ``visibility.npz``: `emotion.benchmarks.studies.visibility` fits and
evaluates it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from emotion.models.errors import ModelFileError, unreadable_model
from emotion.models.regions import REGIONS, Image, Region, Regions
from emotion.models.statistics.affine import affine

PATH = Path(__file__).parent / "visibility.npz"

HIDDEN = 0.2
"""A region with at most this probability does not vote."""
# From this probability on it has its full vote.
_FREE = 0.6
# Alignment errors, in canvas points, between which a face's vote fades out: heads turned aside by 43 and
# 62 degrees. On web-faces, scores do not fall up to 8.
_FRONT_TO_SIDE = (9.0, 15.0)
# A smaller weight is set to 0.
_SILENT = 0.05
# The share of a region inside the picture at which it has half of its vote.
MIN_VISIBLE = 0.6

# Gray levels that are added to a crop's standard deviation; fewer if that is below so many.
_SOFT, _FLAT = 8.0, 30.0
# The factor by which a crop is shrunk.
_SHRINK = 4
# A cell of the histogram of directions, in pixels of the crop, and its number of directions.
_CELL = 8
_DIRECTIONS = 8
# Pixels within this distance of the oval's edge are affected by it.
_EDGE = np.ones((5, 5), np.uint8)

Features = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class VisibilityModel:
    """One region's net.

    Attributes:
        hidden: float32 (d + 1, k), weights of the hidden layer, the last row its biases.
        output: float32 (k + 1,), weights of the output, the last its bias.
    """

    hidden: npt.NDArray[np.float32]
    output: npt.NDArray[np.float32]

    def __call__(self, crops: Sequence[Image]) -> npt.NDArray[np.float32]:
        """The probability that nothing covers the region of each crop, float32 (n,) in [0, 1].

        Args:
            crops: uint8 (h, w) gray, 0 outside the face, all of the region's size.
        """
        if not len(crops):
            return np.zeros(0, np.float32)
        described = np.array([features(crop) for crop in crops])
        inner = np.maximum(affine(described, self.hidden[:-1], self.hidden[-1]), 0)
        return np.asarray(1 / (1 + np.exp(-affine(inner, self.output[:-1], self.output[-1]))), np.float32)


def features(crop: Image) -> Features:
    """The input features of a crop: float32 (d,)."""
    small = cv2.resize(crop, None, fx=1 / _SHRINK, fy=1 / _SHRINK, interpolation=cv2.INTER_AREA)
    gray = small.astype(np.float32)
    face = gray > 0
    level, spread = _level_and_spread(gray[face])
    scale = spread + _softness(spread)
    gray = np.where(face, (gray - level) / scale, np.float32(0))
    return np.concatenate([gray.ravel(), _directions(crop, scale)])


def _level_and_spread(grays: npt.NDArray[np.float32]) -> tuple[np.float32, float]:
    """Mean and standard deviation, as NumPy's, whose own take three times as long; 0 and 1 of nothing."""
    if not grays.size:
        return np.float32(0), 1.0
    level = np.float32(np.add.reduce(grays) / grays.size)
    off = grays - level
    return level, float(np.sqrt(np.float32(np.add.reduce(off * off) / grays.size)))


def _softness(spread: float) -> float:
    """Regularises the contrast of flat crops; smaller in a dark picture, whose contrast is low."""
    return _SOFT * min(1.0, max(spread / _FLAT, 1 / 6))


def _directions(crop: Image, scale: float) -> Features:
    """How strong the edges of each direction are in each cell: float32, by rows, columns and directions."""
    right, down = cv2.Sobel(crop, cv2.CV_32F, 1, 0), cv2.Sobel(crop, cv2.CV_32F, 0, 1)
    strength, angle = cv2.cartToPolar(right, down)
    # The oval's edge comes from cropping and is no feature.
    strength *= cv2.erode(crop, _EDGE) > 0
    # Angles are not negative, and directions a power of two: this is the remainder.
    turn = (angle * (_DIRECTIONS / np.pi)).astype(np.int32) & (_DIRECTIONS - 1)
    cells = _cells(*crop.shape)
    total = np.bincount((cells + turn).ravel(), strength.ravel(), int(cells[-1, -1]) + _DIRECTIONS)
    return np.asarray(np.log1p(total / (_CELL**2 * scale) * 4), np.float32)


@cache
def _cells(height: int, width: int) -> npt.NDArray[np.int32]:
    """The start index of the histogram of each pixel's cell, int32 (height, width)."""
    rows, columns = np.arange(height) // _CELL, np.arange(width) // _CELL
    return np.asarray((rows[:, None] * (width // _CELL) + columns) * _DIRECTIONS, np.int32)


def how_seen(
    inside: npt.NDArray[np.float32],
    free: npt.NDArray[np.float32],
    turned: npt.NDArray[np.float32],
    least: float = MIN_VISIBLE,
) -> npt.NDArray[np.float32]:
    """The visibility of regions, float32 (n, k) in [0, 1]: the weights of their votes.

    It decreases as a region leaves the picture, as something covers it, and as the head turns away.

    Args:
        inside: float32 (n, k), the share of each region that lies inside the picture.
        free: float32 (n, k), the probability that nothing covers it, by a `VisibilityModel`.
        turned: float32 (n,), alignment errors.
        least: the share inside the picture at which a region has half of its vote; with 0.2 less it has none,
            with 0.2 more its full vote.
    """
    seen = _ramp(inside, least - 0.2, least + 0.2) * _ramp(free, HIDDEN, _FREE)
    seen = seen * (1 - _ramp(turned, *_FRONT_TO_SIDE))[:, None]
    return np.asarray(np.where(seen < _SILENT, 0, seen), np.float32)


def _ramp(values: npt.NDArray[np.float32], low: float, high: float) -> npt.NDArray[np.float32]:
    """0 up to `low`, 1 from `high` on, straight between."""
    # For few numbers half of the time of np.clip.
    return np.asarray(np.minimum(np.maximum((values - low) / (high - low), 0), 1), np.float32)


@cache
def read() -> dict[str, VisibilityModel]:
    """The nets of the regions that ship, read once a process.

    Raises:
        ModelFileError: their file is missing or damaged.
    """
    try:
        with np.load(PATH, allow_pickle=False) as numbers:
            return {
                region: VisibilityModel(
                    numbers[f"{region}_hidden"].astype(np.float32),
                    numbers[f"{region}_output"].astype(np.float32),
                )
                for region in REGIONS.names
            }
    except OSError as error:
        raise unreadable_model(PATH, error, "Install emotion-live again.") from error
    except (KeyError, ValueError) as error:
        raise ModelFileError(f"{PATH} cannot be read ({error}). Install emotion-live again.") from error


def nets_for(regions: Regions) -> tuple[VisibilityModel | None, ...]:
    """Each region's net; None for a region without a net: see `free_of`.

    Raises:
        ModelFileError: their file is missing or damaged.
    """
    nets = read()
    return tuple(nets[place.name] if _is_known(place) else None for place in regions)


@cache
def _is_known(place: Region) -> bool:
    """Whether a net was fitted to this rectangle of the face, at whatever size it is cut out."""
    return place.name in REGIONS and REGIONS[place.name].shows_as(place)


def _at_size(crops: Sequence[Image], size: tuple[int, int]) -> Sequence[Image]:
    """Crops as large as those that a net was fitted to."""
    if not len(crops) or crops[0].shape == size:
        return crops
    resized = (cv2.resize(crop, size[::-1], interpolation=cv2.INTER_AREA) for crop in crops)
    return [np.asarray(crop, np.uint8) for crop in resized]


def free_of(regions: Regions, crops: Sequence[Sequence[Image]]) -> npt.NDArray[np.float32]:
    """The probability that nothing covers each region of faces, float32 (n, regions).

    A region without its own net gets the smallest value of the regions that it contains: a hand on the mouth
    also covers the whole face. If none of these has a net, its value is 1.

    Args:
        regions: in order.
        crops: of each region those of all faces, uint8 (height, width) each.

    Raises:
        ModelFileError: the nets' file is missing or damaged.
    """
    nets = nets_for(regions)
    outputs = [
        None if net is None else net(_at_size(part, REGIONS[place.name].size))
        for place, net, part in zip(regions, nets, crops, strict=True)
    ]
    free = []
    for place, own in zip(regions, outputs, strict=True):
        if own is not None:
            free.append(own)
            continue
        inside = [
            other
            for part, other in zip(regions, outputs, strict=True)
            if other is not None and place.covers(part)
        ]
        free.append(np.minimum.reduce(inside) if inside else np.ones(len(crops[0]), np.float32))
    return np.array(free).T
