"""Draws what is thought of each face onto its picture.

A face gets slim corners in its label's colour and, beside it, a panel: the label, a bar for each
class, and what each region says by itself. Where there is no room for a panel a
smaller one, a label or a tag takes its place; no face is ever covered. Sizes follow the
picture's shorter side, so that text reads alike at 480p and at 4K.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil, floor

import numpy as np

from emotion.models.regions import Image
from emotion.realtime.drawing.layout import Form, Placement, Rect, Room, Side, Wish, arrange
from emotion.realtime.drawing.options import DrawingOptions
from emotion.realtime.drawing.panels import (
    Content,
    Label,
    PanelPlan,
    label_colour,
    label_for,
    note_sprite,
    paint_label,
    paint_panel,
    panel_plan,
)
from emotion.realtime.drawing.sprites import BGR, CORNER_EDGE, Sprite, corners, press
from emotion.realtime.messages import Box, EmotionFrame, FaceEmotion

_SMALLEST_TEXT = 10
# Panels in the order in which they are tried: text as a share of the full size, length of the bars.
_PANELS = ((1.0, 5.2), (0.84, 5.2), (0.7, 3.4), (0.7, 0.0))
# The first two of them come only when everyone has the best of the others.
_LUXURY = 2
_TAG_SIZE = 0.7
# Pixels beyond which a box is taken for broken.
_ABSURD = 1e6
# Seconds for which the place of a person who is out of sight is remembered.
_MEMORY = 1.0


class Overlay:
    """Draws one stream of results; it remembers where each person's panel stands.

    A panel keeps its side and size while they fit, so that it does not jump when its face sits at
    the border of fitting. The place of a person who is gone is forgotten after a second of the
    stream's time, and all places when that time goes back. So use one Overlay a stream; it is not
    thread-safe.

    Args:
        options: how it looks.
    """

    def __init__(self, options: DrawingOptions | None = None):
        self._options = options or DrawingOptions()
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
        unit = self._options.text_scale * (5 + 0.015 * min(width, height))
        shown = self._shown(result.faces, width, height, unit)
        room = Room(width, height, max(2, round(0.8 * unit)), ())
        places = self._arrange(room, shown, result.frame.seconds)
        _paint_marks(canvas, result.frame.image, shown)
        for item in shown:
            if item.tellings and (place := places.get(item.face.track_id)):
                self._paint(canvas, item.face, item.tellings[place.spot.level], place.rect)
        taken = [item.mark.rect for item in shown] + [place.rect for place in places.values()]
        self._paint_note(canvas, room.without(taken), unit)
        return canvas

    def _shown(self, faces: Sequence[FaceEmotion], width: int, height: int, unit: float) -> list["_Shown"]:
        """The faces that can be drawn, with the ways in which each could be told."""
        found = [(face, mark) for face in faces if (mark := _mark(face.box, width, height, unit))]
        numbered = len(found) > 1
        shown: list[_Shown] = []
        told: set[int] = set()
        for face, mark in found:
            # A place belongs to a track id, so a repeated id is marked but not told again.
            again = face.track_id in told
            told.add(face.track_id)
            ways = () if again else tellings(face, unit, numbered, self._options.panels)
            shown.append(_Shown(face, mark, ways))
        return shown

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

    def _paint_note(self, canvas: Image, room: Room, unit: float) -> None:
        """Write the note into a free corner: the one it was in, while that is free."""
        if not self._options.note:
            return
        note = note_sprite(self._options.note, _text_size(0.8 * unit), self._options.opacity)
        if note.width > 0.6 * room.width or note.height > 0.08 * room.height:
            return
        places = _note_places(room, note)
        for index in sorted(range(len(places)), key=lambda index: index != self._corner):
            if room.free(places[index]):
                self._corner = index
                press(canvas, note, places[index].left, places[index].top)
                return


@dataclass(frozen=True, slots=True, eq=False)
class _Mark:
    """The corners around a face.

    Attributes:
        outer: all of it, in pixels; may reach beyond the picture.
        rect: the part of it in the picture.
        face: the face's own box in the picture, which nothing may cover.
        arm: length of the corners' arms in pixels.
        thickness: of the line in pixels.
    """

    outer: Rect
    rect: Rect
    face: Rect
    arm: int
    thickness: int


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """A face, the corners around it and the ways to tell its result, the largest first, or none."""

    face: FaceEmotion
    mark: _Mark
    tellings: tuple[PanelPlan | Label, ...]

    @property
    def wish(self) -> Wish:
        """What the layout needs to know."""
        forms = tuple(
            Form(level, telling.width, telling.height, _SIDES[type(telling)])
            for level, telling in enumerate(self.tellings)
        )
        luxury = _LUXURY if any(isinstance(telling, PanelPlan) for telling in self.tellings) else 0
        return Wish(self.face.track_id, self.mark.rect, forms, luxury)


_SIDES: dict[type[PanelPlan | Label], tuple[Side, ...]] = {
    PanelPlan: ("right", "left", "above", "below"),
    Label: ("above", "below", "right", "left"),
}


def _text_size(wanted: float) -> int:
    """A size of text in whole pixels that can still be read."""
    return max(_SMALLEST_TEXT, round(wanted))


def tellings(face: FaceEmotion, unit: float, numbered: bool, panels: bool) -> tuple[PanelPlan | Label, ...]:
    """The ways to tell a face's result, the largest first: panels, a label, a tag.

    Args:
        face: what to tell.
        unit: the full size of text for this picture, in pixels.
        numbered: whether to say which person it is.
        panels: whether panels are wanted.
    """
    content = Content.of(face)
    return (
        *(panel_plan(_text_size(share * unit), numbered, bars, content) for share, bars in _PANELS if panels),
        label_for(face, _text_size(unit), numbered, bold=True),
        label_for(face, _text_size(_TAG_SIZE * unit), numbered, bold=False),
    )


def _mark(box: Box, width: int, height: int, unit: float) -> _Mark | None:
    """The corners around a face; None for a box that is broken, empty or outside the picture."""
    # Comparisons with NaN are false.
    if not (0 < box.width < _ABSURD and 0 < box.height < _ABSURD):
        return None
    if not (abs(box.left) < _ABSURD and abs(box.top) < _ABSURD):
        return None
    side = min(box.width, box.height)
    thickness = max(1, round(min(unit / 7 + 1, side / 20 + 0.5)))
    # The line, and its shadow on either side, must stay off the face itself.
    outer = _around(box, max(0.04 * side, CORNER_EDGE) + thickness + CORNER_EDGE)
    rect, face = _clipped(outer, width, height), _clipped(_around(box, 0), width, height)
    # Few different lengths, because each is drawn once and kept.
    step = max(4, round(unit / 4))
    arm = max(2, round(min(0.24 * side, 6 * unit) / step)) * step
    arm = min(arm, outer.width // 2, outer.height // 2)
    return _Mark(outer, rect, face, arm, thickness) if face.width > 0 and face.height > 0 else None


def _around(box: Box, away: float) -> Rect:
    """The whole pixels around a box that are up to `away` pixels outside it."""
    left, top = floor(box.left - away), floor(box.top - away)
    right, bottom = ceil(box.left + box.width + away), ceil(box.top + box.height + away)
    return Rect(left, top, right - left, bottom - top)


def _clipped(rect: Rect, width: int, height: int) -> Rect:
    """The part of a rectangle in a picture of this size; its size may be negative."""
    left, top = max(0, rect.left), max(0, rect.top)
    return Rect(left, top, min(width, rect.right) - left, min(height, rect.bottom) - top)


def _note_places(room: Room, note: Sprite) -> tuple[Rect, ...]:
    """The note's four places: bottom left, bottom right, top left, top right."""
    right, bottom = room.width - room.gap - note.width, room.height - room.gap - note.height
    places = ((room.gap, bottom), (right, bottom), (room.gap, room.gap), (right, room.gap))
    return tuple(Rect(left, top, note.width, note.height) for left, top in places)


def _paint_marks(canvas: Image, image: Image, shown: Sequence[_Shown]) -> None:
    """Mark each face with its emotion's colour; whatever falls on a face is taken back.

    That is the line of a neighbour, or, on small faces, the bend of their own corners.
    """
    for item in shown:
        _paint_mark(canvas, item.mark, label_colour(item.face))
    for item in shown:
        face = item.mark.face
        inside = np.s_[face.top : face.bottom, face.left : face.right]
        canvas[inside] = image[inside]


def _paint_mark(canvas: Image, mark: _Mark, colour: BGR) -> None:
    stamps = corners(mark.arm, mark.thickness, colour)
    right, bottom = mark.outer.right - stamps[0].width, mark.outer.bottom - stamps[0].height
    places = product((mark.outer.top, bottom), (mark.outer.left, right))
    for stamp, (top, left) in zip(stamps, places, strict=True):
        press(canvas, stamp, left, top)
