"""Timelines as text: a table (CSV), or one object per frame (JSON Lines)."""

import csv
import io
import json
import os
import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from emotion.models.regions import Image
from emotion.models.schema import SHIPPED, Schema
from emotion.realtime.media import WallClock
from emotion.realtime.messages import EmotionFrame, FaceEmotion, Probabilities
from emotion.realtime.sinks.base import Sink
from emotion.realtime.sinks.columns import PHOTOGRAPH_COLUMNS, SIDES, WALL_CLOCK, Columns
from emotion.realtime.sinks.deferred_signals import deferred_signals
from emotion.realtime.sinks.file_sink import FileSink
from emotion.realtime.sinks.format import Format, Target
from emotion.realtime.sinks.partial_file import PartialFile, Publish

# A killed run loses at most this much of the timeline.
_FLUSH_SECONDS = 0.5


class _Timeline(FileSink):
    """A text file with some lines per frame.

    Args:
        path: of the file.
        source: the video being read, which is never written over.
        clock: of a live stream, for the date and time of frames.
        publish: gives the complete file its final name.
        names: of photographs, by the index of the frame; they have no times.

    Raises:
        SinkError: it cannot be written.
    """

    def __init__(
        self,
        path: Path,
        source: Path | None = None,
        *,
        clock: WallClock | None = None,
        publish: Publish = os.replace,
        names: Callable[[int], str] | None = None,
    ) -> None:
        super().__init__(PartialFile(path, source, publish))
        self._clock = clock
        self._names = names
        self._pending = io.StringIO(newline="")
        self._flushed = time.monotonic()
        self._frames = 0

    @deferred_signals()
    def write(self, result: EmotionFrame, image: Image) -> None:
        """Append a frame; see `Sink.write`. The picture is not needed."""
        if not self._frames:
            self._begin(self._pending, result.schema, result.details)
        self._add(self._pending, result)
        self._frames += 1
        if time.monotonic() - self._flushed >= _FLUSH_SECONDS:
            self._flush()

    @deferred_signals()
    def close(self) -> Path:
        """Finish the file; see `Sink.close`."""
        return super().close()

    @deferred_signals()
    def abort(self) -> Path | None:
        """Keep whole lines up to the last frame; see `Sink.abort`."""
        return super().abort()

    def _finish(self) -> None:
        if not self._frames:
            self._begin(self._pending, SHIPPED, ())
        self._flush()

    def _finish_part(self) -> bool:
        with suppress(OSError):  # a full disk: the file so far is kept
            self._flush()
        return self._frames > 0 and self._draft.file.tell() > 0

    def _flush(self) -> None:
        self._draft.append(self._pending.getvalue().encode())
        self._pending.seek(0)
        self._pending.truncate()
        self._flushed = time.monotonic()

    @abstractmethod
    def _begin(self, file: io.StringIO, schema: Schema, details: tuple[str, ...]) -> None:
        """Write the header."""

    @abstractmethod
    def _add(self, file: io.StringIO, result: EmotionFrame) -> None:
        """Write a frame's lines."""


class CsvTimeline(_Timeline):
    """One row per face (`Columns`); a frame without faces has one row with empty fields.

    Fields of hidden regions are empty, and so are those of the blendshapes if the vote
    does not use them. Pixels have one decimal, probabilities four.
    """

    def _begin(self, file: io.StringIO, schema: Schema, details: tuple[str, ...]) -> None:
        photographs = self._names is not None
        self._columns = Columns(schema, self._clock is not None, details, photographs)
        csv.writer(file, lineterminator="\n").writerow(self._columns.all)

    def _add(self, file: io.StringIO, result: EmotionFrame) -> None:
        frame = result.frame
        head: list[object] = [frame.index, frame.pts, f"{frame.seconds:.6f}"]
        head += [self._clock.text(frame.seconds)] if self._clock else []
        if self._names:
            head = list(photograph_head(result, self._names).values())
        rows = [_row(face, self._columns) for face in result.faces] or [[""] * len(self._columns.face)]
        csv.writer(file, lineterminator="\n").writerows([*head, *row] for row in rows)


