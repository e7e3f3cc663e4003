"""Which face is whose from frame to frame."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from realtime.frames import Box

# A face that is gone longer than this is a new one when it comes back.
MEMORY_SECONDS = 1.0
# The farthest that a face's middle moves between two frames, in its own size.
_REACH = 0.8
_LARGEST_CHANGE = 2.0


@dataclass(slots=True)
class _Track:
    id: int
    box: Box
    seconds: float


class TrackAssigner:
    """Gives the faces of successive frames numbers that stay with them.

    Faces and known tracks are matched so that the sum of the distances is least (the assignment
    problem; Kuhn 1955). A distance is between middles, in units of the mean size of both boxes.
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
        self._tracks = [t for t in self._tracks if 0 <= seconds - t.seconds <= MEMORY_SECONDS]
        matched = self._match(boxes)
        ids = []
        for index, box in enumerate(boxes):
            track = matched.get(index)
            if track is None:
                track = _Track(self._next_id, box, seconds)
                self._next_id += 1
                self._tracks.append(track)
            track.box, track.seconds = box, seconds
            ids.append(track.id)
        return ids

    @property
    def alive(self) -> tuple[int, ...]:
        """The numbers that may still be given again; those of faces just assigned among them."""
        return tuple(track.id for track in self._tracks)

    def _match(self, boxes: list[Box]) -> dict[int, _Track]:
        if not boxes or not self._tracks:
            return {}
        costs = np.array([[_distance(box, track.box) for track in self._tracks] for box in boxes])
        pairs = zip(*linear_sum_assignment(np.minimum(costs, 1e3)), strict=True)
        return {int(b): self._tracks[t] for b, t in pairs if costs[b, t] <= _REACH}


def _distance(a: Box, b: Box) -> float:
    """Between two boxes' middles, in units of their mean size; infinite where sizes differ much."""
    size_a, size_b = (max(box.width, box.height, 1.0) for box in (a, b))
    if max(size_a, size_b) > _LARGEST_CHANGE * min(size_a, size_b):
        return float("inf")
    dx = a.left + a.width / 2 - b.left - b.width / 2
    dy = a.top + a.height / 2 - b.top - b.height / 2
    return float(np.hypot(dx, dy) / ((size_a + size_b) / 2))
