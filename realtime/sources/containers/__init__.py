"""Structure of containers, where libav does not tell: whether a file is complete, and where it is damaged.

One file a format. Each checks an open file by its structure alone, without decoding, and knows nothing of
pictures; `check` chooses by libav's name of the format. `mend` says how a damaged file can be read further,
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
    """How a file can be read further than libav would; None where it is whole, or nobody knows.

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
    """The numbers of a track's frames by the byte where each begins, where counting them is no use.

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
    """The first thing that is wrong with a file's structure; None where nothing is, or nobody can say.

    Args:
        path: the file.
        format_name: libav's, which may be several with commas between.
        begin: the byte where the file begins, if another lies before it.
        mended: what was done about it.
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
    except OSError:  # it could be read until now: whoever reads it says what is wrong
        return None
