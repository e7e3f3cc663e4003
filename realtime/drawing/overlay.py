"""Draws each face's result onto its picture.

A face gets slim corners in its label's colour and, beside it, a panel: the label, a bar for each
class, and what each region says by itself. Where there is no room for a panel a smaller one, a card,
a label or a word takes its place; no face is ever covered. Sizes follow the picture's shorter side, so
that text reads alike at 480p and at 4K.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import ceil, floor, inf
from typing import TypeAlias

import cv2
import numpy as np

from emotion.models.regions import Image
from emotion.realtime.drawing.arranger import Arranger
from emotion.realtime.drawing.cards import Card, card_for, paint_card
from emotion.realtime.drawing.layout import Form, Placement, Rect, Room, Side, Wish
from emotion.realtime.drawing.options import DrawingOptions, Style
from emotion.realtime.drawing.panels import (
    Content,
    Label,
    PanelPlan,
    label_colour,
    label_for,
    label_room,
    note_sprite,
    paint_label,
    paint_panel,
    panel_plan,
)
from emotion.realtime.drawing.sprites import BGR, CORNER_EDGE, Sprite, corners, press
from emotion.realtime.drawing.strip import Strip
from emotion.realtime.messages import Box, Drawn, EmotionFrame, FaceEmotion, Parts

_SMALLEST_TEXT = 10
# Panels in the order in which they are tried: text as a share of the full size, length of the bars.
_PANELS = ((1.0, 5.2), (0.84, 5.2), (0.7, 3.4), (0.7, 0.0))
# The first two are only used once every face has the best of the others.
_LUXURY = 2
_TAG_SIZE = 0.7
# A face of such a share of the picture's height fills it. Its label may lie over the chin, up to this share
# of the face's height.
_FILLS, _MOST_OF_CHIN = 0.6, 0.2
# The corners of a face with fewer pixels a side may reach into it.
_SMALL = 64
# A box with larger values, in pixels, is broken.
_ABSURD = 1e6
# How long the last person keeps a number after the others have left, in seconds.
_ALONE = 5.0

Widget: TypeAlias = PanelPlan | Card | Label
"""What shows a face's result: a panel, a card or a label."""


@dataclass(frozen=True, slots=True, eq=False)
class PlacedWidget:
    """A face and the widget that shows its result.

    Attributes:
        face: with its result.
        box: the part of its box in the picture, which nothing may cover but the label of a face that fills
            the picture's height.
        widget: shows the result; None where there is no room even for a word.
        rect: the widget's position.
        place: the room for it, which a label may not fill, and its position relative to the face; None where
            there is none.
    """

    face: FaceEmotion
    box: Rect
    widget: Widget | None
    rect: Rect | None
    place: Placement | None

    @property
    def away(self) -> bool:
        """Whether the widget is not next to the face, so that a line connects them."""
        return self.place is not None and self.place.spot.side == "away"


