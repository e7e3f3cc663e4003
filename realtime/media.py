"""Properties of video that sources and sinks share: sizes, colours, discontinuities of its clock."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt
from av.video.plane import VideoPlane
from av.video.reformatter import Colorspace

from emotion.models.regions import Image
from emotion.realtime.live_sound import LiveSound

# Code points of ITU-T H.273, which containers, codecs and libav share.
_BT709, _UNSPECIFIED, _BT601 = 1, 2, 6
# Such a share of frames more or less is taken for none.
_NEAR = 0.03
# Players show nothing until the first timestamp; broadcasts count from hours ago.
_LATEST_START_SECONDS = 10
_SWSCALE = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
# The shares of red and blue in brightness.
_RED_AND_BLUE = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
    10: (0.2627, 0.0593),
}


@dataclass(frozen=True, slots=True)
class Colours:
    """How a video's YUV values become colours, as code points of ITU-T H.273.

    Attributes:
        matrix: YUV to RGB.
        primaries: what red, green and blue are.
        transfer: the curve between values and light.
    """

    matrix: int
    primaries: int
    transfer: int

    @classmethod
    def resolve(cls, matrix: int, primaries: int, transfer: int, height: int) -> "Colours":
        """Fill in what a video does not say, by its height in pixels, as players do."""
        default = _BT709 if height >= 720 else _BT601
        return cls(
            default if matrix in (0, _UNSPECIFIED) else matrix,
            default if primaries in (0, _UNSPECIFIED) else primaries,
            default if transfer in (0, _UNSPECIFIED) else transfer,
        )

    @property
    def conversion(self) -> Colorspace:
        """The matrix in libswscale's terms."""
        return _SWSCALE.get(self.matrix, Colorspace.ITU601)

    @property
    def from_bgr(self) -> npt.NDArray[np.float32]:
        """What makes Y, U and V of B, G, R and 1: float32 (3, 4), for 8 bits from 16 to 235 and 240."""
        red, blue = _RED_AND_BLUE.get(self.matrix, (0.299, 0.114))
        y = np.array([blue, 1 - red - blue, red])
        u, v = (np.array([1, 0, 0]) - y) / (2 * (1 - blue)), (np.array([0, 0, 1]) - y) / (2 * (1 - red))
        rows = np.stack([219 * y, 224 * u, 224 * v]) / 255
        return np.column_stack([rows, [16, 128, 128]]).astype(np.float32)

    @property
    def to_rgb(self) -> npt.NDArray[np.float32]:
        """What makes red, green and blue of Y, U, V and 1: float32 (3, 4)."""
        from_bgr = np.vstack([self.from_bgr.astype(np.float64), [0, 0, 0, 1]])
        return np.linalg.inv(from_bgr)[2::-1].astype(np.float32)


@dataclass(frozen=True, slots=True)
class Joint:
    """Where a video's clock goes on from another time than its own.

    Attributes:
        before, after: the last stamp before it and the first behind it, in seconds, as the file has them.
        at: where what follows begins, in seconds of the whole timeline.
        offset: what is added to the stamps behind it, in seconds.
    """

    before: float
    after: float
    at: float
    offset: float


