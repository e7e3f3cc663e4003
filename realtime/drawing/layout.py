"""Possible positions of a face's panel in the picture: geometry only, no pixels and no state.

A result has several forms, from a full panel to one word. A form is placed beside its face,
at any position along that side, or, if no side has room, away from it. `arranger` chooses among these
positions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Literal, TypeAlias

import numpy as np

Side: TypeAlias = Literal["right", "left", "above", "below", "away"]

# Positions along a side: 0 is aligned with the begin of the face, 1 with its end.
_ALONG = (0.0, 0.5, 1.0, 0.25, 0.75)
# The most that forms larger than a word may hide: of another person, and as a share of themselves.
_OF_A_PERSON, _OF_A_FORM = 0.2, 0.5
# The resolution at which hidden areas are compared.
_STEPS = 3


@dataclass(frozen=True, slots=True)
class Rect:
    """An upright rectangle of whole pixels; `right` and `bottom` are the first ones outside."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column outside."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """The first row outside."""
        return self.top + self.height

    @property
    def area(self) -> int:
        """In pixels."""
        return self.width * self.height

    def common(self, other: "Rect") -> "Rect":
        """The intersection; its area may be 0."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        across, down = min(self.right, other.right) - left, min(self.bottom, other.bottom) - top
        return Rect(left, top, max(0, across), max(0, down))

    def overlaps(self, other: "Rect", margin: int = 0) -> bool:
        """Whether the two share a pixel, or come closer than `margin` pixels."""
        return (
            self.left < other.left + other.width + margin
            and other.left < self.left + self.width + margin
            and self.top < other.top + other.height + margin
            and other.top < self.top + self.height + margin
        )


@dataclass(frozen=True, slots=True)
class Form:
    """A form of a face's panel.

    Attributes:
        level: its index among all forms, 0 for the largest; constant over frames.
        width, height: pixels; constant for all results, so that a change of the label moves nothing.
        sides: possible sides, the preferred one first.
    """

    level: int
    width: int
    height: int
    sides: tuple[Side, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """A face and the possible forms of its panel.

    Attributes:
        track_id: the same number for the same person from frame to frame.
        face: the area to keep free.
        forms: in order of their level; none for a face that is only kept free.
        luxury: forms below this level are used only when all have the best of the others.
    """

    track_id: int
    face: Rect
    forms: tuple[Form, ...]
    luxury: int = 0


@dataclass(frozen=True, slots=True)
class Spot:
    """The position of a form relative to its face.

    Attributes:
        level: of the form.
        side: of the face; ``"away"``: anywhere, and a line leads to the face.
        along: position along that side, from 0 to 1.
    """

    level: int
    side: Side
    along: float


@dataclass(frozen=True, slots=True)
class Placement:
    """A face's form on screen."""

    spot: Spot
    rect: Rect


@dataclass(frozen=True, slots=True)
class Room:
    """The picture and its occupied areas.

    Attributes:
        width, height: the picture's, in pixels.
        gap: pixels between a face and its form; half of it is kept to everything else, the
            picture's edges included.
        taken: areas that no form may touch.
        people: bodies in the picture, see `person`: a form hides as little of them as possible.
    """

    width: int
    height: int
    gap: int
    taken: tuple[Rect, ...]
    people: tuple[Rect, ...] = ()

    def free(self, rect: Rect) -> bool:
        """Whether a form may be placed there."""
        margin = self.gap // 2
        return self.holds(rect, margin) and not any(rect.overlaps(other, margin) for other in self.taken)

    def holds(self, rect: Rect, margin: int = 0) -> bool:
        """Whether it is inside the picture, `margin` pixels away from the edges."""
        return (
            rect.left >= margin
            and rect.top >= margin
            and rect.right <= self.width - margin
            and rect.bottom <= self.height - margin
        )

    def without(self, rects: Sequence[Rect]) -> "Room":
        """The same with more occupied areas."""
        return replace(self, taken=(*self.taken, *rects))

    def hides(self, rect: Rect, face: Rect) -> float:
        """How much of other people a form would hide there: 1 is the limit.

        The limit is a fifth of one of them, or half of the form's own area. What it hides of its own person
        does not count for others, who are hidden behind that person. But their heads are visible, since their
        faces were detected: a form on a head below, as in a video call's gallery, would seem to belong to
        that person.
        """
        own, most = person(face), 0.0
        for one in self.people:
            if one == own or not one.overlaps(rect):
                continue
            before = one.common(rect)
            pixels = before.area - before.common(own).area + head(one).common(rect).common(own).area
            most = max(most, pixels / (_OF_A_PERSON * one.area), pixels / (_OF_A_FORM * rect.area))
        return most


