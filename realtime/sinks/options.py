"""The options on results: which files are written, and who else is told meanwhile."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeAlias, get_args

from emotion.models.options import Option, Spelling, check

Format: TypeAlias = Literal["mp4", "csv", "jsonl", "parquet", "vtt", "srt", "html"]
FORMATS: tuple[Format, ...] = get_args(Format)
"""Suffixes, without the dot."""
DEFAULT_FORMATS: tuple[Format, ...] = ("mp4", "csv", "jsonl", "html")
"""What is written of a video unless something else is asked for."""


def read_formats(text: str) -> tuple[str, ...]:
    """The formats named with commas between, each once.

    Raises:
        ValueError: one of them is none.
    """
    names = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    for name in names or (text,):
        if name not in FORMATS:
            raise ValueError(f"{name!r} is none of {', '.join(FORMATS)}")
    return names


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """Where results go."""

    TITLE: ClassVar[str] = "Results"

    output: Annotated[
        tuple[Path, ...],
        Option(
            help="A file for what is shown (.mp4) or for results (.csv, .jsonl, .parquet, .html, .srt, "
            ".vtt); repeatable.",
            flags=("--output", "-o"),
        ),
    ] = ()
    formats: Annotated[
        tuple[Format, ...],
        Option(
            help=f"What to write, of {', '.join(FORMATS)}.",
            metavar="FORMATS",
            spelling=Spelling(read_formats, ",".join),
        ),
    ] = DEFAULT_FORMATS
    overwrite: Annotated[
        bool, Option(help="Replace files that are there, also those that are no results of this program.")
    ] = False
    events: Annotated[
        bool,
        Option(
            help="Write a line of JSON to standard output when a person appears, changes emotion or "
            "leaves; all else goes to standard error."
        ),
    ] = False
    mjpeg: Annotated[
        int | None,
        Option(
            help="Show the pictures to browsers on this machine, at http://127.0.0.1:PORT/ (0: any free "
            "port).",
            ge=0,
            le=65535,
            metavar="PORT",
        ),
    ] = None
    metrics: Annotated[
        int | None,
        Option(
            help="Answer Prometheus at http://127.0.0.1:PORT/metrics (0: any free port).",
            ge=0,
            le=65535,
            metavar="PORT",
        ),
    ] = None
    feed: Annotated[
        int | None,
        Option(
            help="Hand results on to programs on this machine, at http://127.0.0.1:PORT (0: any free port): "
            "/overlay for OBS, /api/live/events, /api/live/socket.",
            ge=0,
            le=65535,
            metavar="PORT",
        ),
    ] = None
    lsl: Annotated[bool, Option(help="Be a stream of Lab Streaming Layer.")] = False
    virtual_camera: Annotated[bool, Option(help="Be a camera for other programs (v4l2loopback, OBS).")] = (
        False
    )
    report: Annotated[Path | None, Option(help="Figures at the end, as JSON.")] = None

    def __post_init__(self) -> None:
        check(self)
