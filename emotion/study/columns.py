"""Columns of a study's tables: each is defined once, for the table and for its description."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

from emotion.models.classes import UNCERTAIN
from emotion.models.statistics.shares import NO_FACE
from emotion.study.metadata import Metadata
from emotion.study.outcome import StudiedVideo

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
        value: from a row; None if not known, which is an empty cell.
        unit: of its numbers.
        bounds: of its numbers.
    """

    name: str
    kind: Kind
    meaning: str
    value: Callable[[Row], Any]
    unit: str = ""
    bounds: str = ""


def video_columns(classes: Sequence[str], metadata: Metadata) -> list[Column]:
    """Those of ``videos.csv``; a row is from `video_row`."""
    return [
        *_which(metadata),
        *_outcome(),
        *_overall("video", classes),
        *_shares("video", (*classes, UNCERTAIN, NO_FACE), _share_of_video),
        *_means("video", classes, "a face"),
        *_rotation(),
        Column("bytes", "integer", "size of the file", _get("source.bytes"), "bytes", _FROM_0),
        Column("sha256", "string", "SHA-256 checksum of the file", _get("source.sha256")),
    ]


def person_columns(classes: Sequence[str], metadata: Metadata) -> list[Column]:
    """Those of ``people.csv``; a row is from `person_rows`."""
    labels = (*classes, UNCERTAIN)
    return [
        *_which(metadata),
        *_presence(),
        *_overall("person", classes),
        *_shares("person", labels, "part of the person's time in which the label is {}".format),
        *_means("person", classes, "the face"),
        *_peaks(classes),
        *_episodes(labels),
        Column("changes", "integer", "number of changes of the label", _get("person.changes"), "", _FROM_0),
    ]


def _outcome() -> list[Column]:
    """Whether a video was analysed, and how much there is in it."""
    return [
        Column(
            "state",
            "string",
            "done; incomplete: the video is damaged and part of it was analysed; failed: no results",
            _get("outcome.state"),
            bounds="done, incomplete, failed",
        ),
        Column("reason", "string", "why the video is incomplete or failed", _get("outcome.reason")),
        Column("seconds", "number", "analysed length of the video", _get("video.seconds"), "s", _FROM_0),
        Column("frames", "integer", "number of analysed frames", _get("video.frames"), "", _FROM_0),
        Column(
            "frames_with_faces",
            "integer",
            "number of frames with at least one face",
            _get("video.frames_with_faces"),
            "",
            _FROM_0,
        ),
        Column("people", "integer", "number of people (tracks)", _get("video.people"), "", _FROM_0),
        Column(
            "face_seconds",
            "number",
            "sum of the time that all people are in the picture",
            _get("video.face_seconds"),
            "s",
            _FROM_0,
        ),
    ]


def _rotation() -> list[Column]:
    """Whether a video should be turned."""
    return [
        Column(
            "turned",
            "number",
            "part of the face time in which faces are tilted by more than 60 degrees",
            _get("video.turned"),
            bounds=SHARE,
        ),
        Column(
            "turn",
            "integer",
            "clockwise rotation that would make the picture upright",
            _get("video.turn"),
            "degrees",
            "90, 180, 270",
        ),
    ]


def _presence() -> list[Column]:
    """A person's number, and when the person is in the picture."""
    return [
        Column(
            "track_id", "integer", "number of the person in the video", _get("person.track_id"), "", "from 1"
        ),
        Column(
            "first",
            "number",
            "time in the video at which the person first appears",
            _get("person.first"),
            "s",
        ),
        Column(
            "last",
            "number",
            "time in the video at which the person is last in the picture",
            _get("person.last"),
            "s",
        ),
        Column(
            "seconds",
            "number",
            "time that the person is in the picture",
            _get("person.seconds"),
            "s",
            _FROM_0,
        ),
    ]


def _shares(of: str, labels: Sequence[str], meaning: Callable[[str], str]) -> list[Column]:
    """How much of a video's or person's time has each label."""
    return [
        Column(
            f"share_{label}",
            "number",
            meaning(label),
            _get(f"{of}.shares.{label}"),
            f"share of the {of}'s time",
            SHARE,
        )
        for label in labels
    ]


def _means(of: str, classes: Sequence[str], face: str) -> list[Column]:
    """The mean probability of each class in a video or of a person."""
    return [
        Column(
            f"mean_{name}",
            "number",
            f"mean probability of {name} over the time in which {face} could be read",
            _get(f"{of}.mean.{name}"),
            bounds=SHARE,
        )
        for name in classes
    ]


def _peaks(classes: Sequence[str]) -> list[Column]:
    """The largest probability of each class, and its time."""
    probabilities = [
        Column(
            f"peak_{name}",
            "number",
            f"largest probability of {name}",
            _get(f"person.peak.{name}.probability"),
            bounds=SHARE,
        )
        for name in classes
    ]
    times = [
        Column(
            f"peak_{name}_seconds",
            "number",
            "time in the video of that largest probability",
            _get(f"person.peak.{name}.seconds"),
            "s",
        )
        for name in classes
    ]
    return probabilities + times


