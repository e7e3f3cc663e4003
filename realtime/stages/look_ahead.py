"""EmotionFrame -> EmotionFrame, a second later: smoothed and labelled with what follows known.

In a file later frames are known: results wait here until those of the next second are there, and are then
smoothed in both directions and labelled (`smoothing.both_ways`, `label_rule`). So labels follow a step of the
votes without lag. Pictures wait with their results, in the decoder's format; as many as fit into a limit of
bytes, beyond which the look-ahead is shorter: half a second for large ones.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from emotion.realtime.messages import EmotionFrame, FaceEmotion
from emotion.realtime.stages.label_rule import LabelRule, Moment, word_of
from emotion.realtime.stages.options import VoteOptions
from emotion.realtime.stages.smoothing import UNKNOWN, Smoothed, both_ways_of_all

# So far ahead in all; a part of it for the label, the rest for smoothing.
_HORIZON = 1.0
_MOST_FOR_LABEL = 0.5
# Beyond the dwell time: so that the picture that ends it is among them.
_NEXT_PICTURE = 0.1
# Votes so near in time tell a flicker from a step.
_NEAR = 0.1
# Times of files are rounded.
_TINY = 1e-6
# Half a second ahead the label is the same in 99.7% of frames (`benchmarks.studies.look_ahead`), and pictures
# of 3840x2160 take 12 MB each: so further ahead is looked only where pictures take less than `_MANY_BYTES`.
_ENOUGH = 0.5
_MANY_BYTES, _MOST_BYTES = 200e6, 300e6
# Votes that a person's arrays have room for at first.
_ROOM = 64
# A person who is away for longer comes back as another one.
_FORGOTTEN = 5.0

_Rows: TypeAlias = npt.NDArray[np.float32]


class LookAhead:
    """The stage that decides again, knowing what follows. One instance a stream, and never two workers.

    Args:
        options: `VoteOptions()` where not given.
        most_bytes: of pictures that wait.
        pictures: whether anybody looks at pictures afterwards. Else only their size is kept; how far it looks
            ahead stays the same.
    """

    name = "look ahead"
    batch = 8

    def __init__(
        self, options: VoteOptions | None = None, most_bytes: float = _MOST_BYTES, pictures: bool = True
    ) -> None:
        self._options = options or VoteOptions()
        self._most_bytes = most_bytes
        self._pictures = pictures
        # With the bytes of the picture.
        self._waiting: deque[tuple[EmotionFrame, int]] = deque()
        self._bytes = 0
        self._now = -inf
        self._ended = False
        self._people: dict[int, _Person] = {}

    def process(self, items: Sequence[EmotionFrame]) -> Iterable[EmotionFrame]:
        """The frames of which enough is known by now, in order."""
        for item in items:
            if item.frame.seconds < self._now:
                # Another stream begins, with other people.
                yield from self.finish()
            self._take(item)
            while self._waiting and self._is_enough:
                yield self._give()

    def finish(self) -> Iterable[EmotionFrame]:
        """The frames that are left: nothing follows them."""
        self._ended = True
        while self._waiting:
            yield self._give()
        self._people.clear()
        self._ended = False

    def close(self) -> None:
        """Nothing to free."""

    @property
    def _is_enough(self) -> bool:
        """Whether the first frame waits no longer."""
        ahead = self._now - self._waiting[0][0].frame.seconds
        full = self._bytes > self._most_bytes or (self._bytes > _MANY_BYTES and ahead >= _ENOUGH)
        return full or ahead >= _HORIZON

    def _take(self, item: EmotionFrame) -> None:
        self._now = item.frame.seconds
        nbytes = item.frame.nbytes
        self._bytes += nbytes
        kept = item if self._pictures else replace(item, frame=item.frame.without_picture())
        self._waiting.append((kept, nbytes))
        for face in item.faces:
            if (person := self._people.get(face.track_id)) is None:
                person = self._people[face.track_id] = _Person(self._options, _Votes(_rows(face)))
            person.see(self._now, face)

    def _give(self) -> EmotionFrame:
        item, nbytes = self._waiting.popleft()
        self._bytes -= nbytes
        faces = tuple(self._people[face.track_id].decide(self._now, self._ended) for face in item.faces)
        if not item.faces or len(self._people) > len(item.faces):
            left = self._now - _FORGOTTEN
            self._people = {id_: one for id_, one in self._people.items() if one.seen or one.last >= left}
        return replace(item, faces=faces)


@dataclass(slots=True, eq=False)
class _Seen:
    """A person in a frame, and the smoothed result, which is settled when all that it depends on is known."""

    seconds: float
    face: FaceEmotion
    pasts: Sequence[Smoothed]
    smoothed: tuple[Smoothed, ...] | None = None
    moment: Moment | None = None
    settled: bool = False


class _Votes:
    """What single frames say of a person, one after another in two arrays that are seldom moved.

    Stacking them anew for every frame takes longer than smoothing them.

    Attributes:
        times: float64 (n,), in order.
        rows: float32 (n, r, k), see `_rows`.
    """

    def __init__(self, like: _Rows) -> None:
        self._make_room(_ROOM, like.shape)
        self._begin = self._end = 0

    @property
    def times(self) -> npt.NDArray[np.float64]:
        return self._times[self._begin : self._end]

    @property
    def rows(self) -> _Rows:
        return self._rows[self._begin : self._end]

    def append(self, seconds: float, rows: _Rows) -> None:
        if self._end == len(self._times):
            times, kept = self.times, self.rows
            if 2 * len(times) > len(self._times):
                self._make_room(2 * len(self._times), rows.shape)
            self._begin, self._end = 0, len(times)
            self._times[: self._end], self._rows[: self._end] = times, kept
        self._times[self._end], self._rows[self._end] = seconds, rows
        self._end += 1

    def drop_first(self) -> None:
        self._begin += 1

    def _make_room(self, count: int, shape: tuple[int, ...]) -> None:
        self._times, self._rows = np.empty(count), np.empty((count, *shape), np.float32)


@dataclass(slots=True, eq=False)
class _Person:
    """What is known of one person from the next frame to be given on."""

    options: VoteOptions
    votes: _Votes  # of those that are given on and still count, and of those that wait
    last: float = 0.0
    seen: deque[_Seen] = field(default_factory=deque)
    given: deque[_Seen] = field(default_factory=deque)
    rule: LabelRule = field(init=False)

    def __post_init__(self) -> None:
        self.rule = LabelRule(self.options)

    def see(self, seconds: float, face: FaceEmotion) -> None:
        self.last = seconds
        self.seen.append(_Seen(seconds, face, _pasts(face)))
        self.votes.append(seconds, _rows(face))

    def decide(self, now: float, ended: bool) -> FaceEmotion:
        """The result of the first frame that waits.

        Args:
            now: up to when all is known.
            ended: whether nothing follows.
        """
        for_label = min(self.options.dwell + _NEXT_PICTURE, _MOST_FOR_LABEL)
        near = [one for one in self.seen if one.seconds <= self.seen[0].seconds + for_label]
        self._smooth(near, _HORIZON - for_label, inf if ended else now)
        first, *following = [one.moment for one in near if one.moment]
        word, since = self.rule.update(first, following)
        given = self.seen.popleft()
        self.given.append(given)
        while len(self.given) > 1 and self.given[1].seconds < given.seconds - _NEAR:
            self.given.popleft()
            self.votes.drop_first()
        return _decided(given, word, since)

    def _smooth(self, near: Sequence[_Seen], ahead: float, now: float) -> None:
        """Smooth those that are near both ways, unless that is done."""
        if all(one.settled for one in near):
            return
        # Whoever is not in the newest picture has gone, as far as that is known.
        ends = now > self.last
        before = self.given[-1] if self.given else None
        for number, one in enumerate(near, start=len(self.given)):
            if not one.settled:
                one.smoothed = self._both_ways(before, one, number, ahead, ends)
                one.moment = Moment(one.seconds, one.smoothed[0].shares)
                one.settled = now >= one.seconds + ahead
            before = one

    def _both_ways(
        self, earlier: _Seen | None, one: _Seen, number: int, ahead: float, ends: bool
    ) -> tuple[Smoothed, ...]:
        """One that is known, the `number`-th, smoothed: its vote, then each prediction."""
        times, rows = self.votes.times, self.votes.rows
        first, last, end = np.searchsorted(
            times, [one.seconds - _NEAR - _TINY, one.seconds + _NEAR + _TINY, one.seconds + ahead + _TINY]
        )
        return both_ways_of_all(
            one.pasts,
            earlier.pasts if earlier else [UNKNOWN] * rows.shape[1],
            rows[first:last],
            number - first,
            one.seconds,
            times[number:end],
            rows[number:end],
            self.options.smooth,
            ends or end < len(times),
        )


def _rows(face: FaceEmotion) -> _Rows:
    """A face's probabilities in this frame, float32 (r, k): the vote, then each prediction; NaN: unknown."""
    known = [face.probabilities_frame, *(face.predictions_frame.get(name) for name in face.prediction_names)]
    nothing = np.full(len(face.classes), np.nan, np.float32)
    return np.array([nothing if values is None else values for values in known])


def _pasts(face: FaceEmotion) -> list[Smoothed]:
    """The same, smoothed by what was."""
    vote = Smoothed(face.probabilities, face.age)
    known = (face.probabilities_of(name) for name in face.prediction_names)
    return [vote, *(UNKNOWN if values is None else Smoothed(values, 0.0) for values in known)]


def _decided(seen: _Seen, word: int, since: float) -> FaceEmotion:
    face = seen.face
    assert seen.smoothed is not None
    vote, *predictions = seen.smoothed
    # A region that is not seen in this frame has no prediction, even if later frames have.
    rows = {
        name: None if face.probabilities_of(name) is None else prediction.shares
        for name, prediction in zip(face.prediction_names, predictions, strict=True)
    }
    return replace(
        face,
        regions={name: rows[name] for name in face.regions},
        blendshapes=rows["blendshapes"],
        probabilities=vote.shares,
        label=word_of(word, face.classes),
        since=since,
        age=vote.age,
    )
