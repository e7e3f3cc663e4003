"""A Python program's images and videos in this program's form: arrays, PIL images, bytes, open files."""

import inspect
import io
import itertools
import os
import time
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, Protocol, TypeAlias, Union

import cv2
import numpy as np
import numpy.typing as npt
import PIL.Image

from emotion.fetching import Spool, is_fetched
from emotion.models.data.image_io import PictureError, bgr_of, decode_photograph, is_moving, is_photograph
from emotion.models.data.label_folders import VIDEOS
from emotion.models.errors import machine_advice
from emotion.models.names import local
from emotion.models.regions import Image
from emotion.realtime.errors import SourceError, unreadable
from emotion.realtime.media import letterboxed
from emotion.realtime.messages import VideoFrame
from emotion.realtime.sources.live import shown_url
from emotion.realtime.sources.photographs import read_picture, what_is_wrong

PictureLike: TypeAlias = Union[
    npt.NDArray[np.generic], PIL.Image.Image, bytes, bytearray, memoryview, IO[bytes], str, "os.PathLike[str]"
]
"""A picture: an array, uint8 (height, width, 3) in BGR; a PIL image; the bytes of a picture file, or such a
file, open; a path, a link or a store's address."""
Timed: TypeAlias = tuple[float, PictureLike]
"""A picture with its time in seconds."""


class Capture(Protocol):
    """OpenCV's `VideoCapture`, or what behaves like it."""

    def read(self) -> tuple[bool, Any]:
        """Whether there is a next picture, and the picture."""

    def isOpened(self) -> bool:  # noqa: N802  OpenCV's name
        """Whether it can be read."""


# Of the time stamps of a program's pictures.
TIME_BASE = Fraction(1, 1_000_000)
# Time stamps are integers of 64 bits.
_LATEST = 1 << 62
_KINDS = (
    "a path, a link, bytes, an open binary file, a PIL image, or an array: uint8 (height, width, 3) in BGR, "
    "as OpenCV has it, or in RGB with rgb=True"
)

# No path that anyone uses has more characters: it is then a picture's base64, which no message should hold.
_LONGEST_NAME = 1000
_NOTHING_LEFT = "The open file is empty, or was read or written to its end: call its seek(0) first."
_NO_BYTES = "There are no bytes: the file that was read or sent is empty."
_ASYNCHRONOUS = "This file is read asynchronously: give what 'await file.read()' returns."
_AS_TEXT = f"A file opened as text is no picture: open it with mode 'rb'; or give {_KINDS}."
_NO_NAME = "An empty name is no source: give the name of a file."
# What tables have where a value is missing.
_MISSING = ("NoneType", "NAType", "NaTType")


def as_image(picture: PictureLike, rgb: bool = False) -> Image:
    """A picture as uint8 (h, w, 3) BGR, upright; a copy, so that the caller may reuse an array.

    Args:
        picture: see `PictureLike`.
        rgb: arrays have red first, as in matplotlib and imageio.

    Raises:
        SourceError: it cannot be read, is damaged, or is not a picture; the message lists what is accepted.
    """
    if isinstance(picture, PIL.Image.Image):
        return _from_pil(picture)
    if isinstance(picture, str | os.PathLike):
        return _from_name(os.fspath(picture))
    if isinstance(picture, bytes | bytearray | memoryview):
        if not picture:
            raise SourceError(_NO_BYTES)
        return _decoded(io.BytesIO(picture))
    if hasattr(picture, "read"):
        return _decoded(io.BytesIO(_bytes_of(picture)))
    if hasattr(picture, "columns"):
        raise SourceError(
            "A table is no picture: give its column of names, as table['file'], to analyze_files."
        )
    if hasattr(picture, "__array__"):
        return _from_array(np.asarray(picture), rgb)
    if type(picture).__name__ in _MISSING or str(picture) == "nan":
        raise SourceError(
            f"{picture} is no picture: a value is missing in a table, or cv2.imread could not read a file."
        )
    several = "; analyze_files takes several" if isinstance(picture, Iterable) else ""
    raise SourceError(f"{type(picture).__name__} is no picture: give {_KINDS}{several}.")


