"""What a cluster costs beside one machine, and how far it would go.

::

    python -m tests.many_machines stubs     # the driver: videos that do nothing
    python -m tests.many_machines clips     # --cluster local beside --jobs
    python -m tests.many_machines simulate  # 1, 10, 100 machines

`clips` takes turns, so that a loaded machine does not decide: what counts is the ratio, and the processor's
time. `simulate` takes what was measured of the parts.
"""

import argparse
import heapq
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil

from emotion.benchmarks.studies.many_videos import make_clips, run, same, videos_of
from emotion.cluster.pool import ClusterPool
from emotion.models.cores import available_cores
from emotion.realtime.options import Options
from emotion.study.plan import plan
from emotion.videos import Outputs

_MODES = ("--jobs", "--cluster local --jobs")


class Nothing:
    """Videos that are done at once."""

    def ready(self) -> dict[str, Any]:
        """See `emotion.cluster.actor.Work`."""
        return {}

    def do(self, task: Mapping[str, Any], progress: Callable[[int, int | None], None]) -> dict[str, Any]:
        """See there."""
        return {"end": "done", "code": 0, "reason": "", "frames": 1}


def stubs(videos: int, places: int) -> None:
    """Let the driver hand out videos that do nothing: its time for each, and its memory."""
    home = Path("/nowhere")
    jobs = plan(
        [(home / f"{n}.mp4", Outputs.of(home / f"{n}.mp4", home, ("csv",))) for n in range(videos)], home
    )
    pool = ClusterPool("local", Options(), places, make=lambda _options: Nothing)
    process = psutil.Process()
    memory: list[int] = []
    began, used = 0.0, 0.0
    first, started = 0.0, time.monotonic()
    for report in pool.run(jobs, False):
        if report.kind != "ended":
            continue
        if not memory:
            began, used = time.monotonic(), _seconds(process)
            first = began - started
        memory.append(process.memory_info().rss)
    wall, busy = time.monotonic() - began, _seconds(process) - used
    quarter = len(memory) // 4
    print(f"{len(memory)} videos, {pool.count} places: {1e3 * wall / videos:.2f} ms of time a video")  # noqa: T201
    print(f"driver: {1e3 * busy / videos:.2f} ms of processor a video; first after {first:.1f} s")  # noqa: T201
    print(f"memory: {memory[quarter] / 1e6:.0f} MB after a quarter, {memory[-1] / 1e6:.0f} MB at the end")  # noqa: T201


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def clips(count: int, frames: int, jobs: int, turns: int, sources: Sequence[Path]) -> None:
    """The same study of pieces of some videos in both ways, in turns; the tables have to be the same."""
    with TemporaryDirectory() as place:
        home = Path(place)
        (home / "clips").mkdir()
        make_clips(home / "clips", count, frames, frames, sources)
        spent: dict[str, list[tuple[float, float, float]]] = {mode: [] for mode in _MODES}
        for turn in range(turns):
            for mode in _MODES if turn % 2 == 0 else reversed(_MODES):
                out = home / f"{mode.split()[0][2:]}{turn}"
                common = ["annotate", str(home / "clips"), "-r", "--formats", "csv", "-o", str(out)]
                ran = run([*common, *mode.split(), str(jobs)])
                began, first, last = _times(out / "log.jsonl")
                spent[mode].append((last - first, first - began, sum(ran.processor)))
        for mode, found in spent.items():
            work, start, processor = (float(np.median(column)) for column in zip(*found, strict=True))
            print(  # noqa: T201
                f"{mode:<24} first result after {start:.1f} s, the rest in {work:.1f} s, "
                f"{processor:.1f} s of processor"
            )
        ratios = [one[0] / other[0] for one, other in zip(*(spent[mode] for mode in _MODES), strict=True)]
        print(f"speed of the cluster by that of --jobs: {', '.join(f'{one:.3f}' for one in ratios)}")  # noqa: T201
        shares = [one[2] / other[2] for one, other in zip(*(spent[mode] for mode in _MODES), strict=True)]
        print(f"by processor time, start and end included: {', '.join(f'{one:.3f}' for one in shares)}")  # noqa: T201
        differ = same(home / "jobs0", home / "cluster0")
        print(f"tables: {', '.join(differ) + ' differ' if differ else 'the same'}")  # noqa: T201


