"""Progress bars of the commands."""

import contextlib
from collections.abc import Iterator
from typing import Protocol

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from emotion.cli.console import errors


class RateColumn(ProgressColumn):
    """How many units are done in a second."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        """For example ``57.3 fps``."""
        return Text(f"{task.speed or 0:.1f} {self._unit}", style="progress.data.speed")


class Counter(Protocol):
    """Told how far something is; a note on it stands behind the bar."""

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Show it."""


def progress_bar(unit: str = "/s", *more: ProgressColumn) -> Progress:
    """A bar with the rate, the time gone and the time left; quiet where nobody watches.

    Args:
        unit: of the rate.
        more: columns behind these.
    """
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(unit),
        *times(),
        *more,
        console=errors,
        disable=not errors.is_terminal,
    )


def times() -> tuple[ProgressColumn, ...]:
    """The time gone and the time left, each with its word."""
    return TimeElapsedColumn(), TextColumn("gone,"), TimeRemainingColumn(), TextColumn("left")


@contextlib.contextmanager
def counting(description: str) -> Iterator[Counter]:
    """A progress bar as the callback (done, total) that the library's functions take."""
    with progress_bar("/s", TextColumn("{task.fields[note]}", markup=False)) as bar:
        task = bar.add_task(description, total=None, note="")

        def show(done: int, total: int, note: str = "") -> None:
            bar.update(task, completed=done, total=total, note=note)

        yield show
