"""Labelled photographs and videos: one folder per emotion, directly or within the parts of a data set."""

import csv
import hashlib
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from emotion.models.classes import Labels, folder_name
from emotion.models.data.folders import files_below
from emotion.models.data.image_io import SUFFIXES, read_photograph
from emotion.models.errors import DatasetError
from emotion.models.names import composed, readable, shortened
from emotion.models.regions import Image
from emotion.models.words import counted

Split: TypeAlias = Literal["train", "validation", "test"]
SPLITS: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "test": "test",
}
# Maximum length of a photograph's name in that of its crops: most file systems allow 255 bytes in all.
_STEM = 200
# The source of a video's frame (`Video.frame`); photographs, too, may have "#" in their names.
_FRAME = re.compile(r"(.+)#(\d+\.\d\d)")
# So many folders of other names are listed in an error.
_NAMED = 10
SIX = Labels()
"""The emotions of networks and vote."""

UNREAD = frozenset(
    {".arw", ".cr2", ".cr3", ".dng", ".exr", ".jxl", ".nef", ".orf", ".psd", ".raf", ".rw2", ".svg"}
    | {".3gp", ".asf", ".flv", ".m2ts", ".mts", ".ogv", ".vob"}
)
"""Unsupported formats of pictures and videos; they are reported."""
# Reasons for skipping pictures and videos; a colon and the folder's name follow.
_OTHER_NAME = "in a folder of another name than the classes'"
_BESIDE = "in a folder beside the parts"
_LOOSE = "in no folder of a class"
VIDEOS = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm", ".wmv"})


@dataclass(frozen=True, slots=True)
class Photograph:
    """A labelled picture, before its analysis.

    Attributes:
        path: of the picture file.
        source: the root's name and the path below it; a video's frame adds its time.
        label: the emotion.
        split: the part that its folder names, if it does.
        votes: a soft label, if there is one.
        video: the source of its video, if it is a frame.
        pixels: of a square gray picture that has no file of its own; see `label_tables`.
    """

    path: Path
    source: str
    label: str
    split: Split | None
    votes: tuple[float, ...] | None
    video: str | None = None
    pixels: bytes | None = None

    def read(self) -> Image:
        """The picture, uint8 (h, w, 3) BGR.

        Raises:
            PictureError: the file cannot be read.
        """
        if self.pixels is None:
            return read_photograph(self.path)
        side = round(len(self.pixels) ** 0.5)
        gray = np.frombuffer(self.pixels, np.uint8).reshape(side, side)
        return np.stack([gray] * 3, axis=2)

    @property
    def id(self) -> str:
        """A name for the crops: unique in a data set, and the same in every run."""
        stem = shortened(readable(self.path.stem), _STEM)
        return f"{stem}-{hashlib.sha1(self.source.encode()).hexdigest()[:8]}"

    @property
    def root(self) -> str:
        """The set that it comes from."""
        return self.source.split("/")[0]


def video_and_time(source: str) -> tuple[str, float | None]:
    """The source of a frame's video, and its seconds; of a photograph that source, and None."""
    frame = _FRAME.fullmatch(source)
    return (frame[1], float(frame[2])) if frame else (source, None)


@dataclass(frozen=True, slots=True)
class Video:
    """A labelled video file; `source`, `label` and `split` as in `Photograph`."""

    path: Path
    source: str
    label: str
    split: Split | None

    def frame(self, seconds: float) -> Photograph:
        """One of its frames, as a photograph."""
        return Photograph(
            self.path, f"{self.source}#{seconds:.2f}", self.label, self.split, None, self.source
        )


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    relative: str
    label: str
    split: Split | None


def find_photographs(root: Path, labels: Labels = SIX) -> Iterator[Photograph]:
    """The labelled pictures below a root, in a fixed order.

    Args:
        root: holds a folder a class, or parts of such.
        labels: the classes of folders.

    Raises:
        DatasetError: `root` is not a folder, has no folder named after a class, or its votes cannot be read.
    """
    votes = _read_votes(root / "votes.csv", labels.classes) or {}
    for file in _files(root, SUFFIXES, labels):
        source = readable(f"{root.name}/{file.relative}")
        yield Photograph(file.path, source, file.label, file.split, votes.get(composed(file.relative)))


def find_others(root: Path, labels: Labels = SIX) -> Iterator[tuple[str, str]]:
    """The pictures and videos that are in no folder of a class: (source, reason).

    Raises:
        DatasetError: `root` is not a folder.
    """
    parts = [part for _, part in _parts(root)]
    for part in parts:
        for folder in _folders(part):
            if labels.of(folder.name) is None:
                yield from _skipped(root, folder, _OTHER_NAME)
    for folder in _folders(root):
        if root not in parts and folder not in parts:
            yield from _skipped(root, folder, _BESIDE)
    for folder in dict.fromkeys((root, *parts)):
        yield from ((_source(root, path), _LOOSE) for path in _files_in(folder))


