"""AVI: a tree of chunks that say how long they are."""

import struct
from typing import BinaryIO

from emotion.realtime.sources.containers.finding import Finding

_LISTS = (b"RIFF", b"LIST")
# Recorders that were switched off leave these where the length belongs.
_UNKNOWN = (0, 0xFFFFFFFF)


def check(file: BinaryIO, size: int) -> Finding | None:
    """Walk through all chunks if a RIFF claims to be longer than the file."""
    position = 0
    while position + 12 <= size:
        file.seek(position)
        name, length = struct.unpack("<4sI", file.read(8))
        if name != b"RIFF" or length in _UNKNOWN:
            return None
        if position + 8 + length > size:
            return _walk(file, position + 12, size)
        position += 8 + length + length % 2
    return None


def _walk(file: BinaryIO, position: int, size: int) -> Finding:
    while position + 8 <= size:
        file.seek(position)
        name, length = struct.unpack("<4sI", file.read(8))
        if not _is_name(name):
            return Finding("its chunks do not follow one another", position)
        if name in _LISTS and position + 8 + length > size:
            position += 12
        else:
            position += 8 + length + length % 2
    return Finding("its header announces more than is there", min(position, size), is_cut=True)


def _is_name(name: bytes) -> bool:
    return all(0x20 <= character < 0x7F for character in name)
