"""Reuse of freed memory, whichever thread freed it.

Pictures of megabytes are allocated in one thread and freed in another. glibc keeps a heap for every few
threads, and free memory of one is not used for another: at 1920x1080 a tenth of all memory was unused.
"""

import ctypes
import sys

# From glibc's <malloc.h>.
_ARENAS = -8
# With one the threads would wait for one another.
_MOST_HEAPS = 2
# Bytes of pictures after which free memory is returned: a second of 1920x1080, a quarter second of 4K.
_TURNOVER = 100e6
LIVE_TURNOVER = 1e9
"""The same for live sources, for which fewer pictures are kept: some ten seconds of 1920x1080."""


def share_heaps() -> bool:
    """Let the threads of this process share two heaps.

    Returns:
        Whether the system's library supports it.
    """
    if not sys.platform.startswith("linux"):
        return False
    tell = getattr(ctypes.CDLL(None), "mallopt", None)
    return tell is not None and bool(tell(_ARENAS, _MOST_HEAPS))


def give_back() -> bool:
    """Return all free memory in this process's heaps to the system.

    Large objects that come and go leave gaps into which the next ones do not fit once small ones lie between
    them: without this a program grows although it holds no more. Takes some milliseconds, in which no thread
    gets memory.

    Returns:
        Whether the system's library supports it, and memory was returned.
    """
    if not sys.platform.startswith("linux"):
        return False
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return trim is not None and bool(trim(ctypes.c_size_t(0)))


class Turnover:
    """Returns memory after every so many bytes of freed pictures.

    It takes 6 to 10 ms with pictures of 1920x1080. Allocations wait meanwhile, and afterwards page faults
    are more frequent.

    What passes through several threads leaves gaps in both heaps, which the system counts as this program's:
    of a file of 1920x1080 some 170 MiB, and of a live stream a MiB a minute, for hours.
    """

    def __init__(self, nbytes: float = _TURNOVER) -> None:
        self._enough = nbytes
        self._bytes = 0.0

    def passed(self, nbytes: int) -> None:
        """Count so many more bytes of freed pictures."""
        self._bytes += nbytes
        if self._bytes >= self._enough:
            self._bytes = 0.0
            give_back()
