"""Labelled photographs and videos in a table: a CSV file with a column for the file and one for the label.

The columns are detected by their names, in any case. Paths are relative to the table. A column for the part
(``split``, ``part``, ``usage``) is optional. Tables in the format of FER2013 (``emotion,pixels,Usage``) have
the pixels of gray, square pictures in place of paths, and numbers in place of labels.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from emotion.models.classes import Labels, folder_name
from emotion.models.data.image_io import SUFFIXES
from emotion.models.data.label_folders import SIX, SPLITS, VIDEOS, Photograph, Split, Video
from emotion.models.errors import DatasetError
from emotion.models.names import composed, readable
from emotion.models.regions import Image

SUFFIX = ".csv"
_FILES = (
    *("image", "imagepath", "imagefile", "imagename", "path", "pth", "filepath", "file", "filename"),
    *("photograph", "photo", "picture", "img", "video", "videopath", "name"),
)
_LABELS = ("label", "emotion", "expression", "class", "emotionlabel")
_PARTS = ("split", "part", "usage", "subset")
_PIXELS = ("pixels",)
_SPLITS = SPLITS | {"publictest": "validation", "privatetest": "test"}
_FER2013 = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
# One row is a picture of at most a megapixel, as text.
_LONGEST_CELL = 4 << 20


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table.

    Attributes:
        number: of its line in the file.
        name: the path as in the table, or the line's number of a picture that is in the table.
        path: of the picture or video.
        word: its label as in the table.
        split: the part, if there is a column for it.
        pixels: the square gray picture that the table holds in place of a path.
    """

    number: int
    name: str
    path: Path
    word: str
    split: Split | None
    pixels: bytes | None = None

    def picture(self) -> Image:
        """The picture that the table holds, uint8 (h, w, 3) BGR."""
        return Photograph(self.path, self.name, self.word, self.split, None, pixels=self.pixels).read()


def is_table(root: Path) -> bool:
    """Whether it is the name of a table, not of a folder."""
    return root.suffix.lower() == SUFFIX and not root.is_dir()


def read_rows(table: Path) -> list[Row]:
    """The rows of a table; of two that say the same, the first.

    Raises:
        DatasetError: the table cannot be read, lacks a column, or a row is incomplete or contradicts another.
    """
    try:
        state = table.stat()
    except OSError as error:
        raise DatasetError(f"{table} cannot be read ({error.strerror}).") from error
    return list(_checked(table, state.st_mtime_ns, state.st_size))


@lru_cache(maxsize=4)  # a table is asked several times, and that of FER2013 has 300 MB
def _checked(table: Path, changed: int, size: int) -> tuple[Row, ...]:
    """The rows of a table in one state."""
    rows: dict[str, Row] = {}
    for row in _rows(table):
        known = rows.setdefault(row.name, row)
        if (known.word, known.split) != (row.word, row.split):
            raise DatasetError(
                f"{table}: {row.name} is {known.word} in line {known.number} and {row.word} in line "
                f"{row.number}, or in another part there: keep one of them."
            )
    if not rows:
        raise DatasetError(f"{table} has no rows: write one for each picture below the names of the columns.")
    missing = [row for row in rows.values() if row.pixels is None and not row.path.is_file()]
    if missing:
        first = missing[0]
        raise DatasetError(
            f"{table}, line {first.number}: {first.path} is not there (paths are relative to the table). "
            f"{len(missing)} of {len(rows)} files are missing: correct or remove their lines."
        )
    return tuple(rows.values())


def photographs(table: Path, labels: Labels = SIX) -> Iterator[Photograph]:
    """The labelled pictures in a table, in its order.

    Raises:
        DatasetError: as `read_rows`, or no row has a label of a class.
    """
    for row, label in _labelled(table, labels):
        if row.pixels is not None or row.path.suffix.lower() in SUFFIXES:
            yield Photograph(row.path, _source(table, row), label, row.split, None, pixels=row.pixels)


def videos(table: Path, labels: Labels = SIX) -> Iterator[Video]:
    """The labelled videos in a table; see `photographs`."""
    for row, label in _labelled(table, labels):
        if row.pixels is None and row.path.suffix.lower() in VIDEOS:
            yield Video(row.path, _source(table, row), label, row.split)


def others(table: Path, labels: Labels = SIX) -> Iterator[tuple[str, str]]:
    """The rows whose label is none of the classes: (source, label)."""
    for row in read_rows(table):
        if labels.of(row.word) is None:
            yield _source(table, row), readable(row.word)


