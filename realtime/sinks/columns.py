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