def frames_of(
    pictures: Any, rgb: bool = False, fps: float | None = None, live: bool = False
) -> Iterator[VideoFrame]:
    """Pictures of a program as the frames of a stream; later ones are fitted into the first one's size.

    Args:
        pictures: pictures (`PictureLike`), with their times (`Timed`) or without; frames; OpenCV's capture.
        rgb: as in `as_image`.
        fps: frame rate of those without times; 30 by default.
        live: those without times get the time at which they arrive.

    Raises:
        SourceError: one is no picture, or times go back.
    """
    if hasattr(pictures, "read") and hasattr(pictures, "isOpened"):
        pictures = _captured(pictures)
    size: tuple[int, int] | None = None
    began, stamps = time.monotonic(), TimeStamps()
    for index, item in enumerate(pictures):
        if isinstance(item, VideoFrame):
            yield item
            continue
        seconds, picture = item if isinstance(item, tuple) and len(item) == 2 else (None, item)
        if seconds is None:
            seconds = time.monotonic() - began if live else index / (fps or 30.0)
        pts = stamps.of(seconds)
        image = as_image(picture, rgb)
        size = size or (image.shape[1], image.shape[0])
        yield VideoFrame(index, pts, TIME_BASE, time.monotonic(), letterboxed(image, size))


class TimeStamps:
    """Time stamps of a program's pictures, in microseconds; they rise where times stand still."""

    def __init__(self) -> None:
        self._given: int | None = None
        self._last = -1

    def of(self, seconds: Any) -> int:
        """The time stamp of the next picture.

        Raises:
            SourceError: it is no time, or earlier than the one before.
        """
        moment = _microseconds(seconds)
        if self._given is not None and moment < self._given:
            raise SourceError(
                f"Time goes back from {_in_seconds(self._given)} to {_in_seconds(moment)}: give each picture "
                "a time that does not, or none a time; for another video begin anew."
            )
        self._given = moment
        self._last = max(moment, self._last + 1)
        return self._last


def _microseconds(seconds: Any) -> int:
    try:
        moment = round(Fraction(float(seconds)) / TIME_BASE)
    except (TypeError, ValueError, OverflowError):
        moment = -1
    if not 0 <= moment <= _LATEST:
        shown = f"{seconds}" if isinstance(seconds, int | float) else type(seconds).__name__
        raise SourceError(
            f"{shown} is no time: it is a number of seconds, at least 0; a pair is (seconds, picture)."
        )
    return moment


def _in_seconds(moment: int) -> str:
    return f"{float(moment * TIME_BASE):.3f} s"


def is_name(source: object) -> bool:
    """Whether it is a text or path that can name a file."""
    if not isinstance(source, str | os.PathLike):
        return False
    name = os.fspath(source)
    return bool(name.strip()) and "\0" not in name


def file_of(source: Any, spool: Spool) -> Path | None:
    """The file of a source of one video, copied if it is not a local file; None for other sources.

    Args:
        source: a path, a link, a store's address, bytes or an open binary file.
        spool: keeps the copies.

    Raises:
        SourceError: it cannot be fetched.
    """
    if isinstance(source, str | os.PathLike):
        name = _checked(os.fspath(source))
        return spool.fetch(name) if is_fetched(name) else Path(local(name))
    if isinstance(source, bytes | bytearray | memoryview):
        if not source:
            raise SourceError(_NO_BYTES)
        return spool.keep(io.BytesIO(source))
    if hasattr(source, "read") and not hasattr(source, "isOpened"):
        _check_open(source)
        copy = spool.keep(source, name_of_open(source))
        if not copy.stat().st_size:
            raise SourceError(_NOTHING_LEFT)
        return copy
    return None


def name_of_open(file: object) -> str:
    """The name of an open file, or of a file that was sent to a server; empty if it has none."""
    names = (getattr(file, "filename", None), getattr(file, "name", None))
    return next((name for name in names if isinstance(name, str)), "")


def looks_like_a_photograph(source: object) -> bool:
    """Whether bytes are those of a photograph."""
    return isinstance(source, bytes | bytearray | memoryview) and is_photograph(io.BytesIO(source))


def _checked(name: str) -> str:
    if not is_name(name):
        raise SourceError(_NO_NAME if not name.strip() else f"{name!r} is no name of a file: it has a NUL.")
    return name


def _from_pil(picture: PIL.Image.Image) -> Image:
    """Pillow decodes an image that it opened only here."""
    try:
        return bgr_of(picture)
    except (OSError, ValueError, SyntaxError, MemoryError) as error:
        advice = machine_advice(error) or "open it again, from a whole file"
        raise SourceError(f"This PIL image cannot be used ({error}): {advice}.") from error


