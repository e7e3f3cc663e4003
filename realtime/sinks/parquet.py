"""Timelines as Parquet: the CSV's columns with types, for pandas, DuckDB, Polars and R."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from emotion.models.regions import Image
from emotion.models.schema import SHIPPED, Schema
from emotion.realtime.details import LANDMARKS, WORDS
from emotion.realtime.errors import SinkError
from emotion.realtime.media import WallClock
from emotion.realtime.messages import EmotionFrame, FaceEmotion, VideoFrame
from emotion.realtime.sinks.arrow_arrays import array_of
from emotion.realtime.sinks.base import Sink
from emotion.realtime.sinks.columns import SIDES, WALL_CLOCK, Columns
from emotion.realtime.sinks.file_sink import FileSink
from emotion.realtime.sinks.format import Format, Target
from emotion.realtime.sinks.partial_file import PartialFile, Publish

# Rows per group, some minutes of one face; until then each takes some 200 bytes.
_GROUP_ROWS = 8192
# Rows that are kept as Python values, 1.6 kB each, before the conversion to Arrow.
_BATCH_ROWS = 256
_TYPES = {
    "frame": pa.int64(),
    "pts": pa.int64(),
    "seconds": pa.float64(),
    WALL_CLOCK: pa.timestamp("ms", tz="UTC"),
    "track_id": pa.int32(),
    "emotion": pa.dictionary(pa.int8(), pa.string()),
    "label": pa.dictionary(pa.int8(), pa.string()),
    "since": pa.float64(),
    "file": pa.string(),
    "picture_width": pa.int32(),
    "picture_height": pa.int32(),
    LANDMARKS: pa.list_(pa.float32()),
    **{name: pa.dictionary(pa.int8(), pa.string()) for name in WORDS},
}


class ParquetTimeline(FileSink):
    """One row per face with `Columns`; a frame without faces has one row, whose other fields are null.

    Memory does not grow with the video: rows are written in groups. A Parquet file cannot be read
    before its end is written, which `abort` does, too; but a full disk or a kill leaves nothing.

    Args:
        path: of the file.
        source: the video being read, which is never written over.
        clock: of a live stream, for the date and time of frames.
        publish: gives the complete file its final name.
        names: of photographs, by the index of the frame; they have no times.
        provenance: of the results, stored in the file's metadata as JSON, as ``provenance``.

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
        provenance: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(PartialFile(path, source, publish))
        self._clock = clock
        self._names = names
        self._provenance = json.dumps(provenance) if provenance else None
        self._rows: list[tuple[object, ...]] = []
        self._frames = 0
        self._outlet = _SinkWorker(self._draft)
        self._table: _Table | None = None

    def write(self, result: EmotionFrame, image: Image) -> None:
        """Add a frame; see `Sink.write`. The picture is not needed."""
        if self._table is None:
            self._table = self._begun(self._columns(result.schema, result.details))
        head = self._head(result.frame)
        self._rows.extend((*head, *face) for face in self._table.rows(result.faces))
        self._frames += 1
        if len(self._rows) >= _BATCH_ROWS:
            self._hand_over()

    def _columns(self, schema: Schema, details: tuple[str, ...]) -> Columns:
        return Columns(schema, self._clock is not None, details, self._names is not None)

    def _begun(self, columns: Columns) -> "_Table":
        return _Table(self._outlet, columns, self._provenance)

    def _head(self, frame: VideoFrame) -> list[object]:
        if self._names:
            return [self._names(frame.index), frame.shape[1], frame.shape[0]]
        head: list[object] = [frame.index, frame.pts, frame.seconds]
        return head + ([self._clock.at(frame.seconds)] if self._clock else [])

    def _finish(self) -> None:
        if self._table is None:
            self._table = self._begun(self._columns(SHIPPED, ()))
        self._hand_over()
        self._table.finish()

    def _finish_part(self) -> bool:
        if self._frames and not self._outlet.gap:
            with suppress(SinkError):
                self._finish()
                return True
        # Without its end, or with a gap, it is unreadable.
        self._outlet.shut()
        return False

    def _hand_over(self) -> None:
        if self._rows and self._table is not None:
            self._table.add(self._rows)
            self._rows.clear()


