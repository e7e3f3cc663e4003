"""The videos of a study, their names in it, and how many are annotated in parallel."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from emotion.models.cores import available_cores
from emotion.models.names import readable
from emotion.realtime.options import Options
from emotion.realtime.session import default_classifiers
from emotion.study.options import Shard
from emotion.videos import Outputs

FRAMES = "frames.parquet"
"""The folder of all frames' table, a folder a video in it."""
BYTES_A_JOB = 1 << 30
"""What a video takes with its models, of clips up to 1080p, and some room."""
_ENDING = ".summary.json"


@dataclass(frozen=True, slots=True)
class Job:
    """A video of a study.

    Attributes:
        number: its place among all, from 0.
        name: what it is called in the study: its results' name, with their folder below the study's.
        folder: its own folder as seen from the one that all videos share; empty where that is the same.
        video: the file.
        outputs: where its results go.
    """

    number: int
    name: str
    folder: str
    video: Path
    outputs: Outputs


def plan(videos: Sequence[tuple[Path, Outputs]], home: Path) -> list[Job]:
    """The jobs of a study, in the order of its videos.

    Args:
        videos: each with its results.
        home: the study's folder.
    """
    parents = [os.path.abspath(video.parent) for video, _ in videos]
    shared = _common(parents)
    return [
        Job(number, _name(outputs, home), _below(parent, shared), video, outputs)
        for number, ((video, outputs), parent) in enumerate(zip(videos, parents, strict=True))
    ]


def with_frames(jobs: Sequence[Job], home: Path) -> list[Job]:
    """The same, with each video's frames in its part of the table of all frames."""
    return [_with_frames(job, home) for job in jobs]


def part_of(jobs: Sequence[Job], shard: Shard | None) -> list[Job]:
    """Those of a shard: every n-th, so that each gets short and long ones; all where there is none."""
    return list(jobs) if shard is None else list(jobs[shard.number - 1 :: shard.count])


def side_by_side(videos: int) -> int:
    """How many videos fill this machine: one a core, as far as memory goes, and no more than there are."""
    room = int(psutil.virtual_memory().available // BYTES_A_JOB)
    return max(1, min(available_cores(), room, videos))


def shared_out(options: Options, jobs: int) -> Options:
    """The options for each of several processes: they share the cores; what changes results stays."""
    return options if jobs == 1 else with_cores(options, max(1, available_cores() // jobs))


def with_cores(options: Options, cores: int) -> Options:
    """The options for a process that has so many cores, where nobody says otherwise."""
    if options.engine.workers is not None:
        return options
    workers = 1 if cores == 1 else default_classifiers(cores)
    return replace(options, engine=replace(options.engine, workers=workers))


def longest_first(jobs: Sequence[Job]) -> list[Job]:
    """The jobs in the order of their files' sizes, so that at the end no long one is alone."""
    return sorted(jobs, key=_bytes, reverse=True)


def _bytes(job: Job) -> int:
    try:
        return job.video.stat().st_size
    except OSError:
        return 0


def _with_frames(job: Job, home: Path) -> Job:
    place = home / FRAMES / f"video={_quoted(job.name)}" / FRAMES
    files = {**job.outputs.files, "parquet": place}
    return replace(job, outputs=replace(job.outputs, files=files))


def _quoted(name: str) -> str:
    """A name as a folder's, in the way of Hive, which Arrow reads back."""
    return "".join(one if one.isalnum() or one in "-_. ~" else _percent(one) for one in name)


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogateescape"))


def _name(outputs: Outputs, home: Path) -> str:
    try:
        place = Path(os.path.relpath(outputs.summary, home)).as_posix()
    except ValueError:  # another drive on Windows
        place = outputs.summary.absolute().as_posix()
    return readable(place.removesuffix(_ENDING))


def _below(folder: str, shared: str) -> str:
    if not shared:
        return readable(Path(folder).as_posix())
    below = Path(os.path.relpath(folder, shared)).as_posix()
    return "" if below == "." else readable(below)


def _common(folders: Sequence[str]) -> str:
    try:
        return os.path.commonpath(folders) if folders else ""
    except ValueError:  # several drives on Windows
        return ""
