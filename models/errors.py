"""Errors of the program, with one common base class.

::

    EmotionError                 every expected failure; its text says what to do next
      ModelFileError             a model file is missing, changed or of another version
      ShippedModelsError         the models that ship would be changed
      DatasetError               labelled faces that cannot become a data set
      MissingDependencyError     an optional part of the program is not installed
      ProviderError              ONNX Runtime cannot run, or no longer run, with the requested provider
      OptionError                an option has an invalid value

`emotion.realtime.errors` adds the failures of sources, sinks and stages. Each also subclasses the
builtin that it is a kind of, so that callers may catch either.
"""

import errno


class EmotionError(Exception):
    """An expected failure. The command line prints its text and exits with `exit_code`."""

    exit_code = 1


class ModelFileError(EmotionError, ValueError):
    """A model file is missing, damaged, or made for another version of the program."""

    exit_code = 4


class ShippedModelsError(EmotionError, PermissionError):
    """The included models cannot be changed; copy them first."""

    exit_code = 2


class DatasetError(EmotionError, ValueError):
    """A folder of labelled faces, or a data set made from one, cannot be used."""

    exit_code = 3


SYSTEM_LIBRARIES = (
    "A system library is missing, as in bare containers. On Debian and Ubuntu: "
    "apt-get install libgl1 libglib2.0-0 libegl1 libgles2"
)
"""What to do where OpenCV or MediaPipe cannot be loaded."""


MEMORY_ADVICE = "free some memory, or raise this program's limit"
"""What to do where there is too little memory, as the end of a sentence."""
_THREADS_ADVICE = (
    "let the program start more threads and processes ('ulimit -u', or the limit of its container)"
)
_ADVICE = {
    # Of a process or a decoder's thread that cannot be started.
    errno.EAGAIN: _THREADS_ADVICE,
    errno.ENOMEM: MEMORY_ADVICE,
    errno.EMFILE: "let the program open more files ('ulimit -n 1024')",
    errno.ENFILE: "close other programs: all of them together have too many files open",
}
_NO_THREAD = "can't start new thread"
# The errno of this error of `tempfile` is that of a missing file.
_NO_TEMPORARY_FOLDER = "No usable temporary directory"


def machine_advice(error: BaseException | None) -> str:
    """What to do where the machine lacks something, and the file that is worked on is not at fault.

    Returns:
        the end of a sentence; empty where the machine has what it needs.
    """
    if isinstance(error, MemoryError):
        return MEMORY_ADVICE
    if isinstance(error, RuntimeError) and str(error).startswith(_NO_THREAD):
        return _THREADS_ADVICE
    if str(getattr(error, "strerror", "")).startswith(_NO_TEMPORARY_FOLDER):
        return "name a folder for temporary files that can be written to, in the variable TMPDIR"
    return _ADVICE.get(getattr(error, "errno", None) or 0, "")


def unreadable_model(path: object, error: OSError, advice: str) -> ModelFileError:
    """The error for a model file that cannot be read.

    Args:
        path: of the file.
        error: of the system.
        advice: a sentence, where neither the machine nor permissions are at fault.
    """
    if error.errno in (errno.EACCES, errno.EPERM):
        advice = "Check its permissions."
    elif lacking := machine_advice(error):
        advice = f"{lacking[0].upper()}{lacking[1:]}."
    return ModelFileError(f"{path} cannot be read ({error.strerror or error}). {advice}")


class MissingDependencyError(EmotionError, ImportError):
    """A library that this command needs is not installed or cannot be loaded."""

    exit_code = 5


class ProviderError(EmotionError, RuntimeError):
    """ONNX Runtime cannot run the models with the requested provider, or failed while it did."""

    exit_code = 5


class OptionError(EmotionError, ValueError):
    """An option is unknown or has an invalid value.

    Attributes:
        name: of the option.
    """

    exit_code = 2

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name
