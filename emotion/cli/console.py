"""The console of all commands, and how paths are shown on it."""

import contextlib
import os
import shlex
from pathlib import Path
from typing import IO, Any, cast

from rich.console import Console

from emotion.models.names import escaped


class _Lasting:
    """A stream whose writes never fail, even with a closed pipe or terminal, or a full disk.

    Then only the messages are lost.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            self._give_up()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            self._give_up()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _give_up(self) -> None:
        """Redirect it to the null device, with its buffered content, which Python writes at exit."""
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


class PlainConsole(Console):
    """Prints strings safely: control characters in names have no effect.

    Control characters and marks of direction are escaped, and so is what the terminal's encoding lacks.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, soft_wrap=True, markup=False, emoji=False)

    @property
    def file(self) -> IO[str]:
        """The stream; writing never fails."""
        return cast(IO[str], _Lasting(super().file))

    @file.setter
    def file(self, stream: IO[str]) -> None:
        self._file = stream

    def print(self, *objects: Any, **options: Any) -> None:
        """As in rich; strings are escaped, except for line ends."""
        super().print(*(self._shown(one) if isinstance(one, str) else one for one in objects), **options)

    def _shown(self, text: str) -> str:
        text = escaped(text, keep="\n")
        return text.encode(self.encoding, "backslashreplace").decode(self.encoding)


# Soft wrap: a path or a sentence stays one line, so that it can be copied and searched. No markup:
# 'emotion-live[cpu]' and a file named clip[1].mp4 are literal.
console = PlainConsole()
errors = PlainConsole(stderr=True)


def typed(path: Path) -> str:
    """A path as it is typed in a command."""
    return shlex.quote(shown(path))


def shown(path: Path) -> str:
    """The shortest usable form of a path, always on one line."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive on Windows
        return escaped(str(path))
    return escaped(str(path) if relative.startswith("..") else relative)
