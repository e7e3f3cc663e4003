"""MPEG program streams (mpg, vob): packs of packets with their lengths."""

from typing import BinaryIO

from emotion.realtime.sources.containers.finding import Finding

_START, _PACK, _END = b"\0\0\1", 0xBA, 0xB9
_LAST_BYTES = 1 << 17


def check(file: BinaryIO, size: int) -> Finding | None:
    """Check that the last packet is complete."""
    begin = max(0, size - _LAST_BYTES)
    file.seek(begin)
    data = file.read()
    at = data.find(_START + bytes([_PACK]))
    while 0 <= at < len(data):
        length = _length(data[at : at + 14])
        if length is None:
            return None
        if at + length > len(data):
            return Finding("its last packet is not whole", begin + at, is_cut=True)
        at += length
    return None


def _length(head: bytes) -> int | None:
    """The length of the packet here; None if there is none."""
    if len(head) < 6:
        return None if head[:3] != _START[: len(head)] else 6
    if head[:3] != _START or head[3] < _END:
        return None
    if head[3] == _END:
        return 4
    if head[3] == _PACK:
        return 14 + (head[13] & 7) if head[4] & 0xC0 == 0x40 and len(head) == 14 else 12
    return 6 + int.from_bytes(head[4:6], "big")
