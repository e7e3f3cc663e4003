"""NUT: frames one after the other up to an index of the positions of syncpoints."""

import struct
from typing import BinaryIO, NamedTuple

from emotion.realtime.sources.containers.finding import Finding

_MAIN = struct.pack(">Q", 0x4E4D7A561F5F04AD)
_INDEX = struct.pack(">Q", 0x4E58DD672F23E64E)
_SYNCPOINT = struct.pack(">Q", 0x4E4BE4ADEECA4569)
_FOOT = 12  # the length of the index and its checksum
_UNIT = 16  # positions are in units of so many bytes
_CHECKSUMMED = 4096
_LARGEST = 1 << 30
_NAME = b"nut/multimedia container\0"
# The fields of a frame's header, by its flags.
_TIME, _TRACK, _SIZE, _CHECKSUM, _MORE, _SIDE = 8, 16, 32, 64, 128, 256
_ELIDED, _MATCH, _FLAGS, _INVALID = 1024, 2048, 4096, 8192


class _Kind(NamedTuple):
    """The meaning of a frame's first byte."""

    flags: int
    factor: int
    size: int
    more: int
    elided: int


class _Heads(NamedTuple):
    """The main header's table of frame codes, and the lengths of elided headers."""

    kinds: list[_Kind]
    elided: list[int]


def check(file: BinaryIO, size: int) -> Finding | None:
    """Check the positions of index and syncpoints, and that frames follow one another between them."""
    file.seek(max(0, size - _FOOT))
    length = int.from_bytes(file.read(8), "big")
    if not _FOOT <= length <= size:
        return Finding("the index at its end is missing", size, is_cut=True)
    file.seek(size - length)
    index = file.read(length)
    if not index.startswith(_INDEX):
        return Finding("the index at its end is missing", size, is_cut=True)
    for position in _places(index):
        file.seek(position)
        if _SYNCPOINT not in file.read(_UNIT + len(_SYNCPOINT)):
            return Finding("a syncpoint is not where the index says", position)
    if size > _LARGEST:
        return None
    file.seek(0)
    broken = _broken(file.read(), size - length)
    return None if broken is None else Finding("its frames do not follow one another", broken)


def _broken(data: bytes, end: int) -> int | None:
    """The position of data that are neither a frame nor a header; None also if unknown."""
    at, heads = len(_NAME) if data.startswith(_NAME) else 0, None
    while at < end:
        begin = at
        try:
            if data[at] == _MAIN[0]:
                content, at = _behind_header(data, at)
                if data.startswith(_MAIN, begin):
                    heads = _heads(data[content:at])
            elif heads is None:
                return None
            else:
                at = _behind_frame(data, at, heads)
        except IndexError:
            return begin
        if at < 0:
            return None
    return begin if at > end else None


def _behind_header(data: bytes, at: int) -> tuple[int, int]:
    """The begin and end of a header's content. Raises IndexError if it is invalid."""
    length, content = _number(data, at + 8)
    if not length:
        raise IndexError
    content += 4 if length > _CHECKSUMMED else 0
    return content, content + length


def _behind_frame(data: bytes, at: int, heads: _Heads) -> int:
    """The end of a frame; -1 if it has an unsupported part. Raises IndexError if it is invalid."""
    kind = heads.kinds[data[at]]
    at += 1
    flags, size, more, elided = kind.flags, kind.size, kind.more, kind.elided
    if flags & _INVALID:
        raise IndexError
    if flags & _FLAGS:
        turned, at = _number(data, at)
        flags ^= turned
    if flags & _INVALID:
        raise IndexError
    if flags & _SIDE:
        return -1
    for flag in (_TRACK, _TIME):
        if flags & flag:
            _, at = _number(data, at)
    if flags & _SIZE:
        high, at = _number(data, at)
        size += kind.factor * high
    if flags & _MATCH:
        _, at = _number(data, at)
    if flags & _ELIDED:
        elided, at = _number(data, at)
    if flags & _MORE:
        more, at = _number(data, at)
    for _ in range(min(more, len(data))):
        _, at = _number(data, at)
    at += 4 if flags & _CHECKSUM else 0
    length = size - heads.elided[elided] if size <= _CHECKSUMMED else size
    if at + length > len(data) or length < 0:
        raise IndexError
    return at + length


def _heads(data: bytes) -> _Heads | None:
    """The main header; None if it is unreadable."""
    try:
        return _read_heads(data)
    except IndexError:
        return None


def _read_heads(data: bytes) -> _Heads:
    version, at = _number(data, 0)
    if version > 3:
        _, at = _number(data, at)
    _, at = _numbers(data, at, 2)  # tracks, and the longest distance of syncpoints
    bases, at = _number(data, at)
    _, at = _numbers(data, at, 2 * bases)
    kinds: list[_Kind] = []
    factor, elided = 1, 0
    while len(kinds) < 256:
        (flags, field_count), at = _numbers(data, at, 2)
        # A step of time, factor, track, size, more, how many, a time, what it begins with.
        row, at = _numbers(data, at, field_count)
        factor = row[1] if field_count > 1 else factor
        elided = row[7] if field_count > 7 else elided
        size, more = row[3] if field_count > 3 else 0, row[4] if field_count > 4 else 0
        count = row[5] if field_count > 5 else factor - size
        if count <= 0:
            raise IndexError
        for step in range(min(count, 256)):
            if len(kinds) == _MAIN[0]:
                kinds.append(_Kind(_INVALID, 1, 0, 0, 0))
            kinds.append(_Kind(flags, factor, size + step, more, elided))
    return _Heads(kinds[:256], _elided(data, at))


def _elided(data: bytes, at: int) -> list[int]:
    lengths = [0]
    count, at = _number(data, at)
    for _ in range(min(count, 128)):
        length, at = _number(data, at)
        at += length
        lengths.append(length)
    return lengths


def _places(index: bytes) -> list[int]:
    try:
        return _read_places(index)
    except IndexError:
        return []


def _read_places(index: bytes) -> list[int]:
    forward, at = _number(index, len(_INDEX))
    if forward > _CHECKSUMMED:
        at += 4
    _, at = _number(index, at)  # the last time
    count, at = _number(index, at)
    places, place = [], 0
    for _ in range(min(count, len(index))):
        step, at = _number(index, at)
        place += step
        places.append(place * _UNIT)
    return places


def _numbers(data: bytes, at: int, count: int) -> tuple[list[int], int]:
    """Several numbers, and the position after them. Raises IndexError at the end."""
    found = []
    for _ in range(count):
        value, at = _number(data, at)
        found.append(value)
    return found, at


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable length, and the position after it. Raises IndexError at the end."""
    value = 0
    while True:
        value, at, more = value << 7 | data[at] & 0x7F, at + 1, data[at] & 0x80
        if not more:
            return value, at
