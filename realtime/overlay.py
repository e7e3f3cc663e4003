"""Draws what is thought of each face onto its picture.

A face gets slim corners in its emotion's colour and, beside it, a panel: the emotion, six bars of
the smoothed vote, and what eyes and lips say by themselves. Where there is no room for a panel a
smaller one, a label or a tag takes its place; no face is ever covered. Sizes follow the
picture's shorter side, so that text reads alike at 480p and at 4K.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from models.emotions import EMOTIONS
from models.regions import Image
from realtime.frames import Box, EmotionFrame, FaceEmotion
from realtime.layout import Form, Placement, Rect, Room, Side, Wish, arrange
from realtime.panels import (
    COLOURS,
    SURFACE,
    Label,
    PanelPlan,
    note_stamp,
    paint_label,
    paint_panel,
    panel_plan,
)
from realtime.stamps import BGR, Stamp, press

NOTE = "apparent expressions, not feelings"

_SMALLEST_TEXT = 10
# Sizes of panels in the order in which they are tried, as shares of the full size.
_PANEL_SIZES = (1.0, 0.84, 0.7)
_TAG_SIZE = 0.62
# Seconds for which the place of a person who is out of sight is remembered.
_MEMORY = 1.0
# OpenCV takes fixed-point coordinates with this many fractional bits.
_SHIFT = 3


@dataclass(frozen=True, slots=True)
class OverlayOptions:
    """How the overlay looks.

    Attributes:
        text_scale: factor on all text and with it on the panels; 1 suits most screens.
        opacity: of the dark surfaces behind text, in [0, 1].
        panels: whether faces may get panels; without them each gets a label of one line.
        note: a line for a corner of the picture; empty for none.
    """

    text_scale: float = 1.0
    opacity: float = 0.76
    panels: bool = True
    note: str = NOTE

    def __post_init__(self) -> None:
        if not 0.25 <= self.text_scale <= 4:
            raise ValueError(f"text_scale lies between 0.25 and 4, not at {self.text_scale}")
        if not 0 <= self.opacity <= 1:
            raise ValueError(f"opacity lies between 0 and 1, not at {self.opacity}")


class Overlay:
    """Draws one stream of results; it remembers where each person's panel stands.

    A panel keeps its side and size while they fit, so that it does not jump when its face sits at
    the border of fitting. The place of a person who is gone is forgotten after a second of the
    stream's time, and all places when that time goes back. So use one Overlay a stream; it is not
    thread-safe.

    Args:
        options: how it looks.
    """

    def __init__(self, options: OverlayOptions | None = None):
        self._options = options or OverlayOptions()
        self._places: dict[int, tuple[Placement, float]] = {}
        self._corner = 0

    def draw(self, result: EmotionFrame) -> Image:
        """The frame with everything drawn on it; the frame's own picture stays as it is.

        Args:
            result: a frame, and what is thought of each of its faces.

        Returns:
            uint8 (h, w, 3), BGR, a new picture of the frame's size.
        """
        canvas = result.frame.image.copy()
        height, width = canvas.shape[:2]
        size = text_size(width, height, self._options.text_scale)
        shown = self._shown(result.faces, width, height, size)
        room = Room(width, height, max(2, round(0.8 * size)), ())
        note = self._place_note(room, size, [item.mark.rect for item in shown])
        places = self._arrange(room.without([note]) if note else room, shown, result.frame.seconds)
        for item in shown:
            _paint_corners(canvas, item.mark, COLOURS[EMOTIONS.index(item.face.emotion)])
        for item in shown:
            if place := places.get(item.face.track_id):
                self._paint(canvas, item.face, item.tellings[place.spot.level], place.rect)
        if note:
            press(canvas, self._note(size), note.left, note.top)
        return canvas

    def _shown(self, faces: Sequence[FaceEmotion], width: int, height: int, size: int) -> list["_Shown"]:
        """The faces that can be drawn, with the ways in which each could be told."""
        found = [(face, mark) for face in faces if (mark := _mark(face.box, width, height, size))]
        numbered = len(found) > 1
        return [
            _Shown(face, mark, tellings(face, size, numbered, self._options.panels)) for face, mark in found
        ]

    def _arrange(self, room: Room, shown: Sequence["_Shown"], now: float) -> dict[int, Placement]:
        """Find each face's place, and remember it."""
        self._places = {
            key: (place, seen) for key, (place, seen) in self._places.items() if 0 <= now - seen <= _MEMORY
        }
        previous = {key: place for key, (place, _) in self._places.items()}
        places = arrange(room, [item.wish for item in shown], previous)
        self._places |= {key: (place, now) for key, place in places.items()}
        return places

    def _paint(self, canvas: Image, face: FaceEmotion, telling: PanelPlan | Label, rect: Rect) -> None:
        if isinstance(telling, PanelPlan):
            paint_panel(canvas, telling, rect.left, rect.top, face, self._options.opacity)
        else:
            paint_label(canvas, telling, rect.left, rect.top, self._options.opacity)

    def _note(self, size: int) -> Stamp:
        return note_stamp(self._options.note, max(_SMALLEST_TEXT, round(0.8 * size)), self._options.opacity)

    def _place_note(self, room: Room, size: int, faces: Sequence[Rect]) -> Rect | None:
        """A corner for the note without a face; the one it was in, while that is free."""
        if not self._options.note:
            return None
        note = self._note(size)
        if note.width > 0.6 * room.width or note.height > 0.08 * room.height:
            return None
        room = room.without(faces)
        corners = _corners(room, note)
        for index in sorted(range(len(corners)), key=lambda index: index != self._corner):
            if room.free(corners[index]):
                self._corner = index
                return corners[index]
        return None


