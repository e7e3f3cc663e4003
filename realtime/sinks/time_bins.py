"""A whole stream in bounded memory: each person's probabilities, averaged over bins of equal time."""

from dataclasses import dataclass
from math import inf

import numpy as np
import numpy.typing as npt

from emotion.models.schema import SHIPPED, Schema
from emotion.realtime.messages import EmotionFrame, FaceEmotion


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One person's time.

    Attributes:
        track_id: the person's.
        bins: the bins in which the person is present, ascending.
        means: float64 (len(bins), rows, classes): mean of each of `TimeBins.rows` in each bin; NaN if
            there was none, because a region was hidden or the vote does not use the blendshapes.
        labels: int64 (len(bins),), the index in `Classes.labels` of the most frequent label in each bin.
    """

    track_id: int
    bins: tuple[int, ...]
    means: npt.NDArray[np.float64]
    labels: npt.NDArray[np.int64]


class TimeBins:
    """Accumulates frames. When the stream exceeds its bins, each pair is merged to one of twice the length.

    Args:
        limit: maximum number of bins.
        seconds: initial length of a bin.
        longest: maximum duration of a frame in seconds; see `models.statistics.shares.ScreenTimes`.

    Attributes:
        begin: the stream's time at which the first bin begins, in seconds.
        seconds: present length of a bin.
        schema: of the stream, from its first frame.
    """

    def __init__(self, limit: int = 4096, seconds: float = 0.04, longest: float = inf) -> None:
        self.begin = 0.0
        self.seconds = seconds
        self.schema: Schema = SHIPPED
        self._limit = limit
        self._longest = longest
        self._waiting: EmotionFrame | None = None
        self._step = seconds
        self._end = 0.0
        self._bins: dict[int, dict[int, npt.NDArray[np.float64]]] = {}

    @property
    def count(self) -> int:
        """The number of bins of the stream."""
        return max(1, -int(-(self._end - 1e-9) // self.seconds))

    @property
    def rows(self) -> tuple[str, ...]:
        """The averaged rows of a `FaceEmotion`."""
        return ("probabilities", *self.schema.regions.names, "blendshapes")

    def add(self, result: EmotionFrame) -> None:
        """Add the next frame; one that is not later than the last is ignored."""
        seconds = result.frame.seconds
        if self._waiting is None:
            self.begin = seconds
            self.schema = result.schema
        else:
            step = seconds - self._waiting.frame.seconds
            if step <= 0:
                return
            self._count_in(min(step, self._longest))
        self._waiting = result
        self._end = seconds - self.begin

    def finish(self) -> tuple[Person, ...]:
        """All people, by track id; the last frame lasts as long as the one before."""
        if self._waiting is not None:
            self._count_in(self._step)
            self._waiting = None
        return tuple(self._person(track) for track in sorted(self._bins))

    def _count_in(self, step: float) -> None:
        assert self._waiting is not None
        self._step = step
        start = self._waiting.frame.seconds - self.begin
        self._end = start + step
        while self._end > self._limit * self.seconds:
            self._halve()
        for face in self._waiting.faces:
            self._add_face(face, start, step)

    def _add_face(self, face: FaceEmotion, start: float, step: float) -> None:
        bins = self._bins.setdefault(face.track_id, {})
        sums = _sums(face, self.rows)
        # Slightly before the end, so that rounding does not open an empty bin.
        first, last = int(start / self.seconds), int((start + step) / self.seconds - 1e-6)
        for number in range(first, max(first, last) + 1):
            begin = max(start, number * self.seconds)
            share = min(start + step, (number + 1) * self.seconds) - begin
            if share > 0:
                total = bins.setdefault(number, np.zeros_like(sums))
                total += share * sums

    def _halve(self) -> None:
        self.seconds *= 2
        for track, bins in self._bins.items():
            merged: dict[int, npt.NDArray[np.float64]] = {}
            for number, sums in bins.items():
                if number // 2 in merged:
                    merged[number // 2] += sums
                else:
                    merged[number // 2] = sums
            self._bins[track] = merged

    def _person(self, track: int) -> Person:
        bins = tuple(sorted(self._bins[track]))
        sums = np.stack([self._bins[track][number] for number in bins])
        with np.errstate(invalid="ignore"):
            means = sums[:, :-1, 1:-1] / sums[:, :-1, :1]
        return Person(track_id=track, bins=bins, means=means, labels=sums[:, -1, 1:].argmax(axis=1))


def _sums(face: FaceEmotion, names: tuple[str, ...]) -> npt.NDArray[np.float64]:
    """Float64 (rows + 1, 2 + classes): for each name a one, to sum the time, and the probabilities, or
    zeros if unknown; and a row with a one at the label, of which the last is `UNCERTAIN`.
    """
    sums = np.zeros((len(names) + 1, 2 + len(face.classes)))
    for row, name in zip(sums, names, strict=False):
        shares = face.probabilities_of(name)
        if shares is not None:
            row[0], row[1:-1] = 1.0, shares
    sums[-1, 1 + face.classes.labels.index(face.label)] = 1.0
    return sums
