"""Video files. A source is opened eagerly, iterated once, and closed from any thread."""

import itertools
import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Self

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from emotion.models.closeable import Closeable
from emotion.models.native.at_exit import Process
from emotion.models.words import counted
from emotion.realtime.errors import IncompleteSourceError, SourceError
from emotion.realtime.media import VideoInfo
from emotion.realtime.messages import VideoFrame
from emotion.realtime.sources import containers
from emotion.realtime.sources.completeness import Evidence, Reading, check_completeness, remark
from emotion.realtime.sources.containers import Finding
from emotion.realtime.sources.decoding import Decoder
from emotion.realtime.sources.opening import (
    average_rate,
    check_file,
    choose_track,
    is_bare,
    open_container,
    seconds_of,
    step_rate,
    tagged_seconds,
)
from emotion.realtime.sources.options import DecoderChoice, FileOptions
from emotion.realtime.sources.picture import PictureConverter
from emotion.realtime.sources.steps import Steps
from emotion.realtime.sources.timeline import Timeline, clock

# In these containers the time between two pictures is reliable; in others it follows from clocks,
# which may be reset. In seconds: a longer jump is not a gap.
_CAREFUL, _LONGEST_GAP, _LONGEST_CAREFUL_GAP = ("mp4", "matroska", "gif"), 600.0, 6 * 3600.0
# Metadata of a recording that are also true for its annotated copy.
_ABOUT = ("title", "comment", "artist", "date", "creation_time", "description", "copyright")


