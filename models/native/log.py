"""Filters what native libraries write to standard error."""

import atexit
import contextlib
import logging
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

# How informational lines of MediaPipe, LiteRT and absl begin; errors begin otherwise.
_CHATTER = re.compile(rb"(VERBOSE|INFO|WARNING): |[IW]\d{4} ")


class _Ear:
    """Captures the process's standard error for several threads at a time, or for one alone.

    Without listeners nothing is changed. With listeners, output goes into a file, and from
    there, except for the lines that were requested, to its original destination.
    """

    def __init__(self) -> None:
        # Taken twice where the collector frees something in the middle of it.
        self._room = threading.Condition(threading.RLock())
        self._listeners: list[_Listener] = []
        self._alone: int | None = None
        self._waiting = 0
        self._busy = False
        self.occupied = False  # by the null device, where it was closed

    def join(self, listener: "_Listener") -> bool:
        """Start to listen; a thread that waits to be alone goes first. False if nothing can be captured."""
        with self._room:
            if self._busy:  # the collector runs in the middle of what is done here
                return False
            me = listener.thread
            while not (self._listens(me) or self._alone == me) and (self._alone or self._waiting):
                self._room.wait()
            with self._at_work():
                if not self._listeners and not self._begin():
                    return False
                self._hear()
                self._listeners.append(listener)
            return True

    def leave(self, listener: "_Listener") -> None:
        """Stop listening; `listener` has its lines."""
        with self._room, self._at_work():
            self._hear()
            self._listeners = [one for one in self._listeners if one is not listener]
            if not self._listeners:
                self._end()
            self._room.notify_all()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other thread listens, and keep others from listening."""
        with self._room:
            self._waiting += 1
            try:
                while self._listeners or self._alone:
                    self._room.wait()
                self._alone = threading.get_ident()
            finally:
                self._waiting -= 1
        try:
            yield
        finally:
            with self._room:
                self._alone = None
                self._room.notify_all()

    @contextlib.contextmanager
    def _at_work(self) -> Iterator[None]:
        self._busy = True
        try:
            yield
        finally:
            self._busy = False

    def _listens(self, thread: int) -> bool:
        return any(one.thread == thread for one in self._listeners)

    def _begin(self) -> bool:
        """Begin to hear; False where there is no standard error, or nothing to keep it in."""
        if sys.__stderr__ is None and not self.occupied:  # its number may be any file's
            return False
        with contextlib.suppress(OSError), contextlib.ExitStack() as undo:
            saved = os.dup(2)
            undo.callback(os.close, saved)
            sink, self._file, self._name = _kept_lines()
            undo.pop_all()
            self._rest, self._saved = b"", saved
            os.dup2(sink, 2)
            os.close(sink)
            return True
        return False

    def _hear(self) -> None:
        """Distribute the output since the last call."""
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        for line in lines:
            self._hand_out(line + b"\n")

    def _hand_out(self, line: bytes) -> None:
        listeners = [one for one in self._listeners if one.wanted.match(line)]
        for one in listeners:
            one.lines.append(line)
        if not listeners:
            _pass_on(line, self._saved)

    def _end(self) -> None:
        os.dup2(self._saved, 2)
        self._hear()
        if self._rest:
            _pass_on(self._rest, self._saved)
        os.close(self._saved)
        self._file.close()
        if self._name:
            os.unlink(self._name)


def _kept_lines() -> tuple[int, IO[bytes], str]:
    """A file for the captured output: its descriptor, the file to read, and a name to remove at the end.

    In memory if the system supports that, so that no folder for temporary files is needed.
    """
    with contextlib.suppress(OSError, AttributeError), contextlib.ExitStack() as undo:
        sink = os.memfd_create("standard error")
        undo.callback(os.close, sink)
        lines = open(f"/proc/self/fd/{sink}", "rb")  # noqa: SIM115  closed with the last listener
        undo.pop_all()
        return sink, lines, ""
    sink, name = tempfile.mkstemp()
    lines = open(name, "rb")  # noqa: SIM115  as above
    with contextlib.suppress(OSError):  # of an open file not everywhere; then at the end
        os.unlink(name)
        name = ""
    return sink, lines, name


@dataclass(slots=True, eq=False)
class _Listener:
    """A thread that listens for lines that begin in a way."""

    wanted: "re.Pattern[bytes]"
    thread: int = field(default_factory=threading.get_ident)
    lines: list[bytes] = field(default_factory=list)


_ear = _Ear()
_NOTHING = re.compile(rb"(?!)")


@contextlib.contextmanager
def without_chatter() -> Iterator[None]:
    """Keep native code's lines that are no errors from standard error; all others come a moment later.

    No log setting of MediaPipe does that. The file descriptor is the whole process's.
    """
    with listening(_NOTHING):
        yield


@contextlib.contextmanager
def listening(wanted: "re.Pattern[bytes]", alone: bool = False) -> Iterator[list[bytes]]:
    """Capture what native code writes to standard error, if that is the only report of an error.

    The lines are there when the block is over; where others listen at the same time they may be theirs.

    Args:
        wanted: prefixes of the lines to capture; all others are passed on, except informational ones.
        alone: wait until no other thread listens, so that the output is from this thread.
    """
    with _ear.alone() if alone else contextlib.nullcontext():
        listener = _Listener(wanted)
        joined = _ear.join(listener)
        try:
            yield listener.lines
        finally:
            if joined:
                _ear.leave(listener)


def occupy_standard_files() -> None:
    """Open the null device in place of standard input, output and error where they are closed.

    Otherwise the next files that are opened have their numbers, and what native code prints is written into
    them: of ``emotion annotate 2>&-`` that was the source, and with all of them closed the annotated video.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
        _ear.occupied = True
    os.close(number)


def filter_standard_error() -> None:
    """From now on, remove informational output of native code from this process's standard error.

    MediaPipe warns at times in the middle of its work, and a program that promises one clear line for
    each fault must not add lines of others. Python's own `sys.stderr` keeps the terminal; only what is
    written to file descriptor 2 beside it takes the way through the filter. Where no thread can be started,
    nothing is filtered.
    """
    # It reports that it looks for fonts, and where it keeps them if the user has no home.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        terminal = os.dup(2)
    except OSError:  # no standard error at all, as of a program without a console
        return
    # Whoever started this may have closed it; then it is `occupy_standard_files`'.
    encoding = "utf-8" if sys.stderr is None else sys.stderr.encoding
    source, sink = os.pipe()
    thread = threading.Thread(target=_filter, args=(source, terminal), name="native log", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # a limit on threads: what needs more of them says so
        for descriptor in (source, sink, terminal):
            os.close(descriptor)
        return
    os.dup2(sink, 2)
    os.close(sink)
    sys.stderr = os.fdopen(
        terminal, "w", buffering=1, encoding=encoding, errors="backslashreplace", closefd=False
    )
    atexit.register(_finish, terminal, thread)


def _filter(source: int, terminal: int) -> None:
    with os.fdopen(source, "rb") as lines:
        for line in lines:
            _pass_on(line, terminal)


def _finish(terminal: int, thread: threading.Thread) -> None:
    os.dup2(terminal, 2)
    # A surviving child process keeps the pipe open: then do not wait for its last output.
    thread.join(1.0)


def _pass_on(line: bytes, to: int) -> None:
    if not _CHATTER.match(line):
        with contextlib.suppress(OSError):  # the terminal is gone; writers must not block
            os.write(to, line)
