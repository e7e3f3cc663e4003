"""Records the shown pictures, from one press of a key to the next."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from emotion.realtime.errors import SinkError
from emotion.realtime.media import VideoInfo
from emotion.realtime.pipeline.channel import Policy
from emotion.realtime.sinks.fanout import Fanout
from emotion.realtime.sinks.formats import open_file

QUEUE = 15
"""Length of a recording's queue, before pictures are dropped from it: the screen does not wait."""


class Recorder:
    """Starts and ends recordings in a folder, named by the time.

    Args:
        pictures: that are shown.
        info: of their stream; its sound is recorded, too.
        folder: of the recordings.
        stamp: the time in a name.
    """

    def __init__(
        self,
        pictures: Fanout,
        info: VideoInfo,
        folder: Path = Path(),
        stamp: Callable[[], str] = lambda: time.strftime("%Y%m%d-%H%M%S"),
    ) -> None:
        self._pictures = pictures
        self._info = info
        self._folder = folder
        self._stamp = stamp
        self._name = ""
        self._wanted = False

    @property
    def name(self) -> str:
        """The file that is being written; empty if there is none."""
        if self._name and not self._pictures.runs(self._name):
            self._name = ""
        return self._name

    def toggle(self) -> str:
        """Start with the next picture, or end; returns a message."""
        if name := self.name:
            self._pictures.end(name)
            self._name = ""
            return f"recorded as {name}"
        self._wanted = not self._wanted
        return ""

    def before(self, pts: int) -> str:
        """Start, if requested, with the next picture.

        Args:
            pts: of the first picture of the recording.

        Returns:
            An error message; empty if there is no error.
        """
        if not self._wanted:
            return ""
        self._wanted = False
        path = self._free()
        try:
            sink = open_file(path, replace(self._info, begin_pts=pts))
        except SinkError as error:
            return str(error)
        self._pictures.add(path.name, sink, policy=Policy.DROP_OLDEST, capacity=QUEUE, vital=False)
        self._name = path.name
        return ""

    def _free(self) -> Path:
        """An unused name."""
        stem = f"emotion-{self._stamp()}"
        for number in range(1, 1000):
            path = self._folder / (f"{stem}.mp4" if number == 1 else f"{stem}-{number}.mp4")
            if not path.exists() and path.name not in self._pictures.names:
                return path
        return self._folder / f"{stem}.mp4"
