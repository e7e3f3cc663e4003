"""Reads photographs: a single one, or many as frames, with read-ahead."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

from emotion.models.data.image_io import PictureError, decode_photograph, open_picture
from emotion.models.data.label_folders import UNREAD
from emotion.models.errors import EmotionError
from emotion.models.regions import Image
from emotion.realtime.errors import SourceError, unreadable
from emotion.realtime.messages import VideoFrame

# Number of photographs that are decoded ahead.
_AHEAD = 4


def read_picture(path: Path) -> Image:
    """A photograph, uint8 (h, w, 3) BGR, upright, in any format of OpenCV or Pillow.

    Raises:
        SourceError: it cannot be read, is not a picture, is damaged or too large; the message names it.
    """
    try:
        with open_picture(path) as file:
            return decode_photograph(file)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SourceError(f"{path} does not exist: check the path.") from error
    except OSError as error:
        raise unreadable(path, error) from error
    except PictureError as error:
        if path.suffix.lower() in UNREAD:  # raw files of cameras begin like a TIFF
            raise SourceError(
                f"{path} is a picture in a format that is not read: save it as JPEG, PNG or TIFF."
            ) from error
        raise SourceError(f"{path} cannot be used: {what_is_wrong(error)}.") from error


def what_is_wrong(error: PictureError) -> str:
    """The reason why a picture cannot be used, as the second part of a sentence."""
    said = str(error)
    return "it is no picture, or damaged" if said == "unreadable" else said.removeprefix("unreadable: ")


class Photographs:
    """Photographs as frames, each with its number as its index; read ahead in threads.

    Args:
        readers: each returns a photograph, or raises an `EmotionError` or OSError: then it is left out.
        failed: called with each one that is left out, with its number, in the iterating thread.
        threads: their number.
        places: numbers of the readers' photographs; by default from 0.
    """

    def __init__(
        self,
        readers: Sequence[Callable[[], Image]],
        failed: Callable[[int, Exception], None],
        threads: int = 2,
        places: Sequence[int] | None = None,
    ) -> None:
        self._readers = readers
        self._places = range(len(readers)) if places is None else places
        self._failed = failed
        self._threads = threads
        self._closed = False

    def __iter__(self) -> Iterator[VideoFrame]:
        waiting: deque[Future[Image]] = deque()
        with ThreadPoolExecutor(self._threads, "photographs") as pool:
            try:
                readers = iter(self._readers)
                for index in self._places:
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
    """A photograph as a frame: its number is also its time."""
    return VideoFrame(index, index, Fraction(1), time.monotonic(), image)