class VideoFile(Closeable):
    """A video file as an iterable of `VideoFrame`, each with its own exact timestamp.

    Pictures are upright BGR images with square pixels, all of the same size. The constructor decodes the
    first picture, so that it raises for files that cannot be played. The iteration gives all frames that can
    be decoded; if the file is truncated or damaged, an `IncompleteSourceError` that says where follows the
    last frame. Time stamps that overlap, jump, go back, repeat or are missing are corrected to a continuous
    timeline, and `info.notes` says where.

    Args:
        path: the file.
        start: frames before this time, in seconds of the video's own clock, are skipped.
        fps: frames per second of a file without time stamps, such as raw H.264; by default its codec's.
        end: frames from this time on, in seconds of the same clock, are skipped.
        every: give only the first frame of each interval of this many seconds; all are decoded.
        decoder: see `hardware`.

    Attributes:
        path: the file.
        info: properties that are known before the file has been read.

    Raises:
        SourceError: the file is missing, not readable, not a video, or cannot be decoded.
    """

    info: VideoInfo
    _placed: Iterator[tuple[int, av.VideoFrame]]
    _reading: Reading

    def __init__(
        self,
        path: str | os.PathLike[str],
        start: float | None = None,
        fps: float | None = None,
        *,
        end: float | None = None,
        every: float | None = None,
        decoder: DecoderChoice = "software",
    ) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        self._process = Process()
        self._closed = False
        self._is_empty = False
        self._claimed = False
        self._placed: Iterator[tuple[int, av.VideoFrame]] = iter(())
        self._from_start = start is None
        self._end = end
        self._stopped = False
        self._steps = Steps(every)
        check_file(self.path)
        self._as_found = _state(self.path)
        self._container = open_container(self.path, decoder=decoder)
        try:
            self._mended = containers.mend(self.path, self._container.format.name)
            if self._mended:
                self._container.close()
                self._container = open_container(self.path, mended=self._mended)
            track = choose_track(self._container, self.path)
            self._stream = track.stream
            self._parts = [0]
            reopen = partial(open_container, self.path, mended=self._mended)
            self._numbers = containers.numbers(self.path, self._container.format.name, self._stream.index)
            self._decoder = Decoder(self._container, self._stream, reopen=reopen, numbers=self._numbers)
            self._start(None if fps is None else Fraction(fps).limit_denominator(1001))
            if self._mended and self._mended.note:
                self._note(self._mended.note)
            if track.left_out:
                self._note(f"{track.left_out}; the longest that moves is the video")
            if start is not None:
                self._skip_to(start)
            if (start, end, every) != (None, None, None):
                self.info = self._excerpt(start, every)
        except BaseException:
            self._container.close()
            raise

    @classmethod
    def of(cls, path: str | os.PathLike[str], options: FileOptions) -> Self:
        """Open a file with these options; raises like the constructor.

        Raises:
            SourceError: also if no picture lies between start and end.
        """
        file = cls(
            path,
            options.start,
            options.file_fps,
            end=options.end,
            every=options.every,
            decoder=options.decoder,
        )
        if file._is_empty:
            file.close()
            raise SourceError(file._why_empty(options))
        return file

    def __repr__(self) -> str:
        return f"VideoFile({str(self.path)!r}, {self.info.width}x{self.info.height})"

    def __iter__(self) -> Iterator[VideoFrame]:
        if self._claimed:
            raise ValueError(f"{self.path} is read only once: open it again for a second time")
        self._claimed = True
        return self._frames()

    def close(self) -> None:
        """Close the file; an iteration ends after its present frame. From any thread; may be called again."""
        self._closed = True
        if not self._process.here:
            return
        with self._lock:
            held = vars(self)
            if "_container" in held:
                self._container.close()
            # The decoder's threads end with its last reference, and this object may live on: in its own
            # generators, in a variable, in the traceback of an error.
            self._placed = iter(())
            for name in ("_container", "_stream", "_decoder"):
                held.pop(name, None)

    def _frames(self) -> Iterator[VideoFrame]:
        for index in itertools.count():
            with self._lock:
                frame = None if self._closed else self._next(index)
            if frame is None:
                break
            yield frame
        # The check reads the open file, which another thread must not close.
        with self._lock:
            problem = None if self._closed else self._problem()
        self.close()
        if problem:
            raise problem

    def _start(self, fps: Fraction | None) -> None:
        pictures = self._pictures()
        first = next(pictures, None)
        if first is None and self._decoder.gone:
            raise SourceError(f"{self.path} cannot be read ({self._decoder.gone}): {self._decoder.advice}.")
        if first is None:
            raise SourceError(
                f"{self.path} holds video ({self._stream.codec_context.name}), but no picture of it can be "
                "decoded: the file is damaged; copy or download it again."
            )
        self._base = self._stream.time_base or Fraction(1, 90_000)
        rate = average_rate(self._container, self._stream, self.path, fps)
        self._step = 1 / (rate if is_bare(self._container) else self._step_rate())
        self._converter = PictureConverter(first, self._stream.sample_aspect_ratio)
        self._timeline = self._new_timeline()
        self._placed = self._timeline.place(itertools.chain([first], pictures), _timestamp)
        start = next(self._placed)
        self._placed = itertools.chain([start], self._placed)
        self.info = self._describe(rate, start[0])
        self._reading = Reading(float(self._step))

    def _step_rate(self) -> Fraction:
        return step_rate(self._container, self._stream, self.path)

    def _pictures(self) -> Iterator[av.VideoFrame]:
        """Pictures of the file, and of other files that were appended to it."""
        yield from self._decoder.pictures()
        while (finding := self._check()) and finding.follows and self._follow(finding.position or 0):
            yield from self._decoder.pictures()

    def _check(self) -> Finding | None:
        if not self._from_start or _state(self.path) != self._as_found:
            return None
        return containers.check(self.path, self._container.format.name, self._parts[-1], self._mended)

    def _follow(self, begin: int) -> bool:
        """Continue with the appended file that begins at a byte; False if it cannot be read."""
        if self._container.format.name != "flv":
            return False
        try:
            container = open_container(self.path, begin)
            stream = choose_track(container, self.path).stream
        except SourceError:
            return False
        self._container.close()
        self._container, self._stream = container, stream
        self._parts.append(begin)
        self._decoder = Decoder(
            container, stream, self._decoder.damage, partial(open_container, self.path, begin)
        )
        return True

    def _new_timeline(self) -> "Timeline[av.VideoFrame]":
        careful = any(name in self._container.format.name for name in _CAREFUL)
        return Timeline(
            self._base,
            round(self._step / self._base),
            _LONGEST_CAREFUL_GAP if careful else _LONGEST_GAP,
            round(Fraction(self._container.start_time or 0, av.time_base) / self._base),
        )

    def _describe(self, rate: Fraction, first_pts: int) -> VideoInfo:
        container, stream = self._container, self._stream
        start = (container.start_time or 0) / av.time_base
        if not self._timeline.start_is_known:
            start = float(first_pts * self._base)
        duration = seconds_of(stream) or (container.duration / av.time_base if container.duration else None)
        frames = self._counted_frames()
        return VideoInfo(
            path=self.path,
            width=self._converter.size[0],
            height=self._converter.size[1],
            time_base=self._base,
            first_pts=first_pts,
            start_seconds=start,
            average_rate=rate,
            frame_count=frames or (round(duration * rate) if duration else None),
            is_counted=frames is not None,
            duration_seconds=duration,
            has_audio=bool(container.streams.audio),
            colours=self._converter.colours,
            metadata=_about(container.metadata),
            joints=self._timeline.mends.joints,
            parts=self._parts,
            holes=_holes(self._numbers, self._base),
        )

    def _skip_to(self, start: float) -> None:
        """Continue from the key frame before a time, and skip the pictures before that time."""
        try:
            self._container.seek(max(0, round(Fraction(start) / self._base)), stream=self._stream)
        except av.FFmpegError as error:
            raise SourceError(f"{self.path} cannot be played from {start:.1f} s on.") from error
        wanted = (Fraction(start) - Fraction(1, 10_000)) / self._base
        pictures = itertools.dropwhile(
            lambda picture: (_timestamp(picture) or 0) < wanted, self._decoder.pictures()
        )
        self._placed = self._new_timeline().place(pictures, _timestamp)

    def _excerpt(self, start: float | None, every: float | None) -> VideoInfo:
        """Properties of the part that is read; decodes its first picture."""
        info, begin_pts = self.info, None
        if start is not None:
            first = next(self._placed, None)
            if first is None or (self._end is not None and first[0] * self._base >= self._end):
                # A player may seek to the end of the last picture.
                self._placed, self._is_empty = iter(()), True
            else:
                self._placed = itertools.chain([first], self._placed)
                begin_pts = first[0]
        elif self._end is not None and info.first_pts * self._base >= self._end:
            self._placed, self._is_empty = iter(()), True
        rate = min(info.average_rate, Fraction(1 / every).limit_denominator(1001)) if every else None
        rate = rate or info.average_rate
        last = info.duration_seconds and info.duration_seconds + info.start_seconds
        stop = min((time for time in (last, self._end) if time is not None), default=None)
        begin = info.first_pts if begin_pts is None else begin_pts
        return replace(
            info,
            average_rate=rate,
            frame_count=None if stop is None else max(1, round((stop - begin * self._base) * rate)),
            is_counted=False,
            begin_pts=begin_pts,
            end_seconds=self._end,
        )

    def _why_empty(self, options: FileOptions) -> str:
        begins = float(self.info.first_pts * self._base)
        if options.end is not None and options.end <= begins:
            return (
                f"{self.path} shows nothing before {clock(options.end)}: its time stamps begin at "
                f"{clock(begins)}, and start and end are times on that clock."
            )
        return f"{self.path} shows nothing from {options.start:g} s on: it ends before."

    def _next(self, index: int) -> VideoFrame | None:
        for pts, picture in self._placed:
            seconds = float(pts * self._base)
            if self._end is not None and seconds >= self._end:
                self._stopped = True
                break
            self._reading.note(seconds, picture.is_corrupt, bool(picture.key_frame))
            if self._steps.take(seconds):
                return VideoFrame(index, pts, self._base, time.monotonic(), self._converter.keep(picture))
        return None

    def _problem(self) -> IncompleteSourceError | None:
        """What is wrong with the file, now that all of it was read; notes in `info` what is only odd."""
        mends = self._timeline.mends
        if not is_bare(self._container):
            for sentence in mends.sentences():
                self._note(sentence)
        if problem := self._lost():
            return problem
        self._reading.finish()
        if problem := check_completeness(self.path, self._reading, self._evidence()):
            return problem
        if not mends.joints and (oddity := remark(self._reading)):
            self._note(oddity)
        ended = self._reading.end
        if self._end is not None and self._end > ended + float(self._step):
            self._note(f"it ends at {clock(ended)}, before the requested end ({clock(self._end)})")
        return None

    def _note(self, sentence: str) -> None:
        self.info.notes.add(f"{self.path.name}: {sentence}.")

    def _lost(self) -> IncompleteSourceError | None:
        """Whether the file was taken away, or changed, while it was read."""
        read = counted(self._reading.frames, "frame")
        if self._decoder.gone:
            return IncompleteSourceError(
                f"{self.path} could not be read at {clock(self._decoder.damage.first)} "
                f"({self._decoder.gone}): what was read of it ({read}) is done; "
                f"{self._decoder.advice}.",
                [f"it could not be read: {self._decoder.gone}"],
            )
        if self._as_found is None or _state(self.path) != self._as_found:
            return IncompleteSourceError(
                f"{self.path} was removed, replaced or changed while it was read: what was read of it "
                f"({read}) is done, but whether that is all of it cannot be known.",
                ["it is not the file any more that it was"],
            )
        return None

    def _evidence(self) -> Evidence:
        """What shows whether the file is complete; of an excerpt only what was met on the way."""
        decoder, whole = self._decoder, not self._stopped
        size = self._as_found[0] if self._as_found else 0
        finding = self._check() if whole else None
        return Evidence(
            errors=decoder.damage.places,
            first_error=decoder.damage.first,
            corrupt_packets=decoder.corrupt,
            finding=finding,
            found_at=self._seconds_at(finding.position) if finding else None,
            declared_frames=self._declared_frames() if self._from_start and whole else None,
            declared_seconds=_declared_seconds(self._container, self._stream) if whole else None,
            is_cut=whole and _names_more(self._container, self._stream, size),
        )

    def _seconds_at(self, position: int | None) -> float | None:
        """The time of the picture at a byte of the file; None where it is not known."""
        if position is None:
            return None
        if is_bare(self._container):
            return self._decoder.positions.count_before(position) * float(self._step)
        seconds = self._decoder.positions.seconds_at(position)
        # Else it lies before the first packet.
        return 0.0 if seconds is None and self._decoder.packets else seconds

    def _declared_frames(self) -> int | None:
        name = self._container.format.name
        return self._counted_frames() if name == "avi" or "mp4" in name else None

    def _counted_frames(self) -> int | None:
        """The container's number of frames; None if it has none, or an edit list hides some of them."""
        return None if _is_trimmed(self._container, self._stream) else self._stream.frames or None


