"""MP4 and QuickTime: boxes; tables of samples, or numbered fragments."""

import struct
from collections.abc import Iterator
from typing import BinaryIO, TypeAlias

from emotion.models.words import counted
from emotion.realtime.sources.containers import mp4_fragments
from emotion.realtime.sources.containers.finding import Finding, Mend

_HOLDERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof"}
_LARGEST_TABLE = 1 << 26


def check(file: BinaryIO, size: int) -> Finding | None:
    """Contradictory tables, missing fragments, or a second file after the first."""
    indexes, fragments = 0, list[int]()
    for name, start, end in _boxes(file, 0, size):
        if name == b"moov":
            indexes += 1
            if indexes == 1:
                finding = _contradiction(file, start, min(end, size))
                if finding:
                    return finding
        # Some muxers write two indexes into one file; another ftyp begins another file.
        elif name == b"ftyp" and indexes:
            return Finding("another video follows", start - 8, follows=True)
        elif name == b"moof":
            number = _fragment_number(file, start, min(end, size))
            if number is not None:
                if fragments and number > fragments[-1] + 1:
                    return Finding("fragments are missing", start - 8)
                fragments.append(number)
    return mp4_fragments.check(file, size) if fragments else None


def _boxes(file: BinaryIO, position: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, and begin and end of the content, of each box, up to invalid data."""
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


def mend(file: BinaryIO, size: int) -> Mend | None:
    """Correct a table by another one, and let fragments follow one another.

    None if there is no damage.
    """
    patches: dict[int, bytes] = {}
    for name, start, end in _boxes(file, 0, size):
        if name == b"moov":
            for tables in _tracks(file, start, min(end, size)):
                patches |= _more_sizes(tables) | _shorter_steps(tables)
            break
    if not patches:
        return mp4_fragments.mend(file, size)
    pieces: list[range | bytes] = []
    begin = 0
    for at, patch in sorted(patches.items()):
        pieces += [range(begin, at), patch]
        begin = at + len(patch)
    return Mend((*pieces, range(begin, size)), note="its index contradicts itself, and was mended")


def _more_sizes(tables: "_Tables") -> dict[int, bytes]:
    """If the count of sizes is too small: the number of times."""
    at, sizes = tables[b"stsz"]
    times = sum(count for count, _ in _steps(tables))
    one_size, counted = struct.unpack_from(">II", sizes, 4)
    there = (len(sizes) - 12) // 4
    return {at + 8: struct.pack(">I", times)} if not one_size and counted < times <= there else {}


def _shorter_steps(tables: "_Tables") -> dict[int, bytes]:
    """If a step is longer than the whole track of several steps: their mean."""
    steps, length = _steps(tables), _length(tables)
    count = sum(count for count, _ in steps)
    if length is None or count < 2:
        return {}
    at, average = tables[b"stts"][0] + 8, max(1, length // count)
    wrong = (place for place, (_, step) in enumerate(steps) if step > length)
    return {at + 8 * place + 4: struct.pack(">I", average) for place in wrong}


def _length(tables: "_Tables") -> int | None:
    """The length of the track, in its units of time; None if unknown."""
    head = tables.get(b"mdhd", (0, b""))[1]
    wide = head[:1] == b"\1"
    length = int.from_bytes(head[24:32] if wide else head[16:20], "big")
    return length if 0 < length < (1 << (64 if wide else 32)) - 1 else None


def _steps(tables: "_Tables") -> list[tuple[int, int]]:
    """The numbers of frames and their durations, in units."""
    return [(count, step) for count, step in struct.iter_unpack(">II", _rows(tables[b"stts"][1]))]


# By name: the position of a table's content in the file, and the content.
_Tables: TypeAlias = dict[bytes, tuple[int, bytes]]


def _tracks(file: BinaryIO, start: int, end: int) -> Iterator[_Tables]:
    """The tables of each video track that has them."""
    for name, inner, inner_end in _boxes(file, start, end):
        tables = _tables(file, inner, min(inner_end, end)) if name == b"trak" else {}
        kind = tables.get(b"hdlr", (0, b""))[1][8:12]
        if kind == b"vide" and {b"stsz", b"stts"} <= tables.keys() and len(tables[b"stsz"][1]) >= 12:
            yield tables


def _tables(file: BinaryIO, start: int, end: int) -> _Tables:
    found: _Tables = {}
    for name, inner, inner_end in _boxes(file, start, end):
        if name in _HOLDERS:
            found |= _tables(file, inner, min(inner_end, end))
        elif name in (b"stsz", b"stts", b"hdlr", b"mdhd"):
            file.seek(inner)
            found[name] = inner, file.read(min(inner_end - inner, _LARGEST_TABLE))
    return found


def _contradiction(file: BinaryIO, start: int, end: int) -> Finding | None:
    for tables in _tracks(file, start, end):
        sizes = int.from_bytes(tables[b"stsz"][1][8:12], "big")
        times = sum(count for count, _ in _steps(tables))
        if sizes != times:
            return Finding(f"its index has the sizes of {counted(sizes, 'frame')} and the times of {times}")
    return None


def _rows(table: bytes) -> bytes:
    """The complete rows of a table of pairs."""
    count = min(int.from_bytes(table[4:8], "big"), (len(table) - 8) // 8)
    return table[8 : 8 + 8 * max(count, 0)]


def _fragment_number(file: BinaryIO, start: int, end: int) -> int | None:
    for name, inner, _ in _boxes(file, start, end):
        if name == b"mfhd":
            file.seek(inner + 4)
            return int.from_bytes(file.read(4), "big")
    return None
