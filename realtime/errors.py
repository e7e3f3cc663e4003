"""What can go wrong while streaming, beside `emotion.models.errors`.

::

    EmotionError               (emotion.models.errors)
      SourceError              a video or camera cannot be opened or read
        IncompleteSourceError  a video was read to its end, but some of it is missing
      SinkError                a result cannot be written
      ProviderError            the inference engine that was asked for is not there
      DisplayError             no window can be opened
"""

from collections.abc import Sequence

from emotion.models.errors import EmotionError


class SourceError(EmotionError, OSError):
    """A video, camera or stream cannot be opened, or breaks off."""

    exit_code = 3


class IncompleteSourceError(SourceError):
    """A video was read to its end and gave all that can be decoded, but some of it is missing or damaged.

    Args:
        sentence: what is missing, and where.
        reasons: what shows it, in a few words each.
    """

    def __init__(self, sentence: str, reasons: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.reasons = tuple(reasons)


class SinkError(EmotionError, OSError):
    """A result cannot be written: no permission, a full disk, an encoder that refuses."""

    exit_code = 6


class ProviderError(EmotionError, RuntimeError):
    """ONNX Runtime cannot run the models in the way that was asked for."""

    exit_code = 5


class DisplayError(EmotionError, OSError):
    """No window can be opened: no screen, or an OpenCV without windows."""

    exit_code = 5
