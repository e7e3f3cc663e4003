"""NUT: frames one behind the other up to an index of the syncpoints, which stand where it says."""

import struct
from typing import BinaryIO, NamedTuple

from emotion.realtime.sources.containers.finding import Finding

_MAIN = struct.pack(">Q", 0x4E4D7A561F5F04AD)
_INDEX = struct.pack(">Q", 0x4E58DD672F23E64E)
_SYNCPOINT = struct.pack(">Q", 0x4E4BE4ADEECA4569)
_FOOT = 12  # the length of the index and its checksum
_UNIT = 16  # places are told in so many bytes
_CHECKSUMMED = 4096
_LARGEST = 1 << 30
_NAME = b"nut/multimedia container\0"
# What a frame's head holds, by its flags.
_TIME, _TRACK, _SIZE, _CHECKSUM, _MORE, _SIDE = 8, 16, 32, 64, 128, 256
_ELIDED, _MATCH, _FLAGS, _INVALID = 1024, 2048, 4096, 8192


class _Kind(NamedTuple):
    """What a frame's first byte says of it."""

    flags: int
    factor: int
    size: int
    more: int
    elided: int


class _Heads(NamedTuple):
    """What the main header says of frames: by their first byte; and how long what they begin with is."""

    kinds: list[_Kind]
    elided: list[int]


def check(file: BinaryIO, size: int) -> Finding | None:
    """Whether index and syncpoints stand where the file says, and frames follow one another between them."""
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
    """Where something lies that is neither a frame nor begins as a header; None also where nobody knows."""
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
    """Where a header's content begins and ends. Raises IndexError: it is none."""
    length, content = _number(data, at + 8)
    if not length:
        raise IndexError
    content += 4 if length > _CHECKSUMMED else 0
    return content, content + length


def _behind_frame(data: bytes, at: int, heads: _Heads) -> int:
    """Where a frame ends; -1 where it has a part that is not known here. Raises IndexError: it is none."""
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
    """What the main header says; None where it cannot be read."""
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
        (flags, told), at = _numbers(data, at, 2)
        # A step of time, factor, track, size, more, how many, a time, what it begins with.
        row, at = _numbers(data, at, told)
        factor = row[1] if told > 1 else factor
        elided = row[7] if told > 7 else elided
        size, more = row[3] if told > 3 else 0, row[4] if told > 4 else 0
        count = row[5] if told > 5 else factor - size
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
    """Several numbers, and where the next begins. Raises IndexError at the end."""
    found = []
    for _ in range(count):
        value, at = _number(data, at)
        found.append(value)
    return found, at


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable length, and where the next begins. Raises IndexError at the end."""
    value = 0
    while True:
        value, at, more = value << 7 | data[at] & 0x7F, at + 1, data[at] & 0x80
        if not more:
            return value, at
