"""MPEG transport streams: packets of one size, each beginning with the same byte."""

from typing import BinaryIO

from emotion.realtime.sources.containers.finding import Finding

_SYNC = 0x47
# Plain; with a time code before each packet (m2ts), where the byte comes fifth; with error correction.
_SHAPES = ((188, 0), (192, 4), (204, 0))
_LOOK = 5


def check(file: BinaryIO, size: int) -> Finding | None:
    """Whether the last packet is whole."""
    start = file.read(204 * _LOOK + 4)
    for length, first in _SHAPES:
        places = range(first, min(len(start), length * _LOOK), length)
        if len(places) > 1 and all(start[place] == _SYNC for place in places):
            rest = size % length
            return Finding("its last packet is not whole", size - rest, is_cut=True) if rest else None
    return None
