"""What the commands share: the console, and how paths are shown on it."""

import contextlib
import os
from pathlib import Path
from typing import IO, Any, cast

from rich.console import Console

from emotion.models.names import escaped


class _Lasting:
    """A stream that may be written to when nobody takes it any more: a closed pipe or terminal, a full disk.

    What is said is lost then, and not the work that it speaks of.
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
        """Lead it to nowhere, also what it still holds, which Python writes at the end of the program."""
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


class PlainConsole(Console):
    """Shows strings as they are: what a name has in it neither colours, moves nor ends anything.

    Control characters and marks of direction are escaped, and so is what the terminal's encoding lacks.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, soft_wrap=True, markup=False, emoji=False)

    @property
    def file(self) -> IO[str]:
        """Where it writes to; it never fails."""
        return cast(IO[str], _Lasting(super().file))

    @file.setter
    def file(self, stream: IO[str]) -> None:
        self._file = stream

    def print(self, *objects: Any, **options: Any) -> None:
        """As rich's; strings are escaped, save for their line ends."""
        super().print(*(self._shown(one) if isinstance(one, str) else one for one in objects), **options)

    def _shown(self, text: str) -> str:
        text = escaped(text, keep="\n")
        return text.encode(self.encoding, "backslashreplace").decode(self.encoding)


# Soft wrap: a path or a sentence stays one line, so that it can be copied and searched. No markup:
# 'emotion-live[cpu]' and a file named clip[1].mp4 mean what they say.
console = PlainConsole()
errors = PlainConsole(stderr=True)


def shown(path: Path) -> str:
    """A path as short as a reader can use it, on one line whatever is in it."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive on Windows
        return escaped(str(path))
    return escaped(str(path) if relative.startswith("..") else relative)
