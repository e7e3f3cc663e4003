"""MPEG transport streams: packets of one size, each beginning with the same byte."""

from typing import BinaryIO

from emotion.realtime.sources.containers.finding import Finding

_SYNC, _PLAIN = 0x47, 188
# Plain; with a time code before each packet (m2ts), so that the sync byte is the fifth; with error
# correction.
_SHAPES = ((_PLAIN, 0), (192, 4), (204, 0))
_LOOK = 5
_LONGEST_SEARCH = 1 << 20
_AT_ONCE = 65_536
# Number of packets at the end that are checked, and within which a truncated track ends.
_LAST_PACKETS, _LAST_FEW = 8192, 256


def check(file: BinaryIO, size: int) -> Finding | None:
    """Check the sync byte of each packet, and that the last packet and part of each track are complete.

    The latter only if it has a declared length.
    """
    start = file.read(_LONGEST_SEARCH)
    found = _shape(start)
    if found is None:
        # Without a packet at either end it is not such a stream, or cannot be checked.
        file.seek(max(0, size - _LONGEST_SEARCH))
        return Finding("its beginning holds no packets", 0) if _shape(file.read()) else None
    begin, length, first = found
    # A recording may begin within a packet.
    if begin >= length:
        return Finding("its beginning holds no packets", 0)
    wrong = _out_of_step(file, begin, size, length, first)
    if wrong is not None:
        return Finding("a packet does not begin as one", wrong)
    if rest := (size - begin) % length:
        return Finding("its last packet is not whole", size - rest, is_cut=True)
    if _is_unfinished(file, begin, size, length, first):
        return Finding("a part of a track is not finished", size, is_cut=True)
    return None


def _shape(data: bytes) -> tuple[int, int, int] | None:
    """The begin and length of the first of a few packets in a row, and the position of the sync byte."""
    place = data.find(_SYNC)
    while place >= 0:
        for length, first in _SHAPES:
            places = range(place, min(len(data), place + length * _LOOK), length)
            if place >= first and len(places) > 1 and all(data[at] == _SYNC for at in places):
                return place - first, length, first
        place = data.find(_SYNC, place + 1)
    return None


def _out_of_step(file: BinaryIO, start: int, size: int, length: int, first: int) -> int | None:
    """The position of the first packet with a wrong sync byte."""
    file.seek(start)
    for begin in range(start, size, length * _AT_ONCE):
        data = file.read(length * _AT_ONCE)
        marks = data[first::length]
        if (wrong := len(marks) - len(marks.lstrip(b"G"))) < len(marks):
            return begin + wrong * length
    return None


def _is_unfinished(file: BinaryIO, start: int, size: int, length: int, first: int) -> bool:
    """Whether a track's last PES packet has a larger declared length."""
    begin = max(start, size - length * _LAST_PACKETS)
    file.seek(begin)
    data = file.read()
    missing: dict[int, int] = {}
    seen: dict[int, int] = {}
    for at in range(first, len(data) - _PLAIN + 1, length):
        packet = data[at : at + _PLAIN]
        track = int.from_bytes(packet[1:3], "big") & 0x1FFF
        content = packet[_header(packet) :]
        if packet[0] != _SYNC:
            return False
        if packet[1] & 0x40:
            missing.pop(track, None)
            announced = int.from_bytes(content[4:6], "big")
            if content.startswith(b"\0\0\1") and announced:
                missing[track] = announced + 6
        if track in missing:
            missing[track] -= len(content)
            seen[track] = at
    last = len(data) - length * _LAST_FEW
    return any(left > 0 and seen[track] >= last for track, left in missing.items())


def _header(packet: bytes) -> int:
    """The length of the packet's header, with padding; all of it if there is no payload."""
    kind = packet[3] >> 4 & 3
    if not kind & 1:
        return _PLAIN
    return 5 + packet[4] if kind & 2 else 4
