"""Errors of streaming; the others are in `emotion.models.errors`.

::

    EmotionError               (emotion.models.errors)
      SourceError              a video or camera cannot be opened or read
        IncompleteSourceError  a video was read to its end, but parts of it are missing
      SinkError                a result cannot be written
      DisplayError             no window can be opened
"""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from emotion.models.errors import EmotionError, machine_advice

# Errors of a disk or network folder that was removed or unmounted; not all of them exist
# on every system.
_GONE = {
    getattr(errno, name, 0)
    for name in ("EIO", "ENODEV", "ENXIO", "ESTALE", "ENOTCONN", "ETIMEDOUT", "EHOSTDOWN", "EREMOTEIO")
}
GONE_ADVICE = "check the disk or the network that it is on"
"""What to do about it, as the end of a sentence."""


class SourceError(EmotionError, OSError):
    """A video, camera or stream cannot be opened, or was interrupted."""

    exit_code = 3


class IncompleteSourceError(SourceError):
    """A video was analysed to its end, but parts of it are missing or damaged.

    Args:
        sentence: what is missing, and where.
        reasons: the evidence, in a few words each.
    """

    def __init__(self, sentence: str, reasons: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.reasons = tuple(reasons)


class SinkError(EmotionError, OSError):
    """A result cannot be written: no permission, a full disk, an encoder error."""

    exit_code = 6


class DisplayError(EmotionError, OSError):
    """No window can be opened: no screen, or an OpenCV without windows."""

    exit_code = 5


def is_gone(error: BaseException) -> bool:
    """Whether the disk or network of a file failed, rather than the file."""
    return getattr(error, "errno", None) in _GONE


def advice_on(error: BaseException, otherwise: str = "") -> str:
    """What to do where the machine, a disk or the network fails, else `otherwise`; the end of a sentence."""
    return machine_advice(error) or (GONE_ADVICE if is_gone(error) else otherwise)


def unreadable(path: Path, error: Exception) -> SourceError:
    """The message for a file that exists and cannot be read."""
    advice = advice_on(error, "check its permissions")
    return SourceError(f"{path} cannot be read ({getattr(error, 'strerror', '') or error}): {advice}.")


@contextmanager
def in_a_sentence(name: object) -> Iterator[None]:
    """Convert an unexpected OSError to a `SourceError`, so that it ends one item and not all.

    Args:
        name: of the current item, if the error has no file name.
    """
    try:
        yield
    except EmotionError:
        raise
    except OSError as error:
        advice = advice_on(error, "check the path")
        raise SourceError(
            f"{error.filename or name} cannot be reached ({error.strerror or error}): {advice}."
        ) from error
