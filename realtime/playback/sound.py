"""The sound of a played video, synchronised with its clock.

::

    file --decoded, in the speed wanted--> a second ahead --> the device asks when it needs more
                                                 ^ what lags is skipped, what leads waits

The pictures' clock is the master. Each block is cut so that its first sample is played at its time on the
clock; a block within 20 ms is not changed. After a seek, a pause or another speed, and
if it is too far off, the track is decoded again from the clock's position.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import av
import numpy as np
import numpy.typing as npt
from av.filter import Graph

from emotion.realtime.playback.clock import PlayClock

RATE = 48_000
CHANNELS = 2
_AHEAD_SECONDS = 1.0
# Tolerance of synchronisation; and the difference from which the track is decoded again.
_IN_STEP, _LOST = 0.02, 0.25
_SLOWEST_FILTER, _FASTEST_FILTER = 0.5, 2.0
# The output of the filter for speeds is early by so many seconds of the video (measured for each).
_FILTER_LEAD = 0.012

Samples: TypeAlias = npt.NDArray[np.float32]
"""float32 (n, 2), in [-1, 1], `RATE` a second."""
Fill: TypeAlias = Callable[[Samples, float], None]
"""Called by a device with a block to fill and the seconds until its first sample is played."""


class Device(Protocol):
    """A device that plays blocks of samples."""

    def close(self) -> None:
        """Stop permanently."""


def open_device(fill: Fill) -> Device:
    """The default output device of this machine.

    Raises:
        OSError: there is no device or library.
    """
    try:
        import sounddevice  # noqa: PLC0415  loads a library that may be missing
    except ImportError as error:
        raise OSError(str(error)) from error

    def callback(block: Samples, frames: int, times: Any, status: object) -> None:
        fill(block, max(0.0, times.outputBufferDacTime - times.currentTime))

    try:
        stream = sounddevice.OutputStream(
            samplerate=RATE, channels=CHANNELS, dtype="float32", latency="low", callback=callback
        )
        stream.start()
    except sounddevice.PortAudioError as error:
        raise OSError(str(error)) from error
    device: Device = stream
    return device


class Sound:
    """Plays in synchrony with a clock, from its construction on; close it.

    Args:
        path: the video.
        clock: the playback position; may be changed at any time.
        device: opens the device.

    Raises:
        OSError: there is no device.
    """

    def __init__(
        self,
        path: Path,
        clock: PlayClock,
        device: Callable[[Fill], Device] = open_device,
    ) -> None:
        self._path = path
        self._clock = clock
        self._run: _Run | None = None
        self._volume = 1.0
        self._gain = 0.0
        self._muted = False
        self._device = device(self._fill)

    @property
    def muted(self) -> bool:
        """Whether it is muted."""
        return self._muted

    @muted.setter
    def muted(self, muted: bool) -> None:
        self._muted = muted

    @property
    def volume(self) -> float:
        """From 0 to 1."""
        return self._volume

    @volume.setter
    def volume(self, volume: float) -> None:
        self._volume = min(max(volume, 0.0), 1.0)

    @property
    def ahead(self) -> float:
        """Seconds of decoded sound in the queue; infinite if the track has been read to its end."""
        run = self._run
        return 0.0 if run is None else run.ahead

    def follow(self) -> None:
        """Synchronise with the clock; call it often."""
        state = self._clock.state
        if not state.running:
            self._drop()
            return
        run = self._run
        if run is None or run.speed != state.speed or run.lost(state.position):
            self._drop()
            self._run = _Run(self._path, state.position, state.speed)

    def close(self) -> None:
        """Stop, and close the file. May be called again."""
        self._device.close()
        self._drop()

    def _drop(self) -> None:
        run, self._run = self._run, None
        if run:
            run.close()

    def _fill(self, block: Samples, delay: float) -> None:
        """In the device's own thread: the samples that are due when the block is played."""
        block[:] = 0
        run, state = self._run, self._clock.state
        gain = 0.0 if self._muted else self._volume
        if run is not None and state.running and run.speed == state.speed:
            run.give(block, state.position + delay * state.speed)
        # A ramp, to avoid a click when the volume changes.
        block *= np.linspace(self._gain, gain, len(block), dtype=np.float32)[:, None]
        self._gain = gain


