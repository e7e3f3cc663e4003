"""The search for new faces: in the whole picture, and for small ones in tiles of it.

The detector misses faces below an eighth of its input, so it also searches overlapping square tiles of the
picture: a few at a time, all of them in `SCAN_SECONDS`.
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np

from emotion.models.faces.picture import Detector, Landmarks, Picture
from emotion.realtime.stages.face_boxes import Corners, among

# Seconds of the stream between two searches of the whole picture while faces are followed.
LOOK_SECONDS = 0.4
# Seconds of the stream between two counts of faces beyond the maximum.
CROWD_SECONDS = 1.0
# Seconds in which every tile is searched once.
SCAN_SECONDS = 2.0
# A tile's side, as a share of the picture's shorter side, and its minimum in pixels: faces in
# smaller ones are too small to classify.
_TILE = 0.5
_SMALLEST_TILE = 288
# Shares in which large photographs are also searched, in turn.
_FINER = (0.25, 0.125)
# The detector misses faces below this share of its input's longer side.
_MISSED = 1 / 8


Tile: TypeAlias = tuple[int, int, int, int]
"""A square of a picture: left, top, right, bottom."""


class TileSearch:
    """Schedules the search for new faces. If time goes back, all searches are due.

    Args:
        detector: owned from here on.

    Attributes:
        looks: number of detections.
    """

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.looks = 0
        self._tiles: list[Tile] = []
        self._next = 0
        self._scanned = -np.inf
        self._looked = -np.inf
        self._counted = -np.inf

    def crowd(self, picture: Picture, seconds: float, known: Sequence[Landmarks]) -> int:
        """The number of unknown faces in the whole picture, if a count is due; else 0."""
        if 0 <= seconds - self._counted < CROWD_SECONDS:
            return 0
        self._counted = seconds
        return sum(not among(box, known) for box in self._look(picture))

    def large(
        self, picture: Picture, seconds: float, known: Sequence[Landmarks], limit: int
    ) -> list[Corners]:
        """The boxes of new faces in the whole picture, at most so many, if a search is due.

        It always is while no face is known.
        """
        if known and 0 <= seconds - self._looked < LOOK_SECONDS:
            return []
        self._looked = seconds
        return [box for box in self._look(picture) if not among(box, known)][:limit]

    def small(self, picture: Picture, seconds: float) -> Iterator[Corners]:
        """The boxes of faces in the due tiles."""
        for tile in self._due(picture, seconds):
            for box in self._look(picture.part(*tile)):
                if not is_cut(box, tile, picture):
                    yield box

    def begin(self, seconds: float) -> None:
        """At the begin of a stream, let the tiles be due one after the other, not all at once."""
        if self._scanned == -np.inf:
            self._scanned = seconds

    def forget(self) -> None:
        """The stream has changed: all searches are due."""
        self._scanned = self._looked = -np.inf

    def close(self) -> None:
        """Close the detector."""
        self._detector.close()

    def _look(self, picture: Picture) -> Corners:
        self.looks += 1
        return self._detector.detect(picture)

    def _due(self, picture: Picture, seconds: float) -> list[Tile]:
        """The tiles that are due by the time since the last picture, in turn; at first all."""
        self._tiles = self._tiles or tiles(picture.width, picture.height)
        waited = seconds - self._scanned
        count = len(self._tiles)
        if 0 <= waited < SCAN_SECONDS and count:
            each = SCAN_SECONDS / count
            count = int(waited / each)
            # The remainder of the time is kept for the next picture: else a round would take a fifth longer.
            self._scanned += count * each
        else:
            self._scanned = seconds
        first, self._next = self._next, (self._next + count) % max(1, len(self._tiles))
        return [self._tiles[(first + step) % len(self._tiles)] for step in range(count)]


def tiles(width: int, height: int) -> list[Tile]:
    """Squares that cover a picture, each a third over the next: left, top, right, bottom.

    Any face that is too small for the whole picture is completely inside one of them: if a third of a
    square is less than such a face, there are also squares as high as a wide picture, or as wide as a high
    one. None for a picture that is hardly larger than one of them.
    """
    shorter, longer = sorted((width, height))
    side = max(_SMALLEST_TILE, round(_TILE * shorter))
    if longer < 1.25 * side:
        return []
    found = _squares(width, height, side, side / 3)
    if side / 3 < longer * _MISSED and side < shorter:
        found += _squares(width, height, shorter, min(max(shorter / 3, longer * _MISSED), shorter * 2 / 3))
    return found


def finer_tiles(width: int, height: int) -> Iterator[tuple[int, list[Tile]]]:
    """The same for smaller faces in large photographs: each time a side, and the squares."""
    for share in _FINER:
        side = round(share * min(width, height))
        if side >= _SMALLEST_TILE:
            yield side, _squares(width, height, side, side / 3)


def _squares(width: int, height: int, side: int, shared: float) -> list[Tile]:
    return [
        (left, top, left + side, top + side)
        for top in _starts(height, side, shared)
        for left in _starts(width, side, shared)
    ]


def _starts(length: int, side: int, shared: float) -> list[int]:
    count = int(np.ceil(max(0, length - side) / (side - shared))) + 1
    return [int(start) for start in np.linspace(0, length - side, count)]


def is_cut(box: Corners, tile: Tile, picture: Picture) -> bool:
    """Whether a face may be truncated by a tile's edge, or false; the next tile contains it completely."""
    left, top, right, bottom = tile
    return bool(
        (box[0] <= left and left > 0)
        or (box[1] <= top and top > 0)
        or (box[2] >= right and right < picture.width)
        or (box[3] >= bottom and bottom < picture.height)
    )
