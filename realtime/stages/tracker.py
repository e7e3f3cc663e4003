"""Tracks people from frame to frame."""

import itertools
import math
from dataclasses import dataclass
from typing import TypeAlias

from emotion.realtime.messages import Box

# A face that is gone longer than this is a new one when it comes back, unless so few pictures came
# meanwhile: those of a time-lapse are further apart.
MEMORY_SECONDS = 2.0
_MEMORY_PICTURES = 2
# A face's middle, in units of its size: how exactly it is seen, and how much its speed changes in a
# second (a head that sets off or stops).
_SEEN_WITHIN = 0.03
_SPEED_CHANGE = 3.0
# Out of sight nobody goes on straight for long: seconds after which a speed has fallen to 37%.
_STRAY_SECONDS = 1.5
# How far from where it is expected a face may be, in its size: at once, and after having been away.
_REACH = 0.6
_LONGEST_REACH = 1.8
# What counts as much as a distance of one size: a change of the size by this factor.
_SIZE_STEP = 2.0
_LARGEST_CHANGE = 2.0
# What a pair that is too far apart costs.
_OUT_OF_REACH = 1e3
# So few ways to pair all that could be each other, as six faces with six tracks, are compared one by one: to
# load a solver would stop a live picture for half a second when another face comes.
_FEW_WAYS = 720

_Covariance: TypeAlias = tuple[float, float, float]
"""Of the place, of place and speed, of the speed."""


@dataclass(slots=True)
class _Track:
    """A face, and where it is expected: a Kalman filter of constant velocity (Kalman 1960).

    Both axes share one covariance, because they share their noise. Lengths are in pixels, the
    covariance's in units of the face's size. All are plain numbers: arrays of two take ten times as long.
    Places and velocities are complex, across and down.
    """

    id: int
    box: Box
    seconds: float
    missed: int = 0
    velocity: complex = 0.0
    covariance: _Covariance = (_SEEN_WITHIN**2, 0.0, _SPEED_CHANGE**2)

    def expected(self, seconds: float) -> complex:
        """Where the middle should be by now."""
        away = seconds - self.seconds
        return _middle(self.box) + self.velocity * _STRAY_SECONDS * (1 - math.exp(-away / _STRAY_SECONDS))

    def reach(self, seconds: float) -> float:
        """How far from there it may be, in its size."""
        position, _, _ = self._predicted(seconds)
        return min(_REACH + math.sqrt(position) / 2, _LONGEST_REACH)

    def see(self, box: Box, seconds: float) -> None:
        """The face is here now."""
        position, both, speed = self._predicted(seconds)
        gains = position / (position + _SEEN_WITHIN**2), both / (position + _SEEN_WITHIN**2)
        off = _middle(box) - self.expected(seconds)
        self.velocity = self.velocity * math.exp(-(seconds - self.seconds) / _STRAY_SECONDS) + gains[1] * off
        self.covariance = position - gains[0] * position, both - gains[0] * both, speed - gains[1] * both
        # The box is taken as it is seen: it is sharper than what the filter expects.
        self.box, self.seconds, self.missed = box, seconds, 0

    def is_remembered(self, seconds: float) -> bool:
        """Whether it may still come back; not where time jumps back."""
        away = seconds - self.seconds
        return away >= 0 and (away <= MEMORY_SECONDS or self.missed <= _MEMORY_PICTURES)

    def _predicted(self, seconds: float) -> _Covariance:
        dt = seconds - self.seconds
        position, both, speed = self.covariance
        return (
            position + 2 * dt * both + dt**2 * speed + _SPEED_CHANGE**2 * dt**3 / 3,
            both + dt * speed + _SPEED_CHANGE**2 * dt**2 / 2,
            speed + _SPEED_CHANGE**2 * dt,
        )