@dataclass(frozen=True, slots=True, eq=False)
class _Mark:
    """The corners around a face.

    Attributes:
        left, top, right, bottom: the line's middle, in pixels; never on the face's own box.
        thickness: of the line, without the dark edge of a pixel on either side.
        rect: all of it that lies in the picture.
    """

    left: float
    top: float
    right: float
    bottom: float
    thickness: int
    rect: Rect


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """A face, the corners around it and the ways to tell its result, the largest first."""

    face: FaceEmotion
    mark: _Mark
    tellings: tuple[PanelPlan | Label, ...]

    @property
    def wish(self) -> Wish:
        """What the layout needs to know."""
        forms = (
            Form(level, telling.width, telling.height, _SIDES[type(telling)])
            for level, telling in enumerate(self.tellings)
        )
        panels = sum(isinstance(telling, PanelPlan) for telling in self.tellings)
        return Wish(self.face.track_id, self.mark.rect, tuple(forms), luxury=max(0, panels - 1))


_SIDES: dict[type[PanelPlan | Label], tuple[Side, ...]] = {
    PanelPlan: ("right", "left", "above", "below"),
    Label: ("above", "below", "right", "left"),
}


def text_size(width: int, height: int, scale: float = 1.0) -> int:
    """The size of text in pixels for a picture of this size: 12 at 480p, 21 at 1080p, 37 at 4K.

    It grows a little slower than the picture, because large pictures are seen on large screens.
    """
    return max(_SMALLEST_TEXT, round(scale * (5 + 0.015 * min(width, height))))


def tellings(face: FaceEmotion, size: int, numbered: bool, panels: bool) -> tuple[PanelPlan | Label, ...]:
    """The ways to tell a face's result, the largest first: panels, a label, a tag.

    Args:
        face: what to tell.
        size: of the text in pixels, as `text_size` gives it.
        numbered: whether to say which person it is.
        panels: whether panels are wanted.
    """
    sizes = [max(_SMALLEST_TEXT, round(share * size)) for share in _PANEL_SIZES]
    tag = max(_SMALLEST_TEXT, round(_TAG_SIZE * size))
    return (
        *(panel_plan(each, numbered) for each in sizes if panels),
        Label.of(face, size, numbered, bold=True),
        Label.of(face, tag, numbered, bold=False),
    )


def _mark(box: Box, width: int, height: int, size: int) -> _Mark | None:
    """The corners around a face; None for a box that is broken, empty or outside the picture."""
    if not all(map(math.isfinite, (box.left, box.top, box.width, box.height))):
        return None
    if box.width <= 0 or box.height <= 0:
        return None
    side = min(box.width, box.height)
    thickness = max(1, round(min(size / 8 + 0.6, 0.03 * side)))
    # The line with its dark edge and soft border must stay off the face itself.
    away = max(0.04 * side, thickness / 2 + 3)
    # Far outside, coordinates would leave OpenCV's range.
    left, right = (min(max(x, -width), 2.0 * width) for x in (box.left - away, box.left + box.width + away))
    top, bottom = (min(max(y, -height), 2.0 * height) for y in (box.top - away, box.top + box.height + away))
    rect = _clipped(left, top, right, bottom, thickness / 2 + 1, width, height)
    return _Mark(left, top, right, bottom, thickness, rect) if rect.width > 0 and rect.height > 0 else None


def _clipped(
    left: float, top: float, right: float, bottom: float, border: float, width: int, height: int
) -> Rect:
    """The pixels of the picture that a rectangle with a border around it touches."""
    x, y = max(0, math.floor(left - border)), max(0, math.floor(top - border))
    return Rect(x, y, min(width, math.ceil(right + border)) - x, min(height, math.ceil(bottom + border)) - y)


def _corners(room: Room, note: Stamp) -> tuple[Rect, ...]:
    """The note's four places: bottom left, bottom right, top left, top right."""
    right, bottom = room.width - room.gap - note.width, room.height - room.gap - note.height
    places = ((room.gap, bottom), (right, bottom), (room.gap, room.gap), (right, room.gap))
    return tuple(Rect(left, top, note.width, note.height) for left, top in places)


def _paint_corners(canvas: Image, mark: _Mark, colour: BGR) -> None:
    """Four round corners; a thin dark edge keeps them visible on bright pictures."""
    unit = _unit_corner()
    side = min(mark.right - mark.left, mark.bottom - mark.top)
    paths = []
    for x, along in ((mark.left, 1), (mark.right, -1)):
        for y, down in ((mark.top, 1), (mark.bottom, -1)):
            path = np.array((x, y)) + unit * (along * side, down * side)
            # A pixel's middle has whole coordinates in OpenCV, its corner has in boxes.
            paths.append(np.rint((path - 0.5) * (1 << _SHIFT)).astype(np.int32))
    for line, thickness in ((SURFACE, mark.thickness + 2), (colour, mark.thickness)):
        cv2.polylines(canvas, paths, False, line, thickness, cv2.LINE_AA, _SHIFT)


@cache
def _unit_corner() -> npt.NDArray[np.float64]:
    """The left top corner of a square with sides of 1: an arm down, an arc, an arm across."""
    radius, arm = 0.09, 0.24
    angles = np.linspace(0, np.pi / 2, 9)
    arc = radius * (1 - np.stack([np.cos(angles), np.sin(angles)], axis=1))
    return np.concatenate([[(0, arm)], arc, [(arm, 0)]])
