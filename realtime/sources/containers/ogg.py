"""Ogg: pages that are numbered and checksummed, the last of each stream marked."""

import struct
import zlib
from typing import BinaryIO

from emotion.realtime.sources.containers.finding import Finding

_PAGE = struct.Struct("<4sBBqIIIB")
_ENDS = 4
_NAME = b"OggS"
_TURNED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def check(file: BinaryIO, size: int) -> Finding | None:
    """Walk through all pages, and check length, checksum, numbering and the end.

    Libav skips a page with a wrong checksum, with all its pictures. Concatenated files are valid.
    """
    position, numbers, open_streams = 0, dict[int, int](), set[int]()
    while position < size:
        file.seek(position)
        head = file.read(_PAGE.size)
        if len(head) < _PAGE.size:
            return Finding("its last page is not whole", position, is_cut=True)
        name, _, flags, _, serial, number, checksum, segments = _PAGE.unpack(head)
        if name != _NAME:
            return Finding("its pages do not follow one another", position)
        if number != numbers.get(serial, number - 1) + 1:
            return Finding("some of its pages are missing", position)
        numbers[serial] = number
        open_streams.add(serial)
        lengths = file.read(segments)
        content = file.read(sum(lengths))
        if len(content) == sum(lengths) and _checksum(head, lengths + content) != checksum:
            return Finding("a page is not as it was written", position)
        position += _PAGE.size + segments + sum(lengths)
        if flags & _ENDS:
            open_streams.discard(serial)
            numbers.pop(serial)
    if position > size:
        return Finding("its last page is not whole", size, is_cut=True)
    return Finding("it has no end", size, is_cut=True) if open_streams else None


def _checksum(head: bytes, rest: bytes) -> int:
    """A page's checksum, with its own field set to zero: zlib's polynomial with reversed bits."""
    turned = (head[:22] + bytes(4) + head[26:] + rest).translate(_TURNED)
    value = zlib.crc32(turned, 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(value.to_bytes(4, "little").translate(_TURNED), "big")
