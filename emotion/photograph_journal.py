"""A journal of the photographs that a run has analysed, so that a killed run can be resumed.

Tables of photographs are complete only at the end. Until then there is a journal beside them, with the result
of each photograph. A resumed run reuses the results of photographs that are unchanged since. A journal of
another release, other models or other options is ignored.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from emotion.models.atomic_files import partial_path
from emotion.models.closeable import Closeable
from emotion.models.schema import Schema
from emotion.realtime.details import LANDMARKS
from emotion.realtime.messages import Box, EmotionFrame, FaceEmotion, Probabilities, VideoFrame, no_picture
from emotion.realtime.sinks.partial_file import writing


class Journal(Closeable):
    """The journal of one run; an existing file is continued if possible.

    Args:
        summary: path of the summary of these photographs; the journal is beside it.
        made: what results depend on, ready for JSON.
        resume: continue an existing journal; else it is started again.

    Raises:
        SinkError: it cannot be written.
    """

    def __init__(self, summary: Path, made: Mapping[str, Any], resume: bool) -> None:
        self._path = _beside(summary)
        self._places: dict[str, int] = {}
        end = self._read(made) if resume else 0
        with writing(self._path):
            self._file = open(self._path, "r+b" if end else "w+b")  # noqa: SIM115  closed by `close`
            self._file.truncate(end)
            self._file.seek(end)
        if not end:
            self._append({"made": made})

    def seen(self, photograph: Path) -> bool:
        """Whether there is a result of a photograph as it is now."""
        return key(photograph) in self._places

    def result(self, photograph: Path, index: int, schema: Schema) -> EmotionFrame:
        """That result, without its picture, as the `index`-th of a run with models of this schema."""
        self._file.seek(self._places[key(photograph)])
        entry = json.loads(self._file.readline())
        self._file.seek(0, os.SEEK_END)
        return _result(entry, index, schema)

    def add(self, photograph: Path, result: EmotionFrame) -> None:
        """Record the result of a photograph.

        Raises:
            SinkError: it cannot be written.
        """
        height, width = result.frame.shape[:2]
        faces = [_face_entry(face, LANDMARKS in result.details) for face in result.faces]
        more = {"left_out": result.left_out, "details": result.details}
        self._append({"file": key(photograph), "size": [height, width], "faces": faces, **more})

    def close(self) -> None:
        """Close the file, which stays for another run. May be called again."""
        self._file.close()

    def _append(self, line: Mapping[str, Any]) -> None:
        with writing(self._path):
            self._file.write(json.dumps(line).encode() + b"\n")
            # So a killed run loses nothing; a power failure may.
            self._file.flush()

    def _read(self, made: Mapping[str, Any]) -> int:
        """Note where each photograph's line begins; return the end of the last complete line, or 0."""
        lines = _lines(self._path)
        end, first = next(lines, (0, {}))
        if first.get("made") != json.loads(json.dumps(made)):
            return 0
        for after, entry in lines:
            if isinstance(entry.get("file"), str):
                self._places[entry["file"]] = end
            end = after
        return end


def forget(summary: Path) -> None:
    """Remove the journal of a run that has reached its end."""
    with writing(_beside(summary)):
        _beside(summary).unlink(missing_ok=True)


def _beside(summary: Path) -> Path:
    return partial_path(summary.with_name(f"{summary.name.removesuffix('.summary.json')}.journal.jsonl"))


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The complete lines of a journal, each with its end; up to the first truncated one."""
    with suppress(OSError, ValueError), open(path, "rb") as file:
        for line in file:
            entry = json.loads(line)
            if not line.endswith(b"\n") or not isinstance(entry, dict):
                return
            yield file.tell(), entry


def key(photograph: Path) -> str:
    """Identifies a photograph's current version: path, size and modification time."""
    try:
        found = photograph.stat()
    except OSError:
        return f"{os.fsencode(photograph).hex()} is not there"
    return f"{found.st_size} {found.st_mtime_ns} {os.fsencode(photograph.absolute()).hex()}"


def _face_entry(face: FaceEmotion, with_points: bool) -> dict[str, Any]:
    """All values of a face that tables need, ready for JSON; floats keep all their digits."""
    box = face.box
    return {
        "track_id": face.track_id,
        "box": [box.left, box.top, box.width, box.height],
        "regions": {name: _list(said) for name, said in face.regions.items()},
        "probabilities_frame": _list(face.probabilities_frame),
        "probabilities": _list(face.probabilities),
        "blendshapes": _list(face.blendshapes),
        "label": face.label,
        "since": face.since,
        "points": face.points.tolist() if with_points and face.points is not None else None,
        "seen": dict(face.seen),
        "age": face.age,
        "predictions_frame": {name: _list(said) for name, said in face.predictions_frame.items()},
        "turn": face.turn,
        "details": dict(face.details),
    }


def _result(entry: Mapping[str, Any], index: int, schema: Schema) -> EmotionFrame:
    frame = VideoFrame(index, index, Fraction(1), 0.0, no_picture(*entry["size"]))
    faces = tuple(_face(one, schema) for one in entry["faces"])
    return EmotionFrame(frame, faces, schema, entry["left_out"], tuple(entry["details"]))


def _face(entry: Mapping[str, Any], schema: Schema) -> FaceEmotion:
    values = dict(entry)
    values |= {name: _array(entry[name]) for name in _ARRAYS}
    values |= {name: {key: _array(said) for key, said in entry[name].items()} for name in _BY_REGION}
    return FaceEmotion(**values | {"box": Box(*entry["box"]), "classes": schema.classes})


_ARRAYS = ("probabilities_frame", "probabilities", "blendshapes", "points")
_BY_REGION = ("regions", "predictions_frame")


def _list(said: Probabilities | None) -> list[float] | None:
    return None if said is None else [float(one) for one in said]


def _array(said: Sequence[Any] | None) -> Any:
    return None if said is None else np.array(said, np.float32)