def _state(path: Path) -> tuple[int, int] | None:
    """A file's size and modification time, which change with its content; None if there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _about(said: Mapping[str, str]) -> dict[str, str]:
    """The metadata of a container that are true for a copy, too; some containers capitalise names."""
    named = {name.lower(): value for name, value in said.items()}
    return {name: named[name] for name in _ABOUT if name in named}


def _holes(numbers: Mapping[int, int], base: Fraction) -> list[tuple[int, float]]:
    """Positions in bytes after which frames are missing without a trace, and the total seconds up to each."""
    found: list[tuple[int, float]] = []
    for count, (position, number) in enumerate(sorted(numbers.items())):
        if number - count != (round(found[-1][1] / base) if found else 0):
            found.append((position, float((number - count) * base)))
    return found


def _declared_seconds(container: InputContainer, stream: VideoStream) -> float | None:
    # Other containers declare the length of the longest track only, or libav computes it from the content.
    if container.format.name == "avi":
        return seconds_of(stream)
    return tagged_seconds(stream) if "matroska" in container.format.name else None


def _is_trimmed(container: InputContainer, stream: VideoStream) -> bool:
    """Whether an mp4 has more frames than it shows, as after a cut without re-encoding.

    Such a file begins at a key frame, and an edit list hides frames: the track is shorter than its frames.
    """
    rate = stream.average_rate
    if "mp4" not in container.format.name or not rate or not stream.duration or not stream.time_base:
        return False
    return stream.frames / rate - stream.duration * stream.time_base > 1 / rate


def _names_more(container: InputContainer, stream: VideoStream, size: int) -> bool:
    """Whether an mp4's index refers to bytes beyond the end of the file."""
    if "mp4" not in container.format.name:
        return False
    return any(entry.pos + entry.size > size for entry in stream.index_entries)


def _timestamp(picture: av.VideoFrame) -> int | None:
    return picture.dts if picture.pts is None else picture.pts