def describe_others(root: Path, labels: Labels = SIX) -> list[str]:
    """A message about each folder that is no class's, and about pictures in none.

    Raises:
        DatasetError: `root` is not a folder.
    """
    counts = Counter(reason for _, reason in find_others(root, labels))
    return [_describe(*reason.partition(": ")[::2], count) for reason, count in counts.items()]


def describe_votes(root: Path, labels: Labels = SIX) -> list[str]:
    """A message if a folder has votes that are not used.

    Raises:
        DatasetError: as `find_photographs`.
    """
    path = root / "votes.csv"
    if not path.is_file():
        return []
    votes = _read_votes(path, labels.classes)
    if votes is None:
        return [f"{path} is not used: it needs the columns path, {', '.join(labels.classes)}."]
    names = [composed(file.relative) for file in _files(root, SUFFIXES, labels)]
    if names and votes.keys().isdisjoint(names):
        return [f"{path} is not used: it names none of the pictures, whose paths are such as {names[0]}."]
    return []


def _describe(reason: str, name: str, count: int) -> str:
    if reason == _LOOSE:
        return f"{counted(count, 'picture or video is', 'pictures and videos are')} skipped: {reason}."
    files = counted(count, "picture or video", "pictures and videos")
    skipped = f"The folder {name} is skipped, with {files}"
    if reason == _BESIDE:
        return f"{skipped}: beside train, validation and test no other folders are read."
    mapped = shlex.quote(f"{folder_name(name)}=CLASS")
    return f"{skipped}: it has the name of no class. --map {mapped} gives it one."


def _skipped(root: Path, folder: Path, reason: str) -> Iterator[tuple[str, str]]:
    for path in _below(folder, SUFFIXES | VIDEOS):
        yield _source(root, path), f"{reason}: {readable(folder.name)}"


def _source(root: Path, path: Path) -> str:
    return readable(f"{root.name}/{path.relative_to(root).as_posix()}")


def _files_in(folder: Path) -> list[Path]:
    """The pictures and videos in a folder itself."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES | VIDEOS and path.is_file() and not path.name.startswith(".")
    )


def find_unread(root: Path, labels: Labels = SIX) -> Iterator[tuple[str, str, str]]:
    """The labelled pictures and videos of formats that are not read: (source, label, ending).

    Raises:
        DatasetError: as `find_photographs`.
    """
    for file in _files(root, UNREAD, labels):
        yield readable(f"{root.name}/{file.relative}"), file.label, file.path.suffix.lower()


def find_videos(root: Path, labels: Labels = SIX) -> Iterator[Video]:
    """The labelled videos below a root, in a fixed order; see `find_photographs`."""
    for file in _files(root, VIDEOS, labels):
        yield Video(file.path, readable(f"{root.name}/{file.relative}"), file.label, file.split)


def _files(root: Path, suffixes: frozenset[str], labels: Labels) -> Iterator[_File]:
    found, others = False, list[str]()
    for split, part in _parts(root):
        for folder in _folders(part):
            label = labels.of(folder.name)
            if label is None:
                others.append(readable(folder.name))
                continue
            found = True
            for path in _below(folder, suffixes):
                yield _File(path, path.relative_to(root).as_posix(), label, split)
    if not found:
        names = list(dict.fromkeys(others))[:_NAMED]
        named = f"only {', '.join(names)}" if names else "none at all"
        other = shlex.quote(f"{folder_name(others[0])}=CLASS") if others else "joyful=happiness"
        raise DatasetError(
            f"{root} has no folder named after a class, {named}: it needs {', '.join(labels.classes)} (or "
            f"some of them), directly or within train, validation and test. Other names: --map {other}."
        )


def _parts(root: Path) -> list[tuple[Split | None, Path]]:
    """The folders of folders in a root: its parts, or itself."""
    if not root.is_dir():
        raise DatasetError(f"{root} is not a folder.")
    named: list[tuple[Split | None, Path]] = [
        (SPLITS[d.name.lower()], d) for d in _folders(root) if d.name.lower() in SPLITS
    ]
    return named or [(None, root)]


def _below(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    return [path for path in files_below(folder) if path.suffix.lower() in suffixes]


def _folders(path: Path) -> list[Path]:
    return sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _read_votes(path: Path, classes: Sequence[str]) -> dict[str, tuple[float, ...]] | None:
    """Soft labels by relative path: the votes for the classes, made to sum to one.

    None if a column is missing. A picture without a vote for one of the classes has no soft label.
    """
    if not path.is_file():
        return {}
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            if not {"path", *classes} <= set(table.fieldnames or ()):
                return None
            counts = {composed(row["path"]): [_count(row[name]) for name in classes] for row in table}
    except (OSError, UnicodeError, csv.Error, ValueError) as error:
        raise DatasetError(f"{path} cannot be read as votes: {error}.") from error
    return {key: tuple(v / sum(row) for v in row) for key, row in counts.items() if sum(row) > 0}


def _count(cell: str | None) -> float:
    """A cell's votes; an empty one has none.

    Raises:
        ValueError: it is not a number of votes.
    """
    count = float(cell or 0)
    if not 0 <= count < float("inf"):
        raise ValueError(f"{cell!r} is no number of votes")
    return count
