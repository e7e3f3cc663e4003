"""What was seen when, as Parquet: the CSV's columns with types, for pandas, DuckDB, Polars and R."""

import os
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from emotion.models.regions import Image
from emotion.models.schema import SHIPPED, Schema
from emotion.realtime.errors import SinkError
from emotion.realtime.media import WallClock
from emotion.realtime.messages import EmotionFrame, FaceEmotion
from emotion.realtime.sinks.base import Sink
from emotion.realtime.sinks.columns import SIDES, WALL_CLOCK, Columns
from emotion.realtime.sinks.partial_file import PartialFile, Publish

# Rows that are held in memory and then written together; some minutes of one face.
_GROUP_ROWS = 8192
_TYPES = {
    "frame": pa.int64(),
    "pts": pa.int64(),
    "seconds": pa.float64(),
    WALL_CLOCK: pa.timestamp("ms", tz="UTC"),
    "track_id": pa.int32(),
    "emotion": pa.dictionary(pa.int8(), pa.string()),
    "label": pa.dictionary(pa.int8(), pa.string()),
    "since": pa.float64(),
}


class ParquetTimeline(Sink):
    """A row a face with `Columns`; a frame without faces has one row, whose other fields are null.

    Memory does not grow with the video: rows are written in groups. A Parquet file cannot be read
    before its end is written, which `abort` does, too; but a full disk or a kill leaves nothing.

    Args:
        path: where it goes.
        source: the video being read, which is never written over.
        clock: of a live stream: frames say when they were in the world, too.
        publish: how the whole file gets its name.

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
    ) -> None:
        self._clock = clock
        self._draft = PartialFile(path, source, publish)
        self._rows: list[tuple[object, ...]] = []
        self._frames = 0
        self._kept: Path | None = None
        self._done = False
        self._outlet = _SinkWorker(self._draft)
        self._table: _Table | None = None

    def write(self, result: EmotionFrame, image: Image) -> None:
        """Add a frame; see `Sink.write`. The picture is not needed."""
        if self._table is None:
            self._table = _Table(self._outlet, result.schema, self._clock is not None)
        columns = self._table.columns
        frame = result.frame
        head: list[object] = [frame.index, frame.pts, frame.seconds]
        head += [self._clock.at(frame.seconds)] if self._clock else []
        faces = [_values(face, columns) for face in result.faces] or [(None,) * len(columns.face)]
        self._rows.extend((*head, *face) for face in faces)
        self._frames += 1
        if len(self._rows) >= _GROUP_ROWS:
            self._flush()

    def close(self) -> Path:
        """Finish the file; see `Sink.close`."""
        if not self._done:
            self._finish()
            self._kept = self._draft.publish()
            self._done = True
        return self._kept or self._draft.path

    def abort(self) -> Path | None:
        """Finish the file with the rows up to the last frame; see `Sink.abort`."""
        if not self._done:
            self._done = True
            self._kept = self._keep()
        return self._kept

    def _keep(self) -> Path | None:
        if self._frames and not self._outlet.gap:
            with suppress(SinkError):
                self._finish()
                return self._draft.keep()
        # Without its end, or with a gap, nobody can read it.
        self._outlet.shut()
        self._draft.discard()
        return None

    def _finish(self) -> None:
        if self._table is None:
            self._table = _Table(self._outlet, SHIPPED, self._clock is not None)
        self._flush()
        self._table.writer.close()

    def _flush(self) -> None:
        if self._rows and self._table is not None:
            self._table.write(self._rows)
            self._rows.clear()


class _Table:
    """The table that grows in a file; what its columns are is known when the first frame comes."""

    def __init__(self, outlet: "_SinkWorker", schema: Schema, live: bool) -> None:
        self.columns = Columns(schema, live)
        self._fields = pa.schema([pa.field(n, _TYPES.get(n, pa.float32())) for n in self.columns.all])
        self.writer = pq.ParquetWriter(outlet, self._fields, compression="zstd")

    def write(self, rows: list[tuple[object, ...]]) -> None:
        columns = zip(*rows, strict=True)
        arrays = [
            pa.array(list(values), field.type) for values, field in zip(columns, self._fields, strict=True)
        ]
        self.writer.write_table(pa.Table.from_arrays(arrays, schema=self._fields))


class _SinkWorker:
    """The file as Arrow sees it. Once shut it takes all and writes nothing.

    Arrow writes the end when its writer is collected, whatever happened before; where that fails, in
    a destructor, the whole program would crash.
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
        """Nothing waits here."""

    def close(self) -> None:
        """Its owner closes the file."""


def _values(face: FaceEmotion, columns: Columns) -> tuple[object, ...]:
    """A face's fields in the order of `Columns.face`."""
    unseen = (None,) * len(columns.schema.classes)
    said = (face.says(row) for row in columns.rows)
    shares = (unseen if row is None else row.tolist() for row in said)
    return (
        face.track_id,
        *(getattr(face.box, side) for side in SIDES),
        *(share for values in shares for share in values),
        face.emotion,
        face.confidence,
        face.label,
        face.since,
        *face.seen.values(),
    )
