"""The tables' columns: each is described once, and table and description are made of that."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

from emotion.models.classes import UNCERTAIN
from emotion.models.statistics.shares import NO_FACE
from emotion.study.metadata import Metadata
from emotion.study.outcome import Told

Kind: TypeAlias = Literal["string", "integer", "number", "boolean"]
Row: TypeAlias = Mapping[str, Any]

SHARE = "0 to 1"
_FROM_0 = "from 0"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        name: in the table's first row.
        kind: of its values.
        meaning: a sentence.
        value: what it is of a row; None where that is not known, which is an empty cell.
        unit: of its numbers.
        bounds: what they lie between.
    """

    name: str
    kind: Kind
    meaning: str
    value: Callable[[Row], Any]
    unit: str = ""
    bounds: str = ""


def video_columns(classes: Sequence[str], metadata: Metadata) -> list[Column]:
    """Those of ``videos.csv``; a row is what `video_row` gives."""
    labels = (*classes, UNCERTAIN, NO_FACE)
    return [
        *_which(metadata),
        Column(
            "state",
            "string",
            "done; incomplete: read to its end, but damaged; failed: there are no results",
            _get("outcome.state"),
            bounds="done, incomplete, failed",
        ),
        Column("reason", "string", "what went wrong, in a sentence", _get("outcome.reason")),
        Column("seconds", "number", "of video that were analysed", _get("video.seconds"), "s", _FROM_0),
        Column("frames", "integer", "how many were analysed", _get("video.frames"), "", _FROM_0),
        Column(
            "frames_with_faces",
            "integer",
            "those in which a face was found",
            _get("video.frames_with_faces"),
            "",
            _FROM_0,
        ),
        Column("people", "integer", "how many different people there are", _get("video.people"), "", _FROM_0),
        Column(
            "face_seconds",
            "number",
            "the sum of all people's time in the picture",
            _get("video.face_seconds"),
            "s",
            _FROM_0,
        ),
        Column(
            "label",
            "string",
            "what the video is called: its emotion, or uncertain",
            _get("video.label"),
            bounds=", ".join((*classes, UNCERTAIN)),
        ),
        Column(
            "emotion", "string", "the largest of the means", _get("video.emotion"), bounds=", ".join(classes)
        ),
        Column("confidence", "number", "that mean", _get("video.confidence"), bounds=SHARE),
        *(
            Column(
                f"share_{label}",
                "number",
                _share_of(label),
                _get(f"video.shares.{label}"),
                "share of the video's time",
                SHARE,
            )
            for label in labels
        ),
        *(
            Column(
                f"mean_{name}",
                "number",
                f"mean probability of {name} over the time in which something is known of faces",
                _get(f"video.mean.{name}"),
                bounds=SHARE,
            )
            for name in classes
        ),
        Column(
            "turned",
            "number",
            "share of the faces' time in which they lean by more than 60 degrees",
            _get("video.turned"),
            bounds=SHARE,
        ),
        Column(
            "turn",
            "integer",
            "by how much the picture would stand upright, clockwise",
            _get("video.turn"),
            "degrees",
            "90, 180, 270",
        ),
        Column("bytes", "integer", "size of the video's file", _get("source.bytes"), "bytes", _FROM_0),
        Column("sha256", "string", "checksum of the video's file", _get("source.sha256")),
    ]


def person_columns(classes: Sequence[str], metadata: Metadata) -> list[Column]:
    """Those of ``people.csv``; a row is what `person_rows` gives."""
    labels = (*classes, UNCERTAIN)
    return [
        *_which(metadata),
        Column(
            "track_id", "integer", "the person's number in the video", _get("person.track_id"), "", "from 1"
        ),
        Column("first", "number", "when the person comes, in the video's time", _get("person.first"), "s"),
        Column("last", "number", "when the person goes, in the video's time", _get("person.last"), "s"),
        Column(
            "seconds",
            "number",
            "for how long the person is in the picture",
            _get("person.seconds"),
            "s",
            _FROM_0,
        ),
        *(
            Column(
                f"share_{label}",
                "number",
                f"for which part of that time the label is {label}",
                _get(f"person.shares.{label}"),
                "share of the person's time",
                SHARE,
            )
            for label in labels
        ),
        *(
            Column(
                f"mean_{name}",
                "number",
                f"mean probability of {name} while something is known",
                _get(f"person.mean.{name}"),
                bounds=SHARE,
            )
            for name in classes
        ),
        *(
            Column(
                f"peak_{name}",
                "number",
                f"the largest probability of {name}",
                _get(f"person.peak.{name}.probability"),
                bounds=SHARE,
            )
            for name in classes
        ),
        *(
            Column(
                f"peak_{name}_seconds",
                "number",
                "when that was, in the video's time",
                _get(f"person.peak.{name}.seconds"),
                "s",
            )
            for name in classes
        ),
        *(
            Column(
                f"episodes_{label}",
                "integer",
                f"how often the label was {label} without a break",
                partial(_episodes, label),
                "",
                _FROM_0,
            )
            for label in labels
        ),
        *(
            Column(
                f"median_{label}_seconds",
                "number",
                "how long that was in the middle",
                _get(f"person.episodes.{label}.median_seconds"),
                "s",
                _FROM_0,
            )
            for label in labels
        ),
        Column(
            "changes",
            "integer",
            "how often the label became another one",
            _get("person.changes"),
            "",
            _FROM_0,
        ),
    ]


