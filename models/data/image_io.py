"""Picture files, by paths that OpenCV's own functions refuse on Windows (not only ASCII).

OpenCV reads the formats that it supports, since libjpeg reports damage; Pillow the rest: HEIC, AVIF, TGA, odd
TIFFs.
"""

import contextlib
import importlib
import re
import stat
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
from emotion.models.errors import MEMORY_ADVICE, EmotionError
from emotion.models.native.log import listening
from emotion.models.regions import Image

MAY_MOVE = frozenset({".apng", ".gif", ".png"})
"""Extensions of files that are a photograph or a video, depending on their number of pictures."""
SUFFIXES = MAY_MOVE | frozenset(
    {".avif", ".bmp", ".dib", ".heic", ".heif", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm"}
    | {".pgm", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp"}
)
"""Extensions of photographs, in lower case."""
MOST_PIXELS = 1 << 28
"""The limit for a photograph: 16384 x 16384, which takes 768 MiB; telephones' have 200 million."""
_MOST_BYTES = 1 << 30
# The supported formats whose headers give the size before anything is decoded.
_HEADERS = ("BMP", "JPEG", "PNG", "TIFF", "WEBP")
# Prefixes of libjpeg's messages about lost pixels; bytes before the end mark are no loss.
_DAMAGE = re.compile(rb"(Corrupt JPEG data|Premature end of JPEG)(?!.*before marker 0xd9)")
# Other messages of decoders are ignored, since their return values report the same.
_SAID = re.compile(
    rb"\[ ?(ERROR|WARN|INFO|DEBUG)|libpng |Corrupt JPEG data|Premature end of JPEG|Warning: |Invalid SOS|"
    rb"Inconsistent progression|Unknown Adobe|Application transferred"
)
# Warning filters belong to the whole process.
_warnings = threading.Lock()
# Signatures of photographs.
_PNG, _GIF = b"\x89PNG\r\n\x1a\n", b"GIF8"
_STARTS = (b"\xff\xd8\xff", _PNG, _GIF, b"BM", b"II*\0", b"MM\0*")
_BRANDS = (b"avif", b"heic", b"heix", b"heim", b"mif1", b"msf1")
_HEIC = (b"heic", b"heix", b"heim")
_UNREADABLE = "unreadable"
_NO_MEMORY = f"unreadable: there is too little memory to decode it; {MEMORY_ADVICE}"
_MOVES = "unreadable: it holds several pictures and is a video"
# A PNG declares its animation before the picture; real files have fewer chunks before that.
_MOST_PARTS = 1000
_NO_FILE = "unreadable: it is a pipe or a device; save it to a file first, or give '-' for standard input"
_NO_HEIC = "unreadable: HEIC needs the package pillow-heif (pip install pillow-heif)"


class PictureError(EmotionError, ValueError):
    """A picture file that cannot be used; the text is the reason, as in ``rejected.csv``."""

    exit_code = 3


def is_photograph(file: IO[bytes]) -> bool:
    """Whether an open file is a photograph, by its content; read from its beginning, where it is left.

    Raises:
        OSError: it cannot be read.
    """
    start = file.read(32)
    file.seek(0)
    if start[:4] == b"RIFF":
        return start[8:12] == b"WEBP"
    if start[4:8] == b"ftyp":
        return start[8:12] in _BRANDS
    return start.startswith(_STARTS) and not is_moving(file)


def is_moving(file: IO[bytes]) -> bool:
    """Whether an open file is a GIF or PNG with several pictures, and so a video; as `is_photograph`.

    A truncated file is one, since a video is read as far as possible. Animated WebP and AVIF, which
    FFmpeg does not read, are photographs: their first picture.

    Raises:
        OSError: it cannot be read.
    """
    start = file.read(13)
    try:
        if start.startswith(_PNG):
            file.seek(len(_PNG))
            return _is_moving_png(file)
        return start.startswith(_GIF) and len(start) == 13 and _is_moving_gif(file, start[10])
    finally:
        file.seek(0)


def _is_moving_png(file: IO[bytes]) -> bool:
    for _ in range(_MOST_PARTS):
        head = file.read(8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind == b"acTL":
            return int.from_bytes(file.read(4), "big") > 1
        if kind == b"IDAT" or len(head) < 8:
            break
        file.seek(length + 4, 1)
    return False


def _is_moving_gif(file: IO[bytes], flags: int) -> bool:
    """Skip its blocks, after a header with these flags, up to the second picture."""
    _skip_colours(file, flags)
    pictures = 0
    while pictures < 2 and (kind := file.read(1)) != b"\x3b":
        if kind == b"\x2c":
            pictures += 1
            head = file.read(9)
            _skip_colours(file, head[8] if len(head) == 9 else 0)
        elif kind != b"\x21":
            return True
        file.seek(1, 1)
        while (length := file.read(1)) and length[0]:
            file.seek(length[0], 1)
    return pictures > 1


def _skip_colours(file: IO[bytes], flags: int) -> None:
    if flags & 0x80:
        file.seek(3 << ((flags & 7) + 1), 1)


def open_picture(path: Path) -> IO[bytes]:
    """A picture file, open; a pipe or device, which may never give anything, is refused.

    Raises:
        OSError: it cannot be opened.
        PictureError: it is not a file.
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise PictureError(_NO_FILE)
    return open(path, "rb")


def read_photograph(path: Path) -> Image:
    """A photograph as uint8 (h, w, 3) BGR, upright, in any format of OpenCV or Pillow.

    Raises:
        PictureError: the file cannot be read, is not a picture, is damaged, or has more than `MOST_PIXELS`.
    """
    try:
        with open_picture(path) as file:
            return decode_photograph(file)
    except OSError as error:
        raise PictureError(f"unreadable: {error.strerror or error}") from error


def decode_photograph(file: IO[bytes]) -> Image:
    """The same from an open, seekable file.

    Raises:
        OSError: it cannot be read.
        PictureError: as `read_photograph`.
    """
    if is_moving(file):
        raise PictureError(_MOVES)
    start = file.read(32)
    file.seek(0)
    # OpenCV reads AVIF, but ignores its rotation, and shows the hidden colours of transparent pixels.
    if start[4:8] != b"ftyp" and not start.startswith(_GIF):
        try:
            if not _is_transparent(file):
                return _by_opencv(file)
        except PictureError as error:
            if str(error) != _UNREADABLE:
                raise
        file.seek(0)
    return _by_pillow(file.read(_MOST_BYTES))


def bgr_of(picture: PIL.Image.Image) -> Image:
    """A Pillow image, upright, as uint8 (h, w, 3) BGR, on white if it is transparent."""
    with warnings.catch_warnings(action="ignore"):
        upright = flat(picture)
    return np.asarray(cv2.cvtColor(np.asarray(upright), cv2.COLOR_RGB2BGR), np.uint8)


def _by_opencv(file: IO[bytes]) -> Image:
    file.seek(0)
    data = np.frombuffer(file.read(_MOST_BYTES + 1), dtype=np.uint8)
    if len(data) > _MOST_BYTES:
        raise PictureError(f"too large: more than {_MOST_BYTES >> 20} MiB")
    image, messages = _decoded(data, alone=False)
    if messages:  # perhaps about another picture, which another thread decodes
        image, messages = _decoded(data, alone=True)
    for line in messages:
        raise PictureError(f"damaged: {line.decode(errors='replace').strip()}")
    if image is None:
        raise PictureError(_UNREADABLE)
    return np.asarray(image, dtype=np.uint8)


def _decoded(data: npt.NDArray[np.uint8], alone: bool) -> tuple[Any, list[bytes]]:
    """A file decoded by OpenCV, and libjpeg's messages about damage."""
    try:
        with listening(_SAID, alone) as messages:
            image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
        return image, [line for line in messages if _DAMAGE.match(line)]
    except (cv2.error, MemoryError) as error:
        short = isinstance(error, MemoryError) or error.code == cv2.Error.StsNoMem
        raise PictureError(_NO_MEMORY if short else _UNREADABLE) from error


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
        if isinstance(error, MemoryError):
            raise PictureError(_NO_MEMORY) from error
        if data[4:8] == b"ftyp" and data[8:12] in _HEIC:
            raise PictureError(_NO_HEIC) from error
        raise PictureError(_UNREADABLE) from error


def read_gray(path: Path) -> Image | None:
    """A picture as uint8 (h, w), or None if the file is missing or not a picture."""
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
    """Whether a picture has a header; too many pixels are refused; without a header the decoder decides.

    Raises:
        PictureError: it claims more than `MOST_PIXELS`.
    """
    # Pillow warns about odd headers.
    with _warnings, warnings.catch_warnings(action="ignore"):
        pictures = list(_headers(file))
    for picture in pictures:
        if picture.width * picture.height > MOST_PIXELS:
            raise PictureError(f"too large: {picture.width}x{picture.height} pixels")
    return any(picture.has_transparency_data for picture in pictures)


def _headers(file: IO[bytes]) -> Iterator[PIL.Image.Image]:
    """A file's header read by Pillow, as one format at most; nothing is decoded."""
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
