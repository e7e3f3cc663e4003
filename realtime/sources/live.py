"""Cameras, network streams and files as live sources, with supervision and reconnection.

A lost source is opened again, at growing intervals, up to a limit. In the meantime it yields nothing, and
`LiveSource.state` says since when and why it is lost, for the display.
"""

import itertools
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from emotion.models.closeable import Closeable
from emotion.models.names import local
from emotion.models.native.at_exit import before_exit
from emotion.models.regions import Image
from emotion.realtime.errors import SourceError
from emotion.realtime.live_sound import LiveSound
from emotion.realtime.media import VideoInfo, WallClock, letterboxed
from emotion.realtime.messages import VideoFrame
from emotion.realtime.sources.camera import CameraMode, FoundCamera, camera_reader, find_cameras
from emotion.realtime.sources.file import VideoFile
from emotion.realtime.sources.network import stream_reader
from emotion.realtime.sources.options import LiveOptions
from emotion.realtime.sources.reader import Connect, Connection, ConnectionLostError, Pace, Picture, Reader
from emotion.realtime.sources.sound_feed import FileSound

TIME_BASE = Fraction(1, 90_000)
"""The time base of all live sources: the clock of MPEG."""

# Readers have time limits of their own, and know the reason better: they get this much longer.
_GRACE = 1.0
_LEAVING_SECONDS = 0.5
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SourceState:
    """The state of a live source.

    Attributes:
        connected: False while it is being reconnected.
        since: `time.monotonic()` at the last change of `connected`.
        attempt: number of the present attempt to reconnect, from 1; 0 while connected.
        reason: why it was lost, in a few words; empty while connected.
    """

    connected: bool
    since: float
    attempt: int = 0
    reason: str = ""


