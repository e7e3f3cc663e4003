"""Overlap of boxes."""

import numpy as np
import numpy.typing as npt

_Array = npt.NDArray[np.float32]


def overlaps(box: _Array, boxes: _Array) -> _Array:
    """Intersection over union of a box with each of others; 0 where neither has an area.

    Args:
        box: float32 (4,): left, top, right, bottom.
        boxes: float32 (n, 4).

    Returns:
        float32 (n,), in [0, 1].
    """
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    shared = np.maximum(sides, 0).prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    union = (box[2:] - box[:2]).prod() + areas - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))
