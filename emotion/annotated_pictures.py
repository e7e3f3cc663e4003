"""Annotated photographs: how they are drawn, and their files, which this program recognises."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import cv2

from emotion.models.regions import Image
from emotion.realtime.drawing.renderer import Renderer
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.options import Options
from emotion.realtime.sinks.base import Sink
from emotion.realtime.sinks.partial_file import PartialFile

# At this quality no blocks are visible; the files are a tenth of lossless ones.
_QUALITY = 92
_MARK = b"emotion-live "


class AnnotatedPictures(Sink):
    """Annotated photographs, each a JPEG file that is written atomically.

    Args:
        places: the files, by the frame's index.
        sources: the photographs, which are never overwritten.
    """

    def __init__(self, places: Sequence[Path], sources: Sequence[Path]) -> None:
        self._places = places
        self._sources = sources

    def write(self, result: EmotionFrame, image: Image) -> None:
        """Write one; see `Sink.write`."""
        index = result.frame.index
        if not result.frame.has_picture:
            return  # an earlier run has drawn it
        save_picture(image, self._places[index], self._sources[index])

    def close(self) -> Path | None:
        """There is nothing to finish, and no single file; see `Sink.close`."""
        return None

    def abort(self) -> Path | None:
        """There is nothing to finish; see `Sink.abort`."""
        return None


def save_picture(image: Image, path: Path, source: Path) -> None:
    """Write an annotated photograph that `is_own_picture` recognises.

    Raises:
        SinkError: it cannot be written.
    """
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
    draft = PartialFile(path, source)
    try:
        draft.append(_signed(data))
    except BaseException:
        draft.discard()
        raise
    draft.publish()


def _signed(data: bytes) -> bytes:
    """A JPEG file with a comment that has the program's name and the checksum of the rest."""
    comment = _MARK + hashlib.sha256(data).hexdigest().encode()
    return data[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + data[2:]


def is_own_picture(path: Path) -> bool:
    """Whether a file is an annotated photograph by this program, unchanged since."""
    try:
        data = path.read_bytes()
    except OSError:
        return False
    end = 6 + len(_MARK) + 64
    return data[6 : 6 + len(_MARK)] == _MARK and data == _signed(data[:2] + data[end:])


def drawn(options: Options, result: EmotionFrame) -> Image:
    """A photograph with its results drawn into it, or beside it if a face fills it."""
    # A new renderer each time, because its panels keep their positions from one picture to the next.
    return Renderer(options.drawing).draw_photograph(result)
