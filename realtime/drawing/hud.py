"""A window's other texts: a notice, a list of keys, a table of figures."""

from collections.abc import Sequence

import cv2
import numpy as np

from emotion.models.palette import PANEL, bgr
from emotion.models.regions import Image
from emotion.realtime.drawing.sprites import BGR, ascent, plate, press, text, text_width

_SURFACE = bgr(PANEL)
_BRIGHT: BGR = (250, 250, 250)
_SOFT: BGR = (206, 204, 202)
_OPACITY = 0.9
_RECORDING: BGR = (40, 40, 235)
_SMALLEST_TEXT = 10


def notice(canvas: Image, string: str) -> None:
    """Write a line on a dark pill into the middle of the picture's top, in place.

    Args:
        canvas: uint8 (h, w, 3), BGR.
        string: what to write; made smaller, then truncated, if it does not fit.
    """
    width = canvas.shape[1]
    size = text_size(canvas)
    while size > _SMALLEST_TEXT and text_width(string, size) + 2 * size > width:
        size -= 1
    while len(string) > 1 and text_width(string, size) + 2 * size > width:
        string = string[:-2].rstrip() + "…"
    across = text_width(string, size) + 2 * size
    left, top, high = (width - across) // 2, size // 2, round(1.8 * size)
    press(canvas, plate(across, high, high / 2, _SURFACE, _OPACITY), left, top)
    press(canvas, text(string, size, _BRIGHT), left + size, top + round(1.25 * size) - ascent(size))


def recording(canvas: Image, name: str) -> None:
    """Draw the sign of a recording, in place: a red dot and the file's name, at the top right."""
    size = text_size(canvas)
    dot = round(0.8 * size)
    while len(name) > 1 and text_width(name, size) + dot + 3 * size > canvas.shape[1]:
        name = name[:-2].rstrip() + "…"
    across, high = text_width(name, size) + dot + round(2.2 * size), round(1.8 * size)
    left, top = max(0, canvas.shape[1] - across - size // 2), round(2.6 * size)
    press(canvas, plate(across, high, high / 2, _SURFACE, _OPACITY), left, top)
    press(canvas, plate(dot, dot, dot / 2, _RECORDING), left + size - dot // 4, top + (high - dot) // 2)
    place = left + dot + round(1.4 * size)
    press(canvas, text(name, size, _BRIGHT), place, top + round(1.25 * size) - ascent(size))


def table(canvas: Image, title: str, rows: Sequence[Sequence[str]]) -> None:
    """Write a title and rows of equally many columns onto a dark plate, in the middle, in place.

    Args:
        canvas: uint8 (h, w, 3), BGR.
        title: of the table.
        rows: its cells. With two columns they are left-aligned text; with more columns all but
            the first are figures, right-aligned.
    """
    size = _fitting(canvas, title, rows)
    widths = _widths(rows, size)
    gap, line = round(1.2 * size), round(1.5 * size)
    across = max(sum(widths) + gap * (len(widths) - 1), text_width(title, size, True)) + 2 * gap
    down = line * (len(rows) + 1) + gap
    left, top = (canvas.shape[1] - across) // 2, (canvas.shape[0] - down) // 2
    press(canvas, plate(across, down, 0.6 * size, _SURFACE, _OPACITY), left, top)
    baseline = top + round(1.6 * size)
    _write(canvas, title, size, left + gap, baseline, _BRIGHT, bold=True)
    for row in rows:
        baseline += line
        _write(canvas, row[0], size, left + gap, baseline, _SOFT)
        right = left + gap + widths[0]
        for cell, width in zip(row[1:], widths[1:], strict=True):
            right += gap + width
            across = text_width(cell, size) if len(row) > 2 else width
            _write(canvas, cell, size, right - across, baseline, _BRIGHT)


def dimmed(image: Image) -> Image:
    """A darker copy, to show that the picture is not live."""
    return np.asarray(cv2.convertScaleAbs(image, alpha=0.45), dtype=np.uint8)


def text_size(image: Image) -> int:
    """The size of text for a picture, in pixels; as in `emotion.realtime.drawing.overlay`."""
    return max(_SMALLEST_TEXT, round(5 + 0.015 * float(min(image.shape[:2]))))


def _fitting(canvas: Image, title: str, rows: Sequence[Sequence[str]]) -> int:
    """The largest size of text, down to the smallest, at which the table fits."""
    for size in range(text_size(canvas), _SMALLEST_TEXT, -1):
        widths = _widths(rows, size)
        across = max(sum(widths) + 1.2 * size * (len(widths) - 1), text_width(title, size, True))
        high = 1.5 * size * (len(rows) + 1) + 1.2 * size
        if across + 2.4 * size <= canvas.shape[1] and high <= canvas.shape[0]:
            return size
    return _SMALLEST_TEXT


def _widths(rows: Sequence[Sequence[str]], size: int) -> list[int]:
    return [max(text_width(cell, size) for cell in column) for column in zip(*rows, strict=True)]


def _write(
    canvas: Image, string: str, size: int, left: int, baseline: int, colour: BGR, bold: bool = False
) -> None:
    press(canvas, text(string, size, colour, bold), left, baseline - ascent(size, bold))
