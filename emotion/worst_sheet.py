"""A sheet of the labelled faces whose predictions are furthest from their labels."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from emotion.models.data.image_io import PictureError, read_photograph
from emotion.models.evaluation.prediction_table import Prediction
from emotion.models.evaluation.predictions import LabelledFaces
from emotion.models.names import escaped
from emotion.models.regions import Image
from emotion.realtime.drawing.sprites import press, text, text_width

COUNT = 24
"""So many at most."""
_COLUMNS, _SIDE, _SPACE, _LINE, _SIZE = 6, 220, 12, 18, 13
_INK, _PALE, _PAPER = (30, 30, 30), (110, 110, 110), (255, 255, 255)
_QUALITY = 90


def draw_sheet(worst: Sequence[Prediction], faces: LabelledFaces, photographs: Mapping[str, Path]) -> bytes:
    """A JPEG file: each with its label, what it was taken for, and its name.

    Args:
        worst: which, in order.
        faces: that were evaluated; their crops are shown if there is no photograph.
        photographs: by source, the path of the whole photograph.
    """
    high = _SIDE + 2 * _LINE + _SPACE
    rows = -(-max(1, len(worst)) // _COLUMNS)
    sheet = np.full((rows * high + _SPACE, _COLUMNS * (_SIDE + _SPACE) + _SPACE, 3), 255, np.uint8)
    for place, one in enumerate(worst):
        left = _SPACE + place % _COLUMNS * (_SIDE + _SPACE)
        top = _SPACE + place // _COLUMNS * high
        shown = _fitted(_picture(one, faces, photographs))
        sheet[top : top + shown.shape[0], left : left + shown.shape[1]] = shown
        _write(sheet, f"{one.label}: {one.predicted} {one.confidence:.0%}", left, top + _SIDE + 2, bold=True)
        _write(sheet, escaped(one.source), left, top + _SIDE + 2 + _LINE)
    return cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()


def _picture(one: Prediction, faces: LabelledFaces, photographs: Mapping[str, Path]) -> Image:
    path = photographs.get(one.source)
    if path is not None:
        try:
            return read_photograph(path)
        except PictureError:  # it is not there any more
            pass
    crops = [crops[one.index or 0] for crops in faces.crops]
    width = max(crop.shape[1] for crop in crops)
    lines = [np.pad(crop, ((0, 0), (0, width - crop.shape[1]))) for crop in crops]
    return np.asarray(cv2.cvtColor(np.vstack(lines), cv2.COLOR_GRAY2BGR), np.uint8)


def _fitted(image: Image) -> Image:
    scale = _SIDE / max(image.shape[:2])
    size = [max(1, round(scale * side)) for side in image.shape[1::-1]]
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=way), np.uint8)


def _write(sheet: Image, words: str, left: int, top: int, bold: bool = False) -> None:
    """A line as wide as a picture; of a longer one the end, which distinguishes files."""
    while text_width(words, _SIZE, bold) > _SIDE:
        words = f"…{words[2:]}"
    press(sheet, text(words, _SIZE, _INK if bold else _PALE, bold), left, top)
