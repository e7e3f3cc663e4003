"""Inputs of networks in training: the eyes, the lips, or both, one above the other.

Only eyes and lips have models that ship. A network that sees both is their teacher: its predictions correct
noisy labels for the networks that see one part.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from emotion.models.data.label_folders import Split
from emotion.models.data.stored import RegionData, load_region
from emotion.models.regions import EYES, LIPS

View: TypeAlias = Literal["eyes", "lips", "face"]
VIEWS: tuple[View, ...] = get_args(View)

_Crops: TypeAlias = npt.NDArray[np.uint8]


def view_size(view: View) -> tuple[int, int]:
    """(height, width) in pixels of the input, without margin."""
    if view != "face":
        return {"eyes": EYES, "lips": LIPS}[view].size
    return EYES.size[0] + LIPS.size[0], max(EYES.size[1], LIPS.size[1])


def load_view(folder: Path, view: View, splits: Iterable[Split]) -> RegionData:
    """Read some parts of a data set, in the manifest's order, as inputs of a network.

    Raises:
        DatasetError: as `emotion.models.data.stored.load_region`.
    """
    if view != "face":
        return load_region(folder, view, splits)
    parts = tuple(splits)
    eyes, lips = (load_region(folder, region, parts) for region in ("eyes", "lips"))
    return replace(eyes, images=as_face(eyes.images, lips.images), parts=2)


def as_face(eyes: _Crops, lips: _Crops) -> _Crops:
    """Eyes above lips, uint8 (n, h, w), the narrower in the middle between black columns.

    Both are cut at one scale, so the face comes out whole but for a strip across the nose.
    """
    width = max(eyes.shape[2], lips.shape[2])
    return np.concatenate([_widened(eyes, width), _widened(lips, width)], axis=1)


def _widened(crops: _Crops, width: int) -> _Crops:
    more = width - crops.shape[2]
    return np.pad(crops, ((0, 0), (0, 0), (more // 2, more - more // 2)))
