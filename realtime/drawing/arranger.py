"""Chooses the form and the position of each face's panel over time; it avoids movement.

A placement is kept while it touches no face and no other form; it follows its face at a maximum distance. It
gives way at once to a face that would overlap it, first by sliding along the same side. A
better placement (a larger form, or one beside the face instead of away from it) has to be possible for some
time, and a form is moved for it only if it was not moved within the last minute (for a word away from its
face: ten seconds), or if its person has walked since: so the panels of people who stand still do not move.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import hypot, inf, sqrt

from emotion.realtime.drawing.layout import (
    Form,
    Placement,
    Rect,
    Room,
    Wish,
    away,
    beside,
    person,
    place,
    slides,
)

# With two faces each may have a form of this many times its own height, with three half of that, and from
# four on still less, so that forms do not cover a crowd, nor undetected people behind it; for a single face
# there is no limit.
_TALLEST = 3.5
_CROWD = 4
# The tolerance of this limit for a form that is already on screen.
_LENIENCE = 1.5
# In gaps: a panel ignores jitter of its face up to the first, and an improvement needs
# the second as a margin.
_DEAD_ZONE = 0.4
_SPARE = 1.5
# Seconds for which the placement of a person who is out of sight is kept.
_MEMORY = 1.5
# Seconds for which an improvement has to be possible, and between two improvements.
_PATIENCE = 1.0
_REST = 60.0
# The same for a word away from its face, whose line is more conspicuous.
_REST_AWAY = 10.0
# Time constant in seconds of a face's recent extent.
_SWAY = 4.0
# A person whose face moves by more than this share of its size is walking.
_MOST_SWAY = 0.25


@dataclass(frozen=True, slots=True)
class _Known:
    """The state of a person.

    Attributes:
        place: the placement of their form.
        face: the last position of the face.
        seen: its time, in seconds of the stream.
        changed: the time of the last change of the placement; -inf: it is the first.
        walked_from: the position of the face then.
        reach: the approximate extent of the face's positions in the last seconds, to which swaying people
            return.
        better_since: the time since which an improvement is possible; None if there is none.
    """

    place: Placement
    face: Rect
    seen: float
    changed: float
    walked_from: Rect
    reach: Rect
    better_since: float | None = None


class Arranger:
    """Arranges the forms in one stream of pictures, in order. Not thread-safe.

    A placement is dropped when its person has been out of sight for 1.5 s of the stream's time, and all
    placements when that time goes back.
    """

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}
        self._turn = 0

    def arrange(self, room: Room, wishes: Sequence[Wish], now: float = 0.0) -> dict[int, Placement]:
        """Assign a form to every face, the largest suitable one that fits.

        Args:
            room: the picture, with other occupied areas; the faces need not be among them.
            wishes: one per face. Track ids are unique among those with forms.
            now: the picture's time in the stream, in seconds.

        Returns:
            Placements by track id. They are inside the picture and touch no face and no other placement. A
            face is left out if there is no room for its smallest form anywhere.
        """
        self._known = {key: one for key, one in self._known.items() if 0 <= now - one.seen <= _MEMORY}
        room = room.without([wish.face for wish in wishes])
        if len(wishes) > 1:
            room = replace(room, people=tuple(person(wish.face) for wish in wishes))
        wishes = [wish for wish in wishes if wish.forms]
        present = {wish.track_id for wish in wishes}
        absent = [one for key, one in self._known.items() if key not in present]
        crowd = len(wishes) + len(absent)
        placed = self._kept(room, wishes, crowd)
        # The placements and faces of people who are briefly out of sight are kept free if possible.
        kept_free = room.without([rect for one in absent for rect in (one.face, one.place.rect)])
        fresh = _newcomers(wishes, placed)
        _place_words(kept_free, placed, fresh)
        _place_words(room, placed, _newcomers(wishes, placed))
        if left_out := _newcomers(wishes, placed):
            again = _anew(room, wishes, left_out)
            if len(again) > len(placed):
                placed, fresh = again, list(wishes)
        _enlarge(kept_free, placed, fresh, self._known, crowd)
        self._improve(kept_free, placed, wishes, now, crowd)
        self._remember(wishes, placed, now)
        return placed

    def _kept(self, room: Room, wishes: Sequence[Wish], crowd: int) -> dict[int, Placement]:
        """The placements that can be kept, each following its face."""
        placed: dict[int, Placement] = {}
        for wish in _by_area(wishes):
            known = self._known.get(wish.track_id)
            if known and (kept := _keep(_around(room, placed), wish, known.place, crowd)):
                placed[wish.track_id] = kept
        return placed

    def _improve(
        self, room: Room, placed: dict[int, Placement], wishes: Sequence[Wish], now: float, crowd: int
    ) -> None:
        """Search an improvement for one person per picture, in turn."""
        if not wishes:
            return
        self._turn += 1
        wish = wishes[self._turn % len(wishes)]
        known, old = self._known.get(wish.track_id), placed.get(wish.track_id)
        if known is None or old is None or old.spot != known.place.spot:
            return
        forms = [form for form in wish.forms if form.level < old.spot.level and _suits(form, wish, crowd)]
        reaches = [one.reach for key, one in self._known.items() if key != wish.track_id]
        others = _around(room, placed, but=wish.track_id).without(reaches)
        better = _largest(others, wish.face, forms, _spare(room, known))
        if better is None and old.spot.side == "away":
            better = _largest(others, wish.face, wish.forms[-1:], _spare(room, known))
        if better is None and old.spot.level < wish.forms[-1].level:
            better = self._off_others(others, wish, old, crowd)
        since = (now if known.better_since is None else known.better_since) if better else None
        self._known[wish.track_id] = replace(known, better_since=since)
        if better and since is not None and now - since >= _PATIENCE and _may_move(known, wish.face, now):
            placed[wish.track_id] = better

    @staticmethod
    def _off_others(room: Room, wish: Wish, old: Placement, crowd: int) -> Placement | None:
        """Another side, or a smaller form, for one that covers a person who has appeared since."""
        if room.hides(old.rect, wish.face) <= 1:
            return None
        forms = [form for form in wish.forms if form.level >= old.spot.level and _suits(form, wish, crowd)]
        return _largest(room, wish.face, forms, round(_SPARE * room.gap))

    def _remember(self, wishes: Sequence[Wish], placed: Mapping[int, Placement], now: float) -> None:
        for wish in wishes:
            new, old = placed.get(wish.track_id), self._known.get(wish.track_id)
            if new is None:
                self._known.pop(wish.track_id, None)
                continue
            if old is None:
                self._known[wish.track_id] = _Known(new, wish.face, now, -inf, wish.face, wish.face)
                continue
            reach = _reached(old.reach, wish.face, now - old.seen)
            changed, start = old.changed, old.walked_from
            if new.spot != old.place.spot:
                changed, start = now, wish.face
            self._known[wish.track_id] = replace(
                old, place=new, face=wish.face, seen=now, changed=changed, walked_from=start, reach=reach
            )


def _reached(before: Rect, face: Rect, seconds: float) -> Rect:
    """The recent extent of a face: its present box, and a decaying share of earlier ones."""
    rest = max(0.0, 1 - seconds / _SWAY)
    left, top = (
        min(now, round(now + rest * (old - now)))
        for old, now in ((before.left, face.left), (before.top, face.top))
    )
    right, bottom = (
        max(now, round(now + rest * (old - now)))
        for old, now in ((before.right, face.right), (before.bottom, face.bottom))
    )
    return Rect(left, top, right - left, bottom - top)


def _spare(room: Room, known: _Known) -> int:
    """The margin in pixels that a form needs beside a person so that it can stay: more if they sway."""
    sways = max(known.reach.width - known.face.width, known.reach.height - known.face.height)
    walks = sways > _MOST_SWAY * known.face.width
    return max(round(_SPARE * room.gap), 0 if walks else 2 * sways)


def _newcomers(wishes: Sequence[Wish], placed: Mapping[int, Placement]) -> list[Wish]:
    return [wish for wish in wishes if wish.track_id not in placed]


def _by_area(wishes: Sequence[Wish]) -> list[Wish]:
    return sorted(wishes, key=lambda wish: -wish.face.width * wish.face.height)


def _around(room: Room, placed: Mapping[int, Placement], but: int | None = None) -> Room:
    return room.without([place.rect for key, place in placed.items() if key != but])


def _may_move(known: _Known, face: Rect, now: float) -> bool:
    """Whether a form may be moved: the last change is long ago, or the person has walked since."""
    start = known.walked_from
    walked = hypot(
        face.left + face.width / 2 - start.left - start.width / 2,
        face.top + face.height / 2 - start.top - start.height / 2,
    )
    rest = _REST_AWAY if known.place.spot.side == "away" else _REST
    return now - known.changed >= rest or walked > max(start.width, start.height)


def _place_words(room: Room, placed: dict[int, Placement], wishes: Sequence[Wish]) -> None:
    """Assign the smallest forms, in place: first those with the fewest positions, then the rest, away."""
    ground = _around(room, placed)
    choice = {wish.track_id: sum(1 for _ in beside(ground, wish.face, wish.forms[-1])) for wish in wishes}
    # With equal choice the larger face comes first, and has its word beside it.
    wishes = sorted(_by_area(wishes), key=lambda wish: choice[wish.track_id])
    for wish in wishes:
        if found := next(beside(_around(room, placed), wish.face, wish.forms[-1]), None):
            placed[wish.track_id] = found
    for wish in _newcomers(_by_area(wishes), placed):
        if found := away(_around(room, placed), wish.face, wish.forms[-1]):
            placed[wish.track_id] = found


def _anew(room: Room, wishes: Sequence[Wish], first: Sequence[Wish]) -> dict[int, Placement]:
    """All words placed again, regardless of earlier placements, first those that were left out."""
    placed: dict[int, Placement] = {}
    _place_words(room, placed, first)
    _place_words(room, placed, _newcomers(wishes, placed))
    return placed


def _enlarge(
    room: Room,
    placed: dict[int, Placement],
    wishes: Sequence[Wish],
    before: Mapping[int, _Known],
    crowd: int,
) -> None:
    """Enlarge the forms of those who were just placed, the near ones first, in place.

    After a lost placement the new one needs a margin: without it, it would be lost again.
    """
    for luxury in (False, True):
        for wish in _by_area(wishes):
            own, old = placed.get(wish.track_id), before.get(wish.track_id)
            forms = [
                form
                for form in wish.forms
                if own
                and (
                    form.level < own.spot.level or (form.level == own.spot.level and own.spot.side == "away")
                )
                and (luxury or form.level >= wish.luxury)
                and _suits(form, wish, crowd)
                # After a lost placement a larger form is not tried at once: it could not stay, either.
                and (old is None or form.level >= old.place.spot.level)
            ]
            others = _around(room, placed, but=wish.track_id)
            if better := _largest(others, wish.face, forms, _spare(room, old) if old else 0):
                placed[wish.track_id] = better


def _keep(room: Room, wish: Wish, old: Placement, crowd: int) -> Placement | None:
    """The old position if it still fits, else the nearest on the same side of the face."""
    form = next((form for form in wish.forms if form.level == old.spot.level), None)
    if form is None or not _suits(form, wish, crowd, _LENIENCE):
        return None
    if old.spot.side == "away":
        rect = Rect(old.rect.left, old.rect.top, form.width, form.height)
        return Placement(old.spot, rect) if room.free(rect) else None
    target = place(room, wish.face, form, old.spot)
    for rect in (_dragged(old.rect, target, round(_DEAD_ZONE * room.gap)), target):
        if room.free(rect):
            return Placement(old.spot, rect)
    for spot in slides(old.spot):
        rect = place(room, wish.face, form, spot)
        if room.free(rect):
            return Placement(spot, rect)
    return None


def _largest(room: Room, face: Rect, forms: Sequence[Form], spare: int) -> Placement | None:
    """The first of the forms that fits beside the face, with a margin of `spare` pixels, and hides no one."""
    for form in forms:
        found = next(beside(room, face, form, spare), None)
        if found and room.hides(found.rect, face) <= 1:
            return found
    return None


def _suits(form: Form, wish: Wish, crowd: int, lenience: float = 1.0) -> bool:
    """Whether a form's size is in proportion to its face; the smallest form always is."""
    if crowd == 1 or form == wish.forms[-1]:
        return True
    share = _TALLEST / (crowd - 1)
    if crowd >= _CROWD:
        share /= sqrt(crowd - 1)
    return form.height <= max(lenience * share, 0.5) * wish.face.height


def _dragged(old: Rect, target: Rect, reach: int) -> Rect:
    """The old rectangle, moved so that it is at most `reach` away: it follows without jitter."""
    if (old.width, old.height) != (target.width, target.height):
        return target
    left = min(max(old.left, target.left - reach), target.left + reach)
    top = min(max(old.top, target.top - reach), target.top + reach)
    return Rect(left, top, target.width, target.height)
