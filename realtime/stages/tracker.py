"""Tracks people from frame to frame."""

import itertools
import math
from dataclasses import dataclass
from typing import TypeAlias

from emotion.realtime.messages import Box

# A face that is absent for longer gets a new track, unless there were fewer pictures than this
# meanwhile, as in a time-lapse.
MEMORY_SECONDS = 2.0
_MEMORY_PICTURES = 2
# A face's centre, in units of its size: measurement noise, and change of speed per
# second (a head that starts or stops moving).
_SEEN_WITHIN = 0.03
_SPEED_CHANGE = 3.0
# The time constant in seconds with which the speed of a lost track decays.
_STRAY_SECONDS = 1.5
# Gating distance between a face and its predicted position, in its size: at first, and after an absence.
_REACH = 0.6
_LONGEST_REACH = 1.8
# A change of the size by this factor costs as much as a distance of one size.
_SIZE_STEP = 2.0
_LARGEST_CHANGE = 2.0
# The cost of a pair beyond the gating distance.
_OUT_OF_REACH = 1e3
# Up to this number of possible assignments, as of six faces and six tracks, all are compared: loading
# a solver would delay a live picture by half a second when another face appears.
_FEW_WAYS = 720

_Covariance: TypeAlias = tuple[float, float, float]
"""Variances of position, covariance with speed, and speed."""


@dataclass(slots=True)
class _Track:
    """A track: a Kalman filter with constant velocity (Kalman 1960).

    Both axes share one covariance, because they have the same noise. Lengths are in pixels, those of the
    covariance in units of the face's size. All are plain numbers: arrays of two take ten times as long.
    Positions and velocities are complex numbers, across and down.
    """

    id: int
    box: Box
    seconds: float
    missed: int = 0
    velocity: complex = 0.0
    covariance: _Covariance = (_SEEN_WITHIN**2, 0.0, _SPEED_CHANGE**2)

    def expected(self, seconds: float) -> complex:
        """The predicted centre."""
        away = seconds - self.seconds
        return _middle(self.box) + self.velocity * _STRAY_SECONDS * (1 - math.exp(-away / _STRAY_SECONDS))

    def reach(self, seconds: float) -> float:
        """The gating distance around it, in its size."""
        position, _, _ = self._predicted(seconds)
        return min(_REACH + math.sqrt(position) / 2, _LONGEST_REACH)

    def see(self, box: Box, seconds: float) -> None:
        """Update with a detected face."""
        position, both, speed = self._predicted(seconds)
        gains = position / (position + _SEEN_WITHIN**2), both / (position + _SEEN_WITHIN**2)
        off = _middle(box) - self.expected(seconds)
        self.velocity = self.velocity * math.exp(-(seconds - self.seconds) / _STRAY_SECONDS) + gains[1] * off
        self.covariance = position - gains[0] * position, both - gains[0] * both, speed - gains[1] * both
        # The detected box is used: it is more precise than the filter's prediction.
        self.box, self.seconds, self.missed = box, seconds, 0

    def is_remembered(self, seconds: float) -> bool:
        """Whether the track is alive; not after time jumps back."""
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
    """Assigns constant track numbers to the faces of successive frames.

    Faces and tracks are matched with the smallest sum of distances (the assignment
    problem; Kuhn 1955). A distance is from the predicted position of the track, in units of the face's
    size, and increases if sizes differ. Everything depends on time, so dropped frames have little effect.
    """

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._next_id = 1

    def assign(self, boxes: list[Box], seconds: float) -> list[int]:
        """The track number of every box of a frame.

        Args:
            boxes: the faces, in pixels.
            seconds: the frame's time; if it jumps back, all tracks end.
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
        """The numbers of the live tracks, including those just assigned."""
        return tuple(track.id for track in self._tracks)

    def _match(self, boxes: list[Box], seconds: float) -> dict[int, _Track]:
        if not boxes or not self._tracks:
            return {}
        costs = [[_distance(box, track, seconds) for track in self._tracks] for box in boxes]
        return {b: self._tracks[t] for b, t in _assign(costs)}


def _assign(costs: list[list[float]]) -> list[tuple[int, int]]:
    """The assignment of rows to columns within the gate with the smallest total cost, as many as possible."""
    pairs = []
    for rows, columns in _groups(costs):
        part = [[costs[row][column] for column in columns] for row in rows]
        pairs += [(rows[row], columns[column]) for row, column in _pair(part)]
    return sorted((row, column) for row, column in pairs if costs[row][column] < math.inf)


def _groups(costs: list[list[float]]) -> list[tuple[list[int], list[int]]]:
    """Connected groups of rows and columns: those within the gate of one another.

    People are rarely so close that a group has more than two of them.
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
    """The assignment with the smallest total cost; an additional pair is always preferred."""
    if len(costs) > len(costs[0]):
        return [(row, column) for column, row in _pair([list(line) for line in zip(*costs, strict=True)])]
    # A pair outside the gate costs more than any inside.
    bounded = [[min(cost, _OUT_OF_REACH) for cost in line] for line in costs]
    if math.perm(len(costs[0]), len(costs)) <= _FEW_WAYS:
        ways = itertools.permutations(range(len(costs[0])), len(costs))
        least = min(ways, key=lambda way: sum(line[at] for line, at in zip(bounded, way, strict=True)))
        return list(enumerate(least))
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415  most of a second to import

    rows, columns = linear_sum_assignment(bounded)
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def _distance(box: Box, track: _Track, seconds: float) -> float:
    """The distance of a box from a track's prediction; infinite outside the gate."""
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
