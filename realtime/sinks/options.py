"""Options of results: which files are written, and which live outputs are opened."""

from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, ClassVar

from emotion.models.errors import OptionError
from emotion.models.options import Option, Spelling, check

GROUP = "emotion.formats"
"""The entry points of packages' formats; pyproject.toml lists the included ones in the same way."""
_SINKS = "emotion.realtime.sinks"
BUILT_IN = {
    "mp4": f"{_SINKS}.mp4:MP4",
    "csv": f"{_SINKS}.csv_jsonl:CSV",
    "jsonl": f"{_SINKS}.csv_jsonl:JSONL",
    "parquet": f"{_SINKS}.parquet:PARQUET",
    "vtt": f"{_SINKS}.subtitles:VTT",
    "srt": f"{_SINKS}.subtitles:SRT",
    "html": f"{_SINKS}.html:HTML",
    "eaf": f"{_SINKS}.elan:EAF",
}
"""The modules of the included formats, which also work without installation, as in a checkout."""
OF_STUDIES = {
    "study": f"{_SINKS}.study_record:STUDY",
    "portraits": f"{_SINKS}.portraits:PORTRAITS",
}
"""Outputs of each video with their own options, which are not among the formats."""
FORMATS: tuple[str, ...] = tuple(BUILT_IN)
"""Suffixes of the included formats, without the dot."""
DEFAULT_FORMATS: tuple[str, ...] = ("mp4", "csv", "jsonl", "html")
"""The default formats of a video."""


def read_formats(text: str) -> tuple[str, ...]:
    """The formats in a comma-separated text, each once.

    Raises:
        ValueError: one of them is unknown.
    """
    names = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    _check_formats(names or (text,))
    return names


def _check_formats(names: tuple[str, ...]) -> None:
    """Packages are searched only for a name that is not an included format."""
    if all(name in FORMATS for name in names):
        return
    known = (*FORMATS, *sorted({one.name.lower() for one in entry_points(group=GROUP)} - {*FORMATS}))
    for name in names:
        if name not in known:
            raise ValueError(f"{name!r} is none of {', '.join(known)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """The outputs."""

    TITLE: ClassVar[str] = "Results"

    output: Annotated[
        tuple[Path, ...],
        Option(
            help="File for the annotated video (.mp4) or for results (.csv, .jsonl, .parquet, .html, "
            ".srt, .vtt, .eaf); may be repeated.",
            flags=("--output", "-o"),
        ),
    ] = ()
    formats: Annotated[
        tuple[str, ...],
        Option(
            help=f"Formats to write: {', '.join(FORMATS)}, and those that packages add; vtt and srt "
            "are subtitles, eaf is for ELAN.",
            metavar="FORMATS",
            spelling=Spelling(read_formats, ",".join),
        ),
    ] = DEFAULT_FORMATS
    overwrite: Annotated[
        bool, Option(help="Replace existing files, including files that this program did not write.")
    ] = False
    events: Annotated[
        bool,
        Option(
            help="Write one line of JSON to standard output when a person appears, changes label or "
            "leaves; all other output goes to standard error."
        ),
    ] = False
    mjpeg: Annotated[
        int | None,
        Option(
            help="Serve the annotated pictures to browsers on this machine, at "
            "http://127.0.0.1:PORT/ (0: any free port).",
            ge=0,
            le=65535,
            metavar="PORT",
        ),
    ] = None
    metrics: Annotated[
        int | None,
        Option(
            help="Serve metrics for Prometheus at http://127.0.0.1:PORT/metrics (0: any free port).",
            ge=0,
            le=65535,
            metavar="PORT",
        ),
    ] = None
    feed: Annotated[
        int | None,
        Option(
            help="Serve live results to programs on this machine, at http://127.0.0.1:PORT (0: any "
            "free port): /overlay for OBS, /api/live/events, /api/live/socket.",
            ge=0,
            le=65535,
            metavar="PORT",
        ),
    ] = None
    lsl: Annotated[bool, Option(help="Send results as a Lab Streaming Layer (LSL) stream.")] = False
    virtual_camera: Annotated[
        bool,
        Option(
            help="Send the annotated pictures to a virtual camera for other programs (v4l2loopback, OBS)."
        ),
    ] = False
    report: Annotated[
        Path | None, Option(help="Write frame rates, delays and losses to this JSON file at the end.")
    ] = None

    def __post_init__(self) -> None:
        check(self)
        try:
            _check_formats(self.formats)
        except ValueError as error:
            raise OptionError("formats", f"formats: {error}.") from error
