"""ASF (wmv, asf): the header's file properties have the lengths of the file and of its packets."""

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from emotion.realtime.sources.containers.finding import Finding, Mend

_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_LONGEST_HEADER = 1 << 20
_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
_BROADCAST = 1
_LARGEST = 1 << 30
# Length of a number in bytes, by its two-bit code.
_BYTES = (0, 1, 2, 4)
_WORD = 2


class _Packets(NamedTuple):
    """The positions of a file's packets, all of one length."""

    first: int
    length: int
    number: int


class _Content(NamedTuple):
    """A packet's parts.

    Attributes:
        begin: of its layout; head: of its times; parts: of its parts.
        ends: of each valid part; is_whole: whether all are valid.
    """

    begin: int
    head: int
    parts: int
    ends: list[int]
    is_whole: bool


def check(file: BinaryIO, size: int) -> Finding | None:
    """Compare the declared size with the real one, and check the layout of each packet.

    Recordings of a broadcast have no declared size.
    """
    header = file.read(_LONGEST_HEADER)
    at = header.find(_FILE_PROPERTIES)
    if not header.startswith(_HEADER) or at < 0 or len(header) < at + 100:
        return None
    announced = struct.unpack_from("<Q", header, at + 40)[0]
    flags = struct.unpack_from("<I", header, at + 88)[0]
    if not flags & _BROADCAST and announced > size:
        return Finding(f"its header announces {announced:,} bytes and {size:,} are there", is_cut=True)
    if not flags & _BROADCAST and announced < size:
        return Finding(f"its header announces {announced:,} bytes and {size:,} are there")
    packets = _packets(header)
    return _first_wrong(file, size, header, packets) if packets else None


def _first_wrong(file: BinaryIO, size: int, header: bytes, packets: _Packets) -> Finding | None:
    """The first packet with another header than the first, or with an invalid layout."""
    first = header[packets.first : packets.first + 1]
    for position, packet in _each(file, packets):
        if packet[:1] != first:
            return Finding("its packets do not follow one another", position)
        if size <= _LARGEST and not _content(packet).is_whole:
            return Finding("a packet is not as it was written", position)
    return None


def mend(file: BinaryIO, size: int) -> Mend | None:
    """Truncate damaged packets before their damage, else libav loses the following ones; None: no damage."""
    header = file.read(_LONGEST_HEADER)
    packets = _packets(header) if header.startswith(_HEADER) and size <= _LARGEST else None
    if packets is None:
        return None
    damaged: dict[int, bytes] = {}
    first = header[packets.first : packets.first + 1]
    for position, packet in _each(file, packets):
        if packet[:1] != first:
            # Bytes are missing or inserted: the following packets are shifted, and libav finds them by
            # itself.
            before = position - packets.length
            while damaged.pop(before, None) is not None:
                before -= packets.length
            break
        content = _content(packet)
        if not content.is_whole and len(packet) == packets.length:
            damaged[position] = _shortened(packet, content)
    if not damaged:
        return None
    pieces: list[range | bytes] = []
    begin = 0
    for position, shortened in damaged.items():
        pieces += [range(begin, position), shortened]
        begin = position + packets.length
    finding = Finding("a packet is not as it was written", next(iter(damaged)))
    return Mend((*pieces, range(begin, size)), finding=finding)


def _packets(header: bytes) -> _Packets | None:
    """The positions of packets; None if they have different lengths."""
    at = header.find(_FILE_PROPERTIES)
    data = int.from_bytes(header[16:24], "little")
    if at < 0 or len(header) < at + 100 or header[data : data + 16] != _DATA:
        return None
    smallest, largest = struct.unpack_from("<II", header, at + 92)
    if smallest != largest or smallest < 8:
        return None
    return _Packets(data + 50, smallest, int.from_bytes(header[data + 40 : data + 48], "little"))


def _each(file: BinaryIO, packets: _Packets) -> Iterator[tuple[int, bytes]]:
    """Each packet and its position."""
    file.seek(packets.first)
    for number in range(packets.number):
        packet = file.read(packets.length)
        if not packet:
            return
        yield packets.first + number * packets.length, packet


def _content(packet: bytes) -> _Content:
    """The parts of a packet, as far as they are valid."""
    begin = 1 + (packet[0] & 0x0F) if packet[0] & 0x80 else 0
    ends: list[int] = []
    head = parts = begin
    try:
        layout, kinds = packet[begin], packet[begin + 1]
        at = begin + 2 + _BYTES[layout >> 5 & 3] + _BYTES[layout >> 1 & 3]
        padding, head = _number(packet, at, layout >> 3 & 3)
        at = parts = head + 6
        end = len(packet) - padding
        if not layout & 1:
            at, size, offset = _part_head(packet, at, kinds)
            ends.append(end)
            return _Content(
                begin, head, parts, ends, at <= end and (size is None or offset + end - at <= size)
            )
        count, kind = packet[at] & 0x3F, packet[at] >> 6
        at = parts = at + 1
        for _ in range(count):
            at, size, offset = _part_head(packet, at, kinds)
            length, at = _number(packet, at, kind)
            at += length
            if at > end or (size is not None and offset + length > size):
                break
            ends.append(at)
    except IndexError:
        return _Content(begin, head, parts, ends, False)
    return _Content(begin, head, parts, ends, len(ends) == count)


def _part_head(packet: bytes, at: int, kinds: int) -> tuple[int, int | None, int]:
    """The end of a part's header, the length of the whole picture, and the part's position in it.

    Raises IndexError if it is invalid.
    """
    _, at = _number(packet, at + 1, kinds >> 4 & 3)
    offset, at = _number(packet, at, kinds >> 2 & 3)
    length, at = _number(packet, at, kinds & 3)
    if 1 < length < 8 or at + length > len(packet):
        raise IndexError
    size = int.from_bytes(packet[at : at + 4], "little") if length >= 8 else None
    return at + length, size, offset


def _number(packet: bytes, at: int, kind: int) -> tuple[int, int]:
    """A number with the length of a two-bit code, and the position after it."""
    end = at + _BYTES[kind]
    if end > len(packet):
        raise IndexError
    return int.from_bytes(packet[at:end], "little"), end


def _shortened(packet: bytes, content: _Content) -> bytes:
    """The packet with only the parts before the damage; nothing if there are none."""
    if not content.ends or not packet[content.begin] & 1:
        return b""
    kind = packet[content.parts - 1] & 0xC0
    head = packet[: content.begin] + bytes([1 | _WORD << 3, packet[content.begin + 1]])
    times = packet[content.head : content.head + 6]
    parts = bytes([kind | len(content.ends)]) + packet[content.parts : content.ends[-1]]
    padding = len(packet) - len(head) - 2 - len(times) - len(parts)
    if padding < 0:
        return b""
    return head + struct.pack("<H", padding) + times + parts + bytes(padding)
