"""MP4 and QuickTime: boxes; tables of samples, or numbered fragments."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

from emotion.realtime.sources.containers.finding import Finding

_HOLDERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof"}
_LARGEST_TABLE = 1 << 26


def check(file: BinaryIO, size: int) -> Finding | None:
    """Tables that contradict one another, fragments that are missing, or a second file behind the first."""
    indexes, fragments = 0, list[int]()
    for name, start, end in _boxes(file, 0, size):
        if name == b"moov":
            indexes += 1
            if indexes == 1:
                finding = _contradiction(file, start, min(end, size))
                if finding:
                    return finding
        # Writers of one file with two indexes exist; another ftyp begins another file.
        elif name == b"ftyp" and indexes:
            return Finding("another video follows", start - 8, follows=True)
        elif name == b"moof":
            number = _fragment_number(file, start, min(end, size))
            if number is not None:
                if fragments and number > fragments[-1] + 1:
                    return Finding("fragments are missing", start - 8)
                fragments.append(number)
    return None


def _boxes(file: BinaryIO, position: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, and begin and end of the content, of each box; ends where there is none."""
    while position + 8 <= end:
        file.seek(position)
        length, name = struct.unpack(">I4s", file.read(8))
        start = position + 8
        if length == 1:
            length, start = int.from_bytes(file.read(8), "big"), position + 16
        elif length == 0:
            length = end - position
        if length < start - position:
            return
        yield name, start, position + length
        position += length


def _tables(file: BinaryIO, start: int, end: int) -> dict[bytes, bytes]:
    """The contents of the tables of one track, by their names."""
    found: dict[bytes, bytes] = {}
    for name, inner, inner_end in _boxes(file, start, end):
        if name in _HOLDERS:
            found |= _tables(file, inner, min(inner_end, end))
        elif name in (b"stsz", b"stts", b"hdlr"):
            file.seek(inner)
            found[name] = file.read(min(inner_end - inner, _LARGEST_TABLE))
    return found


def _contradiction(file: BinaryIO, start: int, end: int) -> Finding | None:
    for name, inner, inner_end in _boxes(file, start, end):
        tables = _tables(file, inner, min(inner_end, end)) if name == b"trak" else {}
        if tables.get(b"hdlr", b"")[8:12] != b"vide" or not {b"stsz", b"stts"} <= tables.keys():
            continue
        sizes = int.from_bytes(tables[b"stsz"][8:12], "big")
        times = sum(count for count, _ in struct.iter_unpack(">II", _rows(tables[b"stts"])))
        if sizes != times:
            return Finding(f"its index has the sizes of {sizes} frames and the times of {times}")
    return None


def _rows(table: bytes) -> bytes:
    """The rows of a table of pairs, as many whole ones as there are."""
    count = min(int.from_bytes(table[4:8], "big"), (len(table) - 8) // 8)
    return table[8 : 8 + 8 * max(count, 0)]


def _fragment_number(file: BinaryIO, start: int, end: int) -> int | None:
    for name, inner, _ in _boxes(file, start, end):
        if name == b"mfhd":
            file.seek(inner + 4)
            return int.from_bytes(file.read(4), "big")
    return None