class LiveSource(Closeable):
    """A camera or stream as an iterable of `VideoFrame`, which reconnects when it is lost.

    The constructor opens it and waits for the first picture. Pictures are read in a separate thread; if the
    consumer is slower, the oldest ones are dropped and counted in `skipped`. Timestamps are the time since
    the first picture, by the monotonic clock, so that they grow over losses. All frames have the size of the
    first picture; others are fitted into it.

    Attributes:
        name: for messages: the address without password and query.
        info: size and rate of its frames; `path` is None.
        state: whether it is connected; may be read from any thread.

    Args:
        name: see above.
        connect: opens it; called in a separate thread, once per attempt.
        options: see `LiveOptions`.
        advice: what to check when it cannot be opened, as the end of a sentence.
        sound: where `connect` puts the sound; None if there is none, as for cameras.

    Raises:
        SourceError: it cannot be opened, or gives no picture.
    """

    def __init__(
        self,
        name: str,
        connect: Connect,
        options: LiveOptions,
        advice: str,
        sound: LiveSound | None = None,
    ) -> None:
        self.name = name
        self._connect = connect
        self._options = options
        self._advice = advice
        self._over = threading.Event()
        self._claimed = False
        self._other: tuple[str, Connect] | None = None
        self._before: tuple[str, Connect] | None = None
        self._attempt = 0
        self._skipped_before = 0
        self._open_link()
        try:
            self._first = self._first_picture()
        except BaseException:
            self.close()
            raise
        self._origin = self._first.captured_at
        if sound is not None:
            sound.origin = self._origin
        self._fitted = _Fitting(self._first.image, options)
        self.state = SourceState(True, self._origin)
        self._linked_since = self._origin
        width, height = self._fitted.size
        rate = min(self._link.rate, Fraction(options.fps or 1000).limit_denominator(1001))
        self.info = VideoInfo(
            path=None,
            width=width,
            height=height,
            time_base=TIME_BASE,
            average_rate=rate,
            clock=WallClock.set_now(self._origin),
            sound=sound if sound is not None and sound.is_there else None,
        )

    def __repr__(self) -> str:
        return f"LiveSource({self.name!r})"

    def __iter__(self) -> Iterator[VideoFrame]:
        if self._claimed:
            raise ValueError(f"{self.name} is read only once: open it again for a second time")
        self._claimed = True
        return self._frames()

    @property
    def skipped(self) -> int:
        """The number of pictures that were dropped because the consumer was too slow."""
        return self._skipped_before + self._link.skipped

    def switch(self, name: str, connect: Connect) -> None:
        """Switch to another camera, whose pictures are fitted into the same size; returns at once.

        May be called from any thread. If the camera gives no picture, the one before is opened again.

        Args:
            name: the new name.
            connect: opens the camera.
        """
        self._other = (name, connect)
        self._link.drop()

    def abort(self) -> None:
        """End the iteration, also one that waits for a picture. From any thread; returns at once."""
        self._over.set()
        self._link.drop()

    def close(self) -> None:
        """Close the source, with a short wait for its thread. May be called again."""
        self.abort()
        self._forgotten()

    def _open_link(self) -> None:
        self._link = Connection(self._connect)
        # A source that is garbage-collected without being closed releases its camera, too, or at exit.
        self._forgotten = before_exit(self, self._link.leave, _LEAVING_SECONDS)

    def _first_picture(self) -> Picture:
        try:
            picture = self._link.take(self._options.open_seconds)
        except ConnectionLostError as lost:
            raise SourceError(f"{self.name} cannot be opened: {lost}; {self._advice}.") from lost
        if picture is None:
            raise SourceError(f"{self.name} ended before its first picture; {self._advice}.")
        return picture

    def _frames(self) -> Iterator[VideoFrame]:
        thinner = _Thinner(self._options.fps)
        index, pts = 0, -1
        for picture in itertools.chain([self._first], iter(self._next, None)):
            if self._over.is_set():
                break
            if thinner.passes(picture.captured_at):
                pts = max(round((picture.captured_at - self._origin) / TIME_BASE), pts + 1)
                yield VideoFrame(index, pts, TIME_BASE, picture.captured_at, self._fitted(picture.image))
                index += 1
        self.close()

    def _next(self) -> Picture | None:
        """The next picture, after however many losses; None at the end."""
        while True:
            reason, picture = "", None
            try:
                picture = self._link.take(self._patience())
            except ConnectionLostError as lost:
                reason = str(lost)
            if picture is None and self._adopt(reason):
                continue
            if not reason:
                if picture is not None:
                    self._arrived(picture)
                return picture
            if not self._reconnect(reason):
                return None

    def _adopt(self, reason: str) -> bool:
        """Open the camera of `switch`, or the one before if that failed; False where there is neither."""
        other, self._other = self._other, None
        if other is None and reason:
            other, self._before = self._before, None
        elif other is not None:
            self._before = (self.name, self._connect)
        if other is None or self._over.is_set():
            return False
        self._link.drop()
        self.name, self._connect = other
        self._skipped_before += self._link.skipped
        self._forgotten.detach()
        self._open_link()
        if self._over.is_set():
            self._link.drop()
        return True

    def _patience(self) -> float:
        options = self._options
        return (options.stall_seconds if self.state.connected else options.open_seconds) + _GRACE

    def _arrived(self, picture: Picture) -> None:
        self._before = None
        if not self.state.connected:
            away = picture.captured_at - self.state.since
            _log.info("%s is back after %.1f s", self.name, away)
            self.state = SourceState(True, picture.captured_at)
            self._linked_since = picture.captured_at
        elif picture.captured_at - self._linked_since > self._options.stall_seconds:
            self._attempt = 0

    def _reconnect(self, reason: str) -> bool:
        """Wait, and connect once more; False after `abort`."""
        self._link.drop()
        if self._over.is_set():
            return False
        self._note_loss(reason)
        if self._over.wait(self._options.delay(self._attempt)):
            return False
        self._skipped_before += self._link.skipped
        self._forgotten.detach()
        self._open_link()
        if self._over.is_set():  # abort() may have dropped the link before this one
            self._link.drop()
        return True

    def _note_loss(self, reason: str) -> None:
        """Count a loss or a failed attempt; raises SourceError when there are too many."""
        limit, known = self._options.attempts, self.state
        if known.connected:
            known = SourceState(False, time.monotonic(), reason=reason)
            if limit:
                _log.warning("%s: %s; trying to reach it again", self.name, reason)
        self._attempt += 1
        self.state = replace(known, attempt=min(self._attempt, limit))
        if self._attempt > limit:
            tried = f" and could not be reached again in {limit} attempts, at last because: {reason}"
            raise SourceError(f"{self.name} is lost: {known.reason}{tried if limit else ''}; {self._advice}.")


class _Thinner:
    """Limits the rate of pictures, and keeps them as even as they come."""

    def __init__(self, fps: float | None) -> None:
        self._period = 1 / fps if fps else 0.0
        self._due = float("-inf")

    def passes(self, moment: float) -> bool:
        """Whether to keep the picture of this time."""
        # Half a period early is accepted: otherwise a source of exactly this rate, which is never quite
        # even, would lose every other picture.
        if moment < self._due - self._period / 2:
            return False
        self._due = max(self._due + self._period, moment)
        return True


