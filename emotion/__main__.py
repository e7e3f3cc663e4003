"""The entry point of the command line: an error that a user can correct is one sentence, not a traceback."""

# Here only what is loaded already: what takes time is imported after `end_at_once`.
import io
import sys
from typing import NoReturn

from emotion.models.native.signals import end_at_once, end_by_system

_MISSING = """\
A part that this program needs cannot be loaded: {error}
{advice}"""


def program() -> None:
    """`main` in a process of its own, whose standard error is the program's alone."""
    end_at_once()
    from emotion.models.cores import leave_out_opencv_threads  # noqa: PLC0415
    from emotion.models.native.log import filter_standard_error, occupy_standard_files  # noqa: PLC0415
    from emotion.models.native.memory import share_heaps  # noqa: PLC0415

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
        end_by_system()


def main() -> None:
    """Run ``emotion`` and exit with 0, or with a code that names the kind of failure."""
    try:
        from emotion.cli.app import run  # noqa: PLC0415  a missing library must end in a sentence
        from emotion.cli.lazy import LoadError  # noqa: PLC0415
    except (ImportError, OSError) as error:
        if sys.argv[1:2] == ["doctor"]:
            _examine()
        _report(error)
    try:
        sys.exit(run())
    except LoadError as error:
        _report(error.__cause__)


def _report(error: BaseException | None) -> NoReturn:
    """Say what cannot be loaded, and exit."""
    from emotion.models.installing import advice_on  # noqa: PLC0415

    print(_MISSING.format(error=error, advice=advice_on(error)), file=sys.stderr)  # noqa: T201
    sys.exit(5)


def _examine() -> None:
    """`emotion doctor` answers also where the rest of the program cannot be loaded."""
    from emotion.cli.doctor import app  # noqa: PLC0415

    app(sys.argv[2:])


if __name__ == "__main__":
    program()
