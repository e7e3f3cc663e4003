"""A study as a user runs it, with what goes wrong: ``python -m emotion.benchmarks.studies.many_videos``.

Clips are made of the bundled one, or of videos in given folders: short pieces in two folders, among them
one in twenty that is damaged, two of one name, one empty file, and one of many tiny pictures. They are
annotated with one command, which is killed twice on its way and started again; then one by one, and as three
shards that are put together. The tables have to be the same, and the memory of all processes flat.

``--scaling`` asks instead how much sooner clips of one length are done with twice the cores: one job on one
core against two on two, and, for what the machine itself can give, two commands that know nothing of one
another, a core and half of the clips each. It needs free cores.
"""

import argparse
import itertools
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import av
import numpy as np
import psutil
from av.video.stream import VideoStream

from emotion.realtime.child_process import environment, python_command
from emotion.realtime.sources.demo import DEMO

TABLES = ("videos.csv", "people.csv", "course.csv", "columns.csv")
FORMATS = "csv,html"
_RATE = 25
_WIDTH = 320
_TINY = (16, 16)
_STEP = 0.5


@dataclass(slots=True)
class Ran:
    """A run of the command line.

    Attributes:
        code: its exit code; negative where a signal ended it.
        wall: seconds.
        processor: seconds of each of its processes, as far as they were seen.
        memory: bytes of all its processes together, a sample each half second.
        output: what it wrote.
        began: when it began, in seconds since 1970.
    """

    code: int = 0
    wall: float = 0.0
    processor: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    output: str = ""
    began: float = 0.0


