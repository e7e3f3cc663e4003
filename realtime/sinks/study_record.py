"""The data of a video for a study's page: its course in few numbers, and a thumbnail, as JSON."""

import base64
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from emotion.models.classes import UNCERTAIN
from emotion.models.regions import Image
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.sinks.base import Sink
from emotion.realtime.sinks.format import Format, Target
from emotion.realtime.sinks.partial_file import PartialFile, Publish
from emotion.realtime.sinks.time_bins import Person, TimeBins
from emotion.realtime.sinks.whole_document import WholeDocument

FULL = 250
"""The byte for a value of 1 in a course."""
SEEN = "seen"
"""The first column of a course: the share of people's bins with a known face."""
_MOST_BINS = 256
_BIN_SECONDS = 0.1
_WIDTH = 176
_QUALITY = 62
# A later picture needs a score that is better by this factor.
_BETTER = 1.1


class StudyRecord(WholeDocument):
    """A course over at most 256 equal time bins, and the picture with the largest and most confident faces.

    ``{"classes": [...], "begin": 0.0, "bin": 0.1, "bins": 200, "columns": ["seen", "uncertain", ...],
    "course": "...", "thumbnail": "..."}``: a bin has one byte per column, 250 for 1. That of a class is its
    mean over the people in the bin, 0 if no face is known. Course and picture (JPEG) are base64.

    Args:
        path: of the file.
        source: the video being read, which is never written over.
        publish: gives the complete file its final name.
        hidden: see `Target`.

    Raises:
        SinkError: it cannot be written.
    """

    def __init__(
        self,
        path: Path,
        source: Path | None = None,
        *,
        publish: Publish = os.replace,
        hidden: Callable[[EmotionFrame], Image] | None = None,
    ) -> None:
        super().__init__(PartialFile(path, source, publish))
        self._hidden = hidden
        self._bins = TimeBins(_MOST_BINS, _BIN_SECONDS)
        self._frames = 0
        self._best = 0.0
        self._picture: bytes = b""

    def write(self, result: EmotionFrame, image: Image) -> None:
        """Add a frame; see `Sink.write`."""
        self._bins.add(result)
        self._frames += 1
        hidden = self._hidden(result) if self._hidden else None
        worth = _worth(result)
        # Without faces, each next picture is twice as late: the last is from the second half.
        first = not self._best and self._frames.bit_count() == 1
        if first or worth > _BETTER * self._best:
            self._best = worth
            self._picture = _small(result.frame.image if hidden is None else hidden)

    def _is_worth_keeping(self) -> bool:
        return self._frames > 0

    def _document(self, part: bool) -> bytes:
        return json.dumps(self._values()).encode()

    def _values(self) -> dict[str, Any]:
        people = self._bins.finish()
        classes = self._bins.schema.classes
        course = _course(people, self._bins.count, len(classes))
        return {
            "classes": list(classes),
            "begin": round(self._bins.begin, 3),
            "bin": round(self._bins.seconds, 4),
            "bins": self._bins.count,
            "columns": [SEEN, UNCERTAIN, *classes],
            "course": base64.b64encode(course.tobytes()).decode(),
            "thumbnail": base64.b64encode(self._picture).decode(),
        }


def _course(people: Sequence[Person], bins: int, classes: int) -> npt.NDArray[np.uint8]:
    """Uint8 (bins, 2 + classes), see `StudyRecord`."""
    sums, known = np.zeros((bins, classes)), np.zeros(bins)
    there, unsure = np.zeros(bins), np.zeros(bins)
    for person in people:
        at = np.array(person.bins)
        means = person.means[:, 0]
        tells = np.isfinite(means).all(axis=1)
        sums[at[tells]] += means[tells]
        known[at[tells]] += 1
        there[at] += 1
        unsure[at] += person.labels == classes
    shares = sums / np.maximum(known, 1)[:, None]
    seen = (known > 0).astype(float)
    table = np.column_stack([seen, unsure / np.maximum(there, 1), shares])
    course: npt.NDArray[np.uint8] = np.rint(table * FULL).astype(np.uint8)
    return course


def _worth(result: EmotionFrame) -> float:
    """The score of a picture: higher for larger and more confident faces."""
    width = result.frame.shape[1]
    return sum((float(face.confidence or 0) * min(face.box.width / width, 0.4) for face in result.faces), 0.0)


def _small(image: Image) -> bytes:
    height, width = image.shape[:2]
    size = (min(_WIDTH, width), max(1, round(height * min(1.0, _WIDTH / width))))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1])


def _open(target: Target) -> Sink:
    return StudyRecord(target.path, target.info.path, publish=target.publish, hidden=target.hidden)


STUDY = Format("study", "numbers for the study", _open, ending="study.json")
