"""The options of pictures: privacy, style of results, windows."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeAlias

from emotion.models.options import Option, check

Privacy: TypeAlias = Literal["none", "blur", "landmarks"]
Style: TypeAlias = Literal["panel", "compact", "label", "none"]

NOTE = "apparent expressions, not feelings"


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawingOptions:
    """How results are drawn."""

    TITLE: ClassVar[str] = "Pictures"

    privacy: Annotated[
        Privacy,
        Option(help="How faces are shown: as they are, blurred, or blurred with their landmarks drawn."),
    ] = "none"
    window: Annotated[bool, Option(help="Open a window.")] = True
    show_metrics: Annotated[
        bool, Option(help="Show the table of metrics (frame rates, delays) from the start.")
    ] = False
    style: Annotated[
        Style,
        Option(
            help="How results are drawn: a panel with one bar per class, a compact card with one "
            "bar, one line with the label, or nothing. If there is no room, the next smaller "
            "style is used."
        ),
    ] = "panel"
    scale: Annotated[
        float,
        Option(help="Size of text and panels, as a factor.", ge=0.25, le=4),
    ] = 1.0
    draw_timeline: Annotated[
        bool,
        Option(
            help="Draw a timeline at the bottom of the picture: of the whole video, or of the last "
            "minute of a live source."
        ),
    ] = False
    opacity: Annotated[
        float, Option(help="Opacity of the dark background behind text.", ge=0, le=1, expert=True)
    ] = 0.8
    note: Annotated[
        str, Option(help="A line of text in a corner of the picture; empty: none.", expert=True)
    ] = NOTE

    def __post_init__(self) -> None:
        check(self)
