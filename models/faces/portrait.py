"""Detects the face of a photograph in which the first attempt finds none."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
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
# Copies of a cut-out face: the border as above, and its gray level. Most of the missed ones are profiles,
# blurred or partly covered: the detector finds them, and the landmark net's score is too low. That score
# does not tell them from other pictures; whether all copies have the same landmarks does. Of 191 missed
# faces of FER+ (its training and validation folders) 82 are accepted, of 1,703 pictures without a face none.
_COPIES = ((0.6, 128), (0.3, 128), (0.6, 0), (0.3, 0))
# Cut-out faces have at most this aspect ratio, and this many pixels on the longer side.
_CUT_OUT_ASPECT, _CUT_OUT_SIDE = 1.5, 512
# The largest median distance between the landmarks of two copies, in sizes of the face; the smallest size of
# the face, and the largest distance of its middle from the picture's, as shares of the picture's sides.
_AGREES = 0.2
_CUT_OUT_SIZE, _OFF_CENTRE = 0.35, 0.25
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


def find_cut_out(detect: Detect, image: Image) -> Landmarks | None:
    """The face of a small picture that shows nothing else, if all other attempts find none.

    Args:
        detect: detects the likeliest face in a picture, whatever the landmark net's score.
        image: uint8 (h, w, 3), BGR.

    Returns:
        Landmarks in pixels of `image`; None if they are not the same whatever surrounds the picture, or
        if the picture is no cut-out.
    """
    height, width = image.shape[:2]
    if max(height, width) > min(_CUT_OUT_SIDE, _CUT_OUT_ASPECT * min(height, width)):
        return None
    found: list[Landmarks] = []
    for border, level in _COPIES:
        faces = _look_again(detect, image, border, 0.0, level)
        if not faces or not _fills(faces[0], width, height):
            return None
        found.append(faces[0])
    return found[0] if _agree(found) else None


def _fills(face: Landmarks, width: int, height: int) -> bool:
    """Whether a face is as large, and as near the middle of the picture, as a cut-out one is."""
    low, high = face.points.min(axis=0), face.points.max(axis=0)
    off = np.abs((low + high) / 2 / (width, height) - 0.5).max()
    return bool((high - low).max() >= _CUT_OUT_SIZE * max(width, height) and off <= _OFF_CENTRE)


def _agree(faces: Sequence[Landmarks]) -> bool:
    """Whether faces of several copies have about the same landmarks."""
    size = min(np.ptp(face.points, axis=0).max() for face in faces)
    return all(
        np.median(np.linalg.norm(one.points - other.points, axis=1)) <= _AGREES * size
        for one, other in combinations(faces, 2)
    )


def _look_again(
    detect: Detect, image: Image, border: float, turn: float, level: int = 0
) -> tuple[Landmarks, ...]:
    """The faces in a copy that is enlarged, with a gray border and rotated, in pixels of `image`."""
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
    copy = cv2.warpAffine(near, by_centres, (side, side), flags=cv2.INTER_CUBIC, borderValue=(level,) * 3)
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