def unread(table: Path, labels: Labels = SIX) -> Iterator[tuple[str, str, str]]:
    """The labelled files of formats that are not read: (source, label, extension)."""
    for row, label in _labelled(table, labels):
        ending = row.path.suffix.lower()
        if row.pixels is None and ending not in SUFFIXES | VIDEOS:
            yield _source(table, row), label, ending or "no extension"


def rows_by_source(table: Path) -> dict[str, Row]:
    """The rows of a table, by source."""
    return {_source(table, row): row for row in read_rows(table)}


def _labelled(table: Path, labels: Labels) -> list[tuple[Row, str]]:
    rows = read_rows(table)
    found = [(row, label) for row in rows if (label := labels.of(row.word)) is not None]
    if not found:
        words = ", ".join(sorted({row.word for row in rows})[:10])
        raise DatasetError(
            f"{table} has no label of the classes {', '.join(labels.classes)}, but {words}. Other labels: "
            "--map joyful=happiness."
        )
    return found


def _source(table: Path, row: Row) -> str:
    return readable(f"{table.name}/{row.name.lstrip('/')}")


# --- rows -------------------------------------------------------------------------------------------


def _rows(table: Path) -> Iterator[Row]:
    try:
        with open(table, newline="", encoding="utf-8-sig") as file:
            head = file.readline()
            file.seek(0)
            csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_CELL))
            reader = csv.reader(file, delimiter=max(",;\t", key=head.count))
            columns = _Columns(table, next(reader, []))
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield columns.row(reader.line_num, cells)
    except OSError as error:
        raise DatasetError(f"{table} cannot be read ({error.strerror}).") from error
    except UnicodeError as error:
        raise DatasetError(f"{table} is not text in UTF-8: save it as CSV UTF-8.") from error
    except csv.Error as error:
        raise DatasetError(f"{table} is no CSV file: {error}.") from error


class _Columns:
    """The roles of the columns, and the meaning of a row.

    Raises:
        DatasetError: there is no column for files, or none for labels.
    """

    def __init__(self, table: Path, head: Sequence[str]) -> None:
        self._table = table
        names = ["".join(char for char in name.lower() if char.isalnum()) for name in head]
        self._pixels = _first(names, _PIXELS)
        self._file = None if self._pixels is not None else _first(names, _FILES)
        self._label, self._part = _first(names, _LABELS), _first(names, _PARTS)
        if self._label is None or (self._file is None and self._pixels is None):
            raise DatasetError(
                f"{table} has the columns {', '.join(head) or 'none'}. It needs one for the file (image, "
                "path or file), or pixels, and one for the label (label, emotion or expression)."
            )

    def row(self, number: int, cells: Sequence[str]) -> Row:
        """The row of a line.

        Raises:
            DatasetError: it lacks the file or the label, or they cannot be understood.
        """
        word, split = self._cell(cells, self._label), self._split(number, cells)
        if not word:
            raise self._error(number, "has no label")
        if self._pixels is not None:
            name = f"line-{number}"
            pixels = self._picture(number, self._cell(cells, self._pixels))
            return Row(number, name, self._table / name, _word_of_fer2013(word), split, pixels)
        name = self._cell(cells, self._file).replace("\\", "/")
        if not name:
            raise self._error(number, "names no file")
        return Row(number, composed(name), self._table.parent / name, word, split)

    def _cell(self, cells: Sequence[str], column: int | None) -> str:
        return cells[column].strip() if column is not None and column < len(cells) else ""

    def _split(self, number: int, cells: Sequence[str]) -> Split | None:
        word = self._cell(cells, self._part)
        split = _SPLITS.get("".join(char for char in word.lower() if char.isalnum()))
        if word and split is None:
            raise self._error(number, f"has the part {word}, which is none of train, validation and test")
        return split

    def _picture(self, number: int, text: str) -> bytes:
        try:
            values = np.array(text.split(), np.uint8)
        except (ValueError, OverflowError) as error:
            raise self._error(number, "has pixels that are no numbers from 0 to 255") from error
        side = round(len(values) ** 0.5)
        if not side or side * side != len(values):
            raise self._error(number, f"has {len(values)} pixels, which make no square picture")
        return values.tobytes()

    def _error(self, number: int, what: str) -> DatasetError:
        return DatasetError(f"{self._table}, line {number} {what}: correct or remove it.")


def _first(names: Sequence[str], wanted: Iterable[str]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)


def _word_of_fer2013(word: str) -> str:
    number = folder_name(word)
    return _FER2013[int(number)] if number in map(str, range(len(_FER2013))) else word
