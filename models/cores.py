"""The number of cores that this process may use, within the limits of the system or a container."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_GROUPS, _OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def available_cores() -> int:
    """The cores that this process may run on (``taskset``, Slurm), or its container's CPU quota in cores.

    ``docker --cpus 2`` and Kubernetes' limits leave all cores visible, and throttle a process that has used
    its quota: more threads than that only wait.
    """
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # With a quota of 1.5 cores two threads do more than one.
    return max(1, min([count, *(-int(-share // 1) for share in _shares())]))


_BUSY_THREADS = 4


def few_cores() -> bool:
    """Whether the program's own threads (decoding, detection, classification, drawing) use all cores."""
    return available_cores() <= _BUSY_THREADS


def leave_out_opencv_threads() -> None:
    """Let OpenCV, which is not loaded yet, run in its caller's thread, here and in child processes.

    It distributes work of a millisecond to one thread per core. These wait in busy loops, and
    for busy cores: on two cores, one face took a tenth more processor time. OpenCV's
    own environment variable takes precedence if it is set.
    """
    if few_cores():
        os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")


def _shares() -> Iterator[float]:
    """The CPU quotas, in cores, of the control groups of this process that have one."""
    try:
        lines = _OWN.read_text().splitlines()
    except OSError:
        return  # not Linux
    for line in lines:
        _, _, named = line.partition(":")
        controllers, colon, path = named.partition(":")
        if not colon or (controllers and "cpu" not in controllers.split(",")):
            continue
        # In a container the path can be the host's, of which only the root is visible.
        whole = PurePosixPath(path.lstrip("/"))
        for place in dict.fromkeys((whole, *whole.parents)):
            found = _old(_GROUPS / "cpu" / place) if controllers else _new(_GROUPS / place)
            if found is not None:
                yield found


def _new(group: Path) -> float | None:
    """The quota of a group of version 2: ``cpu.max`` is ``max 100000`` if there is no limit."""
    try:
        quota, period = (group / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _old(group: Path) -> float | None:
    """The quota of a group of version 1: -1 if there is no limit."""
    try:
        quota, period = (int((group / f"cpu.cfs_{kind}_us").read_text()) for kind in ("quota", "period"))
        return quota / period if quota > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None
