"""The definition of a format of results, for the included ones and a user's own.

A format is a module with a `Format`. The included ones are listed in `emotion.realtime.sinks.formats`;
another package names its own as an entry point::

    [project.entry-points."emotion.formats"]
    txt = "their_package.plain:TXT"
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emotion.models.regions import Image
from emotion.realtime.media import VideoInfo
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.sinks.base import Sink
from emotion.realtime.sinks.partial_file import Publish


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The arguments for opening a sink.

    Attributes:
        path: of the file.
        info: of the stream that the frames come from; its file is never written over.
        video: the annotated video that is written beside it; None if there is none.
        publish: gives the complete file its final name; for `PartialFile`.
        provenance: of the results, ready for JSON; empty if it is not recorded.
        hidden: makes a frame's picture without results and with hidden faces, uint8 (h, w, 3), BGR, and
            must be called for every frame; None if faces are not hidden, and the frame's own may be kept.
    """

    path: Path
    info: VideoInfo
    video: Path | None = None
    publish: Publish = os.replace
    provenance: Mapping[str, Any] = field(default_factory=dict)
    hidden: Callable[[EmotionFrame], Image] | None = None


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file that results can be written to.

    Attributes:
        name: in options.
        kind: description of such a file, for example ``timeline``.
        open: makes the sink; raises `SinkError` if the file cannot be written.
        ending: suffix after a video's name; by default ``emotions.`` and the format's own.
    """

    name: str
    kind: str
    open: Callable[[Target], Sink]
    ending: str = ""

    def __post_init__(self) -> None:
        if not self.ending:
            object.__setattr__(self, "ending", f"emotions.{self.name}")
