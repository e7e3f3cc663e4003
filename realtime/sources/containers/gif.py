"""GIF: blocks up to a trailer."""

from typing import BinaryIO

from emotion.realtime.sources.containers.finding import Finding

_IMAGE, _EXTENSION, _TRAILER = 0x2C, 0x21, 0x3B


def check(file: BinaryIO, size: int) -> Finding | None:
    """Walk through all blocks to the trailer."""
    head = file.read(13)
    if len(head) < 13 or not head.startswith(b"GIF"):
        return None
    _skip_colours(file, head[10])
    while (position := file.tell()) < size:
        kind = file.read(1)[0]
        if kind == _TRAILER:
            return None
        if kind == _IMAGE:
            block = file.read(9)
            if len(block) == 9:
                _skip_colours(file, block[8])
            file.read(1)
        elif kind == _EXTENSION:
            file.read(1)
        else:
            return Finding("its blocks do not follow one another", position)
        _skip_data(file)
    return Finding("its end mark is missing", size, is_cut=True)


def _skip_colours(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        file.seek(3 << ((flags & 7) + 1), 1)


def _skip_data(file: BinaryIO) -> None:
    while length := file.read(1):
        if not length[0]:
            return
        file.seek(length[0], 1)
