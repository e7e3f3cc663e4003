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
    """The number of units per second."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        """For example ``57.3 fps``."""
        return Text(f"{task.speed or 0:.1f} {self._unit}", style="progress.data.speed")


class Counter(Protocol):
    """Called with the progress; a note is shown after the bar."""

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Show it."""


def progress_bar(unit: str = "/s", *more: ProgressColumn) -> Progress:
    """A bar with the rate, the elapsed and the remaining time; silent if the output is not a terminal.

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
    """The elapsed and the remaining time, each with a word."""
    return TimeElapsedColumn(), TextColumn("gone,"), TimeRemainingColumn(), TextColumn("left")


@contextlib.contextmanager
def resumable() -> Iterator[None]:
    """Say what to do after Ctrl-C during work that the same command resumes."""
    try:
        yield
    except KeyboardInterrupt:
        errors.print("Stopped: the same command resumes.")
        raise


@contextlib.contextmanager
def counting(description: str) -> Iterator[Counter]:
    """A progress bar as the callback (done, total) of the library's functions."""
    with progress_bar("/s", TextColumn("{task.fields[note]}", markup=False)) as bar:
        task = bar.add_task(description, total=None, note="")

        def show(done: int, total: int, note: str = "") -> None:
            bar.update(task, completed=done, total=total, note=note)

        yield show
