"""Cameras over WebRTC: receives each viewer's pictures and sends the results of the newest one."""

import asyncio
import contextlib
import gc
import itertools
import json
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import av
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError

from emotion.models.errors import EmotionError
from emotion.models.native.memory import give_back
from emotion.models.regions import Image
from emotion.realtime.drawing.renderer import Renderer
from emotion.realtime.messages import EmotionFrame, VideoFrame
from emotion.realtime.options import Options
from emotion.realtime.pipeline.latest import LatestSlot
from emotion.realtime.session import Inline, Models, Session
from emotion.web.analysis import to_values
from emotion.web.camera.low_latency import hurry, with_bitrates
from emotion.web.errors import BusyError
from emotion.web.feed import Feed

# A connection without any message for this long is closed.
_SILENCE_SECONDS = 15.0
# The analysis of a picture takes far less, even while others are analysed.
_CLOSE_SECONDS = 10.0
# After this the tasks of a closed connection have ended; on a busy machine it is checked again.
_TIDY_SECONDS = 1.0
_TIDY_TRIES = 10
# More than a page needs.
_MOST_PIXELS = 1920 * 1088
# Results are dropped while more bytes than this wait for the network.
_MOST_BUFFERED = 32_768
_VIDEO_CLOCK = Fraction(1, 90_000)

_log = logging.getLogger(__name__)


class CameraError(EmotionError, ValueError):
    """A browser's offer that cannot be answered."""

    exit_code = 3


@dataclass(slots=True)
class CameraCounts:
    """Counts over all viewers, for the metrics.

    Attributes:
        frames: pictures received.
        results: results sent; the other pictures were replaced by newer ones.
        seconds: sum of the times from a picture's arrival to its result.
    """

    frames: int = 0
    results: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Arrival:
    """A picture that was received, and `time.monotonic()` at its arrival."""

    picture: av.VideoFrame
    at: float


class Analyst:
    """Analyses one viewer's newest picture, again and again, in its own thread.

    Args:
        models: shared by all viewers.
        options: of faces, the vote and drawing.
        drawn: also make the annotated picture of each result.
        mirror: mirror the pictures before the analysis.
        publish: called in the thread with each result and its annotated picture, or None.
        fail: called in the thread with an error that ends the analysis.
    """

    def __init__(
        self,
        models: Models,
        options: Options,
        drawn: bool,
        publish: Callable[[EmotionFrame, Image | None], None],
        fail: Callable[[Exception], None],
        *,
        mirror: bool = False,
    ) -> None:
        self._models = models
        self._options = options
        self._drawn = drawn
        self._mirror = mirror
        self._publish = publish
        self._fail = fail
        self._newest: LatestSlot[_Arrival] = LatestSlot()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()

    def look_at(self, picture: av.VideoFrame) -> None:
        """Analyse this picture next, in place of one that still waits."""
        self._newest.put(_Arrival(picture, time.monotonic()))

    def close(self) -> None:
        """End the thread after its present picture, and wait for it.

        A thread that hangs in native code cannot be ended: it is left behind, with an error in the log.
        """
        self._newest.abort()
        self._thread.join(_CLOSE_SECONDS)
        if self._thread.is_alive():
            _log.error("a camera's analysis does not end; its thread is left behind")

    def _run(self) -> None:
        try:
            with self._session() as session:
                self._publish_all(session)
        except Exception as error:  # an error of one viewer must not affect the others
            self._fail(error)

    def _session(self) -> Session:
        # Inline, because queues between threads would add to the delay.
        return Session(self._frames(), self._options, self._models, Inline())

    def _frames(self) -> Iterator[VideoFrame]:
        for index, arrival in enumerate(self._newest):
            yield _to_frame(index, arrival, self._mirror)

    def _publish_all(self, session: Session) -> None:
        renderer = Renderer(self._options.drawing)
        for result in session:
            self._publish(result, renderer.draw(result) if self._drawn else None)


def _to_frame(index: int, arrival: _Arrival, mirror: bool) -> VideoFrame:
    picture = arrival.picture
    if picture.width * picture.height > _MOST_PIXELS:
        raise CameraError(
            f"The camera's pictures are {picture.width}x{picture.height}: choose 1920x1080 or less."
        )
    image: Image = np.asarray(picture.to_ndarray(format="bgr24"), dtype=np.uint8)
    if mirror:  # before drawing, so that text is not mirrored
        image = np.ascontiguousarray(image[:, ::-1])
    return VideoFrame(index, picture.pts or 0, picture.time_base or _VIDEO_CLOCK, arrival.at, image)


