"""Whether live analysis keeps up: pictures shown, results a second, latency, memory and age over time.

`emotion bench --soak SECONDS` plays pictures of the bundled clip at 30 fps and 640x480, with one face and
with three, as if they came from a camera, and prints which targets are met.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil

from emotion.benchmarks.report import Table
from emotion.models.regions import Image
from emotion.realtime.drawing.overlay import Overlay
from emotion.realtime.drawing.window import Window
from emotion.realtime.messages import VideoFrame
from emotion.realtime.monitoring.histogram import Distribution, Latencies
from emotion.realtime.options import Options
from emotion.realtime.playback.live import DISPLAY, Live, LiveFrame, prompt_threads
from emotion.realtime.session import Models, NewestFrame
from emotion.realtime.sources.file import VideoFile

SIZE = (640, 480)
FPS = 30
# The first seconds, in which libraries get ready, do not count.
WARM_UP_SECONDS = 3.0
# What is compared at the beginning and at the end, or a third of a shorter time.
_PART_SECONDS = 60.0
# So many different pictures, shown forwards and backwards, so that nothing jumps.
_PICTURES = 120
_TIME_BASE = Fraction(1, 90_000)


@dataclass(frozen=True, slots=True)
class LiveFigures:
    """What one run measured.

    Attributes:
        faces: how many there were.
        seconds: that were measured.
        given: pictures that the camera gave.
        shown: of them on the screen.
        results_per_second: of the models.
        capture_to_screen, capture_to_result: in milliseconds.
        part: the first and the last so many seconds are compared: a minute, or a third of a shorter time.
        age_begin, age_end: median age of the result on the screen, in milliseconds, in these.
        memory_mib: resident, after the first part and at the end.
        window: whether pictures went to a window; else they were drawn only.
    """

    faces: int
    seconds: float
    given: int
    shown: int
    results_per_second: float
    capture_to_screen: Distribution
    capture_to_result: Distribution
    part: float
    age_begin: float
    age_end: float
    memory_mib: tuple[float, float]
    window: bool

    @property
    def growth(self) -> float:
        """By how much the memory has grown from the first part to the end, as a share of it."""
        first, last = self.memory_mib
        return last / first - 1

    def targets(self) -> dict[str, bool]:
        """The targets, and whether each is met."""
        least = 25 if self.faces == 1 else 10
        targets = {
            "every picture is shown": self.shown >= self.given,
            f"results at {least} Hz or more": self.results_per_second >= least,
            "memory grows by less than 2%": self.growth < 0.02,
            "age does not grow": self.age_end < max(1.25 * self.age_begin, self.age_begin + 10),
        }
        if self.faces == 1:
            targets["capture to screen in 80 ms (p95)"] = self.capture_to_screen.p95 <= 80
        return targets

    def to_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return asdict(self) | {"growth": round(self.growth, 4), "targets": self.targets()}

    def table(self) -> Table:
        """What was measured, and the targets."""
        screen, result = self.capture_to_screen, self.capture_to_result
        first, last = self.memory_mib
        ends = f"first / last {self.part:.0f} s"
        rows = (
            ("pictures given / shown", f"{self.given} / {self.shown}"),
            ("results a second", f"{self.results_per_second:.1f}"),
            (
                "capture to screen, ms: p50 / p95 / p99",
                f"{screen.p50:.0f} / {screen.p95:.0f} / {screen.p99:.0f}",
            ),
            (
                "capture to result, ms: p50 / p95 / p99",
                f"{result.p50:.0f} / {result.p95:.0f} / {result.p99:.0f}",
            ),
            (f"age of the result, ms (median): {ends}", f"{self.age_begin:.0f} / {self.age_end:.0f}"),
            (
                f"memory, MiB: after {self.part:.0f} s / at the end",
                f"{first:.0f} / {last:.0f} ({self.growth:+.1%})",
            ),
            *((f"target: {name}", "met" if met else "missed") for name, met in self.targets().items()),
        )
        faces = "one face" if self.faces == 1 else f"{self.faces} faces"
        where = ", in a window" if self.window else ""
        title = f"Live, {faces}, {FPS} fps of {SIZE[0]}x{SIZE[1]} for {self.seconds:.0f} s{where}"
        return Table(title, ("", "measured"), rows)


class PacedPictures:
    """Pictures at a fixed rate, over and over, each due at its time whatever happens."""

    def __init__(self, pictures: Sequence[Image], fps: float, seconds: float) -> None:
        self._pictures = pictures
        self._fps = fps
        self._seconds = seconds
        self._over = False

    def __iter__(self) -> Iterator[VideoFrame]:
        begin, count = time.monotonic(), len(self._pictures)
        for index in range(round(self._seconds * self._fps)):
            due = begin + index / self._fps
            time.sleep(max(0.0, due - time.monotonic()))
            if self._over:
                return
            turn = index % (2 * count)
            picture = self._pictures[turn if turn < count else 2 * count - 1 - turn]
            # Captured when it was due: what this thread is late counts, too.
            yield VideoFrame(index, round(index * 90_000 / self._fps), _TIME_BASE, due, picture)

    def abort(self) -> None:
        """Give no more."""
        self._over = True


def clip_pictures(clip: Path, faces: int, count: int = _PICTURES) -> list[Image]:
    """Pictures of the bundled clip with its one face, or with three that are at different moments."""
    with VideoFile(clip) as video:
        frames = [frame.image for frame, _ in zip(video, range(count + 2 * 40 * (faces > 1)), strict=False)]
    if faces == 1:
        return [_framed(image) for image in frames[:count]]
    return [_framed(np.hstack([_face_part(frames[i + 40 * k]) for k in range(3)])) for i in range(count)]


def _face_part(image: Image) -> Image:
    return image[:, 190:450]


def _framed(image: Image) -> Image:
    """The picture as large as it fits into `SIZE`, on gray."""
    scale = min(SIZE[0] / image.shape[1], SIZE[1] / image.shape[0])
    inner = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    canvas = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
    left, top = (SIZE[0] - inner.shape[1]) // 2, (SIZE[1] - inner.shape[0]) // 2
    canvas[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return canvas


def measure(models: Models, clip: Path, faces: int, seconds: float, window: bool = False) -> LiveFigures:
    """Run live for some seconds.

    Args:
        models: from `Models.load`.
        clip: the bundled one.
        faces: 1 or 3.
        seconds: to be measured, after some to warm up.
        window: show the pictures, too; there must be a screen.
    """
    source = PacedPictures(clip_pictures(clip, faces), FPS, WARM_UP_SECONDS + seconds)
    recorder = _Recorder(seconds)
    with ExitStack() as stack:
        stack.enter_context(prompt_threads())
        screen = stack.enter_context(Window("benchmark")) if window else None
        policy = NewestFrame()
        stages = policy.stages(models, Options())
        live = stack.enter_context(Live(source, stages, policy=policy, on_result=recorder.count))
        overlay = Overlay()
        recorder.begin()
        for frame in live:
            picture = overlay.draw(frame.result)
            if screen:
                screen.show(picture)
                screen.pressed()
            recorder.show(frame, _dropped(live))
        return recorder.figures(faces, live, window)


class _Recorder:
    """Records what a run shows from the end of its warm-up on.

    Args:
        seconds: to be measured.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._part = min(_PART_SECONDS, seconds / 3)
        self._begin = self._start = 0.0
        self._measuring = False
        self._results = self._shown = self._dropped_before = 0
        self._on_screen = Latencies()
        self._ages: tuple[list[float], list[float]] = ([], [])
        self._memory: list[float] = []

    def begin(self) -> None:
        """The run begins now."""
        self._begin = time.monotonic()

    def count(self, result: object) -> None:
        """A result is there."""
        self._results += self._measuring

    def show(self, frame: LiveFrame, dropped: int) -> None:
        """A picture was shown.

        Args:
            frame: of the picture.
            dropped: how many pictures were dropped so far.
        """
        now = time.monotonic()
        if now - self._begin < WARM_UP_SECONDS:
            return
        if not self._measuring:
            self._measuring, self._start, self._dropped_before = True, now, dropped
        since = now - self._start
        self._shown += 1
        self._on_screen.add(now - frame.result.frame.captured_at)
        if frame.age is not None and not self._part <= since < self._seconds - self._part:
            self._ages[since >= self._part].append(frame.age)
        if not self._memory and since >= self._part:
            self._memory.append(_resident_mib())

    def figures(self, faces: int, live: Live, window: bool) -> LiveFigures:
        """What was measured, now that the run has ended."""
        elapsed = time.monotonic() - self._start
        self._memory.append(_resident_mib())
        # Without a result, only the age of the whole part is known.
        begin, end = (round(1000 * float(np.median(found or [self._part])), 1) for found in self._ages)
        return LiveFigures(
            faces=faces,
            seconds=round(elapsed, 2),
            given=self._shown + _dropped(live) - self._dropped_before,
            shown=self._shown,
            results_per_second=round(self._results / elapsed, 2),
            capture_to_screen=self._on_screen.distribution(),
            capture_to_result=live.latencies.distribution(),
            part=round(self._part, 1),
            age_begin=begin,
            age_end=end,
            memory_mib=(self._memory[0], self._memory[-1]),
            window=window,
        )


def _dropped(live: Live) -> int:
    return live.metrics.snapshot()[DISPLAY].dropped


def _resident_mib() -> float:
    return round(float(psutil.Process().memory_info().rss) / 2**20, 1)
