"""Atomic writes: a file is written under another name, and renamed when it is complete.

After a kill or a full disk the previous file remains, or a file with a partial name.
"""

import hashlib
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Maximum length of a file name in bytes, with room for a number.
_LONGEST_NAME = 245


def partial_path(path: Path) -> Path:
    """Where a file is while it is incomplete: `clip.partial.mp4` for `clip.mp4`."""
    return path.with_name(f"{path.stem}.partial{path.suffix}")


@contextmanager
def atomic_output(path: Path) -> Iterator[Path]:
    """A path to write a file to; it is renamed to the file when the block ends without an error.

    Otherwise it is removed. A device or a pipe is written directly.

    Raises:
        OSError: nothing can be written there.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    made = _reserved(path)
    try:
        yield made
        os.replace(made, path)
    except BaseException:
        with suppress(OSError):
            made.unlink(missing_ok=True)
        raise


def write_atomically(path: Path, data: str | bytes) -> None:
    """Write a file completely or not at all; text as UTF-8, its line ends as they are.

    Raises:
        OSError: it cannot be written.
    """
    with atomic_output(path) as made:
        made.write_bytes(data.encode() if isinstance(data, str) else data)


def _reserved(path: Path) -> Path:
    """A new, empty file beside another."""
    first = partial_path(path)
    if len(os.fsencode(first.name)) > _LONGEST_NAME:
        first = path.with_name(
            f"{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}.partial{path.suffix}"
        )
    for number in itertools.count(1):
        place = first if number == 1 else first.with_name(f"{first.stem}-{number}{first.suffix}")
        with suppress(FileExistsError):
            os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            return place
    raise AssertionError("numbers have no end")
