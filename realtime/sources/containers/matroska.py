"""Matroska and WebM: elements with their lengths; clusters contain blocks."""

from typing import BinaryIO

from emotion.realtime.sources.containers.finding import Finding

_SEGMENT, _CLUSTER, _EBML = 0x18538067, 0x1F43B675, 0x1A45DFA3
# The valid elements of a segment and of a cluster; both may have padding (Void) and a checksum.
_IN_SEGMENT = {
    _CLUSTER, 0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367, 0xEC, 0xBF,
}  # fmt: skip
_IN_CLUSTER = {0xE7, 0xA3, 0xA0, 0xA7, 0xAB, 0x5854, 0xAF, 0xEC, 0xBF}


def check(file: BinaryIO, size: int) -> Finding | None:
    """Walk through all elements of the segment and its clusters, up to one of unknown length."""
    position = 0
    while position < size:
        name, length, start = _element(file, position)
        if length is None:
            return None
        if name == _SEGMENT:
            finding = _walk(file, start, min(start + length, size), _IN_SEGMENT)
            if finding:
                return finding
            if start + length > size:
                return Finding("its header announces more than is there", size, is_cut=True)
        elif name != _EBML:
            return None
        position = start + length
    return None


def _walk(file: BinaryIO, position: int, end: int, known: set[int]) -> Finding | None:
    while position < end:
        name, length, start = _element(file, position)
        if name not in known:
            return Finding("its elements do not follow one another", position)
        if length is None:
            return None
        if name == _CLUSTER:
            finding = _walk(file, start, min(start + length, end), _IN_CLUSTER)
            if finding:
                return finding
        position = start + length
    return None


def _element(file: BinaryIO, position: int) -> tuple[int, int | None, int]:
    """Its id, its length (None if unknown or unreadable), and the position of its content."""
    file.seek(position)
    head = file.read(12)
    name_size = _size_of(head[:1])
    length_size = _size_of(head[name_size : name_size + 1])
    start = name_size + length_size
    if not name_size or name_size > 4 or not length_size or len(head) < start:
        return 0, None, position
    name = int.from_bytes(head[:name_size], "big")
    unknown = (1 << 7 * length_size) - 1
    length = int.from_bytes(head[name_size:start], "big") & unknown
    return name, None if length == unknown else length, position + start


def _size_of(first: bytes) -> int:
    """The length in bytes of a variable-length number, by its first byte; 0 if it is invalid."""
    return 9 - first[0].bit_length() if first and first[0] else 0