def make_clips(folder: Path, count: int, frames: int, tiny: int, sources: Sequence[Path]) -> None:
    """Fill a folder with clips, see above; each is a piece of another place."""
    chance = random.Random(0)
    damaged = set(chance.sample(range(count - 4), max(1, count // 20)))
    pieces = _pieces(sources, frames)
    for number in range(count - 4):
        path = folder / "ab"[number % 2] / f"clip_{number:03}.mp4"
        path.parent.mkdir(exist_ok=True)
        _write(path, next(pieces))
        if number in damaged:
            path.write_bytes(_spoilt(path.read_bytes(), chance))
    for place in "ab":
        _write(folder / place / "twin.mp4", next(pieces))
    (folder / "a" / "empty.mp4").touch()
    small = np.zeros((_TINY[1], _TINY[0], 3), np.uint8)
    _write(folder / "b" / "tiny.mp4", (small for _ in range(tiny)), rate=1000, codec="mpeg4")


def _pieces(sources: Sequence[Path], frames: int) -> Iterator[list[np.ndarray]]:
    """Rows of pictures, again and again through all sources, each begun at another place."""
    while True:
        for source in sources:
            kept: list[np.ndarray] = []
            with av.open(str(source)) as container:
                for frame in container.decode(video=0):
                    height = round(frame.height * _WIDTH / frame.width / 2) * 2
                    kept.append(frame.reformat(_WIDTH, height, "bgr24").to_ndarray())
                    if len(kept) == frames:
                        yield kept
                        kept = []


def _write(
    path: Path,
    pictures: "Iterator[np.ndarray] | list[np.ndarray]",
    rate: int = _RATE,
    codec: str = "libx264",
) -> None:
    with av.open(str(path), "w") as container:
        stream = None
        for picture in pictures:
            if stream is None:
                options = {"preset": "ultrafast"} if codec == "libx264" else {}
                stream = cast(VideoStream, container.add_stream(codec, rate=rate, options=options))
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "yuv420p"
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        assert stream is not None
        container.mux(stream.encode(None))


def _spoilt(data: bytes, chance: random.Random) -> bytes:
    """Cut off, or with zeros in its middle, or with another beginning."""
    way = chance.randrange(3)
    middle = len(data) // 2
    if way == 0:
        return data[: chance.randrange(middle, len(data) - 10)]
    if way == 1:
        return data[:middle] + bytes(500) + data[middle + 500 :]
    return b"no video at all" + data[15:]


def run(
    arguments: Sequence[str],
    end: Callable[[subprocess.Popen[bytes]], None] | None = None,
    cores: Sequence[int] | None = None,
) -> Ran:
    """Run the command line to its end; `end` may end it, in a thread of its own; on some of the cores."""
    ran, began = Ran(began=time.time()), time.monotonic()
    command = list(python_command("-m", "emotion", *arguments))
    if cores is not None:
        command = ["taskset", "-c", ",".join(map(str, cores)), *command]
    with TemporaryDirectory() as place, open(Path(place) / "output", "w+b") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment())
        if end:
            threading.Thread(target=end, args=(process,), daemon=True).start()
        ran.processor = _watch(process, ran.memory)
        ran.code, ran.wall = process.returncode, time.monotonic() - began
        output.seek(0)
        ran.output = output.read().decode(errors="replace")
    return ran


def _watch(process: "subprocess.Popen[bytes]", memory: list[int]) -> list[float]:
    """Wait for a process; gives the processor seconds of it and of each of its children."""
    used: dict[int, float] = {}
    while process.poll() is None:
        total = 0
        try:
            root = psutil.Process(process.pid)
            for one in (root, *root.children(recursive=True)):
                times = one.cpu_times()
                used[one.pid] = times.user + times.system
                total += one.memory_info().rss
        except psutil.Error:
            continue
        memory.append(total)
        time.sleep(_STEP)
    return list(used.values())


def kill_at(log: Path, done: int) -> Callable[[subprocess.Popen[bytes]], None]:
    """Kill a run silently, as soon as its log has so many videos."""

    def end(process: "subprocess.Popen[bytes]") -> None:
        while process.poll() is None:
            try:
                lines = log.read_text().splitlines()
            except OSError:
                lines = []
            ended = [line for line in lines if any(f'"event": "{one}"' in line for one in _ENDS)]
            if len(ended) >= done:
                process.send_signal(signal.SIGKILL)
                return
            time.sleep(0.1)

    return end


_ENDS = ("done", "incomplete", "failed", "passed over")


def same(one: Path, other: Path) -> list[str]:
    """The tables of two studies that differ."""
    return [name for name in TABLES if (one / name).read_bytes() != (other / name).read_bytes()]


def main() -> int:
    """Make the clips, run everything, print what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=200, help="how many")
    parser.add_argument("--frames", type=int, default=20, help="of each")
    parser.add_argument("--tiny", type=int, default=1_000_000, help="frames of the one with tiny pictures")
    parser.add_argument("--models", default="lite")
    parser.add_argument("--jobs", default="2")
    parser.add_argument("--scaling", action="store_true", help="see above; with clips of one length")
    parser.add_argument("--turns", type=int, default=2, help="of --scaling")
    parser.add_argument("--keep", type=Path, help="a folder for all of it; by default nothing stays")
    parser.add_argument("sources", type=Path, nargs="*", help="videos, or folders of them, to cut clips from")
    chosen = parser.parse_args()
    with TemporaryDirectory() as place:
        return (_scaling if chosen.scaling else _trial)(chosen.keep or Path(place), chosen)


def _made(home: Path, chosen: argparse.Namespace) -> Path:
    clips = home / "clips"
    clips.mkdir(parents=True, exist_ok=True)
    make_clips(clips, chosen.clips, chosen.frames, chosen.tiny, videos_of(chosen.sources))
    return clips


def videos_of(named: Sequence[Path]) -> list[Path]:
    """The videos that are named, and those of folders; the bundled one where there are none."""
    return [
        found for one in named or [DEMO] for found in (sorted(one.glob("*.mp4")) if one.is_dir() else [one])
    ]


def _scaling(home: Path, chosen: argparse.Namespace) -> int:
    """How much sooner all is done with twice the cores, by turns; what of it is begin and end.

    Beside other work the clock says little: what one would see on free cores is the processor time of one by
    one over that of the busiest of two, for the other is done by then.
    """
    pieces = _pieces(chosen.sources or [DEMO], chosen.frames)
    for number in range(chosen.clips):
        path = home / "clips" / "ab"[number % 2] / f"clip_{number:03}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, next(pieces))
    common = ["-r", "--models", chosen.models, "--formats", FORMATS]
    for turn in range(chosen.turns):
        ran: dict[int, Ran] = {}
        for count in (1, 2):
            place = home / f"{turn}-{count}"
            command = ["annotate", str(home / "clips"), *common, "-o", str(place), "--jobs", str(count)]
            ran[count] = run(command, cores=range(count))
            begin, work, end = phases(place / "log.jsonl", ran[count])
            print(  # noqa: T201
                f"jobs {count} on {count} cores: {ran[count].wall:.1f} s, of which {begin:.1f} to the first "
                f"video, {work:.1f} for the videos, {end:.1f} after the last; processor "
                f"{sum(ran[count].processor):.1f} s, the busiest process {max(ran[count].processor):.1f} s"
            )
        apart = _apart(home, turn, common)
        one, busiest = sum(ran[1].processor), max(ran[2].processor)
        print(  # noqa: T201
            f"two commands apart, a core and half of the clips each: {apart:.1f} s\n"
            f"by the clock {ran[1].wall / ran[2].wall:.2f}, by processor time {one / busiest:.2f}; "
            f"the machine itself {ran[1].wall / apart:.2f}"
        )
    return 0


def _apart(home: Path, turn: int, common: Sequence[str]) -> float:
    """Seconds of two commands at once, pinned to a core each, until both are done."""
    began = time.monotonic()
    threads = [
        threading.Thread(
            target=run,
            args=(["annotate", str(home / "clips" / name), *common, "-o", str(home / f"{turn}-{name}")],),
            kwargs={"cores": [core]},
        )
        for core, name in enumerate("ab")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.monotonic() - began


def phases(log: Path, ran: Ran) -> tuple[float, float, float]:
    """Seconds of a run until its first video begins, while videos are worked on, and after the last."""
    events = [json.loads(line) for line in log.read_text().splitlines()]
    times = {
        kind: [datetime.fromisoformat(one["time"]).timestamp() for one in events if one["event"] in names]
        for kind, names in (("begun", ("begun",)), ("ended", _ENDS))
    }
    first, last = min(times["begun"]), max(times["ended"])
    return first - ran.began, last - first, ran.began + ran.wall - last


def _trial(home: Path, chosen: argparse.Namespace) -> int:
    clips = _made(home, chosen)
    common = ["annotate", str(clips), "-r", "--models", chosen.models, "--formats", FORMATS]
    study, alone, shards = home / "study", home / "alone", home / "shards"
    whole = [*common, "-o", str(study), "--jobs", chosen.jobs, "--frames"]
    log = study / "log.partial.jsonl"
    runs: dict[str, Ran] = {}
    runs["killed"] = run(whole, kill_at(log, chosen.clips // 4))
    _settle()
    runs["resumed, killed"] = run(whole, kill_at(log, chosen.clips))
    _settle()
    runs["resumed"] = run(whole)
    runs["again"] = run(whole)
    runs["one by one"] = run([*common, "-o", str(alone), "--jobs", "1"])
    for number in (1, 2, 3):
        place = ["-o", str(shards), "--shard", f"{number}/3", "--jobs", chosen.jobs]
        runs[f"shard {number}/3"] = run([*common, *place])
    runs["merge"] = run(["study", "merge", str(shards)])
    print(f"{'run':<18} {'code':>5} {'wall s':>8} {'processor s':>12}  MB of all processes, by tenths")  # noqa: T201
    for name, ran in runs.items():
        figures = f"{name:<18} {ran.code:>5} {ran.wall:>8.1f} {sum(ran.processor):>12.1f}"
        print(f"{figures}  {' '.join(f'{part:.0f}' for part in _tenths(ran.memory))}")  # noqa: T201
    differ = {name: same(study, other) for name, other in (("one by one", alone), ("merged", shards))}
    # The table of all frames is one more that is described.
    differ = {name: [one for one in found if one != "columns.csv"] for name, found in differ.items()}
    for name, found in differ.items():
        print(f"tables against {name}: {', '.join(found) + ' differ' if found else 'the same'}")  # noqa: T201
    return int(any(differ.values()))


def _settle() -> None:
    """Wait until the processes of a killed run have noticed."""
    time.sleep(3)


def _tenths(memory: Sequence[int]) -> list[float]:
    """MB in each tenth of a run, in the middle of its samples."""
    marks = np.linspace(0, len(memory), 11).astype(int)
    parts = [memory[begin:end] for begin, end in itertools.pairwise(marks)]
    return [float(np.median(part)) / 1e6 for part in parts if len(part)]


if __name__ == "__main__":
    sys.exit(main())
