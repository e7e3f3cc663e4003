"""Hiding faces in pictures that are shown or stored; the labels stay."""

from dataclasses import dataclass, replace
from typing import get_args

import cv2
import numpy as np

from emotion.models.regions import Image, Points
from emotion.realtime.drawing.options import Privacy
from emotion.realtime.messages import Box, EmotionFrame

PRIVACIES: tuple[Privacy, ...] = get_args(Privacy)

# The landmarks' box ends at the forehead and before the ears: the hidden area is larger.
_WIDER = 1.4
_HIGHER = 1.45
_UP = 0.06
# Number of cells of the mosaic, for any size of the face.
_CELLS = 6
# Seconds for which a lost face stays hidden, since it is probably still there.
_STAY_SECONDS = 0.5
_DOTS = (214, 206, 198)


@dataclass(frozen=True, slots=True)
class _Seen:
    """The last position and time of a face."""

    box: Box
    points: Points | None
    seconds: float


class Anonymiser:
    """Hides every face of one stream's results, and for a moment also one that was just lost.

    Hidden faces cannot be restored: of a blurred face only a few averages remain, and of one that is
    drawn as its landmarks only these. Faces that are not detected are not hidden.

    Args:
        mode: how faces are shown.
    """

    def __init__(self, mode: Privacy) -> None:
        self.mode: Privacy = mode
        self._seen: dict[int, _Seen] = {}

    def hide(self, result: EmotionFrame) -> EmotionFrame:
        """The same result with a new picture, in which faces are hidden."""
        now = result.frame.seconds
        self._seen = {id_: s for id_, s in self._seen.items() if 0 <= now - s.seconds <= _STAY_SECONDS}
        self._seen |= {face.track_id: _Seen(face.box, face.points, now) for face in result.faces}
        if self.mode == "none" or not self._seen:
            return result
        image = result.frame.canvas()
        whole = image.copy()  # faces may overlap
        for seen in self._seen.values():
            _cover(image, whole, seen.box)
        if self.mode == "landmarks":
            for seen in self._seen.values():
                _dots(image, seen)
        return replace(result, frame=result.frame.with_image(image))


def _cover(canvas: Image, image: Image, box: Box) -> None:
    """Replace an oval around a face by a smooth mosaic of a few cells."""
    height, width = image.shape[:2]
    if not (np.isfinite([box.left, box.top, box.width, box.height]).all() and min(box.width, box.height) > 0):
        return
    across, down = _WIDER * box.width / 2, _HIGHER * box.height / 2
    x, y = box.left + box.width / 2, box.top + (0.5 - _UP) * box.height
    left, right = max(0, int(x - across)), min(width, int(x + across) + 1)
    top, bottom = max(0, int(y - down)), min(height, int(y + down) + 1)
    if right - left < 1 or bottom - top < 1:
        return
    part = image[top:bottom, left:right]
    cells = cv2.resize(part, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
    soft = cv2.resize(cells, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    mask = np.zeros((bottom - top, right - left), np.uint8)
    centre = (round(x - left), round(y - top))
    cv2.ellipse(mask, centre, (max(1, round(across)), max(1, round(down))), 0, 0, 360, 255, -1)
    cv2.copyTo(np.asarray(soft), mask, canvas[top:bottom, left:right])


def _dots(canvas: Image, seen: _Seen) -> None:
    """Draw a face's landmarks, if they are known."""
    if seen.points is None or not np.isfinite(seen.points).all():
        return
    radius = round(min(max(seen.box.width, 0.0), 4000.0) / 160)
    line = cv2.LINE_AA if radius else cv2.LINE_8
    for x, y in np.rint(seen.points).astype(int).clip(-10_000, 10_000).tolist():
        cv2.circle(canvas, (x, y), radius, _DOTS, -1, line)