def person(face: Rect) -> Rect:
    """The approximate area of hair, shoulders and chest: twice as wide as the face, to two below it."""
    across, above = face.width // 2, 2 * face.height // 5
    return Rect(face.left - across, face.top - above, face.width + 2 * across, 3 * face.height + above)


def head(person: Rect) -> Rect:
    """The area of the face and the hair of a rectangle from `person`."""
    across = person.width // 4
    return Rect(person.left + across, person.top, person.width - 2 * across, 7 * person.height // 17)


def beside(room: Room, face: Rect, form: Form, spare: int = 0) -> Iterator[Placement]:
    """The free positions of a form beside its face: first those that hide less, then preferred ones.

    Args:
        room: with the face itself occupied.
        face: of the form.
        form: of any size.
        spare: margin in pixels around the form.
    """
    later: list[tuple[int, Placement]] = []
    for one in _free_beside(room, face, form, spare):
        if hidden := round(_STEPS * room.hides(one.rect, face)):
            later.append((hidden, one))
        else:
            yield one
    yield from (one for _, one in sorted(later, key=itemgetter(0)))


def _free_beside(room: Room, face: Rect, form: Form, spare: int) -> Iterator[Placement]:
    """The same, in the order of the form's sides."""
    grown = Form(form.level, form.width + spare, form.height + spare, form.sides)
    for side in form.sides:
        # Most forms that are tried for a large face do not fit there, at any position along the side.
        if not _reaches(room, face, grown, side):
            continue
        for along in _ALONG:
            spot = Spot(form.level, side, along)
            rect = place(room, face, form, spot)
            if room.free(rect) and (not spare or room.free(place(room, face, grown, spot))):
                yield Placement(spot, rect)


def _reaches(room: Room, face: Rect, form: Form, side: Side) -> bool:
    """Whether there is room for a form between the face and the picture's edge on that side."""
    needed = room.gap + room.gap // 2
    match side:
        case "right":
            return face.right + needed + form.width <= room.width
        case "left":
            return face.left - needed - form.width >= 0
        case "below":
            return face.bottom + needed + form.height <= room.height
        case _:
            return face.top - needed - form.height >= 0


def away(room: Room, face: Rect, form: Form) -> Placement | None:
    """The free position nearest to a face, anywhere in the picture; None if there is none."""
    margin, step = room.gap // 2, max(2, room.gap // 2)
    lefts = np.arange(margin, room.width - margin - form.width + 1, step)
    tops = np.arange(margin, room.height - margin - form.height + 1, step)
    free = np.ones((len(tops), len(lefts)), dtype=bool)
    for other in room.taken:
        across = (lefts < other.right + margin) & (lefts > other.left - margin - form.width)
        down = (tops < other.bottom + margin) & (tops > other.top - margin - form.height)
        free[np.ix_(down, across)] = False
    if not free.any():
        return None
    # Between facing edges.
    across = np.maximum(np.maximum(lefts - face.right, face.left - lefts - form.width), 0)
    down = np.maximum(np.maximum(tops - face.bottom, face.top - tops - form.height), 0)
    distance = np.hypot(down[:, np.newaxis], across[np.newaxis, :])
    # Beside a person rather than on them, if that is not much farther.
    for one in room.people:
        if one != person(face):
            beyond = (lefts < one.right) & (lefts > one.left - form.width)
            below = (tops < one.bottom) & (tops > one.top - form.height)
            distance[np.ix_(below, beyond)] += form.width
    distance = np.where(free, distance, np.inf)
    row, column = divmod(int(distance.argmin()), len(lefts))
    rect = Rect(int(lefts[column]), int(tops[row]), form.width, form.height)
    return Placement(Spot(form.level, "away", 0.0), rect)


def place(room: Room, face: Rect, form: Form, spot: Spot) -> Rect:
    """A form beside a face, moved along that side into the picture; it may not be free."""
    if spot.side in ("right", "left"):
        left = face.right + room.gap if spot.side == "right" else face.left - room.gap - form.width
        top = _slide(face.top, face.height, form.height, spot.along, room.height, room.gap // 2)
    else:
        left = _slide(face.left, face.width, form.width, spot.along, room.width, room.gap // 2)
        top = face.bottom + room.gap if spot.side == "below" else face.top - room.gap - form.height
    return Rect(left, top, form.width, form.height)


def slides(spot: Spot) -> list[Spot]:
    """The same side of the face, the positions along it in the order of their distance."""
    return [
        Spot(spot.level, spot.side, along)
        for along in sorted(_ALONG, key=lambda along: abs(along - spot.along))
    ]


def _slide(start: int, length: int, size: int, along: float, limit: int, edge: int) -> int:
    """The begin of a span of length `size`, aligned with a face but `edge` away from 0 and `limit`."""
    return max(edge, min(start + round(along * (length - size)), limit - size - edge))
