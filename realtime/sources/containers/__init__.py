"""Structure of containers, to detect incomplete and damaged files, which libav does not report.

One module per format. Each checks an open file only by its structure, without decoding
pictures; `check` chooses by libav's name of the format. `mend` returns how a damaged file can be repaired,
which `MendedFile` does. May import nothing else of the project.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

from emotion.realtime.sources.containers import (
    asf,
    avi,
    flv,
    gif,
    h264,
    matroska,
    mp4,
    mpegps,
    mpegts,
    nut,
    ogg,
)
from emotion.realtime.sources.containers.finding import Finding, Mend
from emotion.realtime.sources.containers.mended_file import MendedFile

__all__ = ["Finding", "Mend", "MendedFile", "check", "mend", "numbers"]

_CHECKS: dict[str, Callable[[BinaryIO, int], Finding | None]] = {
    "asf": asf.check,
    "avi": avi.check,
    "flv": flv.check,
    "gif": gif.check,
    "h264": h264.check,
    "matroska": matroska.check,
    "mp4": mp4.check,
    "mpeg": mpegps.check,
    "mpegts": mpegts.check,
    "nut": nut.check,
    "ogg": ogg.check,
}

_MENDS: dict[str, Callable[[BinaryIO, int], Mend | None]] = {
    "asf": asf.mend,
    "gif": gif.mend,
    "mp4": mp4.mend,
}


def mend(path: Path, format_name: str) -> Mend | None:
    """A repair with which more of a file can be read than by libav alone; None if it is complete, or unknown.

    Args:
        path: the file.
        format_name: libav's, which may be several with commas between.
    """
    mended = next((_MENDS[name] for name in format_name.split(",") if name in _MENDS), None)
    if mended is None:
        return None
    try:
        with path.open("rb") as file:
            return mended(file, os.fstat(file.fileno()).st_size)
    except OSError:
        return None


def numbers(path: Path, format_name: str, track: int) -> dict[int, int]:
    """The numbers of a track's frames by their byte positions, if they cannot be counted.

    Args:
        path: the file.
        format_name: libav's.
        track: its number.
    """
    if format_name != "avi":
        return {}
    try:
        with path.open("rb") as file:
            return avi.numbers(file, os.fstat(file.fileno()).st_size, track)
    except OSError:
        return {}


def check(path: Path, format_name: str, begin: int = 0, mended: Mend | None = None) -> Finding | None:
    """The first error in a file's structure; None if there is none, or the format is unknown.

    Args:
        path: the file.
        format_name: libav's, which may be several with commas between.
        begin: the byte position of the file, if it follows another one.
        mended: the repair.
    """
    if mended is not None and mended.finding is not None:
        return mended.finding
    checked = next((_CHECKS[name] for name in format_name.split(",") if name in _CHECKS), None)
    if checked is None:
        return None
    try:
        if mended is not None:
            with MendedFile(path, mended.pieces) as whole:
                return checked(cast(BinaryIO, whole), whole.size)
        with path.open("rb") as file:
            file.seek(begin)
            return checked(file, os.fstat(file.fileno()).st_size)
    except OSError:  # it was readable until now: the reader reports the error
        return None
