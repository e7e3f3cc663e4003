"""Times of a run's steps, beside the estimate at its start."""

import csv
import os
from pathlib import Path
from time import monotonic

from emotion.models.cores import available_cores


class Clock:
    """Writes the duration of each step into a table when it ends: ``times.csv``.

    Args:
        path: of the table; an existing one is replaced.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._begun, self._processor = path, monotonic(), _processor_seconds()
        self._step, self._since = "", self._begun
        with open(path, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(("step", "seconds"))

    def begin(self, step: str) -> None:
        """End the previous step, and begin one; an empty name only ends."""
        now = monotonic()
        if self._step:
            with open(self._path, "a", newline="", encoding="utf-8") as file:
                csv.writer(file).writerow((self._step, f"{now - self._since:.1f}"))
        self._step, self._since = step, now

    def sentence(self, expected: float | None) -> str:
        """The time so far, as a sentence.

        Args:
            expected: the estimate at the start, in seconds; None if there was none.
        """
        processor = _processor_seconds() - self._processor
        said = "" if expected is None else f"; expected at the start: {about(expected)}"
        took = lasting(monotonic() - self._begun)
        return f"  It took {took} ({lasting(processor)} of processor time{said}{_load()})."


def lasting(seconds: float) -> str:
    """A time in the unit that suits it."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def about(seconds: float) -> str:
    """A time that is an estimate."""
    return "less than a minute" if seconds < 60 else f"about {round(seconds / 60)} min"


def _processor_seconds() -> float:
    """Processor time of this process and its ended children."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _load() -> str:
    """The load of the machine, if the system reports it."""
    try:
        load = os.getloadavg()[1]
    except (AttributeError, OSError):
        return ""
    cores = available_cores()
    return f"; load of the machine {load:.1f} on {cores} {'core' if cores == 1 else 'cores'}"
