"""The program that people touch: the command line, and what Python programs call.

::

    import emotion

    for result in emotion.stream("clip.mp4"):
        print(result.seconds, [(face.track_id, face.emotion) for face in result.faces])
"""

from typing import TYPE_CHECKING, Any

# Before any import of ONNX Runtime, also by the user's program: see there.
from emotion.models import telemetry as telemetry

if TYPE_CHECKING:
    from emotion.api import FaceResult, Result, Stream, stream

__all__ = ["FaceResult", "Result", "Stream", "stream"]


def __getattr__(name: str) -> Any:
    """Load the libraries behind it only when somebody asks for more than the package."""
    if name in __all__:
        from emotion import api as streaming  # noqa: PLC0415

        return getattr(streaming, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
