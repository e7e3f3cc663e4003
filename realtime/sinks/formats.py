"""The available formats of results: the included ones, and those of a user's own packages."""

import os
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from emotion.models.errors import MissingDependencyError
from emotion.realtime.errors import SinkError
from emotion.realtime.media import VideoInfo
from emotion.realtime.sinks.base import Sink
from emotion.realtime.sinks.format import Format, Target
from emotion.realtime.sinks.options import BUILT_IN, FORMATS, GROUP, OF_STUDIES
from emotion.realtime.sinks.partial_file import Publish


@cache
def format_named(name: str) -> Format:
    """The format of a name, loaded on first use.

    Raises:
        SinkError: there is no such format, or its package does not define a format.
        MissingDependencyError: its package cannot be loaded.
    """
    if place := (BUILT_IN | OF_STUDIES).get(name):
        module, _, attribute = place.partition(":")
        found: Any = getattr(import_module(module), attribute)
    elif name in (others := _others()):
        try:
            found = others[name].load()
        except Exception as error:  # another package may raise anything when it is loaded
            raise MissingDependencyError(
                f"The format {name} of {others[name].value} cannot be loaded ({error}): install it again."
            ) from error
    else:
        raise SinkError(f"{name} is no format: it is one of {', '.join(known_formats())}.")
    if not isinstance(found, Format):
        raise SinkError(f"The format {name} is no Format: {others[name].value} has to name one.")
    return found


def wants_pictures(names: Iterable[str]) -> bool:
    """Whether any of these formats uses the drawn picture of a result; formats of other packages may."""
    return any(name == "mp4" or name not in BUILT_IN | OF_STUDIES for name in names)


def wants_frames(names: Iterable[str]) -> bool:
    """Whether any of these formats uses the picture of a result's frame, drawn on or not.

    The outputs of a study do: the page's thumbnails and the portraits.
    """
    return any(name in OF_STUDIES for name in names) or wants_pictures(names)


def known_formats() -> tuple[str, ...]:
    """The names of all formats that results can be written to."""
    return (*FORMATS, *sorted(_others()))


def open_file(
    path: Path,
    info: VideoInfo,
    *,
    video: Path | None = None,
    publish: Publish = os.replace,
    name: str | None = None,
    **more: Any,
) -> Sink:
    """The sink for a file.

    Args:
        path: of the file.
        info: of the stream that the frames come from; its file is never written over.
        video: for a page, the annotated video that is written beside it; by default it shows the source.
        publish: gives the complete file its final name.
        name: of its format; by default from its suffix.
        more: other fields of `Target`.

    Raises:
        SinkError: it cannot be written, or the suffix is unknown.
    """
    if name is None:
        name = path.suffix.lower().removeprefix(".")
        if name not in known_formats():
            known = ", ".join(f".{name}" for name in known_formats())
            raise SinkError(f"{path.name} has an unknown extension: end its name with one of {known}.")
    return format_named(name).open(Target(path=path, info=info, video=video, publish=publish, **more))


def _others() -> Mapping[str, EntryPoint]:
    """Formats of other packages; they cannot replace included ones."""
    found = {one.name.lower(): one for one in entry_points(group=GROUP)}
    return {name: one for name, one in found.items() if name not in BUILT_IN | OF_STUDIES}
