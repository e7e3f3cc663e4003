"""Skips frames, and interpolates their faces.

A face moves little in a twelfth of a second. So with a higher frame rate landmarks are
not detected in every frame of a file, and the faces of the others are interpolated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from emotion.models.faces.picture import BatchLandmarker, Landmarks, Picture
from emotion.models.lazy import Lazy
from emotion.realtime.stages.face_boxes import corners, side

# By default two analysed frames are at most so many seconds apart, as every second one at 25
# a second; the emotion is then the same in 99.8% of the frames (`benchmarks.studies.sparing`).
LONGEST_GAP = 0.081
# And at most so many frames, as at 60 a second.
MOST_FRAMES = 4
# A face with a landmark that moves further between two analysed frames, in sizes of the face, is another one.
_LEAP = 0.5


class Between:
    """A team that analyses some pictures, and interpolates the faces of the others.

    A face moves nearly uniformly for a fifteenth of a second: landmarks and blendshapes of a skipped
    picture are linearly interpolated between those before and after, by its time. Faces that appear,
    disappear or jump do so at the next analysed picture.

    Attributes:
        turns: of the team, times the largest stride.
    """

    def __init__(self, team: BatchLandmarker, stride: int | None = None) -> None:
        """Args: team: owned from here on. stride: one of this many pictures is analysed, from 2 on; by
        default as few as `LONGEST_GAP` allows.
        """
        self._most = stride or MOST_FRAMES
        self._longest = LONGEST_GAP if stride is None else inf
        self.turns = team.turns * self._most
        self._team = team
        self._before: _Seen | None = None

    def detect_all(
        self, pictures: Sequence[Picture], seconds: Sequence[float]
    ) -> list[tuple[Landmarks, ...]]:
        """The faces in each of a stream's next pictures; the last of them is always analysed."""
        wanted = self._wanted(seconds)
        # In their order, and never back: a landmarker's smoothing depends on the time between pictures.
        looked = self._team.detect_all([pictures[at] for at in wanted], [seconds[at] for at in wanted])
        found: list[tuple[Landmarks, ...]] = []
        for at, faces in zip(wanted, looked, strict=True):
            now = _Seen(seconds[at], faces)
            if self._before is not None:
                pairs = _pairs(self._before, now)
                found += [_between(pairs, self._before, now, time) for time in seconds[len(found) : at]]
            found.append(faces)
            self._before = now
        return found

    def close(self) -> None:
        """Close the team."""
        self._team.close()

    def _wanted(self, seconds: Sequence[float]) -> list[int]:
        """The analysed ones among the next pictures: the last one, and a few of the others."""
        wanted: list[int] = []
        since, passed = None if self._before is None else self._before.seconds, 0
        for at, time in enumerate(seconds):
            gap = inf if since is None or at + 1 == len(seconds) else seconds[at + 1] - since
            if gap <= self._longest and gap < inf and passed + 1 < self._most:
                passed += 1
            else:
                wanted.append(at)
                since, passed = time, 0
        return wanted


@dataclass(frozen=True, slots=True)
class _Seen:
    """The faces of a picture, and its time."""

    seconds: float
    faces: tuple[Landmarks, ...]


_Pair: TypeAlias = tuple[Landmarks, Landmarks]


def _pairs(before: _Seen, after: _Seen) -> list[_Pair]:
    """Each face with itself in the later picture; without those that appeared, disappeared or jumped."""
    left, pairs = list(after.faces), list[_Pair]()
    for face in before.faces:
        same = min(left, key=lambda other: _moved(face, other), default=None)
        if same is not None and _moved(face, same) < _LEAP * side(corners(face)):
            # By identity, since comparing arrays is elementwise.
            left = [other for other in left if other is not same]
            pairs.append((face, same))
    return pairs


def _moved(face: Landmarks, other: Landmarks) -> float:
    """The largest movement of a landmark, in pixels."""
    across, down = ((other.points - face.points) ** 2).T
    return float(np.sqrt((across + down).max()))


def _between(pairs: Sequence[_Pair], before: _Seen, after: _Seen, seconds: float) -> tuple[Landmarks, ...]:
    """The faces at a time between two; those of the later one if time does not increase."""
    span = after.seconds - before.seconds
    share = np.float32(np.clip((seconds - before.seconds) / span, 0, 1) if span > 0 else 1)
    return tuple(_lies_between(face, same, share) for face, same in pairs)


def _lies_between(face: Landmarks, same: Landmarks, share: np.float32) -> Landmarks:
    def mixed(old: npt.NDArray[np.float32], new: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.asarray(old + share * (new - old))

    return Landmarks(
        mixed(face.points, same.points),
        mixed(face.depth, same.depth),
        Lazy(lambda: mixed(face.blendshapes, same.blendshapes)),
        # Between two frames a head rotates so little that matrices can be interpolated linearly, too.
        None if face.matrix is None or same.matrix is None else mixed(face.matrix, same.matrix),
    )
