"""Ogg: pages that are numbered, the last of each stream marked."""

import struct
from typing import BinaryIO

from emotion.realtime.sources.containers.finding import Finding

_PAGE = struct.Struct("<4sBBqIIIB")
_ENDS = 4
_NAME = b"OggS"


def check(file: BinaryIO, size: int) -> Finding | None:
    """Walk through all pages: whole, numbered without a gap, ended. Files joined end to end are whole."""
    position, numbers, open_streams = 0, dict[int, int](), set[int]()
    while position < size:
        file.seek(position)
        head = file.read(_PAGE.size)
        if len(head) < _PAGE.size:
            return Finding("its last page is not whole", position, is_cut=True)
        name, _, flags, _, serial, number, _, segments = _PAGE.unpack(head)
        if name != _NAME:
            return Finding("its pages do not follow one another", position)
        if number != numbers.get(serial, number - 1) + 1:
            return Finding("some of its pages are missing", position)
        numbers[serial] = number
        open_streams.add(serial)
        position += _PAGE.size + segments + sum(file.read(segments))
        if flags & _ENDS:
            open_streams.discard(serial)
            numbers.pop(serial)
    if position > size:
        return Finding("its last page is not whole", size, is_cut=True)
    return Finding("it has no end", size, is_cut=True) if open_streams else None
