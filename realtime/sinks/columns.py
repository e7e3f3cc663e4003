"""The columns of a timeline, the same in every table of it; they follow from classes and regions."""

from dataclasses import dataclass, field

from emotion.models.schema import Schema
from emotion.realtime.details import detail_columns

SIDES = ("left", "top", "width", "height")
"""Of a face's box, in pixels."""

FRAME_COLUMNS: tuple[str, ...] = ("frame", "pts", "seconds")
WALL_CLOCK = "utc"
"""A further column of a frame, of live streams: when it was in the world."""
PHOTOGRAPH_COLUMNS: tuple[str, ...] = ("file", "picture_width", "picture_height")
"""Of a photograph in place of a frame: its name, and its size in pixels, upright."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What a table of a stream's results holds: a row a face; where nobody is, one without a face.

    Attributes:
        schema: the stream's classes and regions.
        live: whether it is known when in the world its frames were.
        details: what else is told of each face, of `emotion.realtime.details.DETAILS`.
        photographs: the pictures are photographs, not frames of a stream, and so without times.
        rows: what has a share for each class: the regions, the blendshapes, both probabilities.
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
    """What a column of a timeline says: its values' type, unit and bounds, and a sentence."""

    kind: str
    unit: str
    bounds: str
    meaning: str


_ROWS = {
    "blendshapes": "what the blendshapes say of the whole face; empty where the vote does not count them",
    "probabilities_frame": "this picture's vote alone; empty where no region is seen",
    "probabilities": "the vote smoothed over time: what is shown and decided on",
}
_DESCRIBED = {
    "video": Description("string", "", "", "what the video is called in the study; the partition"),
    "frame": Description("integer", "", "from 0", "the number of the frame"),
    "pts": Description("integer", "the video's time base", "", "the frame's time as the video has it"),
    "seconds": Description("number", "s", "", "the same in seconds"),
    "utc": Description("string", "", "ISO 8601", "when that was in the world"),
    "track_id": Description("integer", "", "from 1", "the person's number; empty where nobody is"),
    **{side: Description("number", "pixels", "", f"the face's box: its {side}") for side in SIDES},
    "emotion": Description("string", "", "a class", "the largest of probabilities"),
    "confidence": Description("number", "", "0 to 1", "that share"),
    "label": Description("string", "", "a class, or uncertain", "what the picture names"),
    "since": Description("number", "s", "", "since when the label holds, in the video's time"),
    "yaw": Description("number", "degrees", "", "grows as the face turns to the right side of the picture"),
    "pitch": Description("number", "degrees", "", "grows as the face looks up"),
    "roll": Description("number", "degrees", "", "grows as the head leans to the left side of the picture"),
    "eye_distance": Description("number", "pixels", "from 0", "between the outer corners of the eyes"),
    "sharpness": Description("number", "gray levels", "from 0", "how much neighbouring pixels differ"),
    "light": Description("number", "", "0 to 1", "the face's mean gray"),
    "hidden": Description("string", "", "regions", "those that are not seen"),
    "uncertain_because": Description("string", "", "hidden, undecided, brief", "why nothing is named"),
    "landmarks": Description("list", "pixels", "", "478 points as x and y in turn"),
}


def description(name: str) -> Description:
    """What a column of a timeline says.

    Args:
        name: of a column of `Columns.all`, or a further one of a table of all videos or of Parquet.

    Raises:
        KeyError: there is no such column.
    """
    if name in _DESCRIBED:
        return _DESCRIBED[name]
    if name.endswith("_seen"):
        meaning = f"how surely the region {name.removesuffix('_seen')} is seen"
        return Description("number", "", "0 to 1", meaning)
    if name.startswith("blendshape_"):
        return Description("number", "", "0 to 1", f"how strongly {name.removeprefix('blendshape_')} shows")
    row = next((row for row in sorted(_ROWS, key=len, reverse=True) if name.startswith(f"{row}_")), None)
    if row is not None:
        return Description("number", "", "0 to 1", f"{name.removeprefix(f'{row}_')}: {_ROWS[row]}")
    region, found, emotion = name.partition("_")
    if not found:
        raise KeyError(name)
    return Description("number", "", "0 to 1", f"{emotion}: what the region {region} says, smoothed")
