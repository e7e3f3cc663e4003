"""The entry point of the command line: an error that a user can correct is one sentence, not a traceback."""

import io
import signal
import sys
from types import FrameType

from emotion.models.cores import leave_out_opencv_threads
from emotion.models.installing import advice_on
from emotion.models.native.log import filter_standard_error, occupy_standard_files
from emotion.models.native.memory import share_heaps

_MISSING = """\
A part that this program needs cannot be loaded: {error}
{advice}"""


def program() -> None:
    """`main` in a process of its own, whose standard error is the program's alone."""
    occupy_standard_files()
    share_heaps()
    leave_out_opencv_threads()
    filter_standard_error()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the terminal's encoding lacks is no reason to end.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        main()
    finally:
        _obey_no_more()


def main() -> None:
    """Run ``emotion`` and exit with 0, or with a code that names the kind of failure."""
    _obey_signals()
    try:
        from emotion.cli.app import run  # noqa: PLC0415  a missing library must end in a sentence
        from emotion.cli.lazy import LoadError  # noqa: PLC0415
    except (ImportError, OSError) as error:
        if sys.argv[1:2] == ["doctor"]:
            _examine()
        print(_MISSING.format(error=error, advice=advice_on(error)), file=sys.stderr)  # noqa: T201
        sys.exit(5)
    except KeyboardInterrupt:
        sys.exit(130)
    try:
        sys.exit(run())
    except LoadError as error:
        print(_MISSING.format(error=error.__cause__, advice=advice_on(error.__cause__)), file=sys.stderr)  # noqa: T201
        sys.exit(5)


def _examine() -> None:
    """`emotion doctor` answers also where the rest of the program cannot be loaded."""
    from emotion.cli.doctor import app  # noqa: PLC0415

    app(sys.argv[2:])


def _obey_signals() -> None:
    """SIGTERM, and a terminal that is closed, end like Ctrl-C; what `nohup` has turned off stays so."""
    signal.signal(signal.SIGTERM, _terminated)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _terminated)


def _obey_no_more() -> None:
    """All is done but Python's own end, where an exception were a traceback: signals end it at once."""
    for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def _terminated(number: int, frame: FrameType | None) -> None:
    """Files are finished, then the program exits."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    program()
