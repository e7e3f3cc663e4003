"""Boxes around faces, and matching of boxes of the same face."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from emotion.models.faces.boxes import overlaps
from emotion.models.faces.picture import Landmarks
from emotion.models.regions import extent

# The intersection over union from which two boxes are the same face.
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
    """Whether a box matches one of the faces."""
    return bool(faces) and bool((overlaps(box, np.array([corners(face) for face in faces])) > SAME).any())


def apart(faces: Sequence[Landmarks], known: Sequence[Landmarks]) -> list[Landmarks]:
    """The faces that match none of the known ones."""
    if not faces or not known:
        return list(faces)
    boxes, others = (np.array([corners(face) for face in some]) for some in (faces, known))
    same = np.any(overlaps(boxes[:, None], others) > SAME, axis=1)
    return [face for face, is_known in zip(faces, same, strict=True) if not is_known]


def overlap(a: Corners, b: Corners) -> float:
    """Intersection over union of two boxes, float32 (4,) each."""
    return float(overlaps(a, b[None])[0])