class Notes:
    """Sentences about what was mended or left out, each once, from sources and sinks in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sentences: list[str] = []

    def add(self, sentence: str) -> None:
        """Take down a sentence that stands for itself, with its end."""
        with self._lock:
            if sentence not in self._sentences:
                self._sentences.append(sentence)

    def __iter__(self) -> Iterator[str]:
        with self._lock:
            return iter(tuple(self._sentences))


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoInfo:
    """What is known of a video before all of it has been read, and what turns up while it is.

    Attributes:
        path: the file, where its sound is read from; None for a camera.
        width, height: in pixels, as shown: upright and with square pixels.
        time_base: seconds a unit of every `VideoFrame.pts`.
        first_pts: of the first picture.
        start_seconds: where the file's clock starts, over pictures and sound; mostly 0.
        average_rate: frames a second, on average.
        frame_count: how many frames there will be; an estimate; None if unknown.
        is_counted: the container has counted them, and all are read.
        duration_seconds: None if unknown.
        has_audio: whether there is sound.
        colours: how to turn its pictures into RGB and back.
        metadata: from its container, such as title, remark and time of recording.
        joints: where its clock was set anew, in order; grows while it is read.
        parts: the bytes at which files begin that were joined into one and are read as one; grows.
        holes: bytes from which on the file's clock is early by so many seconds, where it only counts what
            is there and some is missing.
        notes: what was mended or left out; grows while it is read and written.
        clock: what time it is in the world, of a live stream; None for files.
        sound: of a live stream, where it has any; None for files.
        begin_pts: where what is read of it begins, of an excerpt; None for all of it.
        end_seconds: where an excerpt ends; None for the end of the file.
    """

    path: Path | None
    width: int
    height: int
    time_base: Fraction
    first_pts: int = 0
    start_seconds: float = 0.0
    average_rate: Fraction = Fraction(30)
    frame_count: int | None = None
    is_counted: bool = False
    duration_seconds: float | None = None
    has_audio: bool = False
    colours: Colours = Colours(_BT709, _BT709, _BT709)
    metadata: Mapping[str, str] = field(default_factory=dict)
    joints: Sequence[Joint] = ()
    parts: Sequence[int] = (0,)
    holes: Sequence[tuple[int, float]] = ()
    notes: Notes = field(default_factory=Notes, compare=False)
    clock: "WallClock | None" = None
    sound: LiveSound | None = None
    begin_pts: int | None = None
    end_seconds: float | None = None

    @property
    def span(self) -> tuple[float, float | None]:
        """Where what is read of it begins and ends, in seconds; None if unknown."""
        begin = self.first_pts if self.begin_pts is None else self.begin_pts
        last = self.duration_seconds and self.start_seconds + self.duration_seconds
        end = min((time for time in (last, self.end_seconds) if time is not None), default=None)
        return float(begin * self.time_base), end

    def expected_frames(self, done: int, seconds: float) -> int | None:
        """How many frames there will be, by how far in time those that are done reach.

        The average rate says little of a video whose rate varies, and some containers only guess it.

        Args:
            done: how many are, 1 at least.
            seconds: the time of the last of them.

        Returns:
            Never less than are done; None if unknown, and behind the end that the container states.
        """
        begin, end = self.span
        if self.frame_count is not None and (self.is_counted or end is None or seconds <= begin):
            return max(self.frame_count, done)
        if end is None or seconds <= begin:
            return None
        step = (seconds - begin) / max(1, done - 1)
        left = round((end - seconds) / step) - 1
        if left < -1:
            return None
        expected = done + max(0, left)
        # Times that are rounded do not make the number waver.
        is_near = abs(expected - (self.frame_count or 0)) <= max(2, _NEAR * expected)
        return max(self.frame_count, done) if self.frame_count and is_near else expected

    def early_by(self, position: int) -> float:
        """By how many seconds the file's clock is early at a byte."""
        return next((seconds for begin, seconds in reversed(self.holes) if begin <= position), 0.0)

    @property
    def origin(self) -> int:
        """The pts that becomes zero in an annotated video: that of players; of an excerpt its beginning."""
        return self.players_origin if self.begin_pts is None else self.begin_pts

    @property
    def players_origin(self) -> int:
        """The pts at which players of the whole file start to count.

        It is 0, unless the file's clock starts before or much later.
        """
        if self.first_pts < 0:
            return self.first_pts
        if self.start_seconds > _LATEST_START_SECONDS:
            return int(Fraction(self.start_seconds) / self.time_base)
        return 0

    @property
    def origin_seconds(self) -> float:
        """`origin` in seconds."""
        return float(self.origin * self.time_base)

    @property
    def players_origin_seconds(self) -> float:
        """`players_origin` in seconds."""
        return float(self.players_origin * self.time_base)


@dataclass(frozen=True, slots=True)
class WallClock:
    """A live stream's time as time in the world: set once, and then as even as the monotonic clock.

    So that results can be joined with other logs; it does not follow when the system's clock is set anew.

    Attributes:
        zero: when the stream's time was 0, in seconds since 1970 (UTC).
    """

    zero: float

    @classmethod
    def set_now(cls, origin: float) -> "WallClock":
        """Of a stream whose time is 0 at a moment of `time.monotonic()`."""
        return cls(time.time() - time.monotonic() + origin)

    def at(self, seconds: float) -> datetime:
        """The time in the world at a time of the stream."""
        return datetime.fromtimestamp(self.zero + seconds, UTC)

    def text(self, seconds: float) -> str:
        """The same as ISO 8601 says it, with milliseconds: ``2026-11-29T06:15:00.250Z``."""
        return self.at(seconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def pixels(plane: VideoPlane) -> npt.NDArray[np.uint8]:
    """A plane's pixels in libav's own memory, uint8 (height, width)."""
    memory = cast(memoryview, plane)  # it has the buffer protocol, which its types do not say
    rows: npt.NDArray[np.uint8] = np.frombuffer(memory, np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]


def letterboxed(image: Image, size: tuple[int, int]) -> Image:
    """The picture as large as it can be in a frame of a size, in its middle between black bars.

    Args:
        image: uint8 (h, w, 3); where it has the size already, it comes back as it is.
        size: (width, height) in pixels.

    Returns:
        uint8 (height, width, 3), contiguous.
    """
    height, width = image.shape[:2]
    if (width, height) == size:
        return np.ascontiguousarray(image)
    scale = min(size[0] / width, size[1] / height)
    inner = max(1, round(width * scale)), max(1, round(height * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    frame = np.zeros((size[1], size[0], 3), np.uint8)
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    frame[top : top + inner[1], left : left + inner[0]] = cv2.resize(image, inner, interpolation=method)
    return frame