class _Run:
    """The track from a position on, at one speed, decoded ahead by a thread.

    Attributes:
        speed: seconds of the video per second.
    """

    def __init__(self, path: Path, start: float, speed: float) -> None:
        self.speed = speed
        self._path = path
        self._start = start
        self._lock = threading.Condition()
        self._blocks: deque[Samples] = deque()
        self._waiting = 0
        self._given = 0
        self._over = False
        self._ended = False
        self._thread = threading.Thread(target=self._decode, name="sound", daemon=True)
        self._thread.start()

    @property
    def position(self) -> float:
        """The position of the next sample in the video."""
        return self._start + self._given / RATE * self.speed

    @property
    def ahead(self) -> float:
        """Seconds of sound in the queue; infinite if no more will come."""
        with self._lock:
            return float("inf") if self._ended else self._waiting / RATE

    def lost(self, position: float) -> bool:
        """Whether it is better to decode again from a position than to wait or to skip."""
        with self._lock:
            behind = (position - self.position) / self.speed
            # Decoded sound can be skipped; other sound takes some time to decode.
            reach = self._waiting / RATE + (_AHEAD_SECONDS if not self._ended else float("inf"))
            return not -_LOST < behind < reach

    def give(self, block: Samples, wanted: float) -> None:
        """Write the sound from a position on; missing sound is silence."""
        with self._lock:
            late = (wanted - self.position) / self.speed
            skip = 0
            if late > _IN_STEP:
                self._skip(round(late * RATE))
            elif late < -_IN_STEP:
                skip = min(len(block), round(-late * RATE))
            self._copy(block[skip:])
            self._lock.notify()

    def close(self) -> None:
        """Stop the thread, without waiting for it."""
        with self._lock:
            self._over = True
            self._lock.notify()

    def _skip(self, count: int) -> None:
        self._copy(np.empty((min(count, self._waiting), CHANNELS), np.float32))

    def _copy(self, block: Samples) -> None:
        at = 0
        while at < len(block) and self._blocks:
            first = self._blocks[0]
            part = first[: len(block) - at]
            block[at : at + len(part)] = part
            at += len(part)
            if len(part) == len(first):
                self._blocks.popleft()
            else:
                self._blocks[0] = first[len(part) :]
        self._waiting -= at
        self._given += at

    def _put(self, samples: Samples) -> bool:
        """Add samples; waits while the queue is full. Returns False after `close`."""
        with self._lock:
            while self._waiting > _AHEAD_SECONDS * RATE and not self._over:
                self._lock.wait()
            if len(samples):
                self._blocks.append(samples)
                self._waiting += len(samples)
            return not self._over

    def _decode(self) -> None:
        try:
            for samples in decoded(self._path, self._start, self.speed):
                if not self._put(samples):
                    return
        except (OSError, ValueError):  # PyAV's errors are of either kind; the pictures report the error
            pass
        finally:
            with self._lock:
                self._ended = True


def decoded(path: Path, start: float, speed: float) -> Iterator[Samples]:
    """A video's sound from a time on, at a constant sampling rate for any speed; the pitch is kept.

    Args:
        path: a video with sound.
        start: in seconds of the file's clock; before the track begins there is silence.
        speed: seconds of the video per second.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    with av.open(str(path)) as container:
        track = container.streams.audio[0]
        # Slightly earlier, since decoders need some packets to synchronise.
        container.seek(max(0, int((start - 0.2) * av.time_base)), backward=True)
        graph = _stretcher(track, speed)
        cut: float | None = None
        for frame in container.decode(track):
            if frame.pts is None or frame.time_base is None:
                continue
            time_of = float(frame.pts * frame.time_base)
            if time_of + frame.samples / frame.sample_rate <= start:
                continue
            if cut is None:
                # Positive: samples before the start; negative: silence until the track begins.
                cut = (start - time_of - (_FILTER_LEAD if speed != 1 else 0.0)) / speed
            frame.pts = None
            graph.push(frame)
            for samples in _pulled(graph):
                cut, rest = _trimmed(samples, cut)
                yield rest
        graph.push(None)
        for samples in _pulled(graph):
            cut, rest = _trimmed(samples, cut or 0.0)
            yield rest


def _trimmed(samples: Samples, cut: float) -> tuple[float, Samples]:
    """Cut so many seconds off, or add silence before. Returns the seconds still to cut, and the rest."""
    if cut < 0:
        silence = np.zeros((min(round(-cut * RATE), 60 * RATE), CHANNELS), np.float32)
        return 0.0, np.concatenate([silence, samples])
    gone = min(len(samples), round(cut * RATE))
    return cut - gone / RATE, samples[gone:]


def _stretcher(track: av.AudioStream, speed: float) -> Graph:
    """Resamples to the devices' format, and changes the speed at the same pitch."""
    graph = Graph()
    layout = "stereo" if CHANNELS == 2 else "mono"
    form = f"sample_fmts=flt:sample_rates={RATE}:channel_layouts={layout}"
    graph.link_nodes(
        graph.add_abuffer(template=track),
        graph.add("aformat", form),
        *(graph.add("atempo", f"{step:g}") for step in tempo_steps(speed)),
        graph.add("aformat", form),
        graph.add("abuffersink"),
    ).configure()
    return graph


def tempo_steps(speed: float) -> list[float]:
    """The factors, each from a half to two, whose product is a speed; none for normal speed."""
    steps = []
    while speed > _FASTEST_FILTER:
        steps.append(_FASTEST_FILTER)
        speed /= _FASTEST_FILTER
    while speed < _SLOWEST_FILTER:
        steps.append(_SLOWEST_FILTER)
        speed /= _SLOWEST_FILTER
    return [*steps, speed] if speed != 1 else steps


def _pulled(graph: Graph) -> Iterator[Samples]:
    while True:
        try:
            frame = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        if isinstance(frame, av.AudioFrame):
            yield np.ascontiguousarray(frame.to_ndarray().reshape(-1, CHANNELS), dtype=np.float32)
