"""NUT: a whole file ends with an index of its syncpoints, which stand where it says."""

import struct
from typing import BinaryIO

from emotion.realtime.sources.containers.finding import Finding

_INDEX = struct.pack(">Q", 0x4E58DD672F23E64E)
_SYNCPOINT = struct.pack(">Q", 0x4E4BE4ADEECA4569)
_FOOT = 12  # the length of the index and its checksum
_UNIT = 16  # places are told in so many bytes
_CHECKSUMMED = 4096


def check(file: BinaryIO, size: int) -> Finding | None:
    """Whether the index stands where the file's last bytes say, and the syncpoints where the index says."""
    file.seek(max(0, size - _FOOT))
    length = int.from_bytes(file.read(8), "big")
    if not _FOOT <= length <= size:
        return Finding("the index at its end is missing", size, is_cut=True)
    file.seek(size - length)
    index = file.read(length)
    if not index.startswith(_INDEX):
        return Finding("the index at its end is missing", size, is_cut=True)
    for position in _places(index):
        file.seek(position)
        if _SYNCPOINT not in file.read(_UNIT + len(_SYNCPOINT)):
            return Finding("a syncpoint is not where the index says", position)
    return None


def _places(index: bytes) -> list[int]:
    forward, at = _number(index, len(_INDEX))
    if forward > _CHECKSUMMED:
        at += 4
    _, at = _number(index, at)  # the last time
    count, at = _number(index, at)
    places, place = [], 0
    for _ in range(min(count, len(index))):
        step, at = _number(index, at)
        place += step
        places.append(place * _UNIT)
    return places


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable length, and where the next begins."""
    value = 0
    while at < len(data):
        value, at, more = value << 7 | data[at] & 0x7F, at + 1, data[at] & 0x80
        if not more:
            break
    return value, at
