"""How likely a region is visible: the mouth behind a hand, the eyes behind sunglasses.

A crop is shrunk, standardised and described by the directions of its edges; a net of one small hidden
layer says how likely the region is free. It was fitted on photographs with made-up occluders, and its
numbers lie in ``visibility.npz``: see `emotion.benchmarks.studies.visibility`, which fits and judges it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from emotion.models.errors import ModelFileError
from emotion.models.regions import REGIONS, Image, Region, Regions
from emotion.models.statistics.affine import affine

PATH = Path(__file__).parent / "visibility.npz"

HIDDEN = 0.2
"""A region that is free no more likely than this is silent."""
# From here on it has its full vote.
_FREE = 0.6
# Alignment errors, in canvas points, between which a face's vote fades out: heads turned aside by 43 and
# 62 degrees. On web-faces, scores do not fall up to 8.
_FRONT_TO_SIDE = (9.0, 15.0)
# A vote that counts less is none.
_SILENT = 0.05
# The share of a region inside the picture at which it has half of its vote.
MIN_VISIBLE = 0.6

# Gray levels that are added to a crop's spread; fewer where that is below so many.
_SOFT, _FLAT = 8.0, 30.0
# Pixels of a crop that become one.
_SHRINK = 4
# A cell of the histogram of directions, in pixels of the crop, and its number of directions.
_CELL = 8
_DIRECTIONS = 8
# Pixels so near to the oval's edge show the edge.
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
        """How likely each crop shows its region freely, float32 (n,) in [0, 1].

        Args:
            crops: uint8 (h, w) gray, 0 outside the face, all of the region's size.
        """
        if not len(crops):
            return np.zeros(0, np.float32)
        told = np.array([features(crop) for crop in crops])
        inner = np.maximum(affine(told, self.hidden[:-1], self.hidden[-1]), 0)
        return np.asarray(1 / (1 + np.exp(-affine(inner, self.output[:-1], self.output[-1]))), np.float32)


def features(crop: Image) -> Features:
    """What the net is told of a crop: float32 (d,)."""
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
    """What keeps a crop without contrast from being all noise; less in a dark picture, whose face is flat."""
    return _SOFT * min(1.0, max(spread / _FLAT, 1 / 6))


def _directions(crop: Image, scale: float) -> Features:
    """How strong the edges of each direction are in each cell: float32, by rows, columns and directions."""
    right, down = cv2.Sobel(crop, cv2.CV_32F, 1, 0), cv2.Sobel(crop, cv2.CV_32F, 0, 1)
    strength, angle = cv2.cartToPolar(right, down)
    # The oval's edge is the crop's doing and says nothing.
    strength *= cv2.erode(crop, _EDGE) > 0
    # Angles are not negative, and directions a power of two: this is the remainder.
    turn = (angle * (_DIRECTIONS / np.pi)).astype(np.int32) & (_DIRECTIONS - 1)
    cells = _cells(*crop.shape)
    total = np.bincount((cells + turn).ravel(), strength.ravel(), int(cells[-1, -1]) + _DIRECTIONS)
    return np.asarray(np.log1p(total / (_CELL**2 * scale) * 4), np.float32)


@cache
def _cells(height: int, width: int) -> npt.NDArray[np.int32]:
    """Where the histogram of each pixel's cell begins, int32 (height, width)."""
    rows, columns = np.arange(height) // _CELL, np.arange(width) // _CELL
    return np.asarray((rows[:, None] * (width // _CELL) + columns) * _DIRECTIONS, np.int32)


def how_seen(
    inside: npt.NDArray[np.float32],
    free: npt.NDArray[np.float32],
    turned: npt.NDArray[np.float32],
    least: float = MIN_VISIBLE,
) -> npt.NDArray[np.float32]:
    """How surely regions are seen, float32 (n, k) in [0, 1]: what their votes count.

    A region fades out as it leaves the picture, as something covers it, and as the head turns away.

    Args:
        inside: float32 (n, k), the share of each region that lies inside the picture.
        free: float32 (n, k), how likely nothing covers it, by a `VisibilityModel`.
        turned: float32 (n,), alignment errors.
        least: the share inside the picture at which a region has half of its vote; 0.2 less silence it,
            0.2 more give it its full vote.
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
    except (OSError, KeyError, ValueError) as error:
        raise ModelFileError(f"{PATH} cannot be read ({error}). Install emotion-live again.") from error


def nets_for(regions: Regions) -> tuple[VisibilityModel | None, ...]:
    """Each region's net; None for one that no net was fitted to: see `free_of`.

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
    """How likely nothing covers each region of faces, float32 (n, regions).

    A region without a net of its own is as free as the least free of those that it shows: a hand on the mouth
    is on the whole face. Where it shows none that has a net, nobody knows what hides it, and it is free.

    Args:
        regions: in order.
        crops: of each region those of all faces, uint8 (height, width) each.

    Raises:
        ModelFileError: the nets' file is missing or damaged.
    """
    nets = nets_for(regions)
    said = [
        None if net is None else net(_at_size(part, REGIONS[place.name].size))
        for place, net, part in zip(regions, nets, crops, strict=True)
    ]
    free = []
    for place, own in zip(regions, said, strict=True):
        if own is not None:
            free.append(own)
            continue
        inside = [
            other
            for part, other in zip(regions, said, strict=True)
            if other is not None and place.covers(part)
        ]
        free.append(np.minimum.reduce(inside) if inside else np.ones(len(crops[0]), np.float32))
    return np.array(free).T
