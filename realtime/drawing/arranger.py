"""Chooses the form and the position of each face's result; it has a memory, and moving costs.

What stands is kept while it touches no face and no other form; it follows its face as on a rope. It
gives way at once to a face that comes in its way, and first slides along the side where it is. Anything
better (a larger form, a place beside the face instead of away from it) has to be there for some time,
and nobody is moved for it who was moved less than a minute ago (for a word that stands away: ten seconds),
unless they have walked since: so where people stand still their panels do, too.
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

# Of two faces each may have a form this many times its own height, of three half of that, and from four
# on less and less, so that a crowd is not buried, nor whoever is behind it and was not found; a lone face
# may have any.
_TALLEST = 3.5
_CROWD = 4
# How much further the allowance reaches for a form that is already on screen.
_LENIENCE = 1.5
# In gaps: a panel ignores jitter of its face up to the first, and a change for the better needs
# the second to spare.
_DEAD_ZONE = 0.4
_SPARE = 1.5
# Seconds for which somebody who is out of sight is remembered, and their place kept for them.
_MEMORY = 1.5
# Seconds for which something better has to be possible, and between two changes for the better.
_PATIENCE = 1.0
_REST = 60.0
# The same for a word that stands away from its face: a line is not looked at for a minute.
_REST_AWAY = 10.0
# Seconds in which it is forgotten how far a face reached.
_SWAY = 4.0
# Who reaches farther beside themselves than by this share of their face walks.
_MOST_SWAY = 0.25


@dataclass(frozen=True, slots=True)
class _Known:
    """What is remembered of a person.

    Attributes:
        place: where their form stands.
        face: where the face was seen last.
        seen: when that was, in seconds of the stream.
        changed: when the place was last another one; -inf: it is the first.
        walked_from: where the face was then.
        reach: where the face has been in the last seconds, roughly: those who sway come back.
        better_since: since when something better would fit; None where nothing does.
    """

    place: Placement
    face: Rect
    seen: float
    changed: float
    walked_from: Rect
    reach: Rect
    better_since: float | None = None


class Arranger:
    """Arranges one stream of pictures, in order. Not thread-safe.

    A place is forgotten when its person has been out of sight for 1.5 s of the stream's time, and all
    places when that time goes back.
    """

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}
        self._turn = 0

    def arrange(self, room: Room, wishes: Sequence[Wish], now: float = 0.0) -> dict[int, Placement]:
        """Give every face a form, the largest that fits and suits it.

        Args:
            room: the picture, with what else is taken; the faces need not be in it.
            wishes: one a face. Track ids differ where there are forms.
            now: the picture's time in the stream, in seconds.

        Returns:
            Placements by track id. They lie in the picture and touch no face and no other placement. A face
            is left out where there is no room for even its smallest form anywhere.
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
        # Those who are out of sight for a moment have their place and their face kept free where it can be.
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
        """What stands and may stay, each following its face."""
        placed: dict[int, Placement] = {}
        for wish in _by_area(wishes):
            known = self._known.get(wish.track_id)
            if known and (kept := _keep(_around(room, placed), wish, known.place, crowd)):
                placed[wish.track_id] = kept
        return placed

    def _improve(
        self, room: Room, placed: dict[int, Placement], wishes: Sequence[Wish], now: float, crowd: int
    ) -> None:
        """Look for something better for one person a picture, in turn."""
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
        """Another side, or less, for a form before somebody who has come since."""
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
    """What held a face in the last seconds: the face now, and less and less of what was before."""
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
    """Pixels that a form needs to spare beside somebody, so that it can stay: more for those who sway."""
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
    """Whether somebody has stood for long enough where they are, or has walked there since."""
    start = known.walked_from
    walked = hypot(
        face.left + face.width / 2 - start.left - start.width / 2,
        face.top + face.height / 2 - start.top - start.height / 2,
    )
    rest = _REST_AWAY if known.place.spot.side == "away" else _REST
    return now - known.changed >= rest or walked > max(start.width, start.height)


def _place_words(room: Room, placed: dict[int, Placement], wishes: Sequence[Wish]) -> None:
    """Give each its smallest form, in place: first those with the least choice, then, away, the rest."""
    ground = _around(room, placed)
    choice = {wish.track_id: sum(1 for _ in beside(ground, wish.face, wish.forms[-1])) for wish in wishes}
    # Of equals the larger face comes first, and has its word beside it.
    wishes = sorted(_by_area(wishes), key=lambda wish: choice[wish.track_id])
    for wish in wishes:
        if found := next(beside(_around(room, placed), wish.face, wish.forms[-1]), None):
            placed[wish.track_id] = found
    for wish in _newcomers(_by_area(wishes), placed):
        if found := away(_around(room, placed), wish.face, wish.forms[-1]):
            placed[wish.track_id] = found


def _anew(room: Room, wishes: Sequence[Wish], first: Sequence[Wish]) -> dict[int, Placement]:
    """All words placed anew, without regard to what stood, those first who were left out."""
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
    """Let those who have just been placed have more than a word, the near ones first, in place.

    Whoever has lost a place gets one with room to spare: as tight as before it would be lost again.
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
                # Who has lost a place gets nothing larger at once: it could not stay, either.
                and (old is None or form.level >= old.place.spot.level)
            ]
            others = _around(room, placed, but=wish.track_id)
            if better := _largest(others, wish.face, forms, _spare(room, old) if old else 0):
                placed[wish.track_id] = better


def _keep(room: Room, wish: Wish, old: Placement, crowd: int) -> Placement | None:
    """The old spot again, where it still fits, or else the nearest on the same side of the face."""
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
    """The first of the forms that fits beside the face, with `spare` pixels to grow, and hides nobody."""
    for form in forms:
        found = next(beside(room, face, form, spare), None)
        if found and room.hides(found.rect, face) <= 1:
            return found
    return None


def _suits(form: Form, wish: Wish, crowd: int, lenience: float = 1.0) -> bool:
    """Whether a form is in proportion to its face; the smallest form always is."""
    if crowd == 1 or form == wish.forms[-1]:
        return True
    share = _TALLEST / (crowd - 1)
    if crowd >= _CROWD:
        share /= sqrt(crowd - 1)
    return form.height <= max(lenience * share, 0.5) * wish.face.height


def _dragged(old: Rect, target: Rect, reach: int) -> Rect:
    """The old rectangle, pulled as by a rope of length `reach`: it follows, but does not tremble."""
    if (old.width, old.height) != (target.width, target.height):
        return target
    left = min(max(old.left, target.left - reach), target.left + reach)
    top = min(max(old.top, target.top - reach), target.top + reach)
    return Rect(left, top, target.width, target.height)
