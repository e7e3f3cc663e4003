"""Where frames come from. A source is opened eagerly, iterated once, and closed from any thread."""

import itertools
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.buffer import Buffer
from av.container import Flags, InputContainer
from av.stream import Disposition
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from emotion.models.native.at_exit import Process
from emotion.models.regions import Image
from emotion.realtime.errors import SourceError
from emotion.realtime.media import Clock, Colours, VideoInfo
from emotion.realtime.messages import VideoFrame

# More decoding threads cost a picture of memory each, and the other stages need the cores.
_MAX_DECODING_THREADS = 4
_TEXT_FORMATS = {"tty", "bin", "xbin", "adf", "idf"}
# A file that ends this much before its own announced end was cut short.
_MISSING_SECONDS = 1.0


@dataclass(slots=True)
class _Damage:
    """Where a file could not be read, and how much of it."""

    seconds: float
    packets: int = 1


@dataclass(frozen=True, slots=True)
class _Orientation:
    """How a stored picture is turned to stand upright: transposed first, then mirrored."""

    transpose: bool = False
    flip_columns: bool = False
    flip_rows: bool = False

    @classmethod
    def of(cls, picture: av.VideoFrame) -> "_Orientation":
        """Read the display matrix that phones write, rounded to quarter turns and mirrorings."""
        data = picture.side_data.get("DISPLAYMATRIX")
        if data is None:
            return cls()
        a, b, _, c, d = np.frombuffer(bytes(cast(Buffer, data)), dtype=np.int32)[:5].tolist()
        if abs(b) > abs(a):
            return cls(transpose=True, flip_columns=c < 0, flip_rows=b < 0)
        return cls(flip_columns=a < 0, flip_rows=d < 0)

    def apply(self, image: Image) -> Image:
        """The upright picture, contiguous."""
        if self.transpose:
            image = _as_image(cv2.transpose(image))
        if self.flip_columns or self.flip_rows:
            code = {(True, True): -1, (True, False): 1, (False, True): 0}
            image = _as_image(cv2.flip(image, code[self.flip_columns, self.flip_rows]))
        return image