def _times(log: Path) -> tuple[float, float, float]:
    """When a run began, had its first result, and its last, in seconds, by its log."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]

    def seconds(line: Mapping[str, Any]) -> float:
        return float(np.datetime64(line["time"][:23]).astype("int64")) / 1e3

    ends = [seconds(line) for line in lines if line["event"] in ("done", "incomplete", "failed")]
    return seconds(lines[0]), ends[0], ends[-1]


@dataclass(frozen=True, slots=True)
class Parts:
    """What a run is made of; the defaults were measured, see docs/explanation/scale.md.

    Attributes:
        fps: frames a second of a place with one core.
        start: seconds until a place is ready.
        driver: seconds of the driver for each video; it does one at a time.
        end: seconds for a video's tables on the page, at the end.
    """

    fps: float
    start: float
    driver: float
    end: float


def lengths(
    videos: int, median: float, spread: float, chance: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Lengths of videos, in frames: log-normal, so that a few are very long."""
    return np.maximum(1.0, median * np.exp(spread * chance.standard_normal(videos)))


def makespan(frames: Sequence[float], places: int, parts: Parts) -> float:
    """Seconds until all videos are done, each given to whoever is free, in the order in which they come."""
    free = [parts.start] * places
    heapq.heapify(free)
    driver = 0.0
    for length in frames:
        driver = max(driver, heapq.heappop(free)) + parts.driver
        heapq.heappush(free, driver + length / parts.fps)
    return max(free) + parts.end * len(frames)


def simulate(videos: int, cores: int, parts: Parts, median: float, spread: float, draws: int) -> None:
    """Frames a second of 1, 10 and 100 machines: as they come, and longest first."""
    print(f"{videos} videos, median {median / 25 / 60:.1f} min at 25 fps, log-normal with {spread:g}")  # noqa: T201
    print(f"{'machines':>8} {'places':>7} {'as they come':>13} {'longest first':>14} {'of the ideal':>13}")  # noqa: T201
    for machines in (1, 10, 100):
        places = machines * cores
        rates = np.zeros((draws, 3))
        for draw in range(draws):
            chance = np.random.default_rng(draw)
            frames = lengths(videos, median, spread, chance)
            total = frames.sum()
            orders = (frames, np.sort(frames)[::-1])
            rates[draw, :2] = [total / makespan(order.tolist(), places, parts) for order in orders]
            rates[draw, 2] = rates[draw, 1] / (parts.fps * places)
        came, sorted_, share = rates.mean(axis=0)
        print(f"{machines:>8} {places:>7} {came:>13.0f} {sorted_:>14.0f} {share:>13.2f}")  # noqa: T201


def main() -> int:
    """What is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("stubs", "clips", "simulate"))
    parser.add_argument("--videos", type=int, default=10_000)
    parser.add_argument("--clips", type=int, default=200, help="how many real ones")
    parser.add_argument("--frames", type=int, default=20, help="of each of them")
    parser.add_argument("--jobs", type=int, default=available_cores())
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--cores", type=int, default=16, help="of each simulated machine")
    parser.add_argument("--fps", type=float, default=30.0, help="of one core")
    parser.add_argument("--start", type=float, default=8.0, help="seconds")
    parser.add_argument("--driver", type=float, default=0.001, help="seconds a video")
    parser.add_argument("--end", type=float, default=0.003, help="seconds a video")
    parser.add_argument("--median", type=float, default=1500.0, help="frames of a simulated video")
    parser.add_argument("--spread", type=float, default=1.2, help="standard deviation of the logarithm")
    parser.add_argument("sources", type=Path, nargs="*", help="videos, or folders of them, to cut clips from")
    chosen = parser.parse_args()
    if chosen.what == "stubs":
        stubs(chosen.videos, chosen.jobs)
    elif chosen.what == "clips":
        clips(chosen.clips, chosen.frames, chosen.jobs, chosen.turns, videos_of(chosen.sources))
    else:
        parts = Parts(chosen.fps, chosen.start, chosen.driver, chosen.end)
        simulate(chosen.videos, chosen.cores, parts, chosen.median, chosen.spread, 20)
    return 0


if __name__ == "__main__":
    sys.exit(main())
