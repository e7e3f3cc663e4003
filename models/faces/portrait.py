"""Detects the face of a photograph in which the first attempt finds none."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Protocol, TypeAlias

import cv2
import numpy as np

from emotion.models.faces.picture import Landmarks, leant
from emotion.models.regions import Image

# A face that fills a small picture is detected more reliably after enlarging and adding a border.
# In pixels, the smallest and the largest length of a picture's shorter side then.
_SHORTER_SIDE = (256, 512)
# Further attempts: the border as a share of the longer side, and a rotation in degrees. Of 3,149 photographs
# of FER+ (its validation folder) the first attempt and the first of these miss 97, all together 48.
_LOOKS = ((0.3, 0.0), (0.6, 0.0), (0.3, 20.0), (0.3, -20.0))
# A face of a tenth of the picture's width or less is detected in windows of these shares of the picture,
# which overlap by half, if they are this many pixels wide and high.
_WINDOWS = (1 / 2, 1 / 3)
_LEAST_WINDOW = 128
# A picture with a larger aspect ratio has no face; the square around it would take all memory.
_THINNEST = 16


class Looks(Protocol):
    """A detector of faces in single pictures."""

    def detect(self, image: Image, /) -> tuple[Landmarks, ...]:
        """All faces in a picture, uint8 (h, w, 3), BGR."""
        ...


def find_portrait(landmarker: Looks, image: Image) -> Landmarks | None:
    """The largest face of a photograph, even if it is tiny, fills the whole picture or is tilted.

    Tries the picture as it is, then copies that are enlarged, with a black border and rotated, then
    windows.

    Args:
        landmarker: in picture mode.
        image: uint8 (h, w, 3), BGR.

    Returns:
        Landmarks in pixels of `image`, or None if no face is detected.
    """
    attempts = [lambda: landmarker.detect(image), *looks_again(landmarker.detect, image)]
    faces = next((found for attempt in attempts if (found := attempt())), ())
    return max(faces, key=lambda face: np.ptp(face.points, axis=0).prod(), default=None)


Detect: TypeAlias = Callable[[Image], tuple[Landmarks, ...]]
"""The faces in a picture, uint8 (h, w, 3), BGR."""


def looks_again(detect: Detect, image: Image) -> list[Callable[[], tuple[Landmarks, ...]]]:
    """Further attempts for a photograph without a detected face, in their order.

    Args:
        detect: detects faces in a picture.
        image: uint8 (h, w, 3), BGR.
    """
    return [
        *(partial(_look_again, detect, image, border, turn) for border, turn in _LOOKS),
        *(partial(_look_at_parts, detect, image, share) for share in _WINDOWS),
    ]


def _look_again(detect: Detect, image: Image, border: float, turn: float) -> tuple[Landmarks, ...]:
    """The faces in a copy that is enlarged, with a border and rotated, in pixels of `image`."""
    if max(image.shape[:2]) > _THINNEST * min(image.shape[:2]):
        return ()
    scale = float(np.clip(1.0, *(side / min(image.shape[:2]) for side in _SHORTER_SIDE)))
    method = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    near = cv2.resize(image, None, fx=scale, fy=scale, interpolation=method)
    middle = np.array(near.shape[1::-1]) / 2
    side = round(2 * max(middle) * (1 + 2 * border))
    there = cv2.getRotationMatrix2D(middle.tolist(), turn, 1.0)
    there[:, 2] += side / 2 - middle
    # Landmarks count from a pixel's edge, warpAffine from its centre.
    by_centres = there + np.pad(there[:, :2].sum(axis=1, keepdims=True) / 2 - 0.5, ((0, 0), (2, 0)))
    copy = cv2.warpAffine(near, by_centres, (side, side), flags=cv2.INTER_CUBIC)
    back = cv2.invertAffineTransform(there).astype(np.float32)
    return tuple(
        Landmarks(
            cv2.transform(face.points[None], back)[0] / np.float32(scale),
            face.depth / np.float32(scale),
            face.shapes,
            None if face.matrix is None else leant(face.matrix, -turn),
        )
        for face in detect(np.asarray(copy, np.uint8))
    )


def _look_at_parts(detect: Detect, image: Image, share: float) -> tuple[Landmarks, ...]:
    """The faces in overlapping windows, each this share of the picture's sides, in pixels of `image`."""
    height, width = (round(share * side) for side in image.shape[:2])
    if min(height, width) < _LEAST_WINDOW:
        return ()
    count = round(2 / share) - 1
    found: list[Landmarks] = []
    for top in np.linspace(0, image.shape[0] - height, count, dtype=int):
        for left in np.linspace(0, image.shape[1] - width, count, dtype=int):
            part = np.ascontiguousarray(image[top : top + height, left : left + width])
            corner = np.array([left, top], np.float32)
            found += [replace(face, points=face.points + corner) for face in detect(part)]
    return tuple(found)
