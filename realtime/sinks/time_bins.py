"""A whole stream in bounded memory: each person's probabilities, averaged over bins of equal time."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emotion.models.classes import UNCERTAIN
from emotion.models.schema import SHIPPED, Schema
from emotion.realtime.messages import EmotionFrame, FaceEmotion

# A frame is shown until the next one, but for no longer than this.
_LONGEST = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One person's time.

    Attributes:
        track_id: the person's.
        seconds: how long the person was seen.
        shares: float64 (classes,), the share of these seconds in which each emotion was the answer.
        bins: the bins in which the person was seen, ascending.
        means: float64 (len(bins), rows, classes): mean of each of `TimeBins.rows` in each bin; NaN where
            there was none, because a region was not seen or the vote does not count the blendshapes.
        uncertain: float64 (len(bins),), the share of each bin's time in which no emotion was named.
        unnamed: the same of all seconds.
    """

    track_id: int
    seconds: float
    shares: npt.NDArray[np.float64]
    bins: tuple[int, ...]
    means: npt.NDArray[np.float64]
    uncertain: npt.NDArray[np.float64]
    unnamed: float


class TimeBins:
    """Adds frames up. When the stream outgrows its bins, each two become one, of twice the time.

    Args:
        limit: the most bins.
        seconds: what a bin lasts at first.

    Attributes:
        begin: the stream's time at which the first bin begins, in seconds.
        seconds: what a bin lasts by now.
        schema: the stream's, as its first frame says.
    """

    def __init__(self, limit: int = 4096, seconds: float = 0.04) -> None:
        self.begin = 0.0
        self.seconds = seconds
        self.schema: Schema = SHIPPED
        self._limit = limit
        self._waiting: EmotionFrame | None = None
        self._step = seconds
        self._end = 0.0
        self._bins: dict[int, dict[int, npt.NDArray[np.float64]]] = {}
        self._answers: dict[int, npt.NDArray[np.float64]] = {}

    @property
    def count(self) -> int:
        """How many bins the stream fills."""
        return max(1, -int(-(self._end - 1e-9) // self.seconds))

    @property
    def rows(self) -> tuple[str, ...]:
        """What is averaged of a `FaceEmotion`."""
        return ("probabilities", *self.schema.regions.names, "blendshapes")

    def add(self, result: EmotionFrame) -> None:
        """Take the next frame; one that is not later than the last is passed over."""
        seconds = result.frame.seconds
        if self._waiting is None:
            self.begin = seconds
            self.schema = result.schema
        else:
            step = seconds - self._waiting.frame.seconds
            if step <= 0:
                return
            self._count_in(min(step, _LONGEST))
        self._waiting = result
        self._end = seconds - self.begin

    def finish(self) -> tuple[Person, ...]:
        """Everybody who was seen, by track id; the last frame lasts as long as the one before."""
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
        answers = self._answers.setdefault(face.track_id, np.zeros(len(self.schema.classes)))
        answers[int(face.probabilities.argmax())] += step
        bins = self._bins.setdefault(face.track_id, {})
        sums = _sums(face, self.rows)
        # A little short of the end, so that rounding opens no bin that gets nothing.
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
            means = sums[:, :, 2:] / sums[:, :, :1]
        time, unnamed = sums[:, 0, 0], sums[:, 0, 1]
        answers = self._answers[track]
        return Person(
            track_id=track,
            seconds=float(answers.sum()),
            shares=answers / answers.sum(),
            bins=bins,
            means=means,
            uncertain=unnamed / time,
            unnamed=float(unnamed.sum() / time.sum()),
        )


def _sums(face: FaceEmotion, names: tuple[str, ...]) -> npt.NDArray[np.float64]:
    """Float64 (rows, 2 + classes), a row for each name: a one, to count the time, another where no class is
    named, then the shares; zeros where nothing is said.
    """
    rows = np.zeros((len(names), 2 + len(face.classes)))
    for row, name in zip(rows, names, strict=True):
        shares = face.says(name)
        if shares is not None:
            row[0], row[1], row[2:] = 1.0, face.label == UNCERTAIN, shares
    return rows