class Overlay:
    """Draws one stream of results; it remembers where each person's panel stands.

    Places are chosen with memory and a cost for moving, see `arranger`. So use one Overlay a stream; it
    is not thread-safe.

    Args:
        options: how it looks.
        strip: a timeline, where one is to be drawn.
        partly: pictures are for `sinks.mp4`, which takes a decoded picture's own pixels where nothing is
            drawn: there they may be anything.
    """

    def __init__(
        self, options: DrawingOptions | None = None, strip: Strip | None = None, partly: bool = False
    ) -> None:
        self._strip = strip
        self._partly = partly
        self._options = options or DrawingOptions()
        self._arranger = Arranger()
        self._rows: dict[str, None] = {}
        self._several = -inf
        self._corner = 0

    def draw(self, result: EmotionFrame) -> Image:
        """The frame with everything drawn on it; the frame's own picture stays as it is.

        Args:
            result: a frame, and the result of each face in it.

        Returns:
            uint8 (h, w, 3), BGR, a new picture of the frame's size.
        """
        plain = self._options.style == "none"
        room, shown = self._room(result), self._shown(result)
        placed = () if plain else self._place(result, shown)
        widgets_at = [one.rect for one in placed if one.rect]
        leads = [
            _lead(item.mark, one.rect, label_colour(one.face))
            for item, one in zip(shown, placed, strict=not plain)
            if one.away and one.rect
        ]
        note = None if plain else self._note(room.without([item.mark.rect for item in shown] + widgets_at))
        borders = [] if plain else [border for item in shown for border in item.mark.borders]
        parts = [
            *room.taken,
            *borders,
            *widgets_at,
            *(one.rect for one in leads),
            *([note.rect] if note else []),
        ]
        drawn_on = _inside_of(parts, room)
        canvas = result.frame.canvas(drawn_on if self._partly else None)
        faces = _copies(canvas, shown, [*room.taken, *(one.rect for one in leads)])
        if self._strip:
            self._strip.add(result.frame.seconds, result.faces)
            self._strip.paint(canvas, result.frame.seconds)
        for lead in leads:
            lead.paint(canvas)
        for item in [] if plain else shown:
            _paint_mark(canvas, item.mark, label_colour(item.face))
        for rect, copy in faces:
            canvas[_inside(rect)] = copy
        for one in placed:
            if one.widget and one.rect:
                self._paint(canvas, one.face, one.widget, one.rect)
        if note:
            press(canvas, note.sprite, note.rect.left, note.rect.top)
        return Drawn.on(canvas, drawn_on, result.frame.picture)

    def plan(self, result: EmotionFrame) -> tuple[PlacedWidget, ...]:
        """The widgets that `draw` would draw for this frame, the next of the stream."""
        return self._place(result, self._shown(result))

    def _room(self, result: EmotionFrame) -> Room:
        height, width = result.frame.shape[:2]
        taken = (self._strip.rect(width, height),) if self._strip else ()
        return Room(width, height, max(2, round(0.8 * self._unit(result))), taken)

    def _unit(self, result: EmotionFrame) -> float:
        """The full size of text for this picture, in pixels."""
        return self._options.scale * (5 + 0.015 * float(min(result.frame.shape[:2])))

    def _shown(self, result: EmotionFrame) -> list["_Shown"]:
        """The faces that can be drawn, each with its possible widgets."""
        height, width = result.frame.shape[:2]
        unit, now = self._unit(result), result.frame.seconds
        found = [(face, mark) for face in result.faces if (mark := _mark(face.box, width, height, unit))]
        self._several = now if len(found) > 1 else self._several
        numbered = 0 <= now - self._several <= _ALONE
        shown: list[_Shown] = []
        drawn: set[int] = set()
        for face, mark in found:
            # A position belongs to a track id, so a face with a repeated id is marked but gets no widget.
            again = face.track_id in drawn
            drawn.add(face.track_id)
            content = self._content(face)
            ways = () if again else widgets(face, unit, numbered, self._options.style, content)
            shown.append(_Shown(face, mark, ways))
        return shown

    def _content(self, face: FaceEmotion) -> Content:
        """The panel's rows: those of all faces until now, so that panels do not change their size."""
        own = Content.of(face)
        self._rows |= dict.fromkeys(own.rows)
        return Content(own.classes, tuple(self._rows)) if set(own.rows) < set(self._rows) else own

    def _place(self, result: EmotionFrame, shown: Sequence["_Shown"]) -> tuple[PlacedWidget, ...]:
        """Choose each face's widget and its position, which the arranger remembers."""
        wishes = [item.wish for item in shown]
        places = self._arranger.arrange(self._room(result), wishes, result.frame.seconds)
        placed = []
        for item in shown:
            place = places.get(item.face.track_id) if item.widgets else None
            widget = item.widgets[place.spot.level] if place else None
            rect = _filled(place, widget) if place and widget else None
            placed.append(PlacedWidget(item.face, item.mark.face, widget, rect, place))
        return _with_labels_on_chins(placed, shown, self._room(result))

    def _paint(self, canvas: Image, face: FaceEmotion, widget: Widget, rect: Rect) -> None:
        if isinstance(widget, PanelPlan):
            paint_panel(canvas, widget, rect.left, rect.top, face, self._options.opacity)
        elif isinstance(widget, Card):
            paint_card(canvas, widget, rect.left, rect.top, face, self._options.opacity)
        else:
            paint_label(canvas, widget, rect.left, rect.top, self._options.opacity)

    def _note(self, room: Room) -> "_Note | None":
        """The note in a free corner: the same as before, as long as it is free."""
        if not self._options.note:
            return None
        unit = self._options.scale * (5 + 0.015 * min(room.width, room.height))
        note = note_sprite(self._options.note, _text_size(0.8 * unit), self._options.opacity)
        if note.width > 0.6 * room.width or note.height > 0.08 * room.height:
            return None
        places = _note_places(room, note)
        for index in sorted(range(len(places)), key=lambda index: index != self._corner):
            if room.free(places[index]):
                self._corner = index
                return _Note(note, places[index])
        return None


