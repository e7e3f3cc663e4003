"""Recording what is shown, from one press of a key to the next."""

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
"""Pictures that wait for a recording before the oldest is left out of it: whoever watches waits for none."""


class Recorder:
    """Starts and ends recordings in a folder, named by the time.

    Args:
        pictures: that are shown.
        info: of their stream; its sound is recorded, too.
        folder: where recordings go.
        stamp: the time for a name.
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
        """The file that is being written; empty where none is."""
        if self._name and not self._pictures.runs(self._name):
            self._name = ""
        return self._name

    def toggle(self) -> str:
        """Start with the next picture, or end; what is to be said of it."""
        if name := self.name:
            self._pictures.end(name)
            self._name = ""
            return f"recorded as {name}"
        self._wanted = not self._wanted
        return ""

    def before(self, pts: int) -> str:
        """Start, where that is wanted, with the picture that is about to be written.

        Args:
            pts: the picture's, at which the recording begins.

        Returns:
            Why it cannot be recorded; empty where nothing is wrong.
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
        """A name that nothing has."""
        stem = f"emotion-{self._stamp()}"
        for number in range(1, 1000):
            path = self._folder / (f"{stem}.mp4" if number == 1 else f"{stem}-{number}.mp4")
            if not path.exists() and path.name not in self._pictures.names:
                return path
        return self._folder / f"{stem}.mp4"
