"""Raw H.264: units between start codes; frames have numbers, and a picture order count."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from emotion.realtime.sources.containers.finding import Finding

_START = re.compile(rb"\x00\x00\x01")
_SLICE, _REFRESH, _PARAMETERS = 1, 5, 7
_LARGEST = 1 << 30
# Longer than any slice header or parameter set.
_HEAD = 64
# Profiles whose parameter sets contain chroma formats.
_WITH_COLOURS = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
# The picture order count shows lost frames if so many of so many steps are equal.
_ENOUGH, _ALIKE = 8, 0.7
# Frames that are missing among the last few may be after the end.
_LAST_FEW = 5


class _Bits:
    """A reader of bits. Raises IndexError at the end."""

    def __init__(self, data: bytes) -> None:
        # Removes emulation prevention bytes (3).
        clean = data.replace(b"\0\0\3", b"\0\0")
        self._bits = "".join(f"{byte:08b}" for byte in clean)
        self._at = 0

    def fixed(self, count: int) -> int:
        """A number of so many bits."""
        if self._at + count > len(self._bits):
            raise IndexError
        value = self._bits[self._at : self._at + count]
        self._at += count
        return int(value or "0", 2)

    def short(self) -> int:
        """A number of variable length (Exp-Golomb)."""
        zeros = 0
        while not self.fixed(1):
            zeros += 1
        return (1 << zeros) - 1 + self.fixed(zeros)


@dataclass(frozen=True, slots=True)
class _Sequence:
    """The relevant sequence parameters.

    Attributes:
        number_bits: length of a frame's number; place_bits: of its picture order count, 0 if it has none.
        gaps_allowed: numbers may be left out; planes: separate colour planes; frames_only: there are no
            fields.
    """

    number_bits: int
    place_bits: int
    gaps_allowed: bool
    planes: bool
    frames_only: bool


@dataclass(frozen=True, slots=True)
class _Slice:
    begins: bool
    number: int
    place: int | None


@dataclass(slots=True, eq=False)
class _Shown:
    """The picture order counts of the frames since the last refresh, and their positions in the file."""

    places: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)

    def note(self, place: int, bits: int, position: int) -> None:
        """Add the next, of which only the lower bits are stored."""
        whole = 1 << bits
        near = self.places[-1] if self.places else place
        self.places.append(place + round((near - place) / whole) * whole)
        self.positions.append(position)

    def leaps(self) -> list[int]:
        """The steps from each count to the next, in display order."""
        order = sorted(self.places)
        return [after - before for before, after in itertools.pairwise(order)]


def _missing(groups: list[_Shown]) -> Finding | None:
    """The first frame in display order after a missing one.

    Encoders that skip counts intentionally do so often, or by fractions of a step: then they are no evidence.
    """
    counts = Counter(leap for group in groups for leap in group.leaps())
    if counts.total() < _ENOUGH:
        return None
    step, alike = counts.most_common(1)[0]
    if not step or alike < _ALIKE * counts.total() or any(leap % step for leap in counts):
        return None
    for group in groups:
        order = sorted(group.places)
        wide = [after for before, after in itertools.pairwise(order) if after - before > step]
        if wide:
            may_be_cut = group is groups[-1] and wide[0] in order[-_LAST_FEW:]
            position = group.positions[group.places.index(wide[0])]
            return Finding("some of its frames are missing", position, is_cut=may_be_cut)
    return None


def check(file: BinaryIO, size: int) -> Finding | None:
    """Check that frame numbers are consecutive, and that none is missing in display order.

    If gaps are allowed they are no evidence.
    """
    if size > _LARGEST:
        return None
    data = file.read()
    sequence: _Sequence | None = None
    expected: tuple[int, int] | None = None
    groups = [_Shown()]
    for position, kind, is_reference, head in _units(data):
        try:
            if kind == _PARAMETERS:
                sequence = _parameters(_Bits(head))
            elif kind in (_SLICE, _REFRESH) and sequence and not sequence.gaps_allowed:
                part = _slice(_Bits(head), sequence, kind == _REFRESH)
                begins = sequence.frames_only and part.begins
                # Another slice or field of the same frame, or the next one.
                allowed = expected[1:] if begins and expected else expected
                if kind != _REFRESH and allowed and part.number not in allowed:
                    return Finding("the numbers of its frames do not follow one another", position)
                if kind == _REFRESH and begins:
                    groups.append(_Shown())
                if begins and part.place is not None:
                    groups[-1].note(part.place, sequence.place_bits, position)
                after = (part.number + 1) % (1 << sequence.number_bits)
                expected = (part.number, after if is_reference else part.number)
        except IndexError:
            return Finding("a part of it is not whole", position)
    return _missing(groups)


def _units(data: bytes) -> Iterator[tuple[int, int, bool, bytes]]:
    """Each unit's position, type, whether it is a reference, and its first bytes after that."""
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
        if bits.fixed(1):  # scaling lists, which are not used in practice
            return None
    number_bits = bits.short() + 4
    order = bits.short()
    if order == 1:
        return None
    place_bits = bits.short() + 4 if order == 0 else 0
    bits.short()
    gaps_allowed = bool(bits.fixed(1))
    bits.short()
    bits.short()
    frames_only = bool(bits.fixed(1))
    if number_bits > 16 or place_bits > 16:
        return None
    return _Sequence(number_bits, place_bits, gaps_allowed, planes, frames_only)


def _slice(bits: _Bits, sequence: _Sequence, is_refresh: bool) -> _Slice:
    begins = bits.short() == 0
    for _ in range(2):  # its kind, its parameters
        bits.short()
    if sequence.planes:
        bits.fixed(2)
    number = bits.fixed(sequence.number_bits)
    if not sequence.frames_only or not sequence.place_bits:
        return _Slice(begins, number, None)
    if is_refresh:
        bits.short()
    return _Slice(begins, number, bits.fixed(sequence.place_bits))
