"""The command line: the commands, and how their failures end."""

import errno
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from emotion import __version__
from emotion.cli.console import console, errors
from emotion.cli.lazy import LazyGroup
from emotion.models.errors import EmotionError, OptionError, machine_advice
from emotion.models.names import escaped

EXAMPLES = """
Examples:

emotion annotate clip.mp4 -o results

emotion annotate photos/ -o faces.csv

emotion live 0

Exit codes: 0 done, 2 wrong usage, 3 unusable input, 4 unusable model,
5 a missing library or provider, 6 a result that cannot be written,
130 stopped. With several files the others still run, and the code is
that of the first failure.
"""

_WRONG_USAGE = 2
# Errors of the system that a user can cause with a path; all others are bugs.
_PLACES = {
    getattr(errno, name)
    for name in (
        "EACCES",
        "EPERM",
        "EROFS",
        "ENOSPC",
        "EDQUOT",
        "ENOTDIR",
        "EISDIR",
        "ENAMETOOLONG",
        "ELOOP",
        "EIO",
        "EFBIG",
    )
    if hasattr(errno, name)
}

app = typer.Typer(
    cls=LazyGroup,
    help="Real-time facial expressions: a weighted vote of an eyes model and a lips model. "
    "It reads apparent expressions, not feelings.",
    epilog=EXAMPLES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def run() -> int:
    """Run the command line and return the exit code; expected failures end in one sentence."""
    try:
        _refuse_empty(sys.argv[1:])
        _check_this_folder()
        app()
    except EmotionError as error:
        errors.print(escaped(str(error)), style="red")
        return error.exit_code
    except (MemoryError, OSError, RuntimeError) as error:
        if advice := machine_advice(error):
            reason = getattr(error, "strerror", "") or str(error) or "There is too little memory"
            errors.print(escaped(f"{reason}: {advice}."), style="red")
            return EmotionError.exit_code
        if not isinstance(error, OSError) or error.errno not in _PLACES:
            raise
        # Imported here: help does not need these libraries.
        from emotion.realtime.errors import SinkError  # noqa: PLC0415
        from emotion.realtime.sinks.partial_file import write_advice  # noqa: PLC0415

        errors.print(escaped(_said(error, write_advice(error))), style="red")
        return SinkError.exit_code
    except SystemExit as end:  # how typer ends: also usage errors (2) and Ctrl-C (130)
        if end.code == _WRONG_USAGE:
            _name_files_like_options(sys.argv[1:])
        return end.code if isinstance(end.code, int) else 0
    return 0


def _said(error: OSError, advice: str) -> str:
    """The message for a system's error about a path that the user named, or, without a path, the advice."""
    reason = error.strerror or str(error)
    if error.filename is None:
        return f"A file cannot be written ({reason}): {advice}."
    return f"{error.filename} cannot be read or written: {reason}. Name another place, or correct this one."


def _refuse_empty(arguments: Sequence[str]) -> None:
    """Refuse an empty argument, which would mean this folder: usually a shell variable is not set."""
    for before, argument in zip(["", *arguments], arguments, strict=False):
        name, is_value, value = argument.partition("=")
        flag = name if is_value else before
        if not argument or (is_value and not value and name.startswith("--")):
            of = f" of {flag}" if flag.startswith("-") else ""
            raise OptionError("", f"An argument{of} is empty: name something, or leave it out.")


def _check_this_folder() -> None:
    """Check that the working folder is there, from which relative paths and settings are read."""
    try:
        os.getcwd()
    except OSError as error:
        raise EmotionError(
            f"The folder in which this was started cannot be used ({error.strerror}): go to another one (cd)."
        ) from error


def _name_files_like_options(arguments: Sequence[str]) -> None:
    """Say how a file is named whose name was taken for an option."""
    for argument in arguments:
        if argument.startswith("-") and os.path.exists(argument):
            errors.print(escaped(f"If you mean the file {argument}, write ./{argument}"))


def _show_version(wanted: bool) -> None:
    if wanted:
        console.print(f"emotion-live {__version__}")
        raise typer.Exit


@app.callback()
def main(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Apparent expressions of the faces in a video."""
