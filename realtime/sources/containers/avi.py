"""AVI: a tree of chunks with their lengths."""

import struct
from typing import BinaryIO

from emotion.realtime.sources.containers.finding import Finding

_LISTS = (b"RIFF", b"LIST")
# Placeholders of the length, left by recorders that were switched off.
_UNKNOWN = (0, 0xFFFFFFFF)
_LARGEST = 1 << 31


def check(file: BinaryIO, size: int) -> Finding | None:
    """Walk through all chunks."""
    position = 0
    while position + 12 <= size:
        file.seek(position)
        name, length = struct.unpack("<4sI", file.read(8))
        if name != b"RIFF" or length in _UNKNOWN:
            return None
        end = position + 8 + length
        broken = _broken(file, position + 12, min(end, size))
        if end > size:
            if broken is None:
                return Finding("its header announces more than is there", size, is_cut=True)
            return Finding("its chunks do not follow one another", broken)
        if broken is not None:
            return Finding("its chunks do not follow one another", broken, is_weak=True)
        position += 8 + length + length % 2
    return None


def _broken(file: BinaryIO, position: int, end: int) -> int | None:
    """The position of invalid data; a list that is longer than its parent is searched, too."""
    while position + 8 <= end:
        file.seek(position)
        name, length = struct.unpack("<4sI", file.read(8))
        if not _is_name(name):
            return position
        if name in _LISTS:
            position += 12
        else:
            position += 8 + length + length % 2
    return None


def numbers(file: BinaryIO, size: int, track: int) -> dict[int, int]:
    """The frame number of each chunk of a track, if bytes are missing in the middle.

    Otherwise times after a gap would be wrong, since chunks are only counted. The index at the end lists all
    of them with their lengths; those after the gap are shifted by its length.

    Args:
        file, size: the file.
        track: its number.

    Returns:
        Numbers by the byte position of a chunk's content; empty if nothing is missing.
    """
    file.seek(0)
    riff, length = struct.unpack("<4sI", file.read(8).ljust(8))
    missing = length + 8 - size
    if riff != b"RIFF" or length in _UNKNOWN or missing <= 0 or size > _LARGEST:
        return {}
    file.seek(0)
    data = file.read()
    movie, index = data.find(b"movi"), data.rfind(b"idx1")
    if movie < 0 or index < movie:
        return {}
    rows = data[index + 8 : index + 8 + int.from_bytes(data[index + 4 : index + 8], "little")]
    wanted = f"{track:02d}".encode()
    found: dict[int, int] = {}
    number = 0
    for name, _, offset, content in struct.iter_unpack("<4sIII", rows[: len(rows) // 16 * 16]):
        if name[:2] != wanted:
            continue
        head = struct.pack("<4sI", name, content)
        # Relative to "movi" by the specification, or to the beginning of the file with some muxers.
        for at in (movie + offset, offset):
            place = next((p for p in (at, at - missing) if p > 0 and data[p : p + 8] == head), None)
            if place is not None:
                found[place + 8] = number
                break
        number += 1
    return found


def _is_name(name: bytes) -> bool:
    return all(0x20 <= character < 0x7F for character in name)
