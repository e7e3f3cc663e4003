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
"""The folder of the table of all frames, with a folder per video."""
BYTES_A_JOB = 1 << 30
"""Memory per video with its models, for clips up to 1080p, with some reserve."""
_ENDING = ".summary.json"


@dataclass(frozen=True, slots=True)
class Job:
    """A video of a study.

    Attributes:
        number: its index, from 0.
        name: in the study: its results' name, with their folder below the study's.
        folder: its own folder relative to the common parent folder; empty if that is the same.
        video: the file.
        outputs: paths of its results.
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
    """The same jobs, each also with its part of the table of all frames."""
    return [_with_frames(job, home) for job in jobs]


def part_of(jobs: Sequence[Job], shard: Shard | None) -> list[Job]:
    """Those of a shard: every n-th, so that each gets short and long ones; all if there is no shard."""
    return list(jobs) if shard is None else list(jobs[shard.number - 1 :: shard.count])


def side_by_side(videos: int) -> int:
    """Number of parallel videos on this machine: one per core, as far as memory allows, at most all."""
    room = int(psutil.virtual_memory().available // BYTES_A_JOB)
    return max(1, min(available_cores(), room, videos))


def shared_out(options: Options, jobs: int) -> Options:
    """The options for each of several processes: they share the cores; options that change results stay."""
    return options if jobs == 1 else with_cores(options, max(1, available_cores() // jobs))


def with_cores(options: Options, cores: int) -> Options:
    """The options for a process with so many cores, unless they were given."""
    if options.engine.workers is not None:
        return options
    workers = 1 if cores == 1 else default_classifiers(cores)
    return replace(options, engine=replace(options.engine, workers=workers))


def longest_first(jobs: Sequence[Job]) -> list[Job]:
    """The jobs by descending file size, so that no long one runs alone at the end."""
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
    """A name as a folder in Hive's partitioning, which Arrow reads."""
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