@dataclass(frozen=True, slots=True, eq=False)
class _Note:
    """A sentence in a corner of the picture."""

    sprite: Sprite
    rect: Rect


@dataclass(frozen=True, slots=True, eq=False)
class _Lead:
    """A line from a face to a widget that is not next to it; faces are drawn over it afterwards.

    Attributes:
        start, end: its points, (x, y) in pixels.
        colour: BGR.
        thick: pixels.
    """

    start: tuple[int, int]
    end: tuple[int, int]
    colour: BGR
    thick: int

    @property
    def rect(self) -> Rect:
        """All of it."""
        (left, right), (top, bottom) = (sorted(pair) for pair in zip(self.start, self.end, strict=True))
        away = self.thick + 2
        return Rect(left - away, top - away, right - left + 2 * away + 1, bottom - top + 2 * away + 1)

    def paint(self, canvas: Image) -> None:
        for shade, width in (((16, 14, 12), self.thick + 2), (self.colour, self.thick)):
            cv2.line(canvas, self.start, self.end, shade, width, cv2.LINE_AA)


def _with_labels_on_chins(
    placed: Sequence[PlacedWidget], shown: Sequence["_Shown"], room: Room
) -> tuple[PlacedWidget, ...]:
    """Add labels to the faces that fill the picture's height and have no widget, if nothing else is there."""
    labelled = list(placed)
    for index, (one, item) in enumerate(zip(placed, shown, strict=True)):
        if one.widget is None and one.box.height >= _FILLS * room.height:
            others = [other for place, other in enumerate(labelled) if place != index]
            kept_free = [rect for other in others for rect in (other.box, other.rect) if rect]
            labelled[index] = _with_label_on_chin(one, item.widgets, room, kept_free)
    return tuple(labelled)


def _with_label_on_chin(
    placed: PlacedWidget, widgets: Sequence[Widget], room: Room, kept_free: Sequence[Rect]
) -> PlacedWidget:
    """The largest label that fits at the lower edge of a face, if any does."""
    box = placed.box
    bottom = min([box.bottom, room.height, *(taken.top for taken in room.taken)]) - room.gap // 2
    for label in (widget for widget in widgets if isinstance(widget, Label)):
        left = box.left + (box.width - label.width) // 2
        rect = Rect(left, bottom - label.height, label.width, label.height)
        inside = left >= 0 and rect.right <= room.width and label.height <= _MOST_OF_CHIN * box.height
        if inside and not any(rect.overlaps(other) for other in kept_free):
            return replace(placed, widget=label, rect=rect)
    return placed


