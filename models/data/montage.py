"""A montage of many crops, to be inspected by eye."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emotion.models.data.duplicates import face_picture
from emotion.models.data.image_io import read_gray, write_png
from emotion.models.regions import Image

ROWS, COLUMNS = 8, 12
_LINE = 2


def save_montage(path: Path, eyes: Sequence[Path], lips: Sequence[Path], seed: int = 0) -> None:
    """Draw some faces and write their crops into one picture, the eyes above the lips.

    Args:
        path: of the PNG; where there are no faces, an old one is removed.
        eyes, lips: files of the crops, in the same order.
        seed: of the draw.
    """
    drawn = np.random.default_rng(seed).permutation(len(eyes))[: ROWS * COLUMNS]
    pairs = [(read_gray(eyes[index]), read_gray(lips[index])) for index in drawn.tolist()]
    cells = [_cell(upper, lower) for upper, lower in pairs if upper is not None and lower is not None]
    if not cells:
        path.unlink(missing_ok=True)
        return
    cells += [np.zeros_like(cells[0])] * (-len(cells) % COLUMNS)
    lines = [np.hstack(cells[start : start + COLUMNS]) for start in range(0, len(cells), COLUMNS)]
    write_png(path, np.vstack(lines))


def _cell(eyes: Image, lips: Image) -> Image:
    """Both crops of a face in one picture with a dark edge."""
    return np.pad(face_picture(eyes, lips), _LINE)
