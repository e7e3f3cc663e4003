"""NUT: a whole file ends with an index of its key frames."""

import struct
from typing import BinaryIO

from emotion.realtime.sources.containers.finding import Finding

_INDEX = struct.pack(">Q", 0x4E58DD672F23E64E)
_FOOT = 12  # the length of the index and its checksum


def check(file: BinaryIO, size: int) -> Finding | None:
    """Whether the index stands where the file's last bytes say."""
    file.seek(max(0, size - _FOOT))
    length = int.from_bytes(file.read(8), "big")
    if _FOOT <= length <= size:
        file.seek(size - length)
        if file.read(8) == _INDEX:
            return None
    return Finding("the index at its end is missing", size, is_cut=True)
