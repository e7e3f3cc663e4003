"""Shares of time: the only place where labels and times become the numbers that all outputs show.

Of a person: of the time that they are in the picture, each label's share; the sum is 1. Of a video: each
picture counts once, split equally among its faces, or as `NO_FACE`; the sum is 1. A picture counts for as
long as it is shown, so uneven frame rates and dropped frames change nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf, isfinite
from typing import Generic, TypeVar

NO_FACE = "no_face"
"""The label of a picture without faces."""


def whole_percents(shares: Iterable[float]) -> tuple[int, ...]:
    """Shares as whole per cent that add up to what the shares do: the largest remainders are rounded up.

    Args:
        shares: in [0, 1]; NaN, from a broken model, counts as 0.
    """
    exact = [100 * share if isfinite(share) and share > 0 else 0.0 for share in shares]
    found = [int(one) for one in exact]
    missing = round(sum(exact)) - sum(found)
    by_remainder = sorted(range(len(exact)), key=lambda at: found[at] - exact[at])
    for at in by_remainder[:missing]:
        found[at] += 1
    return tuple(found)


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shown(Generic[T]):
    """A picture's time on the screen.

    Attributes:
        what: the picture's result.
        seconds: when it comes, in the stream's time.
        lasts: for how many seconds, from 0.
    """

    what: T
    seconds: float
    lasts: float


class ScreenTimes(Generic[T]):
    """How long each picture is shown: until the next one comes.

    The last lasts as long as the one before. A picture whose successor is not later, as where the time
    goes back, lasts no time.

    Args:
        longest: seconds for which a picture may stand; a gap in a live stream is no time in which
            something was seen. Without bounds for files: there a picture really is shown so long.
    """

    def __init__(self, longest: float = inf) -> None:
        self._longest = longest
        self._waiting: tuple[float, T] | None = None
        self._step = 0.0

    def add(self, seconds: float, what: T) -> Shown[T] | None:
        """Take the next picture; the one before, whose time is known now, or None for the first."""
        before, self._waiting = self._waiting, (seconds, what)
        if before is None:
            return None
        self._step = min(max(0.0, seconds - before[0]), self._longest)
        return Shown(before[1], before[0], self._step)

    def last(self) -> Shown[T] | None:
        """The last picture as if nothing followed; None where there was none."""
        return None if self._waiting is None else Shown(self._waiting[1], self._waiting[0], self._step)


class ShareCounter:
    """Adds labelled pictures up; memory grows with the number of people only.

    Args:
        labels: all labels, in the order of the output.
        longest: as of `ScreenTimes`.
    """

    def __init__(self, labels: Iterable[str], longest: float = inf) -> None:
        self._labels = tuple(labels)
        self._times: ScreenTimes[tuple[tuple[int, str], ...]] = ScreenTimes(longest)
        self._video: dict[str, float] = {}
        self._people: dict[int, dict[str, float]] = {}

    def add(self, seconds: float, faces: Iterable[tuple[int, str]]) -> None:
        """Take the next picture.

        Args:
            seconds: its time in the stream.
            faces: track id and label of each face.
        """
        if shown := self._times.add(seconds, tuple(faces)):
            _count_in(self._video, self._people, shown.what, shown.lasts)

    def build(self) -> "TimeShares":
        """The shares so far."""
        video = dict(self._video)
        people = {track: dict(labels) for track, labels in self._people.items()}
        last = self._times.last()
        if last is not None:
            _count_in(video, people, last.what, last.lasts)
        seconds = {track: sum(labels.values()) for track, labels in people.items()}
        if last is not None and not sum(video.values()):
            # A single picture lasts no time, but what it shows counts.
            _count_in(video, people, last.what, 1.0)
        for track, labels in people.items():
            if not sum(labels.values()):
                people[track] = dict.fromkeys(labels, 1.0)
        return TimeShares(
            shares_of(video, (*self._labels, NO_FACE)),
            {track: shares_of(labels, self._labels) for track, labels in sorted(people.items())},
            seconds,
        )


@dataclass(frozen=True, slots=True)
class TimeShares:
    """Shares of time, of a video and of its people.

    Attributes:
        video: by label, and `NO_FACE`; the sum is 1, or 0 where there was no picture.
        people: by track id, in their order, and then by label; each sum is 1.
        seconds: by track id, how long each was in the picture.
    """

    video: dict[str, float]
    people: dict[int, dict[str, float]]
    seconds: dict[int, float]


def shares_of(seconds: Mapping[str, float], labels: Iterable[str]) -> dict[str, float]:
    """What part each label has of all the seconds, in the order of the labels; zeros where there are none."""
    total = sum(seconds.values())
    return {label: seconds.get(label, 0.0) / total if total else 0.0 for label in labels}


def _count_in(
    video: dict[str, float],
    people: dict[int, dict[str, float]],
    faces: tuple[tuple[int, str], ...],
    seconds: float,
) -> None:
    if not faces:
        video[NO_FACE] = video.get(NO_FACE, 0.0) + seconds
    for track, label in faces:
        video[label] = video.get(label, 0.0) + seconds / len(faces)
        labels = people.setdefault(track, {})
        labels[label] = labels.get(label, 0.0) + seconds