class _Drawn(MediaStreamTrack):
    """The video track with annotated pictures for the viewer; the newest only."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self._newest: LatestSlot[av.VideoFrame] = LatestSlot()
        # Reading the slot would block the event loop.
        self._ready = asyncio.Event()

    def show(self, result: EmotionFrame, image: Image) -> None:
        """Send this picture next."""
        picture = av.VideoFrame.from_ndarray(image, format="bgr24")
        picture.pts, picture.time_base = result.frame.pts, result.frame.time_base
        self._newest.put(picture)
        self._ready.set()

    def stop(self) -> None:
        """No more pictures will come."""
        super().stop()
        self._newest.abort()
        self._ready.set()

    async def recv(self) -> av.VideoFrame:
        """The next picture; called by aiortc."""
        await self._ready.wait()
        self._ready.clear()
        pictures = self._newest.take(timeout=0)
        if not pictures:
            raise MediaStreamError
        return pictures.pop()


class Viewer:
    """One browser's camera: a connection, an analyst, and the results on a data channel.

    Messages to the page are JSON: results ``{"width", "height", "at", "sent", "pts", "faces": [...]}`` with
    times of the server's clock in milliseconds; ``{"pong": ..., "now": ...}``, from which the page computes
    the offset of the clocks; ``{"error": "one sentence"}``.
    """

    def __init__(
        self,
        models: Models,
        options: Options,
        drawn: bool,
        counts: CameraCounts,
        listen: Callable[[EmotionFrame], None] = lambda result: None,
        *,
        mirror: bool = False,
    ) -> None:
        self._listen = listen
        self._loop = asyncio.get_running_loop()
        self._counts = counts
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._results: RTCDataChannel | None = None
        self._drawn = _Drawn() if drawn else None
        self._heard = time.monotonic()
        self._closing = False
        self.closed = asyncio.Event()
        self._analyst = Analyst(models, options, drawn, self._publish, self._fail, mirror=mirror)
        self._tasks = [asyncio.create_task(self._watch())]
        self._connection.on("track", self._on_track)
        self._connection.on("datachannel", self._on_channel)
        self._connection.on("connectionstatechange", self._on_state)

    async def answer(self, sdp: str) -> str:
        """The answer to a browser's offer, both in the Session Description Protocol.

        Raises:
            CameraError: the offer is invalid, or has no video.
        """
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
            receivers = [one.receiver for one in self._connection.getTransceivers() if one.kind == "video"]
            if not receivers:
                raise CameraError("The offer has no video: send a camera's.")
            for receiver in receivers:
                hurry(receiver)
            if self._drawn:
                self._connection.addTrack(self._drawn)
            await self._connection.setLocalDescription(await self._connection.createAnswer())
        except CameraError:
            raise
        except Exception as error:  # aiortc raises errors of any type for invalid offers
            raise CameraError("The browser's offer of a camera cannot be understood.") from error
        return with_bitrates(self._connection.localDescription.sdp)

    async def close(self) -> None:
        """Close the connection and free its resources; may be called again."""
        if self._closing:
            await self.closed.wait()
            return
        self._closing = True
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        try:
            # No thread may run native code when the interpreter exits.
            await asyncio.gather(asyncio.to_thread(self._analyst.close), self._connection.close())
        finally:
            self.closed.set()

    def _on_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "video":
            self._tasks.append(asyncio.create_task(self._receive(track)))

    async def _receive(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                picture = await track.recv()
                self._heard = time.monotonic()
                self._counts.frames += 1
                if isinstance(picture, av.VideoFrame):
                    self._analyst.look_at(picture)
        await self.close()

    def _on_channel(self, channel: RTCDataChannel) -> None:
        self._results = channel
        channel.on("message", self._on_message)

    def _on_message(self, message: object) -> None:
        self._heard = time.monotonic()
        if isinstance(message, str) and len(message) < 100:
            with contextlib.suppress(ValueError):
                self._send({"pong": float(message), "now": _milliseconds(time.monotonic())})

    async def _on_state(self) -> None:
        if self._connection.connectionState in ("failed", "closed"):
            await self.close()

    async def _watch(self) -> None:
        """Close the connection when the browser has been silent too long."""
        while time.monotonic() - self._heard < _SILENCE_SECONDS:
            await asyncio.sleep(1)
        await self.close()

    def _publish(self, result: EmotionFrame, image: Image | None) -> None:
        self._listen(result)
        self._call(self._show, result, image)

    def _show(self, result: EmotionFrame, image: Image | None) -> None:
        now = time.monotonic()
        height, width = result.frame.shape[:2]
        self._counts.results += 1
        self._counts.seconds += now - result.frame.captured_at
        self._send(
            {
                "width": width,
                "height": height,
                "at": _milliseconds(result.frame.captured_at),
                "sent": _milliseconds(now),
                "pts": result.frame.seconds,
                "faces": [to_values(face) for face in result.faces],
            }
        )
        if self._drawn and image is not None:
            self._drawn.show(result, image)

    def _fail(self, error: Exception) -> None:
        if isinstance(error, EmotionError):
            sentence = str(error)
        else:
            _log.error("a camera's analysis ended early", exc_info=error)
            sentence = "The analysis of this camera ended unexpectedly: start it again."
        self._call(self._give_up, sentence)

    def _give_up(self, sentence: str) -> None:
        self._send({"error": sentence})
        self._tasks.append(asyncio.create_task(self._close_soon()))

    async def _close_soon(self) -> None:
        await asyncio.sleep(0.5)  # so that the message still arrives
        await self.close()

    def _send(self, values: dict[str, Any]) -> None:
        channel = self._results
        if channel and channel.readyState == "open" and channel.bufferedAmount < _MOST_BUFFERED:
            channel.send(json.dumps(values, separators=(",", ":")))

    def _call(self, function: Callable[..., None], *values: object) -> None:
        """Call a function in the event loop, unless that has ended."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *values)


