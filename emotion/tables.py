"""Results as tables: an Arrow table with one row per face, and its bytes as CSV, Parquet and JSON Lines."""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from emotion.models.schema import SHIPPED
from emotion.realtime.details import LANDMARKS
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.sinks.columns import PHOTOGRAPH_COLUMNS, Columns

if TYPE_CHECKING:
    import pyarrow as pa


def table_of(named: Sequence[tuple[str, EmotionFrame]], photographs: bool) -> "pa.Table":
    """One row per face; one row without a face for a picture without faces.

    Args:
        named: each picture's file and result, in order.
        photographs: whether all of them are: then there are sizes in place of times.
    """
    # Arrow takes a tenth of a second and 25 MiB.
    import pyarrow as pa  # noqa: PLC0415

    from emotion.realtime.sinks.parquet import arrow_schema, arrow_table, face_values  # noqa: PLC0415

    first = named[0][1] if named else None
    details = first.details if first else ()
    columns = Columns(first.schema if first else SHIPPED, details=details, photographs=photographs)
    empty = (None,) * (len(columns.face) + (LANDMARKS in details))
    rows: list[tuple[object, ...]] = []
    for source, frame in named:
        faces = [face_values(face, columns) for face in frame.faces] or [empty]
        rows += [(*_head(source, frame, photographs), *face) for face in faces]
    fields = arrow_schema(columns)
    if not photographs:
        fields = fields.insert(0, pa.field("file", pa.string()))
    return arrow_table(rows, fields)


def _head(source: str, result: EmotionFrame, photographs: bool) -> tuple[object, ...]:
    frame = result.frame
    if photographs:
        height, width = frame.shape[:2]
        return (source, width, height)[: len(PHOTOGRAPH_COLUMNS)]
    return (source, frame.index, frame.pts, frame.seconds)


def _csv(table: "pa.Table") -> bytes:
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.csv  # noqa: PLC0415

    if LANDMARKS in table.column_names:
        table = table.drop_columns([LANDMARKS])
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(table, sink, pyarrow.csv.WriteOptions(quoting_style="needed"))
    return bytes(sink.getvalue())


def _parquet(table: "pa.Table") -> bytes:
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())


def _jsonl(table: "pa.Table") -> bytes:
    return "".join(json.dumps(row) + "\n" for row in table.to_pylist()).encode()


WRITTEN: dict[str, Callable[["pa.Table"], bytes]] = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}
"""By a file name's extension, what makes the file's bytes of a table."""