def _episodes(labels: Sequence[str]) -> list[Column]:
    """The number and the length of the episodes with each label."""
    counts = [
        Column(
            f"episodes_{label}",
            "integer",
            f"number of episodes, each without a break, in which the label was {label}",
            partial(_episode_count, label),
            "",
            _FROM_0,
        )
        for label in labels
    ]
    lengths = [
        Column(
            f"median_{label}_seconds",
            "number",
            "median length of these episodes",
            _get(f"person.episodes.{label}.median_seconds"),
            "s",
            _FROM_0,
        )
        for label in labels
    ]
    return counts + lengths


def _overall(of: str, classes: Sequence[str]) -> list[Column]:
    """The label of a whole video or person."""
    return [
        Column(
            "label",
            "string",
            f"label of the {of}: the strongest class that faces have as a label, or uncertain",
            _get(f"{of}.label"),
            bounds=", ".join((*classes, UNCERTAIN)),
        ),
        Column(
            "emotion",
            "string",
            "class with the largest strength (root mean square of its probability; neutral counts 0.7)",
            _get(f"{of}.emotion"),
            bounds=", ".join(classes),
        ),
        Column(
            "confidence",
            "number",
            "that strength; the strengths of all classes sum to 1",
            _get(f"{of}.confidence"),
            bounds=SHARE,
        ),
    ]


def course_columns(classes: Sequence[str]) -> list[Column]:
    """Those of ``course.csv``; a row is from `emotion.study.course.rows`."""
    return [
        Column(
            "group",
            "string",
            "group of videos: all, a folder, or a value of the column of --by",
            _get("group"),
        ),
        Column(
            "time",
            "string",
            "relative: time from 0 to 1 in each video; absolute: seconds from its first frame",
            _get("time"),
            bounds="relative, absolute",
        ),
        Column("at", "number", "middle of the time bin", _get("at"), "1 or s", _FROM_0),
        Column("emotion", "string", "class", _get("emotion"), bounds=", ".join(classes)),
        Column(
            "videos",
            "integer",
            "number of videos with a known face in that time bin",
            _get("videos"),
            "",
            "from 1",
        ),
        Column("mean", "number", "mean over videos of the mean probability", _get("mean"), bounds=SHARE),
        Column(
            "low",
            "number",
            "lower end of the 95% confidence interval of that mean (Student's t over videos)",
            _get("low"),
            bounds=SHARE,
        ),
        Column("high", "number", "upper end of that interval", _get("high"), bounds=SHARE),
    ]


def column_columns() -> list[Column]:
    """Those of ``columns.csv``; a row is from `described`."""
    return [
        Column("table", "string", "file that has the column", _get("table")),
        Column("column", "string", "name of the column", _get("column")),
        Column(
            "type",
            "string",
            "type of the values; an empty cell means not known",
            _get("type"),
            bounds="string, integer, number, boolean",
        ),
        Column("unit", "string", "unit of the numbers", _get("unit")),
        Column("range", "string", "possible words, or range of the numbers", _get("range")),
        Column("meaning", "string", "meaning of the column", _get("meaning")),
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


def video_row(studied: StudiedVideo, metadata: Metadata) -> Row:
    """A video, for `video_columns`."""
    summary = studied.summary or {}
    return {
        "outcome": studied.outcome,
        "metadata": metadata.of(studied.outcome),
        "video": summary.get("video", {}),
        "source": summary.get("provenance", {}).get("source", {}),
    }


def person_rows(studied: StudiedVideo, metadata: Metadata) -> list[Row]:
    """The people of a video, for `person_columns`."""
    row = video_row(studied, metadata)
    return [{**row, "person": person} for person in (studied.summary or {}).get("people", ())]


def _which(metadata: Metadata) -> list[Column]:
    return [
        Column("video", "string", "name of the video in the study; unique", _get("outcome.name")),
        Column("file", "string", "name of the file", _get("outcome.file")),
        Column(
            "folder",
            "string",
            "folder of the video, relative to the common parent folder; (top): that folder itself",
            _get("outcome.group"),
        ),
        *(
            Column(name, metadata.kind(name), "from --metadata", _get(f"metadata.{name}", "metadata"))  # type: ignore[arg-type]
            for name in metadata.columns
        ),
    ]


def _get(path: str, whole: str = "") -> Callable[[Row], Any]:
    """Looks up a nested value; None if it is missing or empty."""
    steps = (whole, path[len(whole) + 1 :]) if whole else tuple(path.split("."))

    def look(row: Row) -> Any:
        found: Any = row
        for step in steps:
            found = found.get(step) if isinstance(found, Mapping) else getattr(found, step, None)
        return None if found == "" else found

    return look


def _episode_count(label: str, row: Row) -> int:
    return int(row["person"]["episodes"].get(label, {}).get("count", 0))


def _share_of_video(label: str) -> str:
    if label == NO_FACE:
        return "part of the time with no face in the picture"
    return f"part of the time in which the label is {label}; a frame is split equally among its faces"
