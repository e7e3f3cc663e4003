"""What was seen when, as text: a table (CSV) or an object a frame (JSON Lines)."""

import csv
import io
import json
import time
from abc import abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from emotion.models.classes import EMOTIONS
from emotion.models.regions import Image
from emotion.realtime.messages import EmotionFrame, FaceEmotion, Probabilities
from emotion.realtime.sinks.base import Sink
from emotion.realtime.sinks.columns import COLUMNS, FACE_COLUMNS, PREDICTIONS, SIDES
from emotion.realtime.sinks.deferred_signals import deferred_signals
from emotion.realtime.sinks.partial_file import PartialFile

# A kill takes no more than this much of the timeline.
_FLUSH_SECONDS = 0.5
_UNSEEN = ("",) * len(EMOTIONS)


class _Timeline(Sink):
    """A text file that grows by some lines a frame.

    Args:
        path: where it goes.
        source: the video being read, which is never written over.

    Raises:
        SinkError: it cannot be written.
    """

    def __init__(self, path: Path, source: Path | None = None) -> None:
        self._draft = PartialFile(path, source)
        self._pending = io.StringIO(newline="")
        self._flushed = time.monotonic()
        self._frames = 0
        self._kept: Path | None = None
        self._done = False

    @deferred_signals()
    def write(self, result: EmotionFrame, image: Image) -> None:
        """Append a frame; see `Sink.write`. The picture is not needed."""
        self._add(self._pending, result)
        self._frames += 1
        if time.monotonic() - self._flushed >= _FLUSH_SECONDS:
            self._flush()

    @deferred_signals()
    def close(self) -> Path:
        """Finish the file; see `Sink.close`."""
        if not self._done:
            self._flush()
            self._kept = self._draft.publish()
            self._done = True
        return self._kept or self._draft.path

    @deferred_signals()
    def abort(self) -> Path | None:
        """Keep whole lines up to the last frame; see `Sink.abort`."""
        if not self._done:
            self._done = True
            with suppress(OSError):  # a full disk: what is there stays
                self._flush()
            if self._frames and self._draft.file.tell():
                self._kept = self._draft.keep()
            else:
                self._draft.discard()
        return self._kept

    def _flush(self) -> None:
        self._draft.append(self._pending.getvalue().encode())
        self._pending.seek(0)
        self._pending.truncate()
        self._flushed = time.monotonic()

    @abstractmethod
    def _add(self, file: io.StringIO, result: EmotionFrame) -> None:
        """Write a frame's lines."""


class CsvTimeline(_Timeline):
    """A row a face (`COLUMNS`); a frame without faces has one row with empty fields.

    Fields of regions that are not seen are empty, and so are those of the blendshapes where the vote
    does not count them. Pixels have one digit, probabilities four.
    """

    def __init__(self, path: Path, source: Path | None = None) -> None:
        super().__init__(path, source)
        csv.writer(self._pending, lineterminator="\n").writerow(COLUMNS)

    def _add(self, file: io.StringIO, result: EmotionFrame) -> None:
        frame = result.frame
        head = (frame.index, frame.pts, f"{frame.seconds:.6f}")
        rows = [_row(face) for face in result.faces] or [[""] * len(FACE_COLUMNS)]
        csv.writer(file, lineterminator="\n").writerows([*head, *row] for row in rows)


class JsonLinesTimeline(_Timeline):
    """An object a line and frame: frame, pts, seconds and faces, each with its opinions by emotion.

    Opinions of regions that are not seen are null, and so is that of blendshapes that do not count.
    """

    def _add(self, file: io.StringIO, result: EmotionFrame) -> None:
        json.dump(as_dict(result), file, separators=(",", ":"))
        file.write("\n")


def as_dict(result: EmotionFrame) -> dict[str, Any]:
    """A line of `JsonLinesTimeline` as an object, ready for JSON; without the picture."""
    frame = result.frame
    head = {"frame": frame.index, "pts": frame.pts, "seconds": round(frame.seconds, 6)}
    return head | {"faces": [_object(face) for face in result.faces]}


def _row(face: FaceEmotion) -> list[object]:
    opinions = [_digits(getattr(face, opinion)) or _UNSEEN for opinion in PREDICTIONS]
    return [
        face.track_id,
        *(round(getattr(face.box, side), 1) for side in SIDES),
        *(share for opinion in opinions for share in opinion),
        face.emotion,
        round(face.confidence, 4),
        face.label,
        round(face.since, 3),
        round(face.eyes_seen, 2),
        round(face.lips_seen, 2),
    ]


def _object(face: FaceEmotion) -> dict[str, Any]:
    opinions = {
        name: dict(zip(EMOTIONS, shares, strict=True)) if shares else None
        for name in PREDICTIONS
        for shares in [_digits(getattr(face, name))]
    }
    return {
        "track_id": face.track_id,
        "box": {side: round(getattr(face.box, side), 1) for side in SIDES},
        **opinions,
        "emotion": face.emotion,
        "confidence": round(face.confidence, 4),
        "label": face.label,
        "since": round(face.since, 3),
        "eyes_seen": round(face.eyes_seen, 2),
        "lips_seen": round(face.lips_seen, 2),
    }


def _digits(opinion: Probabilities | None) -> Sequence[object]:
    return [] if opinion is None else [round(share, 4) for share in opinion.tolist()]
