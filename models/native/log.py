"""What native libraries write to standard error, and the part of it that is no news to a user."""

import atexit
import contextlib
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator

# How lines begin that MediaPipe, LiteRT and absl write about themselves; errors begin otherwise.
_CHATTER = re.compile(rb"(VERBOSE|INFO|WARNING): |[IW]\d{4} ")
# Taken twice where the collector frees something in the middle of it.
_quieting = threading.RLock()


@contextlib.contextmanager
def without_chatter() -> Iterator[None]:
    """Keep native code's lines that are no errors from standard error; all others come a moment later.

    No log setting of MediaPipe does that. The file descriptor is the whole process's, so one at a time.
    """
    with _quieting, tempfile.TemporaryFile() as said:
        saved = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            said.seek(0)
            for line in said:
                _pass_on(line, 2)


@contextlib.contextmanager
def listening() -> Iterator[list[bytes]]:
    """Take in what native code writes to standard error, for whom it is the only word of a fault.

    The lines are there when the block is over, and nobody else gets them. One at a time, as
    `without_chatter`.
    """
    lines: list[bytes] = []
    with _quieting, tempfile.TemporaryFile() as said:
        saved = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            yield lines
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            said.seek(0)
            lines += said


def filter_standard_error() -> None:
    """From now on native code's chatter is left out of this process's standard error.

    MediaPipe warns at times in the middle of its work, and a program that promises one clear line for
    each fault must not add lines of others. Python's own `sys.stderr` keeps the terminal; only what is
    written to file descriptor 2 beside it takes the way through the filter.
    """
    try:
        terminal = os.dup(2)
    except OSError:  # no standard error at all, as of a program without a console
        return
    source, sink = os.pipe()
    os.dup2(sink, 2)
    os.close(sink)
    sys.stderr = os.fdopen(
        terminal, "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace"
    )
    thread = threading.Thread(target=_filter, args=(source, terminal), name="native log", daemon=True)
    thread.start()
    atexit.register(_finish, terminal, thread)


def _filter(source: int, terminal: int) -> None:
    with os.fdopen(source, "rb") as lines:
        for line in lines:
            _pass_on(line, terminal)


def _finish(terminal: int, thread: threading.Thread) -> None:
    os.dup2(terminal, 2)
    # A child that lives on holds the pipe open: then nobody waits for its last words.
    thread.join(1.0)


def _pass_on(line: bytes, to: int) -> None:
    if not _CHATTER.match(line):
        with contextlib.suppress(OSError):  # the terminal is gone; whoever writes must not wait
            os.write(to, line)
