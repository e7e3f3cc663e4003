"""A study's tables as CSV: UTF-8 with commas, empty cells for unknown values, TRUE and FALSE."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from emotion.study import columns as of
from emotion.study.columns import Column, Row
from emotion.study.course import Courses
from emotion.study.metadata import Metadata
from emotion.study.outcome import StudiedVideo

VIDEOS, PEOPLE, COURSE, COLUMNS = "videos.csv", "people.csv", "course.csv", "columns.csv"
NAMES = (VIDEOS, PEOPLE, COURSE, COLUMNS)


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its columns."""

    name: str
    columns: Sequence[Column]
    rows: Sequence[Row]

    def to_csv(self) -> str:
        """The table as text."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([column.name for column in self.columns])
        writer.writerows([[_cell(column.value(row)) for column in self.columns] for row in self.rows])
        return text.getvalue()


def tables(
    studied: Sequence[StudiedVideo],
    classes: Sequence[str],
    metadata: Metadata,
    courses: Courses,
    frames: Sequence[Row] = (),
) -> list[Table]:
    """All tables of a study.

    Args:
        studied: its videos, in their order.
        classes: of the models.
        metadata: the user's data about them.
        courses: the mean courses.
        frames: the columns of the tables of each video, as in `described`.
    """
    made = [
        Table(VIDEOS, of.video_columns(classes, metadata), [of.video_row(one, metadata) for one in studied]),
        Table(
            PEOPLE,
            of.person_columns(classes, metadata),
            [row for one in studied for row in of.person_rows(one, metadata)],
        ),
        Table(COURSE, of.course_columns(classes), courses.rows()),
    ]
    described = [*made, Table(COLUMNS, of.column_columns(), ())]
    rows = [row for table in described for row in of.described(table.name, table.columns)]
    return [*made, Table(COLUMNS, of.column_columns(), [*rows, *frames])]


def _cell(value: object) -> object:
    if value is None:
        return ""
    return str(value).upper() if isinstance(value, bool) else value