class JsonLinesTimeline(_Timeline):
    """One object per line and frame: frame, pts, seconds and faces, each with its probabilities by class.

    Those of hidden regions are null, and so are those of blendshapes that are not used.
    """

    def _begin(self, file: io.StringIO, schema: Schema, details: tuple[str, ...]) -> None:
        """There is no header: each line is self-describing."""

    def _add(self, file: io.StringIO, result: EmotionFrame) -> None:
        # In one piece: json.dump would write it in parts, in Python.
        file.write(json.dumps(as_dict(result, self._clock, self._names), separators=(",", ":")))
        file.write("\n")


def photograph_head(result: EmotionFrame, names: Callable[[int], str]) -> dict[str, Any]:
    """The values of a photograph before its faces: `PHOTOGRAPH_COLUMNS`."""
    height, width = result.frame.shape[:2]
    return dict(zip(PHOTOGRAPH_COLUMNS, (names(result.frame.index), width, height), strict=True))


def as_dict(
    result: EmotionFrame, clock: WallClock | None = None, names: Callable[[int], str] | None = None
) -> dict[str, Any]:
    """A line of `JsonLinesTimeline` as an object, ready for JSON; without the picture."""
    if names:
        faces = [_object(face) for face in result.faces]
        for face in faces:
            del face["since"]
        return photograph_head(result, names) | {"faces": faces}
    frame = result.frame
    head: dict[str, Any] = {"frame": frame.index, "pts": frame.pts, "seconds": round(frame.seconds, 6)}
    head |= {WALL_CLOCK: clock.text(frame.seconds)} if clock else {}
    return head | {"faces": [_object(face) for face in result.faces]}


def _row(face: FaceEmotion, columns: Columns) -> list[object]:
    unseen = ("",) * len(columns.schema.classes)
    rows = [_digits(face.probabilities_of(row)) or unseen for row in columns.rows]
    return [
        face.track_id,
        *(round(getattr(face.box, side), 1) for side in SIDES),
        *(share for row in rows for share in row),
        face.emotion or "",
        "" if face.confidence is None else round(face.confidence, 4),
        face.label,
        *(() if columns.photographs else (round(face.since, 3),)),
        *(round(share, 2) for share in face.seen.values()),
        *("" if value is None else _rounded(value) for value in face.details.values()),
    ]


def _object(face: FaceEmotion) -> dict[str, Any]:
    rows = {
        name: dict(zip(face.classes, shares, strict=True)) if shares else None
        for name in (*face.regions, "blendshapes", "probabilities_frame", "probabilities")
        for shares in [_digits(face.probabilities_of(name))]
    }
    return {
        "track_id": face.track_id,
        "box": {side: round(getattr(face.box, side), 1) for side in SIDES},
        **rows,
        "emotion": face.emotion,
        "confidence": None if face.confidence is None else round(face.confidence, 4),
        "label": face.label,
        "since": round(face.since, 3),
        **{f"{region}_seen": round(share, 2) for region, share in face.seen.items()},
        **{name: _rounded(value) for name, value in face.details.items()},
    }


def _rounded(value: float | str | None) -> float | str | None:
    return round(value, 4) if isinstance(value, float) else value


def _digits(shares: Probabilities | None) -> Sequence[object]:
    return [] if shares is None else [round(share, 4) for share in shares.tolist()]


def _open_csv(target: Target) -> Sink:
    info = target.info
    return CsvTimeline(target.path, info.path, clock=info.clock, publish=target.publish)


def _open_jsonl(target: Target) -> Sink:
    info = target.info
    return JsonLinesTimeline(target.path, info.path, clock=info.clock, publish=target.publish)


CSV = Format("csv", "timeline", _open_csv)
JSONL = Format("jsonl", "timeline", _open_jsonl)
