"""Boxes around faces, and which of them are the same face."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from emotion.models.faces.picture import Landmarks
from emotion.models.regions import extent

# Boxes that have this share of their union in common are one face.
SAME = 0.3

Corners = npt.NDArray[np.float32]
"""float32 (4,) or (n, 4): left, top, right, bottom."""


def corners(face: Landmarks) -> Corners:
    """The smallest box around all landmarks of a face, float32 (4,)."""
    return extent(face.points)


def side(box: Corners) -> float:
    """The longer of width and height, in pixels."""
    return float((box[2:] - box[:2]).max())


def among(box: Corners, faces: Sequence[Landmarks]) -> bool:
    """Whether a box is that of one of the faces."""
    return any(overlap(box, corners(face)) > SAME for face in faces)


def overlap(a: Corners, b: Corners) -> float:
    """Intersection over union of two boxes."""
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    shared = float(_area(np.maximum(sides, 0)))
    return shared / float(_area(a[2:] - a[:2]) + _area(b[2:] - b[:2]) - shared)


def _area(sides: Corners) -> np.float32:
    area: np.float32 = sides[0] * sides[1]
    return area
