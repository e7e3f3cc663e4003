"""The options of playing a video."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from emotion.models.errors import OptionError
from emotion.models.options import Option, check

SPEEDS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayOptions:
    """The timeline and the initial speed."""

    TITLE: ClassVar[str] = "Playing"

    timeline: Annotated[
        Path | None,
        Option(
            help="Results of this video (.jsonl) written by 'emotion annotate'; the video is not "
            "analysed again."
        ),
    ] = None
    speed: Annotated[float, Option(help=f"Speed, one of {', '.join(f'{speed:g}' for speed in SPEEDS)}.")] = (
        1.0
    )

    def __post_init__(self) -> None:
        check(self)
        if self.speed not in SPEEDS:
            raise OptionError("speed", f"{self.speed:g} is none of {SPEEDS}.")
