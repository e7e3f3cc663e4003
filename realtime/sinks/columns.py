"""The columns of a timeline, the same in all its tables; they depend on classes and regions."""

from dataclasses import dataclass, field

from emotion.models.schema import Schema
from emotion.realtime.details import detail_columns

SIDES = ("left", "top", "width", "height")
"""Of a face's box, in pixels."""

FRAME_COLUMNS: tuple[str, ...] = ("frame", "pts", "seconds")
WALL_CLOCK = "utc"
"""An additional column of a frame of a live stream: its date and time."""
PHOTOGRAPH_COLUMNS: tuple[str, ...] = ("file", "picture_width", "picture_height")
"""The columns of a photograph in place of a frame: its name, and its size in pixels, upright."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table of results: one row per face; without faces, one row without a face.

    Attributes:
        schema: the stream's classes and regions.
        live: whether the date and time of its frames are known.
        details: additional columns, of `emotion.realtime.details.DETAILS`.
        photographs: the pictures are photographs, not frames of a stream, and so without times.
        rows: names with a probability for each class: the regions, the blendshapes, both votes.
        face: the columns of a face.
        all: all of them, those of the frame first.
    """

    schema: Schema
    live: bool = False
    details: tuple[str, ...] = ()
    photographs: bool = False
    rows: tuple[str, ...] = field(init=False)
    face: tuple[str, ...] = field(init=False)
    all: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        regions = self.schema.regions.names
        rows = (*regions, "blendshapes", "probabilities_frame", "probabilities")
        face = (
            "track_id",
            *SIDES,
            *(f"{row}_{name}" for row in rows for name in self.schema.classes),
            *("emotion", "confidence", "label"),
            *(() if self.photographs else ("since",)),
            *(f"{region}_seen" for region in regions),
            *detail_columns(self.details),
        )
        frame = (*FRAME_COLUMNS, *([WALL_CLOCK] if self.live else []))
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "face", face)
        object.__setattr__(self, "all", (*(PHOTOGRAPH_COLUMNS if self.photographs else frame), *face))


@dataclass(frozen=True, slots=True)
class Description:
    """The description of a column of a timeline: type, unit and bounds of its values, and meaning."""

    kind: str
    unit: str
    bounds: str
    meaning: str


_ROWS = {
    "blendshapes": "prediction from the blendshapes; empty if the vote does not use them",
    "probabilities_frame": "vote of this frame alone, not smoothed; empty if no region is visible",
    "probabilities": "vote smoothed over time; shown in overlays, and the label follows from it",
}
_DESCRIBED = {
    "video": Description("string", "", "", "name of the video in the study; the partition"),
    "frame": Description("integer", "", "from 0", "number of the frame"),
    "pts": Description("integer", "the video's time base", "", "time stamp of the frame in the video"),
    "seconds": Description("number", "s", "", "time of the frame in the video"),
    "utc": Description("string", "", "ISO 8601", "date and time of the frame (UTC)"),
    "track_id": Description("integer", "", "from 1", "number of the person; empty if the frame has no face"),
    **{side: Description("number", "pixels", "", f"{side} of the face's box") for side in SIDES},
    "emotion": Description("string", "", "a class", "class with the largest value of probabilities"),
    "confidence": Description("number", "", "0 to 1", "that largest probability"),
    "label": Description("string", "", "a class, or uncertain", "label of the face, as shown"),
    "since": Description("number", "s", "", "time in the video since which the label holds"),
    "yaw": Description(
        "number", "degrees", "", "rotation to the side; increases towards the right side of the picture"
    ),
    "pitch": Description("number", "degrees", "", "rotation up or down; increases as the face looks up"),
    "roll": Description(
        "number", "degrees", "", "tilt of the head; increases towards the left side of the picture"
    ),
    "eye_distance": Description(
        "number", "pixels", "from 0", "distance between the outer corners of the eyes"
    ),
    "sharpness": Description("number", "gray levels", "from 0", "mean difference of neighbouring pixels"),
    "light": Description("number", "", "0 to 1", "mean brightness of the face"),
    "hidden": Description("string", "", "regions", "regions that are hidden"),
    "uncertain_because": Description(
        "string", "", "hidden, undecided, brief", "reason why the label is uncertain"
    ),
    "landmarks": Description("list", "pixels", "", "478 points: x1, y1, x2, y2, ..."),
}


def description(name: str) -> Description:
    """The description of a column of a timeline.

    Args:
        name: of a column of `Columns.all`, or an additional one of a table of all videos or of Parquet.

    Raises:
        KeyError: there is no such column.
    """
    if name in _DESCRIBED:
        return _DESCRIBED[name]
    if name.endswith("_seen"):
        meaning = f"how visible the region {name.removesuffix('_seen')} is; 0: hidden, it does not vote"
        return Description("number", "", "0 to 1", meaning)
    if name.startswith("blendshape_"):
        return Description(
            "number", "", "0 to 1", f"strength of the blendshape {name.removeprefix('blendshape_')}"
        )
    row = next((row for row in sorted(_ROWS, key=len, reverse=True) if name.startswith(f"{row}_")), None)
    if row is not None:
        return Description("number", "", "0 to 1", f"{name.removeprefix(f'{row}_')}: {_ROWS[row]}")
    region, found, emotion = name.partition("_")
    if not found:
        raise KeyError(name)
    return Description("number", "", "0 to 1", f"{emotion}: prediction from the region {region}, smoothed")
