"""Labelled photographs and videos of a root: a folder with one folder per class, or a table of labels."""

import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from emotion.models.classes import Labels, folder_name
from emotion.models.data import label_folders, label_tables
from emotion.models.data.label_folders import SIX, Photograph, Video
from emotion.models.data.label_tables import is_table
from emotion.models.words import counted


def find_photographs(root: Path, labels: Labels = SIX) -> Iterator[Photograph]:
    """The labelled pictures of a root, in a fixed order.

    Args:
        root: a folder or a table.
        labels: the classes of folder names or of labels.

    Raises:
        DatasetError: as `label_folders.find_photographs` and `label_tables.photographs`.
    """
    return (label_tables.photographs if is_table(root) else label_folders.find_photographs)(root, labels)


def find_videos(root: Path, labels: Labels = SIX) -> Iterator[Video]:
    """The labelled videos of a root; see `find_photographs`."""
    return (label_tables.videos if is_table(root) else label_folders.find_videos)(root, labels)


def find_unread(root: Path, labels: Labels = SIX) -> Iterator[tuple[str, str, str]]:
    """The labelled files of formats that are not read: (source, label, extension)."""
    return (label_tables.unread if is_table(root) else label_folders.find_unread)(root, labels)


def find_others(root: Path, labels: Labels = SIX) -> Iterator[tuple[str, str]]:
    """The pictures and videos of no class: (source, reason)."""
    if is_table(root):
        rows = label_tables.others(root, labels)
        return ((source, f"a label that is none of the classes: {word}") for source, word in rows)
    return label_folders.find_others(root, labels)


def describe_votes(root: Path, labels: Labels = SIX) -> list[str]:
    """A sentence if a folder has votes that are not used."""
    return [] if is_table(root) else label_folders.describe_votes(root, labels)


def describe_others(root: Path, labels: Labels = SIX) -> list[str]:
    """A sentence about each folder name or label that is none of the classes, and pictures without one.

    Raises:
        DatasetError: as `find_photographs`.
    """
    if not is_table(root):
        return label_folders.describe_others(root, labels)
    counts = Counter(word for _, word in label_tables.others(root, labels))
    return [
        f"The label {word} is skipped, with {counted(count, 'picture or video', 'pictures and videos')}: "
        f"it is no class. --map {shlex.quote(f'{folder_name(word)}=CLASS')} gives it one."
        for word, count in counts.items()
    ]
