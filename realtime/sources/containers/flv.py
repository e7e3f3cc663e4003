"""FLV: tags, each followed by its length."""

import struct
from typing import BinaryIO

from emotion.realtime.sources.containers.finding import Finding

_SOUND, _PICTURES, _SCRIPT = 8, 9, 18
_KINDS = (_SOUND, _PICTURES, _SCRIPT)
_NAME = b"FLV\x01"


def check(file: BinaryIO, size: int) -> Finding | None:
    """Walk through all tags, from the file's current position."""
    begin = file.tell()
    if file.read(4) != _NAME:
        return None
    position = begin + 13
    while position < size:
        file.seek(position)
        head = file.read(11)
        if head.startswith(_NAME):
            return Finding("another video follows", position, follows=True)
        if len(head) < 11:
            return Finding("its last tag is not whole", position, is_cut=True)
        length = int.from_bytes(head[1:4], "big")
        end = position + 11 + length
        if end > size:
            return Finding("its tags do not follow one another", position, is_cut=head[0] in _KINDS)
        file.seek(end)
        behind = file.read(4)
        # Some muxers omit the length after the last tag, others write zero.
        if head[0] & 0x1F not in _KINDS or behind not in (b"", bytes(4), struct.pack(">I", 11 + length)):
            return Finding("its tags do not follow one another", position)
        position = end + 4
    return None
