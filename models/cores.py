"""How many cores this process may use: the machine's, less what the system or a container withholds."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_GROUPS, _OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def available_cores() -> int:
    """The cores that this process may run on (``taskset``, Slurm), or that its container's share of time is.

    ``docker --cpus 2`` and Kubernetes' limits leave all cores in sight, and stop a process that has used
    its time: more threads than that only wait.
    """
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # A share of 1.5 cores keeps two threads busier than one.
    return max(1, min([count, *(-int(-share // 1) for share in _shares())]))


_BUSY_THREADS = 4


def few_cores() -> bool:
    """Whether the program's own threads keep all cores busy: those that read, look, classify and draw."""
    return available_cores() <= _BUSY_THREADS


def leave_out_opencv_threads() -> None:
    """Let OpenCV, which is not loaded yet, work in its caller's thread, here and in child processes.

    It shares out what takes a millisecond among as many threads as there are cores. They wait in loops, and
    for cores that are busy: on two, one face took a tenth more of the processor. Whoever has set OpenCV's
    own variable is obeyed.
    """
    if few_cores():
        os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")


def _shares() -> Iterator[float]:
    """The cores' time that each control group around this process allows, where one does."""
    try:
        lines = _OWN.read_text().splitlines()
    except OSError:
        return  # another system than Linux
    for line in lines:
        _, _, named = line.partition(":")
        controllers, colon, path = named.partition(":")
        if not colon or (controllers and "cpu" not in controllers.split(",")):
            continue
        # In a container the path can be the host's, of which nothing is seen but the root.
        whole = PurePosixPath(path.lstrip("/"))
        for place in dict.fromkeys((whole, *whole.parents)):
            found = _old(_GROUPS / "cpu" / place) if controllers else _new(_GROUPS / place)
            if found is not None:
                yield found


def _new(group: Path) -> float | None:
    """The share of a group of version 2: ``cpu.max`` is ``max 100000`` where there is no limit."""
    try:
        quota, period = (group / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _old(group: Path) -> float | None:
    """The share of a group of version 1: the quota is -1 where there is no limit."""
    try:
        quota, period = (int((group / f"cpu.cfs_{kind}_us").read_text()) for kind in ("quota", "period"))
        return quota / period if quota > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None
