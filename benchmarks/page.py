"""The page under load: how soon the overlay follows the camera, and what several videos at once cost.

``python -m emotion.benchmarks.page --seconds 300`` shows the camera page a face that is covered and
uncovered, and measures in the browser how long the overlay takes to follow: from the moment at which the
page's own picture shows it to the moment at which the overlay does.
``python -m emotion.benchmarks.page --videos 4`` sends videos one after another and then all at once, and
asks for the page meanwhile. Needs Chromium and the
extras `web` and `dev`; prints which targets are met, and exits with 1 if one is not.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import cv2
import numpy as np
import psutil

from emotion.benchmarks.machine import processor
from emotion.benchmarks.timing import quantiles
from emotion.models.atomic_files import write_atomically
from emotion.models.cores import available_cores
from emotion.models.regions import Image
from emotion.realtime.errors import SinkError
from emotion.realtime.sinks.overwrite_guard import keep_apart
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.sources.file import VideoFile

_RATE = 25
# The part of the bundled clip in which the face stays in its place.
_FROM_SECONDS = 14.0
# Position of the clip in the camera's picture, and of the face in the clip: left, top, width, height.
_INNER = (107, 120, 426, 240)
_COVER = (277, 120, 256, 240)
_WARM_UP_SECONDS = 5.0
_PART_SECONDS = 60.0
# A result this long after the next change belongs to that one.
_LATE_MS = 500.0
_ASK_SECONDS = 0.25

_WATCH = """([left, top, width, height]) => {
    const video = document.getElementById("own");
    const pen = new OffscreenCanvas(8, 8).getContext("2d", { willReadFrequently: true });
    const log = (window.turns = { picture: [], overlay: [], results: [], pictures: 0 });
    let open = null, face = null, results = emotionCamera.results;
    const look = () => {
        pen.drawImage(video, left, top, width, height, 0, 0, 8, 8);
        const { data } = pen.getImageData(0, 0, 8, 8);
        const now = data.reduce((sum, value, index) => sum + (index % 4 === 3 ? 0 : value), 0) / 192 > 20;
        if (now !== open) log.picture.push([performance.now(), now]);
        open = now;
        log.pictures += 1;
        video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
    const see = () => {
        const now = emotionCamera.latest.faces.length > 0;
        if (now !== face) log.overlay.push([performance.now(), now]);
        face = now;
        for (; results < emotionCamera.results; results += 1) log.results.push(performance.now());
        requestAnimationFrame(see);
    };
    requestAnimationFrame(see);
}"""

Turn = tuple[float, bool]


@dataclass(frozen=True, slots=True)
class Delay:
    """The overlay's delay: number of changes, and milliseconds."""

    turns: int
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class CameraFigures:
    """The measurements of the camera page.

    Attributes:
        seconds: that were measured.
        pictures_per_second: that the page showed of its camera.
        results_per_second: in all the time.
        results_first, results_last: a second, in the first and in the last minute, or half of a run
            that is shorter than two minutes.
        missed: turns that the overlay did not follow before the next one.
        delay, delay_first, delay_last: from the page's own picture to the overlay.
        cores: that the server and the browser kept busy.
    """

    seconds: float
    pictures_per_second: float
    results_per_second: float
    results_first: float
    results_last: float
    missed: int
    delay: Delay
    delay_first: Delay
    delay_last: Delay
    cores: dict[str, float]

    def targets(self) -> dict[str, bool]:
        """The targets, and whether each is met."""
        before, after = self.delay_first, self.delay_last
        return {
            "results at 12 Hz or more": self.results_per_second >= 12,
            "glass to overlay in 120 ms (p95)": self.delay.p95 <= 120,
            "the delay does not grow": after.p50 <= max(1.25 * before.p50, before.p50 + 10),
            "every turn is followed": self.missed == 0,
        }


@dataclass(frozen=True, slots=True)
class VideosFigures:
    """The measurements of several videos at once.

    Attributes:
        videos: how many.
        one_after_another, at_once: seconds until all were done.
        quiet_ms, busy_ms: median, 95th and 99th percentile of the page's response
            time, without videos and with all of them.
    """

    videos: int
    one_after_another: float
    at_once: float
    quiet_ms: tuple[float, float, float]
    busy_ms: tuple[float, float, float]

    @property
    def ratio(self) -> float:
        """Of the time at once to that of one after another."""
        return self.at_once / self.one_after_another

    def targets(self) -> dict[str, bool]:
        """The targets, and whether each is met."""
        return {
            "at once in 1.1x the time or less": self.ratio <= 1.1,
            "the page answers in 100 ms meanwhile (p95)": self.busy_ms[1] <= 100,
        }


def measure_camera(seconds: float) -> CameraFigures:
    """Run the camera page in Chromium for some seconds, after some to warm up."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  for the videos none is needed

    from emotion.benchmarks.browser import Visitor, launch, started  # noqa: PLC0415

    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        clip = covered_clip(Path(folder) / "camera.mjpeg")
        with (
            started(Path(folder) / "jobs", "--provider", "cpu") as (address, number),
            launch(playwright, clip) as browser,
        ):
            visitor = Visitor(browser, address)
            visitor.page.get_by_role("button", name="Start camera").click()
            visitor.until("emotionCamera.results > 10")
            visitor.page.wait_for_timeout(1000 * _WARM_UP_SECONDS)
            visitor.page.evaluate(_WATCH, list(_COVER))
            before, start = _processor_seconds(number), time.monotonic()
            visitor.page.wait_for_timeout(1000 * seconds)
            log = visitor.page.evaluate("turns")
            elapsed = time.monotonic() - start
            after = _processor_seconds(number)
            visitor.close()
    cores = {who: round((after[who] - before[who]) / elapsed, 2) for who in after}
    return camera_figures(log, elapsed, cores)


def camera_figures(log: dict[str, Any], seconds: float, cores: dict[str, float]) -> CameraFigures:
    """Figures of what the browser noted.

    Args:
        log: what `_WATCH` wrote: turns of the picture and of the overlay as (milliseconds, whether the
            face is there), moments of results, the number of pictures.
        seconds: how long it watched.
        cores: see `CameraFigures`.
    """
    part = 1000 * min(_PART_SECONDS, seconds / 2)
    begin = log["picture"][0][0]
    end = begin + 1000 * seconds
    found = list(delays(log["picture"], log["overlay"]))
    followed = [(at, delay) for at, delay in found if delay is not None]
    moments = np.array(log["results"])
    return CameraFigures(
        seconds=round(seconds, 1),
        pictures_per_second=round(log["pictures"] / seconds, 1),
        results_per_second=round(len(moments) / seconds, 1),
        results_first=round(float(np.sum(moments < begin + part)) / part * 1000, 1),
        results_last=round(float(np.sum(moments >= end - part)) / part * 1000, 1),
        missed=len(found) - len(followed),
        delay=_delay(delay for _, delay in followed),
        delay_first=_delay(delay for at, delay in followed if at < begin + part),
        delay_last=_delay(delay for at, delay in followed if at >= end - part),
        cores=cores,
    )


def delays(picture: Sequence[Turn], overlay: Sequence[Turn]) -> Iterator[tuple[float, float | None]]:
    """For each turn of the picture its moment, and milliseconds until the overlay's; None if it has none.

    The first change began before the measurement, and the last may have no time left: both are left out.
    """
    for (at, shown), (following, _) in pairwise(picture[1:]):
        until = following + _LATE_MS
        moments = (moment for moment, face in overlay if face == shown and at <= moment < until)
        moment = next(moments, None)
        yield at, None if moment is None else moment - at


def _delay(found: Iterable[float]) -> Delay:
    values = list(found)
    p50, p95, p99 = quantiles([value / 1000 for value in values] or [float("nan")])
    return Delay(len(values), round(p50), round(p95), round(p99)) if values else Delay(0, p50, p95, p99)


def covered_clip(path: Path, seconds: float = 30.0) -> Path:
    """A camera before which a face, a fifth of the picture, is covered and uncovered every 0.6 to 1.4 s."""
    from emotion.benchmarks.browser import camera_file  # noqa: PLC0415

    chance = random.Random(0)
    with VideoFile(DEMO) as video:
        images = [_framed(frame.image) for frame in video if frame.seconds >= _FROM_SECONDS]
    covered, left = False, 20
    with camera_file(path) as show:
        for index in range(int(_RATE * seconds)):
            # Forwards and backwards, so that nothing else turns.
            turn = index % (2 * len(images))
            image = images[min(turn, 2 * len(images) - 1 - turn)].copy()
            if covered:
                x, y, width, height = _COVER
                image[y : y + height, x : x + width] = 0
            show(image)
            left -= 1
            if not left:
                covered, left = not covered, chance.randrange(15, 35)
    return path


def _framed(image: Image) -> Image:
    x, y, width, height = _INNER
    canvas = np.full((480, 640, 3), 60, np.uint8)
    canvas[y : y + height, x : x + width] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return canvas


def _processor_seconds(server: int) -> dict[str, float]:
    """Processor time of the server and all processes that this program has started (the browser)."""
    seconds = {"server": 0.0, "browser": 0.0}
    for process in psutil.Process().children(recursive=True):
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        seconds["server" if process.pid == server else "browser"] += times.user + times.system
    return seconds


def measure_videos(count: int, clip: Path) -> VideosFigures:
    """Send a clip several times, waiting for each, and then several times at once."""
    from emotion.benchmarks.browser import started  # noqa: PLC0415

    with TemporaryDirectory() as folder, started(Path(folder), "--provider", "cpu") as (address, _):
        wait(address, [submit(address, clip)])  # from here on a worker has its models
        quiet = _answering(address, lambda: time.sleep(5))
        start = time.monotonic()
        for _ in range(count):
            wait(address, [submit(address, clip)])
        one_after_another = time.monotonic() - start
        start = time.monotonic()
        busy = _answering(address, lambda: wait(address, [submit(address, clip) for _ in range(count)]))
        at_once = time.monotonic() - start
    return VideosFigures(count, round(one_after_another, 2), round(at_once, 2), quiet, busy)


def submit(address: str, clip: Path, cookie: str = "") -> str:
    """Send a video to the page's server, as the browser with a cookie where one is given; its job's id."""
    headers = {"Cookie": cookie} if cookie else {}
    path = f"{address}api/jobs?name={quote(clip.name)}"
    order = Request(path, data=clip.read_bytes(), headers=headers, method="POST")
    with urlopen(order) as response:
        job: str = json.load(response)["id"]
    return job


def wait(address: str, jobs: Iterable[str]) -> None:
    """Until all are done.

    Raises:
        RuntimeError: one was not annotated.
    """
    for job in jobs:
        while (state := _state(address, job)) != "done":
            if state in ("failed", "cancelled"):
                raise RuntimeError(f"a video ended as {state}")
            time.sleep(0.05)


def _state(address: str, job: str) -> str:
    with urlopen(f"{address}api/jobs/{job}") as response:
        state: str = json.load(response)["state"]
    return state


def _answering(address: str, work: Callable[[], None]) -> tuple[float, float, float]:
    """The page's response time under load: quantiles in milliseconds."""
    over, seconds = Event(), list[float]()

    def request_page() -> None:
        while not over.wait(_ASK_SECONDS):
            start = time.monotonic()
            with urlopen(address) as response:
                response.read()
            seconds.append(time.monotonic() - start)

    thread = Thread(target=request_page)
    thread.start()
    try:
        work()
    finally:
        over.set()
        thread.join()
    p50, p95, p99 = quantiles(seconds or [float("nan")])
    return round(p50, 1), round(p95, 1), round(p99, 1)


def markdown(camera: CameraFigures | None, videos: VideosFigures | None) -> str:
    """The figures as tables."""
    lines = [f"{processor()}, {available_cores()} cores", ""]
    if camera:
        lines += [f"| camera page, {camera.seconds:.0f} s | all | first | last |", "|---|---|---|---|"]
        results = (camera.results_per_second, camera.results_first, camera.results_last)
        lines.append(f"| results a second | {' | '.join(map(str, results))} |")
        parts = (camera.delay, camera.delay_first, camera.delay_last)
        for name in ("p50", "p95", "p99"):
            cells = " | ".join(f"{getattr(part, name):.0f}" for part in parts)
            lines.append(f"| glass to overlay, {name}, ms | {cells} |")
        cores = ", ".join(f"{who} {busy}" for who, busy in camera.cores.items())
        lines += ["", f"Cores busy: {cores}.", ""]
    if videos:
        lines += [f"| {videos.videos} videos | |", "|---|---|"]
        lines.append(f"| one after another | {videos.one_after_another:.1f} s |")
        lines.append(f"| at once | {videos.at_once:.1f} s, {videos.ratio:.2f}x |")
        for name, times in (("without videos", videos.quiet_ms), ("meanwhile", videos.busy_ms)):
            lines.append(f"| the page answers, {name}, p50/p95/p99, ms | {' / '.join(map(str, times))} |")
    return "\n".join(lines) + "\n"


def _missing() -> str | None:
    """What has to be installed first; None where all is there."""
    try:
        from emotion.benchmarks.browser import CHROMIUM, INSTALL  # noqa: PLC0415
    except ImportError as error:
        return f"this needs libraries that are not installed ({error}): pip install -e '.[cpu,web,dev]'"
    return None if CHROMIUM else f"this {INSTALL}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0 where all targets are met."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, help="measure the camera page for this time")
    parser.add_argument("--videos", type=int, help="upload this number of videos")
    parser.add_argument(
        "--clip", type=Path, default=DEMO, help="the video to upload; by default the included clip"
    )
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--markdown", type=Path, help="also write the tables to this file")
    options = parser.parse_args(arguments)
    if not options.seconds and not options.videos:
        parser.error("say what to measure: --seconds 300, --videos 4, or both")
    if trouble := _missing():
        parser.error(trouble)
    try:
        keep_apart([options.clip], [path for path in (options.json, options.markdown) if path])
    except SinkError as error:
        parser.error(str(error))
    camera = measure_camera(options.seconds) if options.seconds else None
    videos = measure_videos(options.videos, options.clip) if options.videos else None
    targets: dict[str, bool] = {}
    report: dict[str, Any] = {"processor": processor(), "cores": available_cores()}
    if camera:
        report["camera"] = asdict(camera)
        targets |= camera.targets()
    if videos:
        report["videos"] = asdict(videos) | {"ratio": round(videos.ratio, 3)}
        targets |= videos.targets()
    text = json.dumps(report | {"targets": targets}, indent=2) + "\n"
    sys.stdout.write(text)
    if options.json:
        write_atomically(options.json, text)
    if options.markdown:
        write_atomically(options.markdown, markdown(camera, videos))
    return 0 if all(targets.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
