"""Apparent facial expressions from video; the names in `__all__` are the public interface.

::

    import emotion

    result = emotion.analyze("portrait.jpg")                   # one picture
    table = emotion.analyze_files("photos/*.jpg").to_df()      # many files: one row per face
    for result in emotion.stream("clip.mp4"):                  # every frame, in constant memory
        print(result.seconds, [(face.track_id, face.label) for face in result.faces])
    emotion.annotate_files("clip.mp4", "results")              # annotated videos, tables, pages
    with emotion.Recognizer().follow() as follow:              # your own loop
        result = follow(image)

`cli` and `web` are the user interfaces. Below them are `benchmarks`, `exporters`, `realtime` and `models`;
imports go down in this order and never up. Everything that is not in `__all__` may change in any release.
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any

# Before any import of ONNX Runtime, also by the user's program: see that module.
from emotion.models.native import telemetry as _telemetry  # noqa: F401

if TYPE_CHECKING:
    from emotion.annotated_files import AnnotatedFiles
    from emotion.api import (
        FaceResult,
        Result,
        Results,
        Stream,
        analyze,
        analyze_files,
        annotate_files,
        stream,
    )
    from emotion.batches import FaceRows
    from emotion.models.errors import EmotionError, ModelFileError, OptionError, ProviderError
    from emotion.realtime.errors import SinkError, SourceError
    from emotion.realtime.messages import VideoFrame
    from emotion.realtime.options import Options
    from emotion.realtime.session import Models
    from emotion.realtime.sinks.summary import Summary
    from emotion.recognizer import Recognizer
    from emotion.streams import Follower

__version__ = "0.2.0"

__all__ = [
    "AnnotatedFiles",
    "EmotionError",
    "FaceResult",
    "FaceRows",
    "Follower",
    "ModelFileError",
    "Models",
    "OptionError",
    "Options",
    "ProviderError",
    "Recognizer",
    "Result",
    "Results",
    "SinkError",
    "SourceError",
    "Stream",
    "Summary",
    "VideoFrame",
    "__version__",
    "analyze",
    "analyze_files",
    "annotate_files",
    "stream",
]

if not TYPE_CHECKING:  # for a type checker a name that is not here is an error
    _HOMES = {
        "AnnotatedFiles": "emotion.annotated_files",
        "EmotionError": "emotion.models.errors",
        "FaceResult": "emotion.results",
        "FaceRows": "emotion.batches",
        "Follower": "emotion.streams",
        "ModelFileError": "emotion.models.errors",
        "Models": "emotion.realtime.session",
        "OptionError": "emotion.models.errors",
        "Options": "emotion.realtime.options",
        "ProviderError": "emotion.models.errors",
        "Recognizer": "emotion.recognizer",
        "Result": "emotion.results",
        "Results": "emotion.results",
        "SinkError": "emotion.realtime.errors",
        "SourceError": "emotion.realtime.errors",
        "Stream": "emotion.streams",
        "Summary": "emotion.realtime.sinks.summary",
        "VideoFrame": "emotion.realtime.messages",
        "analyze": "emotion.api",
        "analyze_files": "emotion.api",
        "annotate_files": "emotion.api",
        "stream": "emotion.api",
    }

    # Likely guesses, from the names of the commands or other spellings.
    _MEANT = {
        "analyse": "emotion.analyze",
        "analyse_files": "emotion.analyze_files",
        "annotate": "emotion.annotate_files",
        "evaluate": "the command 'emotion evaluate'",
        "learn": "the command 'emotion learn'",
        "live": "emotion.stream",
        "play": "the command 'emotion play'",
        "serve": "the command 'emotion serve'",
        "track": "emotion.stream",
    }

    def __getattr__(name: str) -> Any:
        """Load the libraries behind a name on first use."""
        if name in _HOMES:
            return getattr(importlib.import_module(_HOMES[name]), name)
        hint = f": use {_MEANT[name]}" if name in _MEANT else ""
        module = sys.modules[__name__]  # Python uses it to suggest similar names
        raise AttributeError(
            f"module {__name__!r} has no attribute {name!r}{hint}", name=name, obj=None if hint else module
        )

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