class VideoFile:
    """A video file as an iterable of `VideoFrame`, each with its own exact timestamp.

    Pictures come upright, with square pixels, all of the same size, as BGR. It is opened, and its
    first picture decoded, at once, so that what cannot be played is refused here. Iterating
    delivers everything that can be decoded; where the file turns out to be cut short or damaged,
    a SourceError that says where comes after the last frame.

    Args:
        path: the file.
        start: frames before this time, in seconds of the video's own clock, are left out.

    Attributes:
        path: the file.
        info: what is known of it before it has been read.

    Raises:
        SourceError: the file is missing, not readable, not a video, or cannot be decoded.
    """

    def __init__(self, path: str | os.PathLike[str], start: float | None = None) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        self._process = Process()
        self._closed = False
        self._claimed = False
        _check_file(self.path)
        self._container = _open(self.path)
        try:
            self._stream = _video_stream(self._container, self.path)
            self._decoder = _Decoder(self._container, self._stream)
            self._start()
            if start is not None:
                self._skip_to(start)
        except BaseException:
            self._container.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"VideoFile({str(self.path)!r}, {self.info.width}x{self.info.height})"

    def __iter__(self) -> Iterator[VideoFrame]:
        if self._claimed:
            raise ValueError(f"{self.path} is read only once: open it again for a second time")
        self._claimed = True
        return self._frames()

    def close(self) -> None:
        """Let the file go; an iteration under way ends after its frame. Any thread, any number of times."""
        self._closed = True
        if not self._process.here:
            return
        with self._lock:
            self._container.close()

    def _frames(self) -> Iterator[VideoFrame]:
        for index in itertools.count():
            with self._lock:
                frame = None if self._closed else self._next(index)
            if frame is None:
                break
            yield frame
        # The check reads the open file: another thread must not close it meanwhile.
        with self._lock:
            problem = None if self._closed else self._problem()
        self.close()
        if problem:
            raise SourceError(problem)

    def _start(self) -> None:
        self._pictures = self._decoder.pictures()
        first = next(self._pictures, None)
        if first is None:
            raise SourceError(
                f"{self.path} holds video ({self._stream.codec_context.name}), but no picture of it can be "
                "decoded: the file is damaged; copy or download it again."
            )
        self._orientation = _Orientation.of(first)
        self._size = _square_pixels(first, self._stream)
        self._reformatter = VideoReformatter()
        self.info = _describe(self.path, self._container, self._stream, first, self._upright_size())
        step = 1 / (self.info.average_rate * self.info.time_base)
        self._clock = Clock(round(step), jump=round(1 / self.info.time_base))
        self._pictures = itertools.chain([first], self._pictures)
        self._end = 0.0

    def _skip_to(self, start: float) -> None:
        """Go on from the key frame before a time, without the pictures that precede the time."""
        base = self.info.time_base
        try:
            self._container.seek(max(0, round(Fraction(start) / base)), stream=self._stream)
        except av.FFmpegError as error:
            raise SourceError(f"{self.path} cannot be played from {start:.1f} s on.") from error
        wanted = (Fraction(start) - Fraction(1, 10_000)) / base
        self._pictures = itertools.dropwhile(
            lambda picture: (_timestamp(picture) or 0) < wanted, self._decoder.pictures()
        )

    def _upright_size(self) -> tuple[int, int]:
        width, height = self._size
        return (height, width) if self._orientation.transpose else (width, height)

    def _next(self, index: int) -> VideoFrame | None:
        picture = next(self._pictures, None)
        if picture is None:
            return None
        pts = self._clock.tick(_timestamp(picture))
        self._end = float(pts * self.info.time_base + 1 / self.info.average_rate)
        return VideoFrame(index, pts, self.info.time_base, time.monotonic(), self._image(picture))

    def _image(self, picture: av.VideoFrame) -> Image:
        width, height = self._size
        # One reformatter with one thread: libswscale's own threads cost more than they gain.
        converted = self._reformatter.reformat(
            picture,
            width=width,
            height=height,
            format="bgr24",
            src_colorspace=self.info.colours.conversion,
            threads=1,
        )
        return self._orientation.apply(_as_image(converted.to_ndarray()))

    def _problem(self) -> str | None:
        if _is_cut_short(self._container, self._stream, self.path, self._end):
            return (
                f"{self.path} breaks off at {self._end:.1f} s: the file is incomplete; what comes before "
                "is done; copy or download the file again for the rest."
            )
        damage = self._decoder.damage
        if damage:
            return (
                f"{self.path} is damaged at {damage.seconds:.1f} s ({damage.packets} places cannot be "
                "decoded); everything else is done; copy or download the file again for the rest."
            )
        return None


class _Decoder:
    """Decodes one stream past whatever cannot be decoded, and remembers that there was some."""

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._container = container
        self._stream = stream
        self._seconds = 0.0
        self.damage: _Damage | None = None
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = min(_MAX_DECODING_THREADS, os.cpu_count() or 1)

    def pictures(self) -> Iterator[av.VideoFrame]:
        """Everything that can be decoded, in the order in which it is shown."""
        for packet in self._packets():
            try:
                pictures = self._stream.decode(packet)
            except av.EOFError:
                return
            except av.FFmpegError:
                self._note_damage()
            else:
                yield from pictures

    def _packets(self) -> Iterator["av.Packet[VideoStream] | None"]:
        """The stream's packets, then None or an empty one, which flushes the decoder."""
        try:
            for packet in self._container.demux(self._stream):
                self._seconds = _seconds(packet.pts, packet.time_base, self._seconds)
                yield packet
        except av.FFmpegError:
            self._note_damage()
            yield None

    def _note_damage(self) -> None:
        if self.damage:
            self.damage.packets += 1
        else:
            self.damage = _Damage(self._seconds)


def _check_file(path: Path) -> None:
    if not path.exists():
        raise SourceError(f"{path} does not exist: check the path.")
    if path.is_dir():
        raise SourceError(f"{path} is a folder: name a video file in it.")
    if not path.is_file():
        raise SourceError(f"{path} is not a regular file: save the video to a file first.")
    if path.stat().st_size == 0:
        raise SourceError(f"{path} is empty (0 bytes): copy or record it again.")
    try:
        path.open("rb").close()
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}): check its permissions.") from error


