"""A timeline along the bottom of a picture: the labels over time, with an axis below.

Each time bin is a column in which every face has the same share; without faces it is empty. The stack of a
file fills up from left to right; that of a live source shows the last minute.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from emotion.models.classes import SIX, UNCERTAIN, Classes
from emotion.models.regions import Image
from emotion.realtime.drawing.layout import Rect
from emotion.realtime.drawing.panels import SURFACE, colours
from emotion.realtime.drawing.sprites import BGR, ascent, plate, press, text, text_width
from emotion.realtime.messages import FaceEmotion

# Seconds that are shown for a video of unknown length, and for live sources.
_WINDOW = 60.0
_BINS = 600
# A longer interval between pictures, also longer than the one before, is a pause.
_PAUSE = 1.0
_OPACITY = 0.8
_MARK: BGR = (250, 250, 250)
_SOFT: BGR = (206, 204, 202)
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)


class Strip:
    """A timeline that grows; not thread-safe.

    Args:
        begin: of the video, in seconds of the stream's time.
        duration: of it, in seconds; None if unknown: the last minute is shown.
    """

    def __init__(self, begin: float = 0.0, duration: float | None = None) -> None:
        self._begin = begin
        self._duration = duration or None
        self._bin = (self._duration or _WINDOW) / _BINS
        self._classes: Classes = SIX
        self._counts: dict[int, npt.NDArray[np.float64]] = {}
        self._last: tuple[int, float] | None = None  # the bin and the time of the picture before
        self._step = 0.0  # seconds between the two pictures before

    def add(self, seconds: float, faces: Sequence[FaceEmotion]) -> None:
        """Add a picture's faces; an earlier picture is replaced."""
        place = int((seconds - self._begin) / self._bin)
        self._hold_until(place, seconds)
        if faces and faces[0].classes != self._classes:
            self._classes, self._counts = faces[0].classes, {}
        count = self._counts.setdefault(place, np.zeros(len(self._classes) + 2))
        for face in faces:
            index = len(self._classes) if face.label == UNCERTAIN else self._classes.index(face.label)
            count[index] += 1 / len(faces)
        count[-1] += not faces
        if self._duration is None:
            oldest = place - _BINS
            self._counts = {key: one for key, one in self._counts.items() if key >= oldest}

    def _hold_until(self, place: int, seconds: float) -> None:
        """A picture's labels hold until the next picture; a pause is empty."""
        if self._last is not None:
            before, at = self._last
            step = seconds - at
            if step <= max(_PAUSE, 1.5 * self._step) and before in self._counts:
                self._counts |= {one: self._counts[before].copy() for one in range(before + 1, place)}
            self._step = step
        self._last = place, seconds

    def rect(self, width: int, height: int) -> Rect:
        """Its position in a picture of this size, which stays constant."""
        size = _text_size(width, height)
        high = round(3.9 * size)
        return Rect(0, height - high, width, high)

    def seconds_at(self, x: int, width: int, height: int) -> float | None:
        """The time of a column of the picture; None outside the stack."""
        left, across = self._across(self.rect(width, height), _text_size(width, height))
        if self._duration is None or not left <= x < left + across:
            return None
        return self._begin + (x - left + 0.5) / across * self._duration

    def paint(self, canvas: Image, now: float) -> None:
        """Draw it into a picture, in place, with a mark at the present.

        Args:
            canvas: uint8 (h, w, 3), BGR.
            now: the picture's time.
        """
        height, width = canvas.shape[:2]
        size, rect = _text_size(width, height), self.rect(width, height)
        left, across = self._across(rect, size)
        high = round(1.7 * size)
        if across < 4 or rect.top < 0:
            return
        span = self._duration or _WINDOW
        start = self._begin if self._duration else max(self._begin, now - span)
        press(canvas, plate(rect.width, rect.height, 0, SURFACE, _OPACITY), rect.left, rect.top)
        top = rect.top + round(0.5 * size)
        self._paint_stack(canvas[top : top + high, left : left + across], start, span)
        self._paint_axis(canvas, left, across, top + high, size, start, span)
        place = left + round(min(max((now - start) / span, 0.0), 1.0) * (across - 1))
        thick = round(size / 6)
        press(canvas, plate(thick + 2, high + 4, 1, SURFACE), place - thick // 2 - 1, top - 2)
        press(canvas, plate(thick, high + 4, 1, _MARK), place - thick // 2, top - 2)

    def _across(self, rect: Rect, size: int) -> tuple[int, int]:
        return rect.left + size, rect.width - 2 * size

    def _paint_stack(self, canvas: Image, start: float, span: float) -> None:
        """The columns: the first class at the bottom, separated by lines of the background."""
        height, width = canvas.shape[:2]
        times = start + (np.arange(width) + 0.5) / width * span
        places = ((times - self._begin) / self._bin).astype(int)
        nothing = np.zeros(len(self._classes) + 2)
        shares = np.array([self._counts.get(place, nothing) for place in places.tolist()])
        sums = shares.sum(axis=1, keepdims=True)
        ends = np.cumsum(shares[:, :-1] / np.maximum(sums, 1e-9), axis=1)
        level = (height - np.arange(height) - 0.5) / height
        # The index of each pixel's label; one more than the last if it is empty.
        which = (ends[None, :, :] <= level[:, None, None] + 1e-9).sum(axis=2)
        palette = np.array([*colours(self._classes), SURFACE], dtype=np.uint8)
        picture = palette[which]
        edge = np.zeros(which.shape, bool)
        edge[:-1] = which[:-1] != which[1:]
        # `uncertain` is hatched, as on the page.
        down, along = np.indices(which.shape)
        hatched = (which == len(self._classes)) & ((down + along) % 6 < 3)
        picture[edge | hatched] = SURFACE
        shown = which < len(palette) - 1
        canvas[shown] = picture[shown]

    def _paint_axis(
        self, canvas: Image, left: int, across: int, top: int, size: int, start: float, span: float
    ) -> None:
        """Times below the stack, as many as fit, the first one with its unit."""
        small = max(9, round(0.8 * size))
        room = across / (text_width("0:00:00", small) * 1.6)
        step = next((step for step in _STEPS if span / step <= room), _STEPS[-1])
        first = start - self._begin
        unit, end = text_width("min:s", small), 0
        press(canvas, text("min:s", small, _SOFT), left + across - unit, top + round(0.45 * size))
        for at in np.arange(np.ceil(first / step) * step, first + span + 1e-6, step).tolist():
            x = left + round((at - first) / span * (across - 1))
            press(canvas, plate(1, size // 3, 0, _SOFT), x, top)
            string = clock(at)
            wide = text_width(string, small)
            place = min(max(x - wide // 2, left), left + across - wide)
            if place >= end and place + wide < left + across - unit - size // 2:
                baseline = top + round(0.45 * size) + ascent(small)
                press(canvas, text(string, small, _SOFT), place, baseline - ascent(small))
                end = place + wide + size // 2


def clock(seconds: float) -> str:
    """A time as minutes and seconds, with hours if needed."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _text_size(width: int, height: int) -> int:
    return max(10, round(5 + 0.015 * min(width, height)))
