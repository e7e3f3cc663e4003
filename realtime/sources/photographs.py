"""Photographs: which files are such, how one is read, and many of them as frames, read ahead."""

import contextlib
import importlib
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import IO

import cv2
import numpy as np
import PIL.Image
import PIL.ImageOps

from emotion.models.data.image_io import MOST_PIXELS, PictureError, decode_photograph
from emotion.models.errors import EmotionError
from emotion.models.regions import Image
from emotion.realtime.errors import SourceError
from emotion.realtime.messages import VideoFrame

SUFFIXES = frozenset(
    {".avif", ".bmp", ".dib", ".heic", ".heif", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm"}
    | {".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp"}
)
"""How the names of photographs end, in lower case; an animated GIF is a video."""
# How files of photographs begin, whatever they are called.
_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\0", b"MM\0*")
_BRANDS = (b"avif", b"heic", b"heix", b"heim", b"mif1", b"msf1")
_HEIC = (b"heic", b"heix", b"heim")
_NO_HEIC = "unreadable: HEIC needs a package more (pip install 'emotion-live[heic]')"
# As many wait, decoded, before they are asked for.
_AHEAD = 4


def is_photograph(start: bytes) -> bool:
    """Whether a file that begins with these bytes, 16 at least, is a photograph."""
    if start[:4] == b"RIFF":
        return start[8:12] == b"WEBP"
    return start.startswith(_STARTS) or (start[4:8] == b"ftyp" and start[8:12] in _BRANDS)


def read_picture(path: Path) -> Image:
    """A photograph, uint8 (h, w, 3) BGR, upright, in whatever format OpenCV or Pillow reads.

    Raises:
        SourceError: it cannot be read, is no picture, is damaged or too large; the text names it.
    """
    try:
        with open(path, "rb") as file:
            return decode_picture(file)
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror or error}): check the path.") from error
    except PictureError as error:
        raise SourceError(f"{path} is left out: {error}.") from error


def decode_picture(file: IO[bytes]) -> Image:
    """The same of an open file that can be sought in.

    Raises:
        OSError: it cannot be read.
        PictureError: it is no picture, is damaged or too large.
    """
    start = file.read(32)
    file.seek(0)
    # OpenCV reads AVIF, but does not turn it.
    if start[4:8] != b"ftyp":
        try:
            return decode_photograph(file)
        except PictureError as error:
            if str(error) != "unreadable":
                raise
        file.seek(0)
    return _by_pillow(file.read())


def bgr_of(picture: PIL.Image.Image) -> Image:
    """What Pillow holds, upright, as uint8 (h, w, 3) BGR; what is transparent lies on white."""
    with warnings.catch_warnings(action="ignore"):
        upright = PIL.ImageOps.exif_transpose(picture)
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        layer = upright.convert("RGBA")
        upright = PIL.Image.alpha_composite(PIL.Image.new("RGBA", layer.size, "white"), layer)
    elif upright.mode.startswith(("I;16", "I", "F")):
        values = np.asarray(upright, np.float32)
        top = max(float(values.max(initial=0.0)), 255.0)
        upright = PIL.Image.fromarray((values * (255 / top)).astype(np.uint8))
    return np.asarray(cv2.cvtColor(np.asarray(upright.convert("RGB")), cv2.COLOR_RGB2BGR), np.uint8)


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
        raise PictureError("unreadable: it is no picture, or damaged") from error


class Photographs:
    """Photographs as frames, each with its place among them as its index; read ahead in threads.

    Args:
        readers: each gives a photograph, or raises an `EmotionError` or OSError: then it is left out.
        failed: is told of each one that is left out, with its place; in the thread that iterates.
        threads: that read.
    """

    def __init__(
        self,
        readers: Sequence[Callable[[], Image]],
        failed: Callable[[int, Exception], None],
        threads: int = 2,
    ) -> None:
        self._readers = readers
        self._failed = failed
        self._threads = threads
        self._closed = False

    def __iter__(self) -> Iterator[VideoFrame]:
        waiting: deque[Future[Image]] = deque()
        with ThreadPoolExecutor(self._threads, "photographs") as pool:
            try:
                readers = iter(self._readers)
                for index in range(len(self._readers)):
                    while len(waiting) < _AHEAD and (reader := next(readers, None)):
                        waiting.append(pool.submit(reader))
                    frame = None if self._closed else self._frame(index, waiting.popleft())
                    if self._closed:
                        break
                    if frame is not None:
                        yield frame
                        del frame
            finally:
                for future in waiting:
                    future.cancel()

    def close(self) -> None:
        """End an iteration after its photograph. From any thread; may be called again."""
        self._closed = True

    def _frame(self, index: int, future: Future[Image]) -> VideoFrame | None:
        try:
            image = future.result()
        except (EmotionError, OSError) as error:
            self._failed(index, error)
            return None
        return photograph_frame(index, image)


def photograph_frame(index: int, image: Image) -> VideoFrame:
    """A photograph as a frame: its place is its time, too."""
    return VideoFrame(index, index, Fraction(1), time.monotonic(), image)