def course_columns(classes: Sequence[str]) -> list[Column]:
    """Those of ``course.csv``; a row is what `emotion.study.course.rows` gives."""
    return [
        Column(
            "group",
            "string",
            "which videos: all, or a folder, or a value of the column of --by",
            _get("group"),
        ),
        Column(
            "time",
            "string",
            "relative: each video from 0 to 1; absolute: from its first picture",
            _get("time"),
            bounds="relative, absolute",
        ),
        Column("at", "number", "the middle of a stretch of that time", _get("at"), "1 or s", _FROM_0),
        Column("emotion", "string", "the class", _get("emotion"), bounds=", ".join(classes)),
        Column(
            "videos", "integer", "in how many videos somebody is known then", _get("videos"), "", "from 1"
        ),
        Column("mean", "number", "the mean of these videos' mean probabilities", _get("mean"), bounds=SHARE),
        Column(
            "low",
            "number",
            "lower end of the 95% interval of that mean (Student's t over videos)",
            _get("low"),
            bounds=SHARE,
        ),
        Column("high", "number", "upper end of it", _get("high"), bounds=SHARE),
    ]


def column_columns() -> list[Column]:
    """Those of ``columns.csv``; a row is what `described` gives."""
    return [
        Column("table", "string", "the file that has the column", _get("table")),
        Column("column", "string", "the column's name", _get("column")),
        Column(
            "type",
            "string",
            "of its values; a cell that is empty is not known",
            _get("type"),
            bounds="string, integer, number, boolean",
        ),
        Column("unit", "string", "of its numbers", _get("unit")),
        Column("range", "string", "the words that it may be, or what its numbers lie between", _get("range")),
        Column("meaning", "string", "what it says", _get("meaning")),
    ]


def described(table: str, columns: Sequence[Column]) -> list[Row]:
    """A row of ``columns.csv`` for each column of a table."""
    return [
        {
            "table": table,
            "column": one.name,
            "type": one.kind,
            "unit": one.unit,
            "range": one.bounds,
            "meaning": one.meaning,
        }
        for one in columns
    ]


def video_row(told: Told, metadata: Metadata) -> Row:
    """A video, for `video_columns`."""
    summary = told.summary or {}
    return {
        "outcome": told.outcome,
        "metadata": metadata.of(told.outcome),
        "video": summary.get("video", {}),
        "source": summary.get("provenance", {}).get("source", {}),
    }


def person_rows(told: Told, metadata: Metadata) -> list[Row]:
    """The people of a video, for `person_columns`."""
    row = video_row(told, metadata)
    return [{**row, "person": person} for person in (told.summary or {}).get("people", ())]


def _which(metadata: Metadata) -> list[Column]:
    return [
        Column(
            "video", "string", "what the video is called in the study; each has another", _get("outcome.name")
        ),
        Column("file", "string", "the name of its file", _get("outcome.file")),
        Column("folder", "string", "its folder below the one that all share", _get("outcome.folder")),
        *(
            Column(name, metadata.kind(name), "from --metadata", _get(f"metadata.{name}", "metadata"))  # type: ignore[arg-type]
            for name in metadata.columns
        ),
    ]


def _get(path: str, whole: str = "") -> Callable[[Row], Any]:
    """Looks a value up, step by step; None where a step leads nowhere, or the value is empty."""
    steps = (whole, path[len(whole) + 1 :]) if whole else tuple(path.split("."))

    def look(row: Row) -> Any:
        found: Any = row
        for step in steps:
            found = found.get(step) if isinstance(found, Mapping) else getattr(found, step, None)
        return None if found == "" else found

    return look


def _episodes(label: str, row: Row) -> int:
    return int(row["person"]["episodes"].get(label, {}).get("count", 0))


def _share_of(label: str) -> str:
    if label == NO_FACE:
        return "for which part of the time nobody is there"
    return f"for which part of the time the label is {label}, split equally among the faces of a picture"
