"""Fragmented MP4: each fragment's index (moof) and its pictures (mdat), one after the other."""

import re
import struct
from typing import BinaryIO

from emotion.realtime.sources.containers.finding import Finding, Mend

_LARGEST = 1 << 30
_BEGIN = re.compile(rb"moof\0\0\0\x10mfhd")
_NAME = re.compile(rb"[ -~\xa9]{4}")
# Required boxes.
_NEEDED = (b"ftyp", b"moov")
_PLACE_TOLD = 1
_HEAD = 16
_LONGEST_BOX = (1 << 32) - 1
_WHY = "its fragments do not follow one another"


def check(file: BinaryIO, size: int) -> Finding | None:
    """Check that boxes follow one another to the end of a file with fragments."""
    data = _read(file, size)
    if data is None or not _BEGIN.search(data):
        return None
    last, broken = _walk(data, 0)
    if broken == size:
        return None
    if broken > size:
        return Finding("its last fragment is not whole", last, is_cut=True)
    return Finding(_WHY, broken)


def mend(file: BinaryIO, size: int) -> Mend | None:
    """Limit damage to one fragment: the next is placed at its declared position; None: no damage."""
    data = _read(file, size)
    first = _BEGIN.search(data) if data else None
    if data is None or first is None:
        return None
    tells_own_place = _told_place(data, first.start() - 4) == first.start() - 4
    pieces: list[range | bytes] = []
    begin, done, finding = 0, 0, None
    while True:
        last, broken = _walk(data, begin)
        start = _next_fragment(data, last + 8) if broken != size else None
        if start is None or data[last + 4 : last + 8] in _NEEDED:
            break
        place = _told_place(data, start) if tells_own_place else None
        bridge = _bridge(data, begin, last, broken, start, None if place is None else place - done)
        if not bridge:
            break
        finding = finding or Finding(_WHY, min(broken, start))
        pieces += bridge
        begin, done = start, done + sum(map(len, bridge))
    return Mend((*pieces, range(begin, size)), finding=finding) if finding else None


def _bridge(
    data: bytes, begin: int, last: int, broken: int, start: int, length: int | None
) -> list[range | bytes]:
    """The data before a valid fragment, made as long as declared; empty if that is impossible.

    Data after the damage stay in the last box of pictures, or in one that is ignored.

    Args:
        data: the file.
        begin: of the data; last: of the last box in it; broken: that box's end.
        start: of the valid fragment.
        length: required length; None: unchanged.
    """
    length = start - begin if length is None else length
    is_pictures = data[last + 4 : last + 8] == b"mdat"
    box = last if is_pictures or broken > start else broken
    if not is_pictures and 0 < length - (box - begin) < 8:
        box = last
    left = length - (box - begin)
    if left == 0 and box == broken:
        return [range(begin, box)]
    if not 8 <= left <= min(_LONGEST_BOX, 2 * len(data)):
        return []
    head = struct.pack(">I4s", left, b"mdat" if box == last and is_pictures else b"free")
    end = max(box + 8, min(start, box + left))
    return [range(begin, box), head, range(box + 8, end), bytes(left - (end - box))]


def _walk(data: bytes, at: int) -> tuple[int, int]:
    """The begin and end of the last valid box."""
    last = at
    while length := _length(data[at : at + _HEAD], len(data) - at):
        last, at = at, at + length
    return last, at


def _length(head: bytes, left: int) -> int:
    """The length of the box with this header, with so many bytes to the end of the file; 0: it is invalid."""
    if len(head) < 8:
        return 0
    length, name = struct.unpack_from(">I4s", head)
    if length == 1:
        length = int.from_bytes(head[8:16], "big")
    elif length == 0:
        length = left
    return length if length >= 8 and _NAME.fullmatch(name) else 0


def _next_fragment(data: bytes, at: int) -> int | None:
    """The begin of the next box with a valid length."""
    for found in _BEGIN.finditer(data, at):
        start = found.start() - 4
        if 24 < int.from_bytes(data[start : start + 4], "big") <= len(data) - start:
            return start
    return None


def _told_place(data: bytes, moof: int) -> int | None:
    """The base position of a fragment's pictures; None if it has none."""
    end = moof + int.from_bytes(data[moof : moof + 4], "big")
    at = data.find(b"tfhd", moof, end)
    if at < 0 or not data[at + 7] & _PLACE_TOLD:
        return None
    return int.from_bytes(data[at + 12 : at + 20], "big")


def _read(file: BinaryIO, size: int) -> bytes | None:
    """The content of the file; None if all boxes are valid to its end, or if it is too large."""
    at = 0
    while at < size:
        file.seek(at)
        length = _length(file.read(_HEAD), size - at)
        if not length:
            break
        at += length
    if at == size or size > _LARGEST:
        return None
    file.seek(0)
    return file.read()