class _Table:
    """The table that is written to a file; its columns are known at the first frame."""

    def __init__(self, outlet: "_SinkWorker", columns: Columns, provenance: str | None) -> None:
        self._columns = columns
        self._points = LANDMARKS in columns.details
        self._fields = arrow_schema(columns)
        if provenance is not None:
            self._fields = self._fields.with_metadata({"provenance": provenance})
        self._waiting: list[pa.Table] = []
        self._count = 0
        self._writer = pq.ParquetWriter(outlet, self._fields, compression="zstd")

    def rows(self, faces: Sequence[FaceEmotion]) -> list[tuple[object, ...]]:
        """One row per face, without the frame's columns; one empty row without faces."""
        found = [face_values(face, self._columns) for face in faces]
        return found or [(None,) * (len(self._columns.face) + self._points)]

    def add(self, rows: list[tuple[object, ...]]) -> None:
        """Add rows; those of a group are written together."""
        self._waiting.append(arrow_table(rows, self._fields))
        self._count += len(rows)
        if self._count >= _GROUP_ROWS:
            self._write()

    def finish(self) -> None:
        """Write the remaining rows, and the file's end."""
        if self._waiting:
            self._write()
        self._writer.close()

    def _write(self) -> None:
        # In one chunk: chunks with different dictionaries would be written as plain strings.
        self._writer.write_table(pa.concat_tables(self._waiting).combine_chunks())
        self._waiting.clear()
        self._count = 0
        # The memory of compression is not needed for minutes.
        pa.default_memory_pool().release_unused()


def arrow_schema(columns: Columns) -> pa.Schema:
    """The columns with their types: strings are dictionaries, probabilities float32."""
    names = (*columns.all, *([LANDMARKS] if LANDMARKS in columns.details else []))
    return pa.schema([pa.field(name, _TYPES.get(name, pa.float32())) for name in names])


def arrow_table(rows: Sequence[tuple[object, ...]], fields: pa.Schema) -> pa.Table:
    """A table of rows, possibly empty."""
    columns = zip(*rows, strict=True) if rows else ([] for _ in fields)
    arrays = [array_of(values, field.type) for values, field in zip(columns, fields, strict=True)]
    return pa.Table.from_arrays(arrays, schema=fields)


class _SinkWorker:
    """The file object for Arrow. Once shut it ignores writes.

    Arrow writes the end when its writer is collected, in any case; if that fails, in
    a destructor, the process would crash.
    """

    closed = False

    def __init__(self, draft: PartialFile) -> None:
        self.gap = False
        self._draft: PartialFile | None = draft
        self._position = 0

    def shut(self) -> None:
        self._draft = None

    def write(self, data: bytes) -> int:
        if self._draft is not None:
            self.gap = True
            self._draft.append(data)
            self.gap = False
        self._position += len(data)
        return len(data)

    def tell(self) -> int:
        return self._position

    def flush(self) -> None:
        """There is no buffer."""

    def close(self) -> None:
        """Its owner closes the file."""


def face_values(face: FaceEmotion, columns: Columns) -> tuple[object, ...]:
    """A face's fields in the order of `Columns.face`, and its landmarks if requested."""
    unseen = (None,) * len(columns.schema.classes)
    said = (face.probabilities_of(row) for row in columns.rows)
    points = []
    if LANDMARKS in columns.details:
        points = [None if face.points is None else face.points.reshape(-1)]
    shares = (unseen if row is None else row.tolist() for row in said)
    return (
        face.track_id,
        *(getattr(face.box, side) for side in SIDES),
        *(share for values in shares for share in values),
        face.emotion,
        face.confidence,
        face.label,
        *(() if columns.photographs else (face.since,)),
        *face.seen.values(),
        *face.details.values(),
        *points,
    )


def _open(target: Target) -> Sink:
    info = target.info
    return ParquetTimeline(
        target.path, info.path, clock=info.clock, publish=target.publish, provenance=target.provenance
    )


PARQUET = Format("parquet", "timeline", _open)
