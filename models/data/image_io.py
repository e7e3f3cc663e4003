"""Picture files, by paths that OpenCV's own functions refuse on Windows (not only ASCII)."""

import warnings
from pathlib import Path
from typing import IO

import cv2
import numpy as np
import PIL.Image

from emotion.models.errors import EmotionError
from emotion.models.native.log import listening
from emotion.models.regions import Image
from emotion.models.whole_files import write_whole

MOST_PIXELS = 1 << 28
"""The most that a photograph may have: 16384 x 16384, which takes 768 MiB; telephones' have 200 million."""
_MOST_BYTES = 1 << 30
# The headers that tell a size before anything is decoded, of the formats that are read.
_HEADERS = ("BMP", "JPEG", "PNG", "TIFF", "WEBP")
# How lines begin in which libjpeg says that pixels are lost; what stands before the end mark is no loss.
_DAMAGE = (b"Corrupt JPEG data", b"Premature end of JPEG")
_HARMLESS = b"before marker 0xd9"


class PictureError(EmotionError, ValueError):
    """A picture file that cannot be used; the text is the reason, as in ``rejected.csv``."""

    exit_code = 3


def read_photograph(path: Path) -> Image:
    """A photograph as uint8 (h, w, 3) BGR, upright.

    Raises:
        PictureError: the file cannot be read, is no picture, is damaged, or has more than `MOST_PIXELS`.
    """
    try:
        with open(path, "rb") as file:
            return decode_photograph(file)
    except OSError as error:
        raise PictureError(f"unreadable: {error.strerror or error}") from error


def decode_photograph(file: IO[bytes]) -> Image:
    """The same of an open file, or of bytes as one.

    Raises:
        OSError: it cannot be read.
        PictureError: as `read_photograph`.
    """
    # Pillow warns of what is odd in a header. Whose warnings are shown is the process's, so this is one at
    # a time too.
    with listening(), warnings.catch_warnings(action="ignore"):
        _check_size(file)
    file.seek(0)
    data = np.frombuffer(file.read(_MOST_BYTES + 1), dtype=np.uint8)
    if len(data) > _MOST_BYTES:
        raise PictureError(f"too large: more than {_MOST_BYTES >> 20} MiB")
    try:
        with listening() as said:
            image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except (cv2.error, MemoryError) as error:
        raise PictureError("unreadable") from error
    for line in said:
        if line.startswith(_DAMAGE) and _HARMLESS not in line:
            raise PictureError(f"damaged: {line.decode(errors='replace').strip()}")
    if image is None:
        raise PictureError("unreadable")
    return np.asarray(image, dtype=np.uint8)


def read_gray(path: Path) -> Image | None:
    """A picture as uint8 (h, w), or None where the file is missing or not one."""
    try:
        data = np.fromfile(path, dtype=np.uint8)
    except FileNotFoundError:
        return None
    image = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE) if data.size else None
    return None if image is None else np.asarray(image, dtype=np.uint8)


def write_png(path: Path, image: Image) -> None:
    """Write uint8 (h, w) or (h, w, 3) BGR without loss; makes the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, cv2.imencode(".png", image)[1].tobytes())


def _check_size(file: IO[bytes]) -> None:
    """Refuse a picture whose header claims too many pixels; one without such a header is the decoder's."""
    PIL.Image.init()
    start = file.read(16)
    for name in _HEADERS:
        make, fits = PIL.Image.OPEN[name]
        if fits and fits(start) is not True:
            continue
        file.seek(0)
        try:
            # Not Image.open, which has a limit of its own for the whole process.
            width, height = make(file, "").size
        except Exception:
            continue
        if width * height > MOST_PIXELS:
            raise PictureError(f"too large: {width}x{height} pixels")
