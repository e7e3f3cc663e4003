"""Picture files, by paths that OpenCV's own functions refuse on Windows (not only ASCII).

OpenCV reads what it knows, for libjpeg's word on damage; Pillow the rest: HEIC, AVIF, TGA, odd TIFFs.
"""

import contextlib
import importlib
import re
import threading
import warnings
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np
import numpy.typing as npt
import PIL.Image

from emotion.models.atomic_files import write_atomically
from emotion.models.data.flat import flat
from emotion.models.errors import EmotionError
from emotion.models.native.log import listening
from emotion.models.regions import Image

SUFFIXES = frozenset(
    {".avif", ".bmp", ".dib", ".heic", ".heif", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm"}
    | {".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp"}
)
"""How the names of photographs end, in lower case; an animated GIF is a video."""
MOST_PIXELS = 1 << 28
"""The most that a photograph may have: 16384 x 16384, which takes 768 MiB; telephones' have 200 million."""
_MOST_BYTES = 1 << 30
# The headers that tell a size before anything is decoded, of the formats that are read.
_HEADERS = ("BMP", "JPEG", "PNG", "TIFF", "WEBP")
# How lines begin in which libjpeg says that pixels are lost; what stands before the end mark is no loss.
_DAMAGE = re.compile(rb"(Corrupt JPEG data|Premature end of JPEG)(?!.*before marker 0xd9)")
# All that decoders say beside it is told by what they return.
_SAID = re.compile(
    rb"\[ ?(ERROR|WARN|INFO|DEBUG)|libpng |Corrupt JPEG data|Premature end of JPEG|Warning: |Invalid SOS|"
    rb"Inconsistent progression|Unknown Adobe|Application transferred"
)
# Whose warnings are shown is the process's.
_warnings = threading.Lock()
# How files of photographs begin, whatever they are called.
_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\0", b"MM\0*")
_BRANDS = (b"avif", b"heic", b"heix", b"heim", b"mif1", b"msf1")
_HEIC = (b"heic", b"heix", b"heim")
_UNREADABLE = "unreadable"
_NO_HEIC = "unreadable: HEIC needs the package pillow-heif (pip install pillow-heif)"


class PictureError(EmotionError, ValueError):
    """A picture file that cannot be used; the text is the reason, as in ``rejected.csv``."""

    exit_code = 3


def is_photograph(start: bytes) -> bool:
    """Whether a file that begins with these bytes, 16 at least, is a photograph."""
    if start[:4] == b"RIFF":
        return start[8:12] == b"WEBP"
    return start.startswith(_STARTS) or (start[4:8] == b"ftyp" and start[8:12] in _BRANDS)


def read_photograph(path: Path) -> Image:
    """A photograph as uint8 (h, w, 3) BGR, upright, in whatever format OpenCV or Pillow reads.

    Raises:
        PictureError: the file cannot be read, is no picture, is damaged, or has more than `MOST_PIXELS`.
    """
    try:
        with open(path, "rb") as file:
            return decode_photograph(file)
    except OSError as error:
        raise PictureError(f"unreadable: {error.strerror or error}") from error


def decode_photograph(file: IO[bytes]) -> Image:
    """The same of an open file that can be sought in.

    Raises:
        OSError: it cannot be read.
        PictureError: as `read_photograph`.
    """
    start = file.read(32)
    file.seek(0)
    # OpenCV reads AVIF, but does not turn it, and shows what is hidden where a picture is transparent.
    if start[4:8] != b"ftyp":
        try:
            if not _is_transparent(file):
                return _by_opencv(file)
        except PictureError as error:
            if str(error) != _UNREADABLE:
                raise
        file.seek(0)
    return _by_pillow(file.read(_MOST_BYTES))


def bgr_of(picture: PIL.Image.Image) -> Image:
    """What Pillow holds, upright, as uint8 (h, w, 3) BGR; what is transparent lies on white."""
    with warnings.catch_warnings(action="ignore"):
        upright = flat(picture)
    return np.asarray(cv2.cvtColor(np.asarray(upright), cv2.COLOR_RGB2BGR), np.uint8)


def _by_opencv(file: IO[bytes]) -> Image:
    file.seek(0)
    data = np.frombuffer(file.read(_MOST_BYTES + 1), dtype=np.uint8)
    if len(data) > _MOST_BYTES:
        raise PictureError(f"too large: more than {_MOST_BYTES >> 20} MiB")
    image, said = _decoded(data, alone=False)
    if said:  # perhaps of another picture, which another thread decodes
        image, said = _decoded(data, alone=True)
    for line in said:
        raise PictureError(f"damaged: {line.decode(errors='replace').strip()}")
    if image is None:
        raise PictureError(_UNREADABLE)
    return np.asarray(image, dtype=np.uint8)


def _decoded(data: npt.NDArray[np.uint8], alone: bool) -> tuple[Any, list[bytes]]:
    """What OpenCV makes of a file, and what libjpeg says of damage meanwhile."""
    try:
        with listening(_SAID, alone) as said:
            image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
        return image, [line for line in said if _DAMAGE.match(line)]
    except (cv2.error, MemoryError) as error:
        raise PictureError(_UNREADABLE) from error


def _by_pillow(data: bytes) -> Image:
    with contextlib.suppress(ImportError):
        importlib.import_module("pillow_heif").register_heif_opener()
    try:
        with warnings.catch_warnings(action="ignore"), PIL.Image.open(BytesIO(data)) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise PictureError(f"too large: {picture.width}x{picture.height} pixels")
            return bgr_of(picture)
    except (OSError, ValueError, SyntaxError, MemoryError, PIL.Image.DecompressionBombError) as error:
        if isinstance(error, PictureError):
            raise
        if data[4:8] == b"ftyp" and data[8:12] in _HEIC:
            raise PictureError(_NO_HEIC) from error
        raise PictureError(_UNREADABLE) from error


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
    write_atomically(path, cv2.imencode(".png", image)[1].tobytes())


def _is_transparent(file: IO[bytes]) -> bool:
    """Whether a picture's header says so; one of too many pixels is refused, without one it is the decoder's.

    Raises:
        PictureError: it claims more than `MOST_PIXELS`.
    """
    # Pillow warns of what is odd in a header.
    with _warnings, warnings.catch_warnings(action="ignore"):
        pictures = list(_headers(file))
    for picture in pictures:
        if picture.width * picture.height > MOST_PIXELS:
            raise PictureError(f"too large: {picture.width}x{picture.height} pixels")
    return any(picture.has_transparency_data for picture in pictures)


def _headers(file: IO[bytes]) -> Iterator[PIL.Image.Image]:
    """What Pillow makes of a file's beginning, of one format at most; nothing is decoded."""
    PIL.Image.init()
    file.seek(0)
    start = file.read(16)
    for name in _HEADERS:
        make, fits = PIL.Image.OPEN[name]
        if fits and fits(start) is not True:
            continue
        file.seek(0)
        # Not Image.open, which has a limit of its own for the whole process.
        with contextlib.suppress(Exception):
            yield make(file, "")
