"""Does live keep up: pictures shown, results a second, capture to screen, memory and age over time.

``python -m benchmarks.live --seconds 30`` plays pictures of the bundled clip at 30 fps and 640x480,
with one face and with three, as if they came from a camera, and says which marks are reached.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from models.regions import Image
from realtime.assembly import Models, live_stages
from realtime.frames import VideoFrame
from realtime.latency import Distribution, Latencies
from realtime.live import DISPLAY, Live
from realtime.overlay import Overlay
from realtime.saving import Governor
from realtime.sources import VideoFile
from realtime.window import Window

CLIP = Path(__file__).parents[1] / "emotion" / "demo" / "demo.mp4"
SIZE = (640, 480)
FPS = 30
# The first seconds, in which libraries get ready, do not count.
WARM_UP_SECONDS = 3.0
# So many different pictures, shown forwards and backwards, so that nothing jumps.
_PICTURES = 120
_SWITCH_SECONDS = 0.0005
_TIME_BASE = Fraction(1, 90_000)


@dataclass(frozen=True, slots=True)
class LiveMark:
    """What one run reached.

    Attributes:
        faces: how many there were.
        seconds: that were measured.
        given: pictures that the camera gave.
        shown: of them on the screen.
        results_per_second: of the models.
        capture_to_screen, capture_to_result: in milliseconds.
        age_begin, age_end: median age of the result on the screen, in milliseconds, in the first and
            in the last fifth of the time.
        memory_mib: resident, after the first minute (or a third of a shorter time) and at the end.
        window: whether pictures went to a window; else they were drawn only.
    """

    faces: int
    seconds: float
    given: int
    shown: int
    results_per_second: float
    capture_to_screen: Distribution
    capture_to_result: Distribution
    age_begin: float
    age_end: float
    memory_mib: tuple[float, float]
    window: bool

    def marks(self) -> dict[str, bool]:
        """The marks and whether each is reached."""
        least = 25 if self.faces == 1 else 10
        marks = {
            "every picture is shown": self.shown >= self.given,
            f"results at {least} Hz or more": self.results_per_second >= least,
            "memory grows by less than 2%": self.memory_mib[1] < 1.02 * self.memory_mib[0],
            "age does not grow": self.age_end < max(1.25 * self.age_begin, self.age_begin + 10),
        }
        if self.faces == 1:
            marks["capture to screen in 80 ms (p95)"] = self.capture_to_screen.p95 <= 80
        return marks


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


def clip_pictures(faces: int, count: int = _PICTURES) -> list[Image]:
    """Pictures of the bundled clip with its one face, or with three that are at different moments."""
    with VideoFile(CLIP) as video:
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


def measure(models: Models, faces: int, seconds: float, window: bool = False) -> LiveMark:
    """Run live for some seconds.

    Args:
        models: from `Models.load`.
        faces: 1 or 3.
        seconds: to be measured, after some to warm up.
        window: show the pictures, too; there must be a screen.
    """
    source = PacedPictures(clip_pictures(faces), FPS, WARM_UP_SECONDS + seconds)
    on_screen, results = Latencies(), 0
    ages: list[float] = []
    memory: list[float] = []
    shown = 0

    def count(result: object) -> None:
        nonlocal results
        results += measuring

    with ExitStack() as stack:
        screen = stack.enter_context(Window("benchmark")) if window else None
        governor = Governor(None)
        live = stack.enter_context(Live(source, live_stages(models, governor), on_result=count))
        overlay, begin, measuring = Overlay(), time.monotonic(), False
        for frame in live:
            picture = overlay.draw(frame.result)
            if screen:
                screen.show(picture)
                screen.pressed()
            now = time.monotonic()
            if now - begin < WARM_UP_SECONDS:
                continue
            if not measuring:
                measuring, start, dropped = True, now, _dropped(live)
            shown += 1
            on_screen.add(now - frame.result.frame.captured_at)
            ages += [frame.age] if frame.age is not None else []
            if now - start > len(memory):
                memory.append(_resident_mib())
        elapsed = time.monotonic() - start
        lost = _dropped(live) - dropped
    part = max(1, len(ages) // 5)
    return LiveMark(
        faces=faces,
        seconds=round(elapsed, 2),
        given=shown + lost,
        shown=shown,
        results_per_second=round(results / elapsed, 2),
        capture_to_screen=on_screen.distribution(),
        capture_to_result=live.latencies.distribution(),
        age_begin=round(1000 * float(np.median(ages[:part])), 1),
        age_end=round(1000 * float(np.median(ages[-part:])), 1),
        memory_mib=(memory[min(60, len(memory) // 3)], memory[-1]),
        window=window,
    )


def _dropped(live: Live) -> int:
    return live.metrics.snapshot()[DISPLAY].dropped


def _resident_mib() -> float:
    """What this process holds in memory now; where the system does not say, the most that it ever held."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)
    except (OSError, ValueError):
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10, 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0 where all marks are reached."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--faces", type=int, nargs="+", default=[1, 3], choices=[1, 3])
    parser.add_argument("--window", action="store_true", help="show the pictures; there must be a screen")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    options = parser.parse_args(arguments)
    sys.setswitchinterval(_SWITCH_SECONDS)
    models = Models.load()
    reports = []
    for faces in options.faces:
        mark = measure(models, faces, options.seconds, options.window)
        reports.append(asdict(mark) | {"marks": mark.marks()})
        print(json.dumps(reports[-1], indent=2), flush=True)  # noqa: T201
    if options.json:
        options.json.write_text(json.dumps(reports, indent=2) + "\n", encoding="utf-8")
    return 0 if all(all(report["marks"].values()) for report in reports) else 1


if __name__ == "__main__":
    sys.exit(main())
