"""The options on pictures: what becomes of faces in them, how results look, where they are shown."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeAlias

from emotion.models.options import Option, check

Privacy: TypeAlias = Literal["none", "blur", "landmarks"]
Style: TypeAlias = Literal["panel", "compact", "label", "none"]

NOTE = "apparent expressions, not feelings"


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawingOptions:
    """What pictures with results look like."""

    TITLE: ClassVar[str] = "Pictures"

    privacy: Annotated[Privacy, Option(help="What becomes of faces in pictures.")] = "none"
    window: Annotated[bool, Option(help="Open a window.")] = True
    show_metrics: Annotated[bool, Option(help="Show the table of figures from the start.")] = False
    style: Annotated[
        Style,
        Option(
            help="How results look: a panel with a bar a class, a compact card with one bar for all, a label "
            "of one line, or none. Where there is no room for the one the next takes its place."
        ),
    ] = "panel"
    scale: Annotated[
        float,
        Option(help="Factor on all text and with it on the panels; 1 suits most screens.", ge=0.25, le=4),
    ] = 1.0
    draw_timeline: Annotated[
        bool,
        Option(
            help="Draw a timeline along the bottom of the picture: of a video all of it, of a live source "
            "the last minute."
        ),
    ] = False
    opacity: Annotated[float, Option(help="Of the dark surfaces behind text.", ge=0, le=1, expert=True)] = 0.8
    note: Annotated[str, Option(help="A line for a corner of the picture; empty for none.", expert=True)] = (
        NOTE
    )

    def __post_init__(self) -> None:
        check(self)
