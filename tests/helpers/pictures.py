"""Picture files that are not what they seem."""

import io
import struct
import zlib

import numpy as np
from PIL import Image


def png_that_claims(width: int, height: int) -> bytes:
    """A few bytes of PNG whose header has this size; its data end after eight rows."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(16))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def moving_pictures(kind: str, count: int) -> bytes:
    """A GIF, PNG or WebP of so many pictures, 40x30, each of another colour."""
    first, *more = [Image.new("RGB", (40, 30), (60 * number, 90, 200)) for number in range(count)]
    file = io.BytesIO()
    first.save(file, kind, **({"save_all": True, "append_images": more, "duration": 40} if more else {}))
    return file.getvalue()


def smooth_jpeg(side: int = 250) -> bytes:
    """A whole JPEG of smooth noise."""
    coarse = np.random.default_rng(0).integers(0, 256, (25, 25, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(coarse).resize((side, side)).save(file, "JPEG")
    return file.getvalue()


def damaged_jpeg() -> bytes:
    """The same with 42 bytes changed in the middle: the lower half has lost its colours."""
    data = bytearray(smooth_jpeg())
    middle = len(data) // 2
    data[middle : middle + 42] = b"\xff\xd3" * 21
    return bytes(data)
