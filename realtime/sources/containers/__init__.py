"""What a container says of itself where libav does not tell: whether it is whole, and where it breaks.

One file a format. Each checks an open file by its structure alone, without decoding, and knows nothing of
pictures; `check` chooses by libav's name of the format. May import nothing else of the project.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from emotion.realtime.sources.containers import asf, avi, flv, gif, matroska, mp4, mpegps, mpegts, nut, ogg
from emotion.realtime.sources.containers.finding import Finding

__all__ = ["Finding", "check"]

_CHECKS: dict[str, Callable[[BinaryIO, int], Finding | None]] = {
    "asf": asf.check,
    "avi": avi.check,
    "flv": flv.check,
    "gif": gif.check,
    "matroska": matroska.check,
    "mp4": mp4.check,
    "mpeg": mpegps.check,
    "mpegts": mpegts.check,
    "nut": nut.check,
    "ogg": ogg.check,
}


def check(path: Path, format_name: str, begin: int = 0) -> Finding | None:
    """The first thing that is wrong with a file's structure; None where nothing is, or nobody can say.

    Args:
        path: the file.
        format_name: libav's, which may be several with commas between.
        begin: the byte where the file begins, if another lies before it.
    """
    checked = next((_CHECKS[name] for name in format_name.split(",") if name in _CHECKS), None)
    if checked is None:
        return None
    try:
        with path.open("rb") as file:
            file.seek(begin)
            return checked(file, os.fstat(file.fileno()).st_size)
    except OSError:  # it could be read until now: whoever reads it says what is wrong
        return None
