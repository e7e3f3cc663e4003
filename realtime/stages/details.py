"""EmotionFrame -> EmotionFrame: adds the requested additional columns.

The columns and their units are in `emotion.realtime.details`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from emotion.models.classes import UNCERTAIN
from emotion.models.regions import Image, eye_distance
from emotion.realtime.details import POSE, QUALITY, REASON, detail_columns
from emotion.realtime.messages import EmotionFrame, FaceEmotion

_SHAPES = detail_columns(["blendshapes"])
_WIDTH = 128
"""The width in pixels to which a face is shrunk before its sharpness is measured."""


class Details:
    """The stage. It has no state.

    Args:
        wanted: some of `emotion.realtime.details.DETAILS`.
        certain: the smallest probability for a label.
    """

    name = "details"
    batch = 8

    def __init__(self, wanted: tuple[str, ...], certain: float) -> None:
        self._wanted = wanted
        self._certain = certain

    def process(self, items: Sequence[EmotionFrame]) -> Iterable[EmotionFrame]:
        """The frames with the additional columns, in order."""
        for item in items:
            shown = item.faces and "quality" in self._wanted
            image = item.frame.image_at([face.box for face in item.faces]) if shown else None
            faces = tuple(replace(face, details=self._columns(image, face)) for face in item.faces)
            yield replace(item, faces=faces, details=self._wanted)

    def close(self) -> None:
        """Nothing to free."""

    def _columns(self, image: Image | None, face: FaceEmotion) -> Mapping[str, float | str | None]:
        columns: dict[str, float | str | None] = {}
        if "blendshapes" in self._wanted:
            columns |= _blendshapes(face.shapes)
        if "pose" in self._wanted:
            columns |= pose_of(face.matrix)
        if image is not None:
            columns |= _quality(image, face)
        if "reason" in self._wanted:
            columns[REASON] = _reason(face, self._certain)
        return columns


def _blendshapes(shapes: npt.NDArray[np.float32] | None) -> dict[str, float | str | None]:
    values = [None] * len(_SHAPES) if shapes is None else shapes.tolist()
    return dict(zip(_SHAPES, values, strict=True))


def pose_of(matrix: npt.NDArray[np.float32] | None) -> dict[str, float | str | None]:
    """The pose of a head, in degrees; None if unknown.

    Args:
        matrix: float32 (4, 4), from the canonical face to the camera's space: x to the right, y up, z to
            the camera.
    """
    if matrix is None:
        return dict.fromkeys(POSE)
    axes = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
    right, forward = axes[:, 0], axes[:, 2]
    angles = (
        np.arctan2(forward[0], forward[2]),
        np.arcsin(np.clip(forward[1], -1, 1)),
        np.arctan2(right[1], right[0]),
    )
    return dict(zip(POSE, np.degrees(angles).tolist(), strict=True))


def _quality(image: Image, face: FaceEmotion) -> dict[str, float | str | None]:
    hidden = " ".join(name for name, said in face.regions.items() if said is None)
    distance = None if face.points is None else eye_distance(face.points)
    part = _inside(image, face)
    if part is None:
        return dict(zip(QUALITY, (distance, None, None, hidden), strict=True))
    gray = cv2.cvtColor(part, cv2.COLOR_BGR2GRAY)
    scale = _WIDTH / gray.shape[1]
    if scale < 1:
        gray = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    sharpness = float(cv2.Laplacian(gray, cv2.CV_32F).std())
    light = float(gray.mean()) / 255
    return dict(zip(QUALITY, (distance, sharpness, light, hidden), strict=True))


def _inside(image: Image, face: FaceEmotion) -> Image | None:
    """The part of a face's box inside the picture; None if it is empty."""
    height, width = image.shape[:2]
    box = face.box
    left, top = max(0, round(box.left)), max(0, round(box.top))
    right, bottom = min(width, round(box.left + box.width)), min(height, round(box.top + box.height))
    return image[top:bottom, left:right] if left < right and top < bottom else None


def _reason(face: FaceEmotion, certain: float) -> str | None:
    if face.label != UNCERTAIN:
        return None
    if not face.known or face.old:
        return "hidden"
    return "undecided" if (face.confidence or 0.0) < certain else "brief"
