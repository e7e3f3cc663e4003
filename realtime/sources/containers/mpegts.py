"""MPEG transport streams: packets of one size, each beginning with the same byte."""

from typing import BinaryIO

from emotion.realtime.sources.containers.finding import Finding

_SYNC, _PLAIN = 0x47, 188
# Plain; with a time code before each packet (m2ts), where the byte comes fifth; with error correction.
_SHAPES = ((_PLAIN, 0), (192, 4), (204, 0))
_LOOK = 5
_AT_ONCE = 65_536
# So many packets at the end are looked at, and a track that breaks off in the last few of them is cut.
_LAST_PACKETS, _LAST_FEW = 8192, 256


def check(file: BinaryIO, size: int) -> Finding | None:
    """Whether each packet begins as one, the last is whole, and so is the last part of each track.

    Of that only as far as it says how long it is.
    """
    start = file.read(204 * _LOOK + 4)
    for length, first in _SHAPES:
        places = range(first, min(len(start), length * _LOOK), length)
        if len(places) > 1 and all(start[place] == _SYNC for place in places):
            wrong = _out_of_step(file, size, length, first)
            if wrong is not None:
                return Finding("a packet does not begin as one", wrong)
            if rest := size % length:
                return Finding("its last packet is not whole", size - rest, is_cut=True)
            if _is_unfinished(file, size, length, first):
                return Finding("a part of a track is not finished", size, is_cut=True)
            return None
    return None


def _out_of_step(file: BinaryIO, size: int, length: int, first: int) -> int | None:
    """Where the first packet lies that has another byte in the place of the first one."""
    file.seek(0)
    for begin in range(0, size, length * _AT_ONCE):
        data = file.read(length * _AT_ONCE)
        marks = data[first::length]
        if (wrong := len(marks) - len(marks.lstrip(b"G"))) < len(marks):
            return begin + wrong * length
    return None


def _is_unfinished(file: BinaryIO, size: int, length: int, first: int) -> bool:
    """Whether a track's last PES packet says that it is longer."""
    begin = max(0, size - length * _LAST_PACKETS)
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
    """How long the packet's own header is, with what pads it; all of it where it holds nothing else."""
    kind = packet[3] >> 4 & 3
    if not kind & 1:
        return _PLAIN
    return 5 + packet[4] if kind & 2 else 4
