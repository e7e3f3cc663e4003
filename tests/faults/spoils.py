"""Ways to damage a file, each by a random generator alone, so that a number says what was done."""

import struct
from collections.abc import Callable
from random import Random

_HEADER = 2048


def _flip(random: Random, data: bytes, begin: int, end: int, count: int) -> bytes:
    made = bytearray(data)
    for _ in range(count):
        made[random.randrange(begin, end)] ^= 1 << random.randrange(8)
    return bytes(made)


def bits(random: Random, data: bytes) -> bytes:
    """A few bits flipped anywhere."""
    return _flip(random, data, 0, len(data), random.choice([1, 3, 10, 50]))


def header(random: Random, data: bytes) -> bytes:
    """A few bits of the beginning, where containers describe themselves."""
    return _flip(random, data, 0, min(_HEADER, len(data)), random.choice([1, 2, 5]))


def footer(random: Random, data: bytes) -> bytes:
    """A few bits of the end, where indexes are."""
    return _flip(random, data, max(0, len(data) - _HEADER), len(data), random.choice([1, 2, 5]))


def number(random: Random, data: bytes) -> bytes:
    """One number overwritten by an extreme one, mostly in the header: lengths, times, counts, sizes."""
    size = random.choice([2, 4, 8])
    end = min(_HEADER, len(data)) if random.random() < 0.7 else len(data)
    at = random.randrange(max(1, end - size))
    value = random.choice([0, 1, 1 << (8 * size - 1), (1 << (8 * size - 1)) - 1, (1 << 8 * size) - 1])
    return data[:at] + value.to_bytes(size, random.choice(["big", "little"])) + data[at + size :]


def cut(random: Random, data: bytes) -> bytes:
    """The end missing."""
    return data[: random.randrange(1, len(data))]


def beginning(random: Random, data: bytes) -> bytes:
    """The beginning missing."""
    return data[random.randrange(1, len(data) // 2) :]


def hole(random: Random, data: bytes) -> bytes:
    """Bytes missing in the middle."""
    first, length = _part(random, data)
    return data[:first] + data[first + length :]


def zeros(random: Random, data: bytes) -> bytes:
    """Bytes set to zero in the middle, as lost blocks of a disk are."""
    first, length = _part(random, data)
    return data[:first] + bytes(length) + data[first + length :]


def noise(random: Random, data: bytes) -> bytes:
    """Bytes overwritten at random in the middle."""
    first, length = _part(random, data)
    return data[:first] + random.randbytes(length) + data[first + length :]


def inserted(random: Random, data: bytes) -> bytes:
    """Foreign bytes put in between."""
    at = random.randrange(len(data))
    return data[:at] + random.randbytes(random.choice([1, 7, 188, 5000])) + data[at:]


def swapped(random: Random, data: bytes) -> bytes:
    """Two pieces in each other's place, as packets that came in another order."""
    size = random.choice([188, 512, 1316, 4096])
    if len(data) < 4 * size:
        size = len(data) // 4
    one = random.randrange(len(data) - 2 * size)
    other = random.randrange(one + size, len(data) - size + 1)
    return (
        data[:one]
        + data[other : other + size]
        + data[one + size : other]
        + data[one : one + size]
        + data[other + size :]
    )


def doubled(random: Random, data: bytes) -> bytes:
    """A piece that is there twice."""
    first, length = _part(random, data)
    return data[: first + length] + data[first:]


def times(random: Random, data: bytes) -> bytes:
    """Numbers that look like times or lengths replaced by their neighbours' values."""
    made = bytearray(data)
    for _ in range(random.choice([1, 4])):
        at = random.randrange(0, len(data) - 4)
        (value,) = struct.unpack_from(">I", made, at)
        struct.pack_into(">I", made, at, (value + random.choice([-1, 1, 1000, 1 << 24])) % (1 << 32))
    return bytes(made)


def joined(random: Random, data: bytes) -> bytes:
    """The file behind itself, whole or in part."""
    return data + data[: random.choice([len(data), len(data) // 2, 100])]


def nothing(random: Random, data: bytes) -> bytes:
    """Whole: it must get no word."""
    return data


def _part(random: Random, data: bytes) -> tuple[int, int]:
    length = max(1, int(len(data) * random.choice([0.001, 0.01, 0.1, 0.3])))
    return random.randrange(0, len(data) - length), length


SPOILS: dict[str, Callable[[Random, bytes], bytes]] = {
    spoil.__name__: spoil
    for spoil in (
        bits,
        header,
        footer,
        number,
        cut,
        beginning,
        hole,
        zeros,
        noise,
        inserted,
        swapped,
        doubled,
        times,
        joined,
        nothing,
    )
}
