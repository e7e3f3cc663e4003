"""ASF (wmv, asf): the header's file properties say how long the file is, and each of its packets."""

import struct
from typing import BinaryIO

from emotion.realtime.sources.containers.finding import Finding

_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_LONGEST_HEADER = 1 << 20
_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
_BROADCAST = 1


def check(file: BinaryIO, size: int) -> Finding | None:
    """Compare the announced size with the real one, and see whether each packet begins like the first.

    Recordings of a broadcast announce no size.
    """
    header = file.read(_LONGEST_HEADER)
    at = header.find(_FILE_PROPERTIES)
    if not header.startswith(_HEADER) or at < 0 or len(header) < at + 100:
        return None
    announced = struct.unpack_from("<Q", header, at + 40)[0]
    flags = struct.unpack_from("<I", header, at + 88)[0]
    if not flags & _BROADCAST and announced > size:
        return Finding(f"its header announces {announced:,} bytes and {size:,} are there", is_cut=True)
    if not flags & _BROADCAST and announced < size:
        return Finding(f"its header announces {announced:,} bytes and {size:,} are there")
    smallest, largest = struct.unpack_from("<II", header, at + 92)
    return _walk(file, header, smallest) if smallest == largest else None


def _walk(file: BinaryIO, header: bytes, length: int) -> Finding | None:
    """Whether the packets, all of one length, begin as the first does: with the kind of their own checks."""
    data = int.from_bytes(header[16:24], "little")
    if header[data : data + 16] != _DATA or length < 8:
        return None
    count = int.from_bytes(header[data + 40 : data + 48], "little")
    first = header[data + 50 : data + 51]
    for number in range(count):
        position = data + 50 + number * length
        file.seek(position)
        begin = file.read(1)
        if not begin:
            return None
        if begin != first:
            return Finding("its packets do not follow one another", position)
    return None
