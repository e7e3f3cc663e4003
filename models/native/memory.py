"""Reuse of freed memory, whichever thread freed it.

Pictures of megabytes are made in one thread and freed in another. glibc keeps a heap for every few threads,
and what lies free in one is not taken for another: of 1920x1080 a tenth of all memory was held for nothing.
"""

import ctypes
import sys

# From glibc's <malloc.h>.
_ARENAS = -8
# With one the threads would wait for one another.
_MOST_HEAPS = 2
# Bytes of pictures after which what lies free is given back: of 1920x1080 a second's, of 4K a quarter of it.
_TURNOVER = 100e6
LIVE_TURNOVER = 1e9
"""The same where somebody waits for each picture, of which less is held: of 1920x1080 some ten seconds'."""


def share_heaps() -> bool:
    """Let the threads of this process share two heaps.

    Returns:
        Whether the system's library lets itself be told.
    """
    if not sys.platform.startswith("linux"):
        return False
    tell = getattr(ctypes.CDLL(None), "mallopt", None)
    return tell is not None and bool(tell(_ARENAS, _MOST_HEAPS))


def give_back() -> bool:
    """Hand what lies free in this process's heaps back to the system, wherever it lies.

    Large objects that come and go leave gaps into which the next ones do not fit once small ones lie between
    them: without this a program grows although it holds no more. Takes some milliseconds, in which no thread
    gets memory.

    Returns:
        Whether the system's library lets itself be told, and had something.
    """
    if not sys.platform.startswith("linux"):
        return False
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return trim is not None and bool(trim(ctypes.c_size_t(0)))


class Turnover:
    """Gives memory back whenever so many bytes of pictures have come and gone.

    It takes 6 to 10 ms with pictures of 1920x1080. Whoever needs memory meanwhile waits, and afterwards gets
    it from the system page by page.

    What passes through several threads leaves gaps in both heaps, which the system counts as this program's:
    of a file of 1920x1080 some 170 MiB, and of a live stream a MiB a minute, for hours.
    """

    def __init__(self, nbytes: float = _TURNOVER) -> None:
        self._enough = nbytes
        self._bytes = 0.0

    def passed(self, nbytes: int) -> None:
        """So many more bytes of pictures are done with."""
        self._bytes += nbytes
        if self._bytes >= self._enough:
            self._bytes = 0.0
            give_back()
