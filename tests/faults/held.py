"""What programs hold over time: memory, threads, open files, children."""

import statistics
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import psutil

# So long things may become what they stay, or a quarter of a shorter time.
SETTLING = 300.0
_EVERY_SECONDS = 2.0
# Of memory, from one moment to another.
MOST_GROWTH = 0.02


@dataclass(frozen=True, slots=True)
class Held:
    """What a program holds at a moment.

    Attributes:
        at: `time.monotonic()`.
        mib: resident, of the program itself.
        threads, files: of it.
        children: of it, and their children.
    """

    at: float
    mib: float
    threads: int
    files: int
    children: int

    @classmethod
    def by(cls, process: psutil.Process) -> "Held":
        """As it is now."""
        with process.oneshot():
            return cls(
                time.monotonic(),
                process.memory_info().rss / 2**20,
                process.num_threads(),
                process.num_fds(),
                len(process.children(recursive=True)),
            )

    def __str__(self) -> str:
        return f"{self.mib:.0f} MiB, {self.threads} threads, {self.files} files, {self.children} children"


@dataclass
class Soaked:
    """What came of a part.

    Attributes:
        part: its name.
        before, after: what the program held, when it had settled and in the end.
        happened: what it went through, in words.
        wrong: all that must not be.
    """

    part: str
    before: Held
    after: Held
    happened: str
    wrong: list[str] = field(default_factory=list)


class Watch:
    """Looks at a program every two seconds, from the beginning of its `with` block to the end.

    Args:
        number: of the process.

    Attributes:
        found: what it held.
    """

    def __init__(self, number: int) -> None:
        self._process = psutil.Process(number)
        self.found: list[Held] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        with suppress(psutil.NoSuchProcess):
            while not self._over.wait(_EVERY_SECONDS):
                self.found.append(Held.by(self._process))


def typical(found: Sequence[Held]) -> Held:
    """Of a stretch of time: the median of memory, and the least of all others, for work comes and goes."""
    return Held(
        found[-1].at,
        statistics.median(one.mib for one in found),
        *(min(getattr(one, name) for one in found) for name in ("threads", "files", "children")),
    )


def stretch(found: Sequence[Held], begin: float, end: float) -> list[Held]:
    """What was held between two moments, in seconds from the first."""
    return [one for one in found if begin <= one.at - found[0].at < end]


def course(found: Sequence[Held], step: float) -> str:
    """Memory from one step of time to the next, for people."""
    last = found[-1].at - found[0].at
    parts = [stretch(found, begin, begin + step) for begin in np.arange(0, max(last, step), step).tolist()]
    return ", ".join(f"{typical(part).mib:.0f}" for part in parts if part) + " MiB"


def grown(before: Held, after: Held) -> list[str]:
    """What has become more than it may, in words."""
    growth = after.mib / before.mib - 1
    said = [f"memory grew by {growth:.1%}"] if growth > MOST_GROWTH else []
    for name in ("threads", "files", "children"):
        old, new = getattr(before, name), getattr(after, name)
        said += [f"{new} {name} instead of {old}"] if new > old else []
    return said


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for something, some time at most; whether it came."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True
