"""Bare H.264: units between start codes; frames are numbered."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from emotion.realtime.sources.containers.finding import Finding

_START = re.compile(rb"\x00\x00\x01")
_SLICE, _REFRESH, _PARAMETERS = 1, 5, 7
_LARGEST = 1 << 30
# A slice's head and a sequence's parameters are far shorter.
_HEAD = 64
# Profiles whose parameters tell of colours, too.
_WITH_COLOURS = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}


class _Bits:
    """Numbers of any length, as the format writes them. Raises IndexError at the end."""

    def __init__(self, data: bytes) -> None:
        # Where a start code would arise a 3 is put in between.
        clean = data.replace(b"\0\0\3", b"\0\0")
        self._bits = "".join(f"{byte:08b}" for byte in clean)
        self._at = 0

    def fixed(self, count: int) -> int:
        """Of so many bits."""
        if self._at + count > len(self._bits):
            raise IndexError
        value = self._bits[self._at : self._at + count]
        self._at += count
        return int(value or "0", 2)

    def short(self) -> int:
        """Of as many bits as its size needs (Exp-Golomb)."""
        zeros = 0
        while not self.fixed(1):
            zeros += 1
        return (1 << zeros) - 1 + self.fixed(zeros)


@dataclass(frozen=True, slots=True)
class _Sequence:
    number_bits: int
    gaps_allowed: bool
    planes: bool


def check(file: BinaryIO, size: int) -> Finding | None:
    """Whether the numbers of the frames follow one another. Where they may have gaps they tell nothing."""
    if size > _LARGEST:
        return None
    data = file.read()
    sequence: _Sequence | None = None
    expected: set[int] = set()
    for position, kind, is_reference, head in _units(data):
        try:
            if kind == _PARAMETERS:
                sequence = _parameters(_Bits(head))
            elif kind in (_SLICE, _REFRESH) and sequence and not sequence.gaps_allowed:
                number = _number(_Bits(head), sequence)
                if kind != _REFRESH and expected and number not in expected:
                    return Finding("the numbers of its frames do not follow one another", position)
                after = (number + 1) % (1 << sequence.number_bits)
                # Another slice or field of the same frame, or the next one.
                expected = {number, after} if is_reference else {number}
        except IndexError:
            return Finding("a part of it is not whole", position)
    return None


def _units(data: bytes) -> Iterator[tuple[int, int, bool, bytes]]:
    """Of each unit: where it lies, its kind, whether others refer to it, and its first bytes after that."""
    for found in _START.finditer(data):
        at = found.end()
        if at < len(data):
            yield at, data[at] & 31, bool(data[at] & 0x60), data[at + 1 : at + _HEAD]


def _parameters(bits: _Bits) -> _Sequence | None:
    profile = bits.fixed(8)
    bits.fixed(16)
    bits.short()
    planes = False
    if profile in _WITH_COLOURS:
        if bits.short() == 3:
            planes = bool(bits.fixed(1))
        bits.short()
        bits.short()
        bits.fixed(1)
        if bits.fixed(1):  # scaling lists, which nobody sends
            return None
    number_bits = bits.short() + 4
    order = bits.short()
    if order == 0:
        bits.short()
    elif order == 1:
        return None
    bits.short()
    return _Sequence(number_bits, bool(bits.fixed(1)), planes) if number_bits <= 16 else None


def _number(bits: _Bits, sequence: _Sequence) -> int:
    for _ in range(3):  # its first block, its kind, its parameters
        bits.short()
    if sequence.planes:
        bits.fixed(2)
    return bits.fixed(sequence.number_bits)
