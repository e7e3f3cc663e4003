"""A user's data about their videos: a CSV with one row per video."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from emotion.models.errors import OptionError
from emotion.models.names import composed
from emotion.models.words import counted
from emotion.realtime.errors import SourceError
from emotion.study.outcome import Outcome

_KEYS = ("video", "file", "path", "filename", "name", "clip")
_WHOLE = re.compile(r"[+-]?\d{1,15}$")
# A code such as 007, of which a number would lose the zeros.
_CODE = re.compile(r"0\d")
# Of names in a sentence; it then counts.
_MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class Metadata:
    """Additional columns of a table.

    Attributes:
        columns: their names in the tables.
        rows: by the key column, a value per column; empty if missing.
    """

    columns: tuple[str, ...] = ()
    rows: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    _folded: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        folded: dict[str, list[str]] = {}
        for key in self.rows:
            folded.setdefault(key.casefold(), []).append(key)
        # Names are case-sensitive only if two rows differ only in case.
        alone = {key: rows[0] for key, rows in folded.items() if len(rows) == 1}
        object.__setattr__(self, "_folded", alone)

    def of(self, outcome: Outcome) -> Mapping[str, str]:
        """The metadata of a video, by its path, name in the study, file's name, stem, or a folder.

        Case, and whether an accent is a character of its own, need not agree: file systems differ in both.
        """
        key = self._key(outcome)
        return {} if key is None else self.rows[key]

    def gaps(self, outcomes: Sequence[Outcome]) -> list[str]:
        """Sentences on videos without a row and on rows without a video; none where all have one."""
        if not self.rows:
            return []
        keys = [self._key(one) for one in outcomes]
        without = [_path(one) for one, key in zip(outcomes, keys, strict=True) if key is None]
        used = set(keys)
        unused = [name for name in self.rows if name not in used]
        said = []
        if without:
            verb = "has" if len(without) == 1 else "have"
            said.append(
                f"{len(without)} of {counted(len(outcomes), 'video')} {verb} no row in --metadata: "
                f"{_some(without)}."
            )
        if unused:
            verb = "names" if len(unused) == 1 else "name"
            said.append(f"{counted(len(unused), 'row')} of --metadata {verb} no video: {_some(unused)}.")
        return said

    def _key(self, outcome: Outcome) -> str | None:
        """The row of a video, as `rows` has it."""
        own = (_path(outcome), outcome.name, outcome.file, Path(outcome.file).stem)
        names = [composed(name) for name in (*own, *_folders(outcome))]
        exact = next((name for name in names if name in self.rows), None)
        folded = (self._folded.get(name.casefold()) for name in names)
        return exact or next((key for key in folded if key is not None), None)

    def kind(self, column: str) -> str:
        """The type of all values of a column: ``integer``, ``number`` or ``string``."""
        values = [row[column] for row in self.rows.values() if row[column] != ""]
        if any(_CODE.match(value) for value in values):
            return "string"
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
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{path} is not in UTF-8: save it as such; in Excel choose the type 'CSV UTF-8'."
        ) from error
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}): give a CSV in UTF-8.") from error
    head, *rows = _filled(list(csv.reader(text.splitlines(), delimiter=_delimiter(text)))) or [[]]
    names = [name.strip() for name in head]
    if len(names) < 2 or len(set(names)) < len(names) or not rows:
        raise SourceError(
            f"{path} is no table of videos: it needs a row of different names, and a row a video."
        )
    key = next((names.index(name) for name in _KEYS if name in names), 0)
    columns = tuple(f"metadata_{name}" if name in taken else name for name in names)
    found: dict[str, Mapping[str, str]] = {}
    for row in rows:
        cells = row + [""] * (len(names) - len(row))
        name = composed(cells[key].replace("\\", "/").removeprefix("./"))
        if name in found:
            raise SourceError(f"{path} has two rows of {name}: leave one out.")
        found[name] = {
            column: cell
            for number, (column, cell) in enumerate(zip(columns, cells, strict=False))
            if number != key
        }
    return Metadata(tuple(name for number, name in enumerate(columns) if number != key), found)


def _filled(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Without the empty rows at the end and the empty columns at the right that spreadsheets save, too."""
    stripped = [[cell.strip() for cell in row] for row in rows]
    width = max((number for row in stripped for number, cell in enumerate(row, 1) if cell), default=0)
    return [row[:width] for row in stripped if any(row)]


def _path(outcome: Outcome) -> str:
    return f"{outcome.folder}/{outcome.file}" if outcome.folder else outcome.file


def _folders(outcome: Outcome) -> list[str]:
    """The folders that hold a video, the innermost first: ``a/b``, ``a``."""
    parts = outcome.folder.split("/") if outcome.folder else []
    return ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]


def _some(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _delimiter(text: str) -> str:
    first = text.partition("\n")[0]
    return max(",;\t", key=first.count)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.strip().lower() not in ("nan", "inf", "-inf", "infinity")
