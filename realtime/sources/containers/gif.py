"""GIF: blocks up to a trailer."""

import itertools
import re
from collections.abc import Iterator
from typing import BinaryIO

from emotion.realtime.sources.containers.finding import Finding, Mend

_IMAGE, _EXTENSION, _TRAILER = 0x2C, 0x21, 0x3B
# The begin of a picture with a time, which is unlikely in a picture's data.
_PICTURE = re.compile(rb"\x21\xf9\x04[\x00-\x1f]...\x00\x2c", re.DOTALL)
_LARGEST = 1 << 30
_MOST_HOLES = 100
# Number of pictures with parts of odd lengths that are decoded; if all are valid, their encoder writes them
# so.
_MOST_LOOKED_INTO = 8
_LONGEST_CODE = 12


def check(file: BinaryIO, size: int) -> Finding | None:
    """Walk through all blocks to the trailer."""
    head = file.read(13)
    if len(head) < 13 or not head.startswith(b"GIF"):
        return None
    _skip_colours(file, head[10])
    looked_into = 0
    while (position := file.tell()) < size:
        kind = file.read(1)[0]
        if kind == _TRAILER:
            return None
        if kind not in (_IMAGE, _EXTENSION):
            return Finding("its blocks do not follow one another", position)
        pixels = _skip_head(file, kind)
        begin = file.tell()
        ends = _skip_data(file)
        if kind == _IMAGE and looked_into < _MOST_LOOKED_INTO and _is_odd(begin, ends):
            looked_into += 1
            if not _is_whole(file, begin, pixels):
                return Finding("a picture's data are not as they were written", position)
    return Finding("its end mark is missing", size, is_cut=True)


def _is_odd(begin: int, ends: list[int]) -> bool:
    """Whether a part other than the last is shorter than another, which encoders avoid and damage causes."""
    lengths = [end - start - 1 for start, end in itertools.pairwise([begin, *ends])]
    return bool(lengths) and (len(set(lengths[:-1])) > 1 or lengths[-1] > lengths[0])


def _is_whole(file: BinaryIO, begin: int, pixels: int) -> bool:
    """Whether a picture's LZW codes end with its data, and give the right number of pixels.

    Leaves the file after the data. Each code is a run of pixels: one of the colours, or an earlier
    run and a pixel; only their lengths are kept.
    """
    file.seek(begin - 1)
    smallest = file.read(1)[0]
    data = b"".join(_parts(file))
    if not 1 < smallest < _LONGEST_CODE:
        return False
    clear, end = 1 << smallest, (1 << smallest) + 1
    lengths: list[int] = []
    width, bits, held, given, last = smallest + 1, 0, 0, 0, 0
    for place, byte in enumerate(data, start=1):
        bits |= byte << held
        held += 8
        while held >= width:
            code = bits & ((1 << width) - 1)
            bits, held = bits >> width, held - width
            if code == end:
                return place == len(data) and given >= pixels
            if code == clear:
                lengths, width, last = [1] * (end + 1), smallest + 1, 0
                continue
            if not lengths or code > len(lengths) or (code == len(lengths) and not last):
                return False
            length = lengths[code] if code < len(lengths) else last + 1
            given += length
            if last and len(lengths) < 1 << _LONGEST_CODE:
                lengths.append(last + 1)
                if len(lengths) == 1 << width and width < _LONGEST_CODE:
                    width += 1
            last = length
    return given >= pixels


def mend(file: BinaryIO, size: int) -> Mend | None:
    """Leave out the data between a damaged picture and the next valid one; None if nothing is damaged."""
    if size > _LARGEST:
        return None
    data = file.read()
    if not data.startswith(b"GIF"):
        return None
    pieces: list[range | bytes] = []
    first: Finding | None = None
    begin = 0
    for _ in range(_MOST_HOLES):
        broken, ends = _first_broken(file, data, begin)
        found = _PICTURE.search(data, broken + 1) if ends is not None else None
        if ends is None or found is None:
            break
        first = first or Finding("its blocks do not follow one another", broken)
        # The damaged picture is shown in part: its data end before the next picture.
        end = max((end for end in ends if end <= found.start()), default=None)
        pieces += [range(begin, broken)] if end is None else [range(begin, end), b"\0"]
        begin = found.start()
    if first is None:
        return None
    return Mend((*pieces, range(begin, size)), finding=first)


def _first_broken(file: BinaryIO, data: bytes, begin: int) -> tuple[int, list[int] | None]:
    """Position of a picture without a block after it, and a possible end of its data; None: no damage."""
    file.seek(begin)
    if begin == 0:
        head = file.read(13)
        _skip_colours(file, head[10])
    picture, ends = begin, [file.tell()]
    while (position := file.tell()) < len(data):
        kind = file.read(1)[0]
        if kind == _TRAILER:
            return picture, None
        if kind not in (_IMAGE, _EXTENSION):
            return picture, ends
        _skip_head(file, kind)
        found = [file.tell(), *_skip_data(file)]
        if kind == _IMAGE:
            picture, ends = position, found
            # Damaged lengths may skip other pictures and end at a block.
            if _PICTURE.search(data, found[0], file.tell()):
                return picture, ends
    return picture, ends


def _skip_head(file: BinaryIO, kind: int) -> int:
    """Skip the header of a block; returns the number of pixels of a picture."""
    pixels = 0
    if kind == _IMAGE:
        block = file.read(9)
        if len(block) == 9:
            pixels = int.from_bytes(block[4:6], "little") * int.from_bytes(block[6:8], "little")
            _skip_colours(file, block[8])
    file.read(1)
    return pixels


def _skip_colours(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        file.seek(3 << ((flags & 7) + 1), 1)


def _parts(file: BinaryIO) -> Iterator[bytes]:
    """The parts of a block's data."""
    while (length := file.read(1)) and length[0]:
        yield file.read(length[0])


def _skip_data(file: BinaryIO) -> list[int]:
    """Skip a block's data; returns the end of each of its parts."""
    ends = []
    while length := file.read(1):
        if not length[0]:
            break
        ends.append(file.seek(length[0], 1))
    return ends