def _filled(place: Placement, widget: Widget) -> Rect:
    """The part of its room that a widget fills, on the side of its face."""
    room, spot = place.rect, place.spot
    share = spot.along if spot.side in ("above", "below") else float(spot.side == "left")
    left = room.left + round(share * (room.width - widget.width))
    return Rect(left, room.top, widget.width, widget.height)


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

    @property
    def borders(self) -> tuple[Rect, ...]:
        """What may be drawn on: above, below, left and right of the face. One may be empty."""
        rect, face = self.rect, self.face
        return (
            Rect(rect.left, rect.top, rect.width, face.top - rect.top),
            Rect(rect.left, face.bottom, rect.width, rect.bottom - face.bottom),
            Rect(rect.left, face.top, face.left - rect.left, face.height),
            Rect(face.right, face.top, rect.right - face.right, face.height),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """A face, the corners around it and its possible widgets, the largest first; there may be none."""

    face: FaceEmotion
    mark: _Mark
    widgets: tuple[Widget, ...]

    @property
    def wish(self) -> Wish:
        """What the arranger needs to place a widget."""
        forms = tuple(_form(self.face, level, widget) for level, widget in enumerate(self.widgets))
        luxury = _LUXURY if any(isinstance(widget, PanelPlan) for widget in self.widgets) else 0
        return Wish(self.face.track_id, self.mark.rect, forms, luxury)


_SIDES: dict[type[Widget], tuple[Side, ...]] = {
    PanelPlan: ("right", "left", "above", "below"),
    Card: ("above", "below", "right", "left"),
    Label: ("above", "below", "right", "left"),
}


def _form(face: FaceEmotion, level: int, widget: Widget) -> Form:
    """The room that a widget needs with any label."""
    width, height = widget.width, widget.height
    if isinstance(widget, Label):
        numbered, share = bool(widget.number), widget.share
        width, height = label_room(face, widget.size, numbered, widget.bold, share)
    return Form(level, width, height, _SIDES[type(widget)])


def _text_size(wanted: float) -> int:
    """A size of text in whole pixels that can still be read."""
    return max(_SMALLEST_TEXT, round(wanted))


def widgets(
    face: FaceEmotion, unit: float, numbered: bool, style: Style, content: Content
) -> tuple[Widget, ...]:
    """The possible widgets for a face, the largest first: panels, cards, a label, a tag, a word.

    Args:
        face: with its result.
        unit: the full size of text for this picture, in pixels.
        numbered: whether to say which person it is.
        style: the largest that is wanted.
        content: the rows of panels.
    """
    small = _text_size(_TAG_SIZE * unit)
    panels = _PANELS if style == "panel" else ()
    cards = (unit, _TAG_SIZE * unit) if style != "label" else ()
    return (
        *(panel_plan(_text_size(share * unit), numbered, bars, content) for share, bars in panels),
        *(card_for(face, _text_size(size), numbered) for size in cards),
        label_for(face, _text_size(unit), numbered, bold=True),
        label_for(face, small, numbered, bold=False),
        label_for(face, small, numbered=False, bold=False, share=False),
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


def _inside(face: Rect) -> tuple[slice, slice]:
    return np.s_[face.top : face.bottom, face.left : face.right]


def _copies(canvas: Image, shown: Sequence[_Shown], covering: Sequence[Rect]) -> list[tuple[Rect, Image]]:
    """Copies of what is going to be covered of the faces, and where it is.

    Args:
        covering: lines and the timeline; the corners of other faces, and a small face's own, cover faces too.
    """
    copies = []
    for item in shown:
        face = item.mark.face
        others = [one.mark.rect for one in shown if one is not item or min(face.width, face.height) < _SMALL]
        rects = (face.common(rect) for rect in (*covering, *others))
        copies += [(rect, canvas[_inside(rect)].copy()) for rect in rects if rect.area]
    return copies


def _inside_of(parts: Sequence[Rect], room: Room) -> Parts:
    """The parts of rectangles that are inside the picture, as (left, top, right, bottom)."""
    clipped = [_clipped(part, room.width, room.height) for part in parts]
    return tuple((p.left, p.top, p.right, p.bottom) for p in clipped if p.width > 0 and p.height > 0)


def _lead(mark: _Mark, rect: Rect, colour: BGR) -> _Lead:
    """The line from a face to its widget, between their nearest points."""
    start = _nearest(mark.rect, rect.left + rect.width // 2, rect.top + rect.height // 2)
    return _Lead(start, _nearest(rect, *start), colour, max(1, mark.thickness // 2))


def _nearest(rect: Rect, x: int, y: int) -> tuple[int, int]:
    """The point of a rectangle that is nearest to another point."""
    return min(max(x, rect.left), rect.right - 1), min(max(y, rect.top), rect.bottom - 1)


def _paint_mark(canvas: Image, mark: _Mark, colour: BGR) -> None:
    stamps = corners(mark.arm, mark.thickness, colour)
    right, bottom = mark.outer.right - stamps[0].width, mark.outer.bottom - stamps[0].height
    places = product((mark.outer.top, bottom), (mark.outer.left, right))
    for stamp, (top, left) in zip(stamps, places, strict=True):
        press(canvas, stamp, left, top)
