"""Classes and people, from the names of a user's folders and files."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from emotion.models.classes import EMOTIONS, Classes, Labels, class_name, folder_name
from emotion.models.data.folders import files_below
from emotion.models.data.image_io import SUFFIXES
from emotion.models.data.label_folders import SPLITS, VIDEOS, video_and_time
from emotion.models.data.label_tables import is_table, read_rows
from emotion.models.data.labelled import describe_others
from emotion.models.errors import DatasetError, OptionError
from emotion.models.names import composed
from emotion.own_model.options import LearnOptions


def classes_of(roots: Sequence[Path], neutral: str = "") -> tuple[Classes, dict[str, str]]:
    """The classes of folders of photographs, from their names.

    Args:
        roots: each with a folder a class, directly or within train, validation and test.
        neutral: the class of a face at rest; empty: the default.

    Returns:
        The classes, the six that ship in their usual order and others by name; and by each folder's name, in
        lower case, its class.

    Raises:
        DatasetError: there are fewer than two, or a name cannot be a class.
    """
    names: dict[str, str] = {}
    for root in roots:
        for word in _words(root):
            names[folder_name(word)] = class_name(word)
    found = set(names.values())
    ordered = [name for name in EMOTIONS if name in found] + sorted(found.difference(EMOTIONS))
    if len(ordered) < 2:
        said = f"only {ordered[0]}" if ordered else "none"
        raise DatasetError(
            f"A model has at least two classes, with a folder of photographs each; {_in_words(roots)} "
            f"has {said}."
        )
    try:
        return Classes(tuple(ordered), neutral=neutral or None), names
    except ValueError as error:
        raise DatasetError(f"The folders' names are the classes, and {error}. Rename it.") from error


def _words(root: Path) -> list[str]:
    """The names of its folders, or the labels of a table."""
    if is_table(root):
        return [row.word for row in read_rows(root)]
    return [folder.name for folder in _class_folders(root)]


def describe_skipped(roots: Sequence[Path], classes: Classes, names: dict[str, str]) -> list[str]:
    """A message about each folder without a class, and about pictures in none.

    Args:
        roots: as of `classes_of`.
        classes, names: that it found.
    """
    labels = Labels(classes.names, names)
    empty = [
        f"The folder {folder.name} is skipped: it has no picture or video of a format that is read."
        for root in roots
        if not is_table(root)
        for folder in _named_folders(root)
        if not _holds_faces(folder)
    ]
    return empty + [sentence for root in roots for sentence in describe_others(root, labels)]


def _class_folders(root: Path) -> list[Path]:
    return [folder for folder in _named_folders(root) if _holds_faces(folder)]


def _named_folders(root: Path) -> list[Path]:
    """The folders of which each is named after a class."""
    if not root.is_dir():
        raise DatasetError(f"{root} is not a folder.")
    folders = _folders(root)
    parts = [folder for folder in folders if folder.name.lower() in SPLITS]
    return [inner for part in parts for inner in _folders(part)] if parts else folders


def _folders(path: Path) -> list[Path]:
    return sorted(one for one in path.iterdir() if one.is_dir() and not one.name.startswith("."))


def _holds_faces(folder: Path) -> bool:
    return any(path.suffix.lower() in SUFFIXES | VIDEOS for path in files_below(folder))


def _in_words(roots: Sequence[Path]) -> str:
    return " and ".join(map(str, roots))


def people_of(sources: Sequence[str], options: LearnOptions) -> list[str | None]:
    """The person on each photograph, if known.

    Args:
        sources: a root's name and the path below it; a video's frame adds ``#`` and its time.
        options: ``group_by`` and ``person``.

    Raises:
        DatasetError: the table cannot be read, lacks a column or has none of the photographs.
        OptionError: the pattern is invalid, has no group or matches no name.
    """
    named = _table(options.group_by) if options.group_by else {}
    try:
        pattern = re.compile(options.person) if options.person else None
    except re.error as error:
        raise OptionError("person", f"{options.person!r} is no pattern: {error}.") from error
    if pattern is not None and not pattern.groups:
        raise OptionError("person", f"{options.person!r} has no group (...) that would be the person.")
    people: list[str | None] = []
    for source in sources:
        path = composed(video_and_time(source)[0])
        name = path.rsplit("/", 1)[-1]
        found = pattern.search(name) if pattern else None
        below = path.split("/", 1)[-1]
        people.append(named.get(path) or named.get(below) or named.get(name) or (found[1] if found else None))
    if people and not any(people):
        _check_fit(sources[0], options)
    return people


def _check_fit(source: str, options: LearnOptions) -> None:
    """Refuse a table or a pattern that identifies no person, which must be a mistake."""
    if options.person:
        name = source.rsplit("/", 1)[-1]
        raise OptionError(
            "person",
            f"'{options.person}' fits none of the photographs' file names, such as {name}: folders are not "
            "used, give these with --group-by.",
        )
    if options.group_by:
        path = source.split("/", 1)[-1]
        raise DatasetError(f"{options.group_by} names none of the photographs: write their paths as {path}.")


def _table(path: Path) -> dict[str, str]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DatasetError(f"{path} cannot be read: {reason}.") from error
    if rows and not {"path", "person"} <= set(rows[0]):
        raise DatasetError(f"{path} has the columns {', '.join(rows[0])}; needed are path and person.")
    return {
        composed(str(row["path"]).replace("\\", "/")): str(row["person"]) for row in rows if row["person"]
    }