def _open(path: Path) -> InputContainer:
    try:
        # An absolute path is never taken for a URL, and the whitelist keeps playlists from
        # fetching what they name. Metadata need not be valid UTF-8.
        container = av.open(
            str(path.absolute()),
            metadata_errors="replace",
            container_options={"protocol_whitelist": "file"},
        )
    except (av.FFmpegError, OSError) as error:
        if _looks_like_mp4(path):
            raise SourceError(
                f"{path} is an mp4 without its index: the recording or the copy broke off; copy it again, "
                "or repair it with the program that recorded it."
            ) from error
        raise SourceError(f"{path} is not a video that can be read: name a video file.") from error
    # PyAV asks libav to make up missing timestamps, which come out of order where frames are.
    container.flags &= ~cast(int, Flags.gen_pts.value)
    return container


def _looks_like_mp4(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(8)[4:] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")


def _video_stream(container: InputContainer, path: Path) -> VideoStream:
    format_name = container.format.name
    if format_name.endswith("_pipe") or format_name == "image2":
        raise SourceError(f"{path} is a picture, not a video: name a video file.")
    if format_name in _TEXT_FORMATS:
        raise SourceError(f"{path} is text, not a video: name a video file.")
    streams = [
        stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic
    ]
    if not streams:
        sound = "has sound but no pictures" if container.streams.audio else "is not a video"
        raise SourceError(f"{path} {sound}: name a video file.")
    stream = next((stream for stream in streams if stream.disposition & Disposition.default), streams[0])
    # The stubs do not say so, but a stream that libav has no decoder for has no context.
    if getattr(stream, "codec_context", None) is None:
        raise SourceError(f"{path} is coded in a way that cannot be read here: convert it to H.264 first.")
    return stream


def _square_pixels(picture: av.VideoFrame, stream: VideoStream) -> tuple[int, int]:
    aspect = stream.sample_aspect_ratio or Fraction(1)
    if not Fraction(1, 8) <= aspect <= 8:
        aspect = Fraction(1)
    return max(1, round(picture.width * aspect)), picture.height


def _describe(
    path: Path, container: InputContainer, stream: VideoStream, first: av.VideoFrame, size: tuple[int, int]
) -> VideoInfo:
    time_base = stream.time_base or Fraction(1, 90_000)
    rate = stream.average_rate or stream.guessed_rate or Fraction(30)
    duration = _duration(container, stream)
    return VideoInfo(
        path=path,
        width=size[0],
        height=size[1],
        time_base=time_base,
        first_pts=_timestamp(first) or 0,
        start_seconds=(container.start_time or 0) / av.time_base,
        average_rate=rate,
        frame_count=stream.frames or (round(duration * rate) if duration else None),
        duration_seconds=duration,
        has_audio=bool(container.streams.audio),
        colours=Colours.resolve(first.colorspace, first.color_primaries, first.color_trc, size[1]),
    )


def _duration(container: InputContainer, stream: VideoStream) -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None


def _is_cut_short(container: InputContainer, stream: VideoStream, path: Path, end: float) -> bool:
    """Whether the file announces more than it holds; `end` is where its pictures end, in seconds."""
    if "mp4" in container.format.name:
        size = path.stat().st_size
        return any(entry.pos + entry.size > size for entry in stream.index_entries)
    announced = _announced_seconds(container, stream)
    return announced is not None and end < announced - _MISSING_SECONDS


def _announced_seconds(container: InputContainer, stream: VideoStream) -> float | None:
    # Other containers announce the longest track's length only, or libav works it out from what
    # is there.
    if container.format.name == "avi":
        return _duration(container, stream)
    if "matroska" not in container.format.name:
        return None
    try:
        hours, minutes, seconds = stream.metadata["DURATION"].split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except (KeyError, ValueError):
        return None


def _timestamp(picture: av.VideoFrame) -> int | None:
    return picture.dts if picture.pts is None else picture.pts


def _seconds(pts: int | None, time_base: Fraction | None, default: float) -> float:
    return default if pts is None or time_base is None else float(pts * time_base)


def _as_image(array: npt.NDArray[np.generic] | cv2.Mat) -> Image:
    image: Image = np.ascontiguousarray(array, dtype=np.uint8)
    return image
