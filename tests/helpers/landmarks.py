"""A face that is drawn, and landmarks that are placed: enough for geometry, without a model."""

import numpy as np
import numpy.typing as npt

from emotion.models.regions import ANCHOR_PLACES, ANCHORS, FACE_OVAL


def landmarks(
    scale: float = 1.0, angle: float = 0.0, shift: tuple[float, float] = (0.0, 0.0)
) -> npt.NDArray[np.float32]:
    """478 points whose anchors lie on their canvas places, moved by a similarity transform."""
    points = np.tile(np.array([64.0, 80.0]), (478, 1))
    points[ANCHORS] = ANCHOR_PLACES
    turn = np.linspace(0, 2 * np.pi, len(FACE_OVAL), endpoint=False)
    points[FACE_OVAL] = np.column_stack([64 + 62 * np.sin(turn), 84 - 80 * np.cos(turn)])
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (scale * points @ rotation.T + shift).astype(np.float32)


def gradient(height: int, width: int) -> npt.NDArray[np.uint8]:
    """A smooth gray picture (h, w, 3) that is nowhere black and everywhere different."""
    rows, columns = np.mgrid[:height, :width]
    gray = 40 + 180 * (rows / height + columns / width) / 2
    return np.repeat(gray.astype(np.uint8)[..., None], 3, axis=2)


def coordinates(
    height: int, width: int, axis: int, middle: float, slope: float = 4.0
) -> npt.NDArray[np.uint8]:
    """A gray picture (h, w, 3) whose pixels tell their column (axis 0) or row (axis 1).

    A pixel's gray is ``128 + slope * (place - middle)``, where it is not cut off at 0 and 255.
    """
    place = np.mgrid[:height, :width][1 - axis]
    gray = np.clip(np.rint(128 + slope * (place - middle)), 0, 255)
    return np.repeat(gray.astype(np.uint8)[..., None], 3, axis=2)


def without_oval(points: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The same landmarks of a face so large that nothing of a crop is painted black."""
    turn = np.linspace(0, 2 * np.pi, len(FACE_OVAL), endpoint=False)
    points = points.copy()
    points[FACE_OVAL] = points[ANCHORS].mean(axis=0) + 1e4 * np.column_stack([np.sin(turn), -np.cos(turn)])
    return points
