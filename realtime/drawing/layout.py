"""Where each face's result stands in the picture: geometry only, no pixels.

A result can be told in several forms, from a full panel to a one-line tag. Each face gets the
largest form that fits beside it, inside the picture, without touching any face or another form.

What was shown before is kept while it fits, and anything better must fit with room to spare:
without that, a panel at the border of fitting would jump at every frame. `arrange` is pure; who
calls it keeps the last answer and hands it in again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal, TypeAlias

Side: TypeAlias = Literal["right", "left", "above", "below"]
Align: TypeAlias = Literal["start", "centre", "end"]

_ALIGNS: tuple[Align, ...] = ("start", "centre", "end")

# Of two faces each may have a form this many times its own height, of three half of that, and so
# on, so that a crowd is not buried; a lone face may have any.
_TALLEST = 3.5
# How much further the allowance reaches for a form that is already on screen.
_LENIENCE = 1.5
# In gaps: a panel ignores jitter of its face up to the first, and a change for the better needs
# the second to spare.
_DEAD_ZONE = 0.4
_SPARE = 1.5


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
    """One way to tell a result.

    Attributes:
        level: its place among all forms, 0 for the largest; the same from frame to frame.
        width, height: pixels.
        sides: where it may stand, the preferred one first.
    """

    level: int
    width: int
    height: int
    sides: tuple[Side, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """A face that wants its result told.

    Attributes:
        track_id: the same number for the same person from frame to frame.
        face: what is to be kept free.
        forms: in order of their level.
        luxury: forms below this level come only when everyone has the best of the others.
    """

    track_id: int
    face: Rect
    forms: tuple[Form, ...]
    luxury: int = 0


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a form stands in relation to its face."""

    level: int
    side: Side
    align: Align


@dataclass(frozen=True, slots=True)
class Placement:
    """A face's form on screen."""

    spot: Spot
    rect: Rect


@dataclass(frozen=True, slots=True)
class Room:
    """The picture and what in it is taken.

    Attributes:
        width, height: the picture's, in pixels.
        gap: pixels between a face and its form; half of it is kept to everything else, the
            picture's edges included.
        taken: what no form may touch.
    """

    width: int
    height: int
    gap: int
    taken: tuple[Rect, ...]

    def free(self, rect: Rect) -> bool:
        """Whether a form may stand there."""
        margin = self.gap // 2
        return self.holds(rect, margin) and not any(rect.overlaps(other, margin) for other in self.taken)

    def holds(self, rect: Rect, margin: int = 0) -> bool:
        """Whether it lies in the picture, `margin` pixels away from the edges."""
        return (
            rect.left >= margin
            and rect.top >= margin
            and rect.right <= self.width - margin
            and rect.bottom <= self.height - margin
        )

    def without(self, rects: Sequence[Rect]) -> "Room":
        """The same room with more of it taken."""
        return Room(self.width, self.height, self.gap, (*self.taken, *rects))


def arrange(room: Room, wishes: Sequence[Wish], previous: Mapping[int, Placement]) -> dict[int, Placement]:
    """Give every face the largest form that fits; faces without room get none.

    Args:
        room: the picture, with what else is taken; the faces need not be in it.
        wishes: one a face. Track ids differ.
        previous: the placements of the frame before, by track id.

    Returns:
        Placements by track id. They lie in the picture and touch no face and no other placement.
    """
    room = room.without([wish.face for wish in wishes])
    placed = _attempt(room, wishes, (), previous)
    left_out = [wish for wish in wishes if wish.track_id not in placed]
    if left_out:
        again = _attempt(room, wishes, left_out, previous)
        placed = again if len(again) > len(placed) else placed
    return placed


def _attempt(
    room: Room, wishes: Sequence[Wish], first: Sequence[Wish], previous: Mapping[int, Placement]
) -> dict[int, Placement]:
    """Place all that fits: `first`, then what was there before, then the others by their size."""
    crowd = len(wishes)
    by_area = sorted(wishes, key=lambda wish: -wish.face.width * wish.face.height)
    placed: dict[int, Placement] = {}
    _improve_all(room, placed, first, previous, crowd, luxury=False)
    for wish in wishes:
        old = previous.get(wish.track_id)
        if old and wish.track_id not in placed and (kept := _keep(room, placed, wish, old, crowd)):
            placed[wish.track_id] = kept
    for luxury in (False, True):
        _improve_all(room, placed, by_area, previous, crowd, luxury)
    return placed


