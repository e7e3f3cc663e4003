"""Lists of files: one name per line, or a table with a column of names.

In a table that is the column called ``file``, ``path``, ``video`` or the like; else the
first one in which most rows look like names of files, else the first. A header is detected in the same way:
it does not look like a name, and the rows below it do.
"""

import csv
import os
import re
from collections.abc import Sequence
from pathlib import Path

from emotion.models.data.image_io import SUFFIXES
from emotion.models.data.label_folders import VIDEOS
from emotion.models.names import local
from emotion.realtime.errors import SourceError
from emotion.realtime.sources.live import is_network

_TABLES = {".csv", ".tsv"}
_LISTS = _TABLES | {".lst", ".m3u", ".txt"}
# The first of these in the header; a table of people has a name and a file.
_COLUMNS = (
    *(
        "file",
        "filename",
        "filepath",
        "path",
        "video",
        "videofile",
        "videopath",
        "clip",
        "photo",
        "photograph",
    ),
    *("image", "imagefile", "imagepath", "picture", "img", "media", "source", "url", "link", "name"),
)
# Number of rows from which the column of names is determined.
_LOOKED_AT = 50


def is_list(name: str) -> bool:
    """Whether it is a list of files, by its extension."""
    path = Path(os.path.expanduser(local(name)))
    return path.suffix.lower() in _LISTS and not is_network(name) and path.is_file()


def names_in(name: str, lists: Sequence[str] = ()) -> list[str]:
    """The names in a list, relative to the list's folder; at least one.

    Args:
        name: the list.
        lists: those that it was named in, as real paths.

    Raises:
        SourceError: it cannot be read, is no list, names nothing, or is named in itself.
    """
    path = Path(os.path.expanduser(local(name)))
    if os.path.realpath(path) in lists:
        raise SourceError(f"{path} names itself: take that line out of the list.")
    try:
        text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}): check its permissions.") from error
    if "\0" in text:
        raise SourceError(f"{path} is no list: write a name a line into it.")
    table = path.suffix.lower() in _TABLES
    names = _column(text, path) if table else text.splitlines()
    wanted = [one.strip() for one in names if one.strip() and not one.lstrip().startswith("#")]
    if not wanted:
        raise SourceError(f"{path} names nothing: write a name a line into it.")
    return [_from(path, one) for one in wanted]


def _from(path: Path, name: str) -> str:
    if is_network(name):
        return name
    return str(path.parent / Path(os.path.expanduser(local(name))))


def _column(text: str, path: Path) -> list[str]:
    """The names in a table."""
    first = text.partition("\n")[0]
    tabs = path.suffix.lower() == ".tsv" or "\t" in first
    split = "\t" if tabs else ";" if ";" in first and "," not in first else ","
    rows = [row for row in csv.reader(text.splitlines(), delimiter=split) if any(row)]
    head = [re.sub(r"[\s_-]", "", name.lower()) for name in rows[0]] if rows else []
    place = next((head.index(name) for name in _COLUMNS if name in head), None)
    if place is not None:
        return [row[place] for row in rows[1:] if len(row) > place]
    return _by_likely_names(rows, path)


def _by_likely_names(rows: Sequence[Sequence[str]], path: Path) -> list[str]:
    """The names in a table whose header, if it has one, has no known column of names."""
    width = max(map(len, rows), default=0)
    columns = [[row[at] if len(row) > at else "" for row in rows] for at in range(width)]
    likely = [[_like_a_file(one, path) for one in column[:_LOOKED_AT]] for column in columns]
    best = max(range(width), key=lambda at: (sum(likely[at]), -at), default=None)
    if best is None:
        return []
    with_head = not likely[best][0] and any(likely[best])
    return columns[best][with_head:]


def _like_a_file(name: str, path: Path) -> bool:
    name = name.strip()
    suffix = os.path.splitext(name)[1].lower()
    return bool(name) and (
        suffix in SUFFIXES | VIDEOS or is_network(name) or os.path.exists(_from(path, name))
    )
