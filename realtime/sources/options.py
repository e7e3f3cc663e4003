"""The options of sources: reading of files; settings and timeouts of cameras and streams."""

import re
from dataclasses import dataclass
from math import inf
from typing import Annotated, ClassVar, Literal, TypeAlias

from emotion.models.errors import OptionError
from emotion.models.options import Option, Spelling, check, read_duration


def read_size(text: str) -> tuple[int, int]:
    """(width, height) of a text such as ``1280x720``.

    Raises:
        ValueError: it is none.
    """
    found = re.fullmatch(r"(\d+)x(\d+)", text, re.ASCII)
    if not found or not int(found[1]) or not int(found[2]):
        raise ValueError(f"{text!r} is no size: write for example 640x480")
    return int(found[1]), int(found[2])


def _write_size(size: tuple[int, int]) -> str:
    return "{}x{}".format(*size)


def read_time(text: str) -> float:
    """A time in a video, such as ``90``, ``1:30``, ``1:02:03.5`` or ``90s``, in seconds.

    Raises:
        ValueError: it is none.
    """
    parts = str(text).strip().split(":")
    try:
        if len(parts) == 1:
            return read_duration(parts[0])
        if len(parts) > 3 or not all(re.fullmatch(r"\d+", part, re.ASCII) for part in parts[:-1]):
            raise ValueError
        seconds = 0.0
        for part in parts:
            seconds = 60 * seconds + read_duration(part)
    except ValueError:
        raise ValueError(f"{text!r} is no time in a video: write 90, 1:30 or 1:02:03") from None
    return seconds


def read_step(text: str) -> float:
    """A distance of time between pictures, such as ``5``, ``5s``, ``500ms`` or ``2fps``, in seconds.

    Raises:
        ValueError: it is none.
    """
    rate = re.fullmatch(r"\s*([\d.]+)\s*fps\s*", str(text).lower())
    try:
        seconds = 1 / float(rate[1]) if rate else read_duration(text)
    except (ValueError, ZeroDivisionError):
        seconds = 0.0
    if not 0 < seconds < inf:
        raise ValueError(f"{text!r} is no step: write 5s for a picture every five seconds, or 2fps")
    return seconds


DecoderChoice: TypeAlias = Literal["software", "auto"]
"""The decoders of videos: libav itself, or a hardware device if there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """The options of video files, and the choice of their pictures."""

    TITLE: ClassVar[str] = "Input"

    start: Annotated[
        float | None,
        Option(
            help="Start at this time of the video, such as 90 or 1:30.",
            unit="seconds",
            ge=0,
            metavar="TIME",
            spelling=Spelling(read_time, "{:g}".format),
        ),
    ] = None
    end: Annotated[
        float | None,
        Option(
            help="Stop before this time of the video.",
            unit="seconds",
            gt=0,
            metavar="TIME",
            spelling=Spelling(read_time, "{:g}".format),
        ),
    ] = None
    every: Annotated[
        float | None,
        Option(
            help="Analyse only one frame per step: 5s for one every five seconds, 2fps for two a second.",
            unit="seconds",
            gt=0,
            metavar="STEP",
            spelling=Spelling(read_step, "{:g}".format),
        ),
    ] = None
    file_fps: Annotated[
        float | None,
        Option(
            help="Frame rate of a file without time stamps, such as a raw H.264 stream; by default "
            "the rate that the file states.",
            unit="frames a second",
            ge=0.1,
            le=1000,
            flags=("--fps",),
        ),
    ] = None
    decoder: Annotated[
        DecoderChoice,
        Option(
            help="software: decode on the CPU; auto: use a hardware decoder if one works. Results "
            "are the same."
        ),
    ] = "software"

    def __post_init__(self) -> None:
        check(self)
        if self.end is not None and self.end <= (self.start or 0.0):
            raise OptionError("end", f"end is later than start ({self.start or 0:g} s), not {self.end:g} s.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOptions:
    """The options of live sources."""

    TITLE: ClassVar[str] = "Live"

    size: Annotated[
        tuple[int, int] | None,
        Option(
            help="Picture size to request from the camera; larger pictures are scaled down.",
            unit="pixels",
            gt=0,
            le=16384,
            metavar="WxH",
            spelling=Spelling(read_size, _write_size),
        ),
    ] = None
    fps: Annotated[
        float | None,
        Option(
            help="Maximum frame rate, in frames a second; it is requested from the camera.", ge=0.1, le=1000
        ),
    ] = None
    mirror: Annotated[bool, Option(help="Flip the picture horizontally, like a mirror.")] = False
    max_latency: Annotated[
        int | None,
        Option(
            help="Target delay from capture to result; the program skips optional work to reach it.",
            unit="milliseconds",
            ge=1,
        ),
    ] = None
    seconds: Annotated[float | None, Option(help="Stop after this time.", unit="seconds", ge=0.1)] = None
    open_seconds: Annotated[
        float, Option(help="How long to wait for the first picture.", unit="seconds", gt=0, expert=True)
    ] = 10.0
    stall_seconds: Annotated[
        float,
        Option(
            help="Time without a picture after which the source counts as lost.",
            unit="seconds",
            gt=0,
            expert=True,
        ),
    ] = 5.0
    attempts: Annotated[
        int, Option(help="How many times to reconnect to a lost source.", ge=0, expert=True)
    ] = 8
    first_delay: Annotated[
        float,
        Option(
            help="Wait before the first attempt to reconnect; each further wait is twice as long.",
            unit="seconds",
            gt=0,
            expert=True,
        ),
    ] = 0.5
    longest_delay: Annotated[
        float, Option(help="Longest wait before an attempt to reconnect.", unit="seconds", gt=0, expert=True)
    ] = 8.0

    def __post_init__(self) -> None:
        check(self)

    @property
    def latency_bound(self) -> float | None:
        """`max_latency` in seconds."""
        return None if self.max_latency is None else self.max_latency / 1000

    def delay(self, attempt: int) -> float:
        """Seconds to wait before an attempt, counted from 1."""
        return float(min(self.longest_delay, self.first_delay * 2.0 ** min(attempt - 1, 30)))