class Cameras:
    """All viewers, up to a limit.

    Args:
        models: shared by all viewers.
        limit: the most viewers at the same time.
        feed: publishes results for other programs.
    """

    def __init__(self, models: Models, limit: int, feed: Feed | None = None) -> None:
        # Not `feed or Feed()`: a feed without listeners has the length 0.
        self._feed = Feed() if feed is None else feed
        self._numbers = itertools.count()
        self.counts = CameraCounts()
        self._models = models
        self._limit = limit
        self._viewers: set[Viewer] = set()
        self._goodbyes: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._viewers)

    async def open(self, sdp: str, drawn: bool, options: Options, *, mirror: bool = False) -> str:
        """Answer a browser's offer of its camera.

        Args:
            sdp: the offer, in the Session Description Protocol.
            drawn: send annotated pictures back.
            options: of faces, the vote and drawing.
            mirror: mirror the pictures before the analysis.

        Raises:
            BusyError: all places are taken.
            CameraError: the offer cannot be answered.
        """
        if len(self._viewers) >= self._limit:
            raise BusyError(
                503, 10, f"All places for cameras ({self._limit}) are taken: try again in a moment."
            )
        publish = partial(self._feed.publish, camera=next(self._numbers))
        viewer = Viewer(self._models, options, drawn, self.counts, publish, mirror=mirror)
        self._viewers.add(viewer)
        task = asyncio.create_task(self._see_off(viewer))
        self._goodbyes.add(task)
        task.add_done_callback(self._goodbyes.discard)
        try:
            return await viewer.answer(sdp)
        except BaseException:
            await viewer.close()
            raise

    async def close(self) -> None:
        """End all connections."""
        await asyncio.gather(*(viewer.close() for viewer in list(self._viewers)))

    async def _see_off(self, viewer: Viewer) -> None:
        await viewer.closed.wait()
        self._viewers.discard(viewer)
        known = weakref.ref(viewer)
        del viewer
        # A connection is a reference cycle with a decoder and pictures, and the collector runs rarely.
        for _ in range(_TIDY_TRIES):
            await asyncio.sleep(_TIDY_SECONDS)
            gc.collect()
            if known() is None:
                break
        give_back()


def _milliseconds(seconds: float) -> float:
    return round(1000 * seconds, 2)
