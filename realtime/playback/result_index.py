"""Results of a video by time; filled while the video is analysed, or from a file."""

import json
import threading
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from emotion.models.classes import SIX, Classes
from emotion.models.schema import SHIPPED, Schema
from emotion.realtime.errors import SourceError
from emotion.realtime.messages import Box, EmotionFrame, FaceEmotion, Probabilities

# Results that are farther away in time than this are not used for a picture.
_REACH_SECONDS = 1.0
# Timestamps in files are rounded to a microsecond.
_SAME_SECONDS = 0.001
# In a file, the suffix of a region's name for its visibility.
_SEEN = "_seen"


@dataclass(frozen=True, slots=True, eq=False)
class IndexedResult:
    """A result without its picture.

    Attributes:
        seconds: its time in the video.
        faces: as in `EmotionFrame`.
        captured_at: of its picture; 0 if unknown.
        schema: as in `EmotionFrame`.
    """

    seconds: float
    faces: tuple[FaceEmotion, ...]
    captured_at: float = 0.0
    schema: Schema = SHIPPED

    @classmethod
    def of(cls, result: EmotionFrame) -> "IndexedResult":
        """The moment of a result."""
        frame = result.frame
        return cls(frame.seconds, result.faces, frame.captured_at, result.schema)


class ResultIndex:
    """Moments sorted by time, added in any order. Thread-safe.

    Args:
        reach: moments that are farther away than this many seconds are not used.
        most: maximum number of kept moments, the latest ones; None: all.
    """

    def __init__(self, reach: float = _REACH_SECONDS, most: int | None = None) -> None:
        self._reach = reach
        self._most = most
        self._lock = threading.Lock()
        self._times: list[float] = []
        self._moments: list[IndexedResult] = []

    def __len__(self) -> int:
        return len(self._times)

    def add(self, moment: IndexedResult) -> None:
        """Add a moment; one of the same time is replaced."""
        with self._lock:
            at = bisect_left(self._times, moment.seconds - _SAME_SECONDS)
            same = at < len(self._times) and self._times[at] <= moment.seconds + _SAME_SECONDS
            self._times[at : at + same] = [moment.seconds]
            self._moments[at : at + same] = [moment]
            if self._most is not None and len(self._times) > self._most:
                del self._times[0], self._moments[0]

    def moments(self) -> list[IndexedResult]:
        """All of them, sorted by time."""
        with self._lock:
            return list(self._moments)

    def around(self, seconds: float) -> tuple[IndexedResult | None, IndexedResult | None]:
        """The last moment up to a time, and the first one from it on; None if they are too far away."""
        with self._lock:
            after = bisect_left(self._times, seconds - _SAME_SECONDS)
            before = bisect_right(self._times, seconds + _SAME_SECONDS) - 1
            return self._near(before, seconds), self._near(after, seconds)

    def covers(self, seconds: float) -> bool:
        """Whether there is a moment at this time or soon after it."""
        return self.around(seconds)[1] is not None

    def has(self, seconds: float) -> bool:
        """Whether there is a moment at exactly this time."""
        after = self.around(seconds)[1]
        return after is not None and after.seconds <= seconds + _SAME_SECONDS

    def _near(self, at: int, seconds: float) -> IndexedResult | None:
        if not 0 <= at < len(self._times) or abs(self._times[at] - seconds) > self._reach:
            return None
        return self._moments[at]


def read_timeline(path: Path) -> ResultIndex:
    """The results in a JSON Lines file of `emotion annotate`.

    Raises:
        SourceError: it cannot be read, or is not such a file.
    """
    known = ResultIndex()
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                entry = json.loads(line)
                faces = tuple(map(_face, entry["faces"]))
                known.add(IndexedResult(float(entry["seconds"]), faces))
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}): check the path.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(
            f"{path} is no timeline of 'emotion annotate' (line {len(known) + 1}): name a .jsonl file."
        ) from error
    return known


def _face(entry: dict[str, Any]) -> FaceEmotion:
    # A face without probabilities has no classes either.
    classes = SIX if entry["probabilities"] is None else _classes(tuple(entry["probabilities"]))
    regions = [name.removesuffix(_SEEN) for name in entry if name.endswith(_SEEN)]

    def row(name: str) -> Probabilities | None:
        shares = entry[name]
        return None if shares is None else np.array([shares[label] for label in classes], dtype=np.float32)

    return FaceEmotion(
        int(entry["track_id"]),
        Box(*(float(entry["box"][side]) for side in Box.__slots__)),
        {region: row(region) for region in regions},
        row("probabilities_frame"),
        row("probabilities"),
        row("blendshapes"),
        label=entry["label"],
        since=float(entry["since"]),
        seen={region: float(entry[region + _SEEN]) for region in regions},
        classes=classes,
    )


@cache
def _classes(names: tuple[str, ...]) -> Classes:
    """The classes of a file, in their order, with default colours."""
    return Classes(names)
