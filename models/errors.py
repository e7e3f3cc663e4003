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