class _Fitting:
    """Fits pictures into one size, and mirrors them if wanted."""

    def __init__(self, first: Image, options: LiveOptions) -> None:
        height, width = first.shape[:2]
        scale = 1.0
        if options.size:
            scale = min(1.0, options.size[0] / width, options.size[1] / height)
        self.size = max(2, round(width * scale)), max(2, round(height * scale))
        self._mirror = options.mirror

    def __call__(self, image: Image) -> Image:
        image = letterboxed(image, self.size)
        return np.asarray(cv2.flip(image, 1), dtype=np.uint8) if self._mirror else image


class FileReader:
    """A video file played in real time, as if it were a camera."""

    paced = True

    def __init__(self, path: str, over: threading.Event, sound: LiveSound | None) -> None:
        self._video = VideoFile(path)
        self._frames = iter(self._video)
        self._pace = Pace(over)
        try:
            self._sound = FileSound(os.path.abspath(path), sound) if sound else None
        except BaseException:
            self._video.close()
            raise
        self.rate = self._video.info.average_rate

    def read(self) -> Picture | None:
        """The next picture, at its time; None at the end."""
        frame = next(self._frames, None)
        if frame is None:
            return None
        moment = self._pace.wait(frame.seconds)
        if self._sound:
            self._sound.read(frame.seconds, moment - frame.seconds)
        return Picture(moment, frame.image)

    def close(self) -> None:
        """Close the file."""
        self._video.close()
        if self._sound:
            self._sound.close()


def _file_feed(path: str, sound: LiveSound | None) -> Connect:
    def connect(over: threading.Event) -> Reader:
        return FileReader(path, over, sound)

    return connect


def open_live(where: str, options: LiveOptions | None = None, sound: LiveSound | None = None) -> LiveSource:
    """Open a camera, a network stream, or a file that is played like a camera.

    Args:
        where: a camera's number from 0 or device file (``/dev/video1``), an address
            (``rtsp://``, ``http://``, ``udp://`` and so on), or the path of a video file, which is
            played in real time.
        options: see `LiveOptions`.
        sound: takes the sound for recordings; cameras have none.

    Raises:
        SourceError: it cannot be opened, or gives no picture.
    """
    options = options or LiveOptions()
    if (device := camera_of(where)) is not None:
        mode = CameraMode(options.size, options.fps)
        name = _camera_name(device)
        connect: Connect = camera_reader(device, mode, options.stall_seconds)
        advice = "see what 'emotion cameras' lists, and check the cable"
        return LiveSource(name, connect, options, advice)
    if is_network(where):
        connect = stream_reader(where, options.open_seconds, options.stall_seconds, sound)
        advice = "check the address, the network and the sender"
        return LiveSource(shown_url(where), connect, options, advice, sound)
    path = local(where)
    # A reconnected file would start from its beginning.
    options = replace(options, attempts=0)
    advice = "check the disk that it is on"
    return LiveSource(Path(path).name, _file_feed(path, sound), options, advice, sound)


def other_camera(
    current: str, options: LiveOptions, find: Callable[[], Sequence[FoundCamera]] = find_cameras
) -> tuple[str, Connect] | None:
    """The next camera of this machine, as arguments of `LiveSource.switch`.

    Args:
        current: the `LiveSource.name` of the present one.
        options: of live sources.
        find: lists the cameras.

    Returns:
        None if the present source is not a camera of this machine, or there is no other.
    """
    devices = [device for one in find() if not one.problem and (device := camera_of(one.where)) is not None]
    names = [_camera_name(device) for device in devices]
    if current not in names or len(names) < 2:
        return None
    at = (names.index(current) + 1) % len(names)
    mode = CameraMode(options.size, options.fps)
    return names[at], camera_reader(devices[at], mode, options.stall_seconds)


def _camera_name(device: int | str) -> str:
    return f"camera {device}" if isinstance(device, int) else device


def camera_of(where: str) -> int | str | None:
    """The camera that `where` names, as a number or a device file; None for other sources."""
    if where.isascii() and where.isdigit():
        return int(where)
    return where if re.fullmatch(r"/dev/(video\d+|v4l/.+)", where) else None


def is_network(where: str) -> bool:
    """Whether reading `where` uses the network."""
    return bool(_URL.match(where)) and not where.startswith("file://")


def shown_url(url: str) -> str:
    """An address that may be shown: without user, password and query."""
    scheme, _, rest = url.partition("://")
    address, _, query = rest.partition("?")
    # If a password contains a question mark, it is unclear where the address begins.
    return f"{scheme}://..." if "@" in query else f"{scheme}://{address.rpartition('@')[2]}"
