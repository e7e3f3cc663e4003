"""ASF (wmv, asf): the header's file properties say how long the file is."""

import struct
from typing import BinaryIO

from emotion.realtime.sources.containers.finding import Finding

_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_LONGEST_HEADER = 1 << 20
_BROADCAST = 1


def check(file: BinaryIO, size: int) -> Finding | None:
    """Compare the announced size with the real one; recordings of a broadcast announce none."""
    header = file.read(_LONGEST_HEADER)
    at = header.find(_FILE_PROPERTIES)
    if not header.startswith(_HEADER) or at < 0 or len(header) < at + 92:
        return None
    announced = struct.unpack_from("<Q", header, at + 40)[0]
    flags = struct.unpack_from("<I", header, at + 88)[0]
    if flags & _BROADCAST or announced <= size:
        return None
    return Finding(f"its header announces {announced:,} bytes and {size:,} are there", is_cut=True)