def _from_name(name: str) -> Image:
    _checked(name)
    if not is_fetched(name):
        path = Path(os.path.expanduser(local(name)))
        try:
            return read_picture(path)
        except SourceError as error:
            if len(name) > _LONGEST_NAME:
                raise SourceError(
                    f"A text of {len(name):,} characters is no path: decode base64 to bytes first."
                ) from error
            kind = "folder" if path.is_dir() else "video" if _is_video(path) else ""
            if not (kind and path.exists()):
                raise
            raise SourceError(f"{path} is a {kind}: use analyze_files, or stream.") from error
    with Spool() as spool:
        copy = spool.fetch(name)
        try:
            return read_picture(copy)
        except SourceError as error:
            raise SourceError(str(error).replace(str(copy), shown_url(name))) from error


def _is_video(path: Path) -> bool:
    if path.suffix.lower() in VIDEOS or not path.is_file():
        return path.suffix.lower() in VIDEOS
    with open(path, "rb") as file:
        return is_moving(file)


def _check_open(file: Any) -> None:
    """Whether an open file can be read, before anything is read from it.

    Raises:
        SourceError: it cannot.
    """
    if inspect.iscoroutinefunction(file.read):
        raise SourceError(_ASYNCHRONOUS)
    if isinstance(file, io.TextIOBase):
        raise SourceError(_AS_TEXT)
    try:
        readable = file.readable() if callable(getattr(file, "readable", None)) else True
    except ValueError:
        raise SourceError("The open file is closed: open it again, or use it before it is closed.") from None
    if not readable:
        raise SourceError("The open file is for writing only: open it with mode 'rb'.")


def _bytes_of(file: Any) -> bytes:
    """What is left to read in an open file."""
    _check_open(file)
    try:
        data = file.read()
    except UnicodeDecodeError:
        data = ""
    except OSError as error:
        raise unreadable(Path(name_of_open(file) or "The open file"), error) from error
    if not isinstance(data, bytes):
        raise SourceError(_AS_TEXT)
    if not data:
        raise SourceError(_NOTHING_LEFT)
    return data


def _decoded(file: IO[bytes]) -> Image:
    try:
        return decode_photograph(file)
    except PictureError as error:
        raise SourceError(f"These bytes cannot be used as a picture: {what_is_wrong(error)}.") from error


def _from_array(array: npt.NDArray[np.generic], rgb: bool) -> Image:
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    if array.dtype != np.uint8:
        raise SourceError(
            f"An array of {array.dtype} is no picture: it is uint8, from 0 to 255{_as_uint8(array)}."
        )
    channels = 1 if array.ndim == 2 else array.shape[-1] if array.ndim == 3 else 0
    if channels not in (1, 3, 4) or not array.size:
        shape = "x".join(map(str, array.shape))
        raise SourceError(
            f"An array of {shape} is no picture: it is (height, width, 3), or (height, width) in gray"
            f"{_as_picture(array)}."
        )
    image: Image = np.asarray(array, np.uint8)
    if channels == 1:
        return np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)
    return np.array(image[:, :, 2::-1] if rgb else image[:, :, :3], order="C")


def _as_picture(array: npt.NDArray[np.generic]) -> str:
    """How to make a picture of an array of another shape; empty if unknown."""
    if array.ndim == 1:
        return "; of a picture file's bytes, as cv2.imencode returns them, write array.tobytes()"
    if array.ndim == 3 and array.shape[0] in (1, 3, 4):
        return "; write array.transpose(1, 2, 0)"
    if array.ndim == 4:
        return "; analyze_files and stream take several at once"
    return ""


def _as_uint8(array: npt.NDArray[np.generic]) -> str:
    """Advice on conversion to uint8, from the range of an array's values; empty if unknown."""
    if array.dtype.kind not in "fiu" or not array.size:
        return ""
    low, high = float(array.min()), float(array.max())
    if low >= 0 and high <= 1 and array.dtype.kind == "f":
        return "; write (255 * array).round().astype('uint8')"
    if low >= 0 and high <= 255:
        return "; write array.round().astype('uint8')"
    if low >= 0 and high <= 65535:
        return "; of 16 bits write (array / 257).round().astype('uint8')"
    return ""


def _captured(capture: Any) -> Iterator[Any]:
    """The frames of OpenCV's capture, with their times if it has them."""
    if not capture.isOpened():
        raise SourceError("OpenCV's capture is not open: check what it was made with.")
    read: Callable[[], tuple[bool, Any]] = capture.read
    for index in itertools.count():
        there, picture = read()
        if not there:
            return
        seconds = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 if hasattr(capture, "get") else 0.0
        if seconds > 0 or index == 0:
            yield (max(0.0, seconds), picture)
        else:  # a camera without times
            yield picture
