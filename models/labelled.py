"""Labelled photographs and videos: a folder an emotion, directly or within the parts of a data set."""

import csv
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from models.emotions import EMOTIONS, canonical_label
from models.errors import DatasetError

Split: TypeAlias = Literal["train", "validation", "test"]
SPLITS: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "test": "test",
}
PICTURES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
VIDEOS = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm", ".wmv"})


@dataclass(frozen=True, slots=True)
class Photograph:
    """A labelled picture, before it is looked at.

    Attributes:
        path: of the picture file.
        source: the root's name and the path below it; a video's frame adds its time.
        label: the emotion.
        split: the part that its folder names, if it does.
        votes: a soft label, if there is one.
        video: the source of the video it is a frame of, if it is one.
    """

    path: Path
    source: str
    label: str
    split: Split | None
    votes: tuple[float, ...] | None
    video: str | None = None

    @property
    def id(self) -> str:
        """A name for the crops: unique in a data set, and the same in every run."""
        return f"{self.path.stem}-{hashlib.sha1(self.source.encode()).hexdigest()[:8]}"

    @property
    def root(self) -> str:
        """The set that it comes from."""
        return self.source.split("/")[0]


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


def find_photographs(root: Path, labels: Mapping[str, str] | None = None) -> Iterator[Photograph]:
    """The labelled pictures below a root, in a fixed order.

    Args:
        root: holds a folder an emotion, or parts of such.
        labels: emotions by folder name, for names that are not the emotions' own.

    Raises:
        DatasetError: `root` is no folder, or holds no folder named after an emotion.
    """
    votes = _read_votes(root / "votes.csv")
    for file in _files(root, PICTURES, labels or {}):
        source = f"{root.name}/{file.relative}"
        yield Photograph(file.path, source, file.label, file.split, votes.get(file.relative))


def find_others(root: Path, labels: Mapping[str, str] | None = None) -> Iterator[tuple[str, str]]:
    """The pictures and videos in folders of other names than emotions': (source, folder's name).

    Raises:
        DatasetError: `root` is no folder.
    """
    for _, part in _parts(root):
        for folder in _folders(part):
            if canonical_label(folder.name, labels) is None:
                for path in _below(folder, PICTURES | VIDEOS):
                    yield f"{root.name}/{path.relative_to(root).as_posix()}", folder.name


def find_videos(root: Path, labels: Mapping[str, str] | None = None) -> Iterator[Video]:
    """The labelled videos below a root, in a fixed order; see `find_photographs`."""
    for file in _files(root, VIDEOS, labels or {}):
        yield Video(file.path, f"{root.name}/{file.relative}", file.label, file.split)


def _files(root: Path, suffixes: frozenset[str], labels: Mapping[str, str]) -> Iterator[_File]:
    found = False
    for split, part in _parts(root):
        for folder in _folders(part):
            label = canonical_label(folder.name, labels)
            if label is None:
                continue
            found = True
            for path in _below(folder, suffixes):
                yield _File(path, path.relative_to(root).as_posix(), label, split)
    if not found:
        raise DatasetError(
            f"{root} holds no folder named after an emotion: it needs {', '.join(EMOTIONS)} (or a part of "
            "them), directly or within train, validation and test. Other names: --map joyful=happiness."
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
    return [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in suffixes and path.is_file()]


def _folders(path: Path) -> list[Path]:
    return sorted(entry for entry in path.iterdir() if entry.is_dir())


def _read_votes(path: Path) -> dict[str, tuple[float, ...]]:
    """Soft labels by relative path: the votes for the six emotions, made to sum to one."""
    if not path.is_file():
        return {}
    with open(path, newline="", encoding="utf-8") as file:
        counts = {row["path"]: [float(row[name]) for name in EMOTIONS] for row in csv.DictReader(file)}
    return {key: tuple(v / sum(row) for v in row) for key, row in counts.items() if sum(row) > 0}
