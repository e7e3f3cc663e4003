"""The files that results can be written to, by the suffix of their names."""

import os
from collections.abc import Callable
from math import inf
from pathlib import Path

from emotion.realtime.errors import SinkError
from emotion.realtime.media import VideoInfo
from emotion.realtime.sinks.base import Sink
from emotion.realtime.sinks.csv_jsonl import CsvTimeline, JsonLinesTimeline
from emotion.realtime.sinks.html import HtmlTimeline
from emotion.realtime.sinks.mp4 import Mp4Sink
from emotion.realtime.sinks.options import FORMATS
from emotion.realtime.sinks.parquet import ParquetTimeline
from emotion.realtime.sinks.partial_file import Publish
from emotion.realtime.sinks.subtitles import SrtSubtitles, VttSubtitles

# A gap in a live stream is no time in which something was seen.
_LONGEST_LIVE = 1.0


def open_file(
    path: Path, info: VideoInfo, *, video: Path | None = None, publish: Publish = os.replace
) -> Sink:
    """The sink for a file, by its suffix, one of `FORMATS`.

    Args:
        path: where it goes.
        info: of the stream that the frames come from; its file is never written over.
        video: for a page, the annotated video that is written beside it; by default it shows the source.
        publish: how the whole file gets its name.

    Raises:
        SinkError: it cannot be written, or the suffix is none of these.
    """
    source, origin = info.path, info.origin_seconds
    openers: dict[str, Callable[[], Sink]] = {
        "mp4": lambda: Mp4Sink(path, info, publish=publish),
        "csv": lambda: CsvTimeline(path, source, clock=info.clock, publish=publish),
        "jsonl": lambda: JsonLinesTimeline(path, source, clock=info.clock, publish=publish),
        "parquet": lambda: ParquetTimeline(path, source, clock=info.clock, publish=publish),
        "vtt": lambda: VttSubtitles(path, source, origin=origin, publish=publish),
        "srt": lambda: SrtSubtitles(path, source, origin=origin, publish=publish),
        "html": lambda: HtmlTimeline(
            path,
            (source or path).name,
            video=video,
            source=source,
            origin=origin,
            longest=_LONGEST_LIVE if source is None else inf,
            publish=publish,
        ),
    }
    opener = openers.get(path.suffix.lower().removeprefix("."))
    if opener is None:
        known = ", ".join(f".{name}" for name in FORMATS)
        raise SinkError(f"{path.name} says no format that can be written: end its name with one of {known}.")
    return opener()
