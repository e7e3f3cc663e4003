"""A user's data about their videos: a CSV with one row per video."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from emotion.models.errors import OptionError
from emotion.realtime.errors import SourceError
from emotion.study.outcome import Outcome

_KEYS = ("video", "file", "path", "filename", "name", "clip")
_WHOLE = re.compile(r"[+-]?\d{1,15}$")


@dataclass(frozen=True, slots=True)
class Metadata:
    """Additional columns of a table.

    Attributes:
        columns: their names in the tables.
        rows: by the key column, a value per column; empty if missing.
    """

    columns: tuple[str, ...] = ()
    rows: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, outcome: Outcome) -> Mapping[str, str]:
        """The metadata of a video, by its path, its name in the study, its file's name, or its stem."""
        path = f"{outcome.folder}/{outcome.file}" if outcome.folder else outcome.file
        keys = (path, outcome.name, outcome.file, Path(outcome.file).stem)
        return next((self.rows[key] for key in keys if key in self.rows), {})

    def kind(self, column: str) -> str:
        """The type of all values of a column: ``integer``, ``number`` or ``string``."""
        values = [row[column] for row in self.rows.values() if row[column] != ""]
        if values and all(_WHOLE.match(value) for value in values):
            return "integer"
        return "number" if values and all(map(_is_number, values)) else "string"


def read_metadata(path: Path | None, by: str | None, taken: Sequence[str]) -> Metadata:
    """Read a CSV whose first row names its columns; one is ``video``, ``file`` or the first.

    Args:
        path: of the file; None: there is none.
        by: the column for grouping.
        taken: names of the tables' own columns; a column of the same name gets the prefix ``metadata_``.

    Raises:
        SourceError: it cannot be read, or two rows are for one video.
        OptionError: it has no such column.
    """
    found = Metadata() if path is None else _read(path, taken)
    if by is not None and by not in found.columns:
        known = ", ".join(found.columns) or "none, for there is no --metadata"
        raise OptionError("by", f"--by {by}: the columns of --metadata are {known}.")
    return found


def _read(path: Path, taken: Sequence[str]) -> Metadata:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8"
        raise SourceError(f"{path} cannot be read ({reason}): give a CSV of UTF-8.") from error
    head, *rows = [row for row in csv.reader(text.splitlines(), delimiter=_delimiter(text)) if row] or [[]]
    names = [name.strip() for name in head]
    if len(names) < 2 or len(set(names)) < len(names) or not rows:
        raise SourceError(
            f"{path} is no table of videos: it needs a row of different names, and a row a video."
        )
    key = next((names.index(name) for name in _KEYS if name in names), 0)
    columns = tuple(f"metadata_{name}" if name in taken else name for name in names)
    found: dict[str, Mapping[str, str]] = {}
    for row in rows:
        cells = [cell.strip() for cell in row] + [""] * (len(names) - len(row))
        name = cells[key].replace("\\", "/").removeprefix("./")
        if name in found:
            raise SourceError(f"{path} has two rows of {name}: leave one out.")
        found[name] = {
            column: cell
            for number, (column, cell) in enumerate(zip(columns, cells, strict=False))
            if number != key
        }
    return Metadata(tuple(name for number, name in enumerate(columns) if number != key), found)


def _delimiter(text: str) -> str:
    first = text.partition("\n")[0]
    return max(",;\t", key=first.count)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.strip().lower() not in ("nan", "inf", "-inf", "infinity")