class Tracker:
    """Gives the faces of successive frames numbers that stay with them.

    Faces and known tracks are matched so that the sum of the distances is least (the assignment
    problem; Kuhn 1955). A distance is from where the track should be by now, in units of the face's
    size, and grows where sizes differ. All goes by time, so dropped frames change little.
    """

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._next_id = 1

    def assign(self, boxes: list[Box], seconds: float) -> list[int]:
        """The track number of every box of a frame.

        Args:
            boxes: the faces, in pixels.
            seconds: the frame's time; where it jumps back, all tracks end.
        """
        self._tracks = [track for track in self._tracks if track.is_remembered(seconds)]
        matched = self._match(boxes, seconds)
        for known in self._tracks:
            known.missed += 1
        ids = []
        for index, box in enumerate(boxes):
            track = matched.get(index)
            if track is None:
                track = _Track(self._next_id, box, seconds)
                self._next_id += 1
                self._tracks.append(track)
            else:
                track.see(box, seconds)
            ids.append(track.id)
        return ids

    @property
    def alive(self) -> tuple[int, ...]:
        """The numbers that may still be given again; those of faces just assigned among them."""
        return tuple(track.id for track in self._tracks)

    def _match(self, boxes: list[Box], seconds: float) -> dict[int, _Track]:
        if not boxes or not self._tracks:
            return {}
        costs = [[_distance(box, track, seconds) for track in self._tracks] for box in boxes]
        return {b: self._tracks[t] for b, t in _assign(costs)}


def _assign(costs: list[list[float]]) -> list[tuple[int, int]]:
    """The pairs of rows and columns within reach whose costs have the least sum, as many as there can be."""
    pairs = []
    for rows, columns in _groups(costs):
        part = [[costs[row][column] for column in columns] for row in rows]
        pairs += [(rows[row], columns[column]) for row, column in _pair(part)]
    return sorted((row, column) for row, column in pairs if costs[row][column] < math.inf)


def _groups(costs: list[list[float]]) -> list[tuple[list[int], list[int]]]:
    """Rows with the columns that are within their reach, or within reach of such columns' other rows.

    People seldom stand so close that more than two of them could be each other.
    """
    groups: list[tuple[set[int], set[int]]] = []
    for row, line in enumerate(costs):
        rows, columns = {row}, {column for column, cost in enumerate(line) if cost < math.inf}
        for group in [group for group in groups if group[1] & columns]:
            groups.remove(group)
            rows, columns = rows | group[0], columns | group[1]
        if columns:
            groups.append((rows, columns))
    return [(sorted(rows), sorted(columns)) for rows, columns in groups]


def _pair(costs: list[list[float]]) -> list[tuple[int, int]]:
    """The pairs of rows and columns whose costs have the least sum; one more costs less than none."""
    if len(costs) > len(costs[0]):
        return [(row, column) for column, row in _pair([list(line) for line in zip(*costs, strict=True)])]
    # A pair that is out of reach costs more than any that is not.
    bounded = [[min(cost, _OUT_OF_REACH) for cost in line] for line in costs]
    if math.perm(len(costs[0]), len(costs)) <= _FEW_WAYS:
        ways = itertools.permutations(range(len(costs[0])), len(costs))
        least = min(ways, key=lambda way: sum(line[at] for line, at in zip(bounded, way, strict=True)))
        return list(enumerate(least))
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415  most of a second to import

    rows, columns = linear_sum_assignment(bounded)
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def _distance(box: Box, track: _Track, seconds: float) -> float:
    """From a box to where a track should be; infinite where it is out of reach."""
    here, there = _size(box), _size(track.box)
    change = max(here, there) / min(here, there)
    away = abs(_middle(box) - track.expected(seconds)) / ((here + there) / 2)
    if change > _LARGEST_CHANGE or away > track.reach(seconds):
        return math.inf
    return math.hypot(away, math.log(change, _SIZE_STEP))


def _size(box: Box) -> float:
    return max(box.width, box.height, 1.0)


def _middle(box: Box) -> complex:
    return complex(box.left + box.width / 2, box.top + box.height / 2)
