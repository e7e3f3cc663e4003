"""Merges the shards of a study that several machines, or the tasks of an array job, annotated."""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os.path import relpath
from pathlib import Path
from typing import Any

from emotion.models.atomic_files import atomic_output
from emotion.models.small_files import read_json
from emotion.realtime.errors import SourceError
from emotion.realtime.sinks.partial_file import writing
from emotion.realtime.sinks.result_sources import Source, named
from emotion.study.log import lines_of
from emotion.study.metadata import Metadata
from emotion.study.options import Shard
from emotion.study.outcome import Outcome
from emotion.study.plan import FRAMES
from emotion.study.study_files import LOG, PROVENANCE, Findings, StudyFiles, shard_name, write_study

_NAME = re.compile(r"provenance\.(\d+)-of-(\d+)\.json$")
_SAME = ("program", "models", "classes", "options")
"""What the shards of a study have in common."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A shard's provenance and its folder."""

    folder: Path
    shard: Shard | None
    values: Mapping[str, Any]

    def outcomes(self, home: Path) -> list[Outcome]:
        """Its videos, with their results relative to another folder."""
        try:
            found = [Outcome.read(one) for one in self.values["videos"]]
        except (TypeError, ValueError, KeyError) as error:
            raise SourceError(
                f"{self.folder} has a {PROVENANCE} of another release: make it again."
            ) from error
        return [replace(one, results=self._seen_from(home, one.results)) for one in found]

    def _seen_from(self, home: Path, results: Mapping[str, str]) -> dict[str, str]:
        moved: dict[str, str] = {}
        for name, place in results.items():
            path = self.folder / place
            if place.startswith(f"{FRAMES}/") and home.resolve() != self.folder.resolve():
                path = _copied(path, home / place)
            moved[name] = Path(relpath(path, home)).as_posix()
        return moved

    def sources(self) -> list[Source]:
        """The videos of the whole study; none if an earlier release wrote it."""
        return named(self.values.get("sources", {}), self.folder / shard_name(PROVENANCE, self.shard))

    def log(self) -> list[str]:
        return lines_of(self.folder / shard_name(LOG, self.shard))


def merge(
    folders: Sequence[Path], home: Path, overwrite: bool, metadata: Metadata, by: str | None
) -> tuple[Findings, list[Outcome]]:
    """Write the study that shards are parts of: the same as if one machine had done it.

    Args:
        folders: with the shards' results; for one folder with a complete study, it is written again.
        home: folder of the study.
        overwrite: replace existing files of any origin.
        metadata, by: see `write_study`.

    Raises:
        SourceError: there are no shards, one is missing or duplicate, or they are not of one study.
        SinkError: a file cannot be written.
    """
    parts = _parts(folders)
    _check(parts)
    home.mkdir(parents=True, exist_ok=True)
    outcomes = [one for part in parts for one in part.outcomes(home)]
    if sorted(one.number for one in outcomes) != list(range(len(outcomes))):
        raise SourceError("The shards are not of the same videos: give each the same names and folders.")
    lines = sorted({line for part in parts for line in part.log()}, key=_time)
    provenance = {
        name: value
        for name, value in parts[0].values.items()
        if name
        in (*_SAME, "columns", "palette", "libraries", "processor", "cores", "system", "provider", "date")
    }
    files = StudyFiles(home, None, overwrite, lines, parts[0].sources())
    try:
        files.log.note("merged", shards=len(parts))
        return write_study(files, outcomes, provenance, metadata, by), outcomes
    except BaseException:
        files.keep()
        raise


def _parts(folders: Sequence[Path]) -> list[_Part]:
    found: list[_Part] = []
    for folder in folders:
        named = sorted(folder.glob("provenance.*-of-*.json"))
        for path in named or [folder / PROVENANCE]:
            match = _NAME.match(path.name)
            shard = Shard(int(match[1]), int(match[2])) if match else None
            found.append(_Part(folder, shard, _read(path)))
    return sorted(found, key=lambda part: part.shard.number if part.shard else 0)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        return read_json(path)
    except (OSError, ValueError) as error:
        raise SourceError(
            f"{path.parent} holds no results of 'emotion annotate --shard' that can be read: name the folder "
            "given there with -o."
        ) from error


def _check(parts: Sequence[_Part]) -> None:
    shards = [part.shard for part in parts]
    if shards != [None]:
        count = max((one.count for one in shards if one), default=0)
        wanted = [Shard(number, count) for number in range(1, count + 1)]
        if missing := [str(one) for one in wanted if one not in shards]:
            raise SourceError(
                f"The shards {', '.join(missing)} are missing: run them, or name their folders."
            )
        if shards != wanted:
            twice = sorted({str(one) for one in shards if shards.count(one) > 1 or one not in wanted})
            raise SourceError(
                f"The shards {', '.join(twice)} are there twice, or of another count: leave some out."
            )
    for name in _SAME:
        if any(part.values.get(name) != parts[0].values.get(name) for part in parts):
            raise SourceError(
                f"The shards differ in {name}: results of different {name} are not put together."
            )


def _time(line: str) -> str:
    return line[:40]


def _copied(path: Path, place: Path) -> Path:
    """A part of the table of all frames, in its place in the study's folder."""
    if not path.exists():
        return path
    with writing(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        with atomic_output(place) as made:
            shutil.copyfile(path, made)
    return place
