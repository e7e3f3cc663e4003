"""A clip from end to end: in a plain loop, through the pipeline at full speed, and paced like a camera."""

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from emotion.benchmarks.timing import Usage, quantiles
from emotion.realtime.drawing.overlay import Overlay
from emotion.realtime.messages import EmotionFrame, VideoFrame
from emotion.realtime.monitoring.metrics import SILENT, Metrics, Observer
from emotion.realtime.options import Options
from emotion.realtime.playback.live import Live, prompt_threads
from emotion.realtime.session import EveryFrame, Inline, Models, NewestFrame, Session, Workers
from emotion.realtime.sinks.mp4 import Mp4Sink
from emotion.realtime.sources.file import VideoFile
from emotion.realtime.stages.options import FaceOptions


@dataclass(frozen=True, slots=True)
class Run:
    """The measurements of one run.

    Attributes:
        name: of the run.
        clip: its input.
        frames, seconds: number of results, and the time from the first picture to the last result.
        cores: processor time per second: mean number of busy cores.
        peak_mib: peak memory of the process.
        first_ms: until the first result.
        latency_ms: p50, p95 and p99 from a picture's capture to its result; paced runs only.
        dropped: number of dropped pictures; paced runs only.
        batches: histogram of the models' batch sizes, in frames.
    """

    name: str
    clip: str
    frames: int
    seconds: float
    cores: float
    peak_mib: float
    first_ms: float
    latency_ms: tuple[float, float, float] | None = None
    dropped: int = 0
    batches: tuple[tuple[int, int], ...] = ()

    @property
    def fps(self) -> float:
        """Results a second."""
        return self.frames / self.seconds


def sequential(name: str, clip: Path, models: Models, max_faces: int, frames: int) -> Run:
    """The same stages in one loop: each frame through all of them before the next is read."""
    with Session(_FirstFrames(clip, frames), _options(max_faces), models, Inline()) as session:
        return _timed(name, clip, session)


def flat_out(
    name: str, clip: Path, models: Models, max_faces: int, frames: int, workers: Workers | None = None
) -> Run:
    """The pipeline at full speed, with every frame of a file."""
    metrics = Metrics()
    with _every_frame(clip, models, max_faces, frames, workers, metrics) as session:
        run = _timed(name, clip, session)
    return replace(run, batches=metrics.snapshot()["classify"].batches)


def annotated(
    name: str, clip: Path, models: Models, max_faces: int, frames: int, workers: Workers | None = None
) -> Run:
    """The pipeline at full speed, with drawing and an H.264 file, as in ``emotion annotate``."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        with VideoFile(clip) as video:
            info = video.info
        session = stack.enter_context(_every_frame(clip, models, max_faces, frames, workers))
        overlay = Overlay(partly=True)

        def results() -> Iterator[EmotionFrame]:
            with Mp4Sink(folder / "annotated.mp4", info) as sink:
                for result in session:
                    sink.write(result, overlay.draw(result))
                    yield result

        return _timed(name, clip, results())


def paced(name: str, clip: Path, models: Models, max_faces: int, frames: int, rate: float) -> Run:
    """A clip paced like a camera, as in ``emotion live``: the newest picture is analysed."""
    latencies: list[float] = []
    begun = time.monotonic()
    first = 0.0

    def note(result: EmotionFrame) -> None:
        nonlocal first
        now = time.monotonic()
        first = first or now - begun
        latencies.append(now - result.frame.captured_at)

    policy = NewestFrame()
    steps = policy.stages(models, _options(max_faces))
    source = _Paced(clip, frames, rate)
    with prompt_threads(), Usage() as usage, Live(source, steps, policy=policy, on_result=note) as live:
        for _ in live:
            pass
    return Run(
        name=name,
        clip=clip.stem,
        frames=len(latencies),
        seconds=usage.seconds,
        cores=usage.cpu_seconds / usage.seconds,
        peak_mib=usage.peak_mib,
        first_ms=1000 * first,
        latency_ms=quantiles(latencies or [0.0]),
        dropped=frames - len(latencies),
    )


class _FirstFrames:
    """The beginning of a clip, repeated until there are enough frames, with increasing times."""

    def __init__(self, clip: Path, frames: int) -> None:
        self._clip = clip
        self._frames = frames

    def __iter__(self) -> Iterator[VideoFrame]:
        index, pts = 0, 0
        while index < self._frames:
            begin = pts
            with VideoFile(self._clip) as video:
                step = round(1 / (video.info.average_rate * video.info.time_base))
                for frame in islice(video, self._frames - index):
                    pts = begin + frame.pts - video.info.first_pts
                    yield replace(frame, index=index, pts=pts)
                    index += 1
            pts += step


class _Paced:
    """The same frames, each when it is due, with that time as its capture time."""

    def __init__(self, clip: Path, frames: int, rate: float) -> None:
        self._clip = clip
        self._frames = frames
        self._rate = rate

    def __iter__(self) -> Iterator[VideoFrame]:
        start: float | None = None
        for frame in _FirstFrames(self._clip, self._frames):
            # The first interval is the same, too: opening the file is not part of it.
            start = time.monotonic() if start is None else start
            wait = start + frame.index / self._rate - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            yield replace(frame, captured_at=time.monotonic())


def looped(clip: Path, models: Models, max_faces: int, frames: int, workers: Workers | None = None) -> Usage:
    """Run a clip repeatedly, for so many frames; returns the course of memory."""
    with (
        Usage(interval=1.0) as usage,
        _every_frame(clip, models, max_faces, frames, workers) as session,
    ):
        for _ in session:
            pass
    return usage


def growth(samples: list[tuple[float, float]]) -> float:
    """Growth of memory in MiB from the middle to the end, by medians of two fifths, without peaks."""
    values = [mib for _, mib in samples]
    fifth = max(len(values) // 5, 1)
    middle, end = values[2 * fifth : 3 * fifth] or values, values[-fifth:]
    return sorted(end)[len(end) // 2] - sorted(middle)[len(middle) // 2]


def _every_frame(
    clip: Path,
    models: Models,
    max_faces: int,
    frames: int,
    workers: Workers | None,
    observer: Observer = SILENT,
) -> Session:
    source, policy = _FirstFrames(clip, frames), EveryFrame(workers)
    return Session(source, _options(max_faces), models, policy, observer=observer)


def _options(max_faces: int) -> Options:
    return Options(faces=FaceOptions(max_faces=max_faces))


def _timed(name: str, clip: Path, results: Iterable[EmotionFrame]) -> Run:
    first, count = 0.0, 0
    with Usage() as usage:
        start = time.perf_counter()
        for _ in results:
            count += 1
            first = first or time.perf_counter() - start
    return Run(
        name=name,
        clip=clip.stem,
        frames=count,
        seconds=usage.seconds,
        cores=usage.cpu_seconds / usage.seconds,
        peak_mib=usage.peak_mib,
        first_ms=1000 * first,
    )