def _improve_all(
    room: Room,
    placed: dict[int, Placement],
    wishes: Sequence[Wish],
    previous: Mapping[int, Placement],
    crowd: int,
    luxury: bool,
) -> None:
    """Give each wish in turn a larger form where one fits, in place."""
    for wish in wishes:
        own = placed.get(wish.track_id)
        forms = [
            form
            for form in wish.forms
            if (luxury or form.level >= wish.luxury)
            and (own is None or form.level < own.spot.level)
            and _suits(form, wish, crowd)
        ]
        if not forms:
            continue
        others = room.without([place.rect for place in placed.values() if place is not own])
        if better := _largest(others, wish.face, forms, previous.get(wish.track_id)):
            placed[wish.track_id] = better


def _keep(
    room: Room, placed: Mapping[int, Placement], wish: Wish, old: Placement, crowd: int
) -> Placement | None:
    """The old spot again, where it still fits."""
    form = next((form for form in wish.forms if form.level == old.spot.level), None)
    if form is None or not _suits(form, wish, crowd, _LENIENCE):
        return None
    room = room.without([place.rect for place in placed.values()])
    target = _rect(room, wish.face, form, old.spot.side, old.spot.align)
    for rect in (_dragged(old.rect, target, round(_DEAD_ZONE * room.gap)), target):
        if room.free(rect):
            return Placement(old.spot, rect)
    return None


def _largest(room: Room, face: Rect, forms: Sequence[Form], old: Placement | None) -> Placement | None:
    """The first of the forms that fits."""
    for form in forms:
        # Only a step down may be taken without room to spare: it cannot be taken back at once.
        change = old is not None and form.level <= old.spot.level
        if found := _find(room, face, form, round(_SPARE * room.gap) if change else 0):
            return found
    return None


def _suits(form: Form, wish: Wish, crowd: int, lenience: float = 1.0) -> bool:
    """Whether a form is in proportion to its face; the smallest form always is."""
    if crowd == 1 or form == wish.forms[-1]:
        return True
    return form.height <= max(_TALLEST * lenience / (crowd - 1), 0.5) * wish.face.height


def _find(room: Room, face: Rect, form: Form, spare: int) -> Placement | None:
    """The preferred free place for a form, with `spare` pixels to grow; None where it has none."""
    grown = Form(form.level, form.width + spare, form.height + spare, form.sides)
    for side, align in product(form.sides, _ALIGNS):
        rect = _rect(room, face, form, side, align)
        if room.free(rect) and (not spare or room.free(_rect(room, face, grown, side, align))):
            return Placement(Spot(form.level, side, align), rect)
    return None


def _rect(room: Room, face: Rect, form: Form, side: Side, align: Align) -> Rect:
    """A form beside a face, slid along that side to lie in the picture."""
    if side in ("right", "left"):
        left = face.right + room.gap if side == "right" else face.left - room.gap - form.width
        top = _slide(face.top, face.height, form.height, align, room.height, room.gap // 2)
    else:
        left = _slide(face.left, face.width, form.width, align, room.width, room.gap // 2)
        top = face.bottom + room.gap if side == "below" else face.top - room.gap - form.height
    return Rect(left, top, form.width, form.height)


def _slide(start: int, length: int, size: int, align: Align, limit: int, edge: int) -> int:
    """Where something `size` long begins, aligned with a face but `edge` away from 0 and `limit`."""
    offset = {"start": 0, "centre": (length - size) // 2, "end": length - size}[align]
    return max(edge, min(start + offset, limit - size - edge))


def _dragged(old: Rect, target: Rect, reach: int) -> Rect:
    """The old rectangle, pulled as by a rope of length `reach`: it follows, but does not tremble."""
    if (old.width, old.height) != (target.width, target.height):
        return target
    left = min(max(old.left, target.left - reach), target.left + reach)
    top = min(max(old.top, target.top - reach), target.top + reach)
    return Rect(left, top, target.width, target.height)
