"""People's expressions as subtitles: WebVTT and SubRip (SRT).

One cue at a time, with a line for each person, because players disagree on cues that overlap.
"""

import os
from abc import abstractmethod
from contextlib import suppress
from pathlib import Path

from emotion.models.regions import Image
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.sinks.base import Sink
from emotion.realtime.sinks.file_sink import FileSink
from emotion.realtime.sinks.format import Format, Target
from emotion.realtime.sinks.partial_file import PartialFile, Publish
from emotion.realtime.sinks.spans import Change, SpanTracker


class _Subtitles(FileSink):
    """A cue for each interval without a change of a label.

    A cue has the labels of its interval. With two people, each has a name, "Person 1", by the
    track id, from the first cue on: when the second one appears, the cues until then, a few
    thousand an hour at most, are written again.

    Args:
        path: of the file.
        source: the video being read, which is never written over.
        origin: the stream's time, in seconds, at which players start to count.
        publish: gives the complete file its final name.

    Raises:
        SinkError: it cannot be written.
    """

    def __init__(
        self, path: Path, source: Path | None = None, *, origin: float = 0.0, publish: Publish = os.replace
    ) -> None:
        super().__init__(PartialFile(path, source, publish))
        self._origin = origin
        self._runs = SpanTracker()
        self._pending: list[Change] = []
        self._shown: dict[int, str] = {}
        self._since = 0.0
        self._people: set[int] = set()
        self._cues = 0
        # Cues without a name, while there is only one person: begin, end in milliseconds, and the label.
        self._nameless: list[tuple[int, int, str]] = []
        self._frames = 0

    def write(self, result: EmotionFrame, image: Image) -> None:
        """Write the cues that are final with this frame; see `Sink.write`. The picture is not needed."""
        if not self._frames:
            self._draft.append(self._head().encode())
        self._frames += 1
        self._pending += self._runs.add(result)
        self._settle(result.frame.seconds - self._runs.delay)

    def _finish(self) -> None:
        if not self._frames:
            self._draft.append(self._head().encode())
        self._end()

    def _finish_part(self) -> bool:
        with suppress(OSError):  # a full disk: the file so far is kept
            self._end()
        return self._cues > 0

    def _end(self) -> None:
        self._pending += self._runs.finish()
        self._settle(float("inf"))

    def _settle(self, until: float) -> None:
        """Apply the changes up to a time; later ones may still be dated before others."""
        self._pending.sort(key=lambda change: change.seconds)
        while self._pending and self._pending[0].seconds <= until:
            self._take(self._pending[0])
            self._pending.pop(0)

    def _take(self, change: Change) -> None:
        if change.seconds > self._since:
            self._write_cue(self._since, change.seconds)
            self._since = change.seconds
        if self._nameless and change.track_id not in self._people:
            self._name_all()
        self._people.add(change.track_id)
        if change.emotion is None:
            self._shown.pop(change.track_id, None)
        else:
            self._shown[change.track_id] = change.emotion

    def _write_cue(self, begin: float, end: float) -> None:
        start, stop = (round(1000 * max(0.0, time - self._origin)) for time in (begin, end))
        if self._shown and stop > start:
            lines = [self._line(track, emotion) for track, emotion in sorted(self._shown.items())]
            cue = self._cue(self._cues + 1, start, stop, "\n".join(lines))
            self._draft.append(cue.encode())
            self._cues += 1
            if len(self._people) == 1:
                self._nameless.append((start, stop, lines[0]))

    def _name_all(self) -> None:
        """A second person has appeared: add the name to the cues of the first person."""
        (track,) = self._people
        numbered = enumerate(self._nameless, start=1)
        cues = [self._cue(n, start, stop, f"Person {track}: {label}") for n, (start, stop, label) in numbered]
        self._nameless.clear()
        try:
            self._draft.file.seek(0)
        except OSError:  # a pipe cannot seek: earlier cues stay as they are
            return
        self._draft.append(f"{self._head()}{''.join(cues)}".encode())

    def _line(self, track: int, emotion: str) -> str:
        return f"Person {track}: {emotion}" if len(self._people) > 1 else emotion

    @abstractmethod
    def _head(self) -> str:
        """The header of the file."""

    @abstractmethod
    def _cue(self, number: int, start: int, stop: int, text: str) -> str:
        """One cue with the empty line after it; times are in milliseconds."""


class VttSubtitles(_Subtitles):
    """WebVTT, for web pages (`<track>`) and players."""

    def _head(self) -> str:
        return "WEBVTT\n\nNOTE Apparent expressions, not feelings.\n\n"

    def _cue(self, number: int, start: int, stop: int, text: str) -> str:
        return f"{number}\n{_clock(start, '.')} --> {_clock(stop, '.')}\n{text}\n\n"


class SrtSubtitles(_Subtitles):
    """SubRip, for players and editors."""

    def _head(self) -> str:
        return ""

    def _cue(self, number: int, start: int, stop: int, text: str) -> str:
        return f"{number}\n{_clock(start, ',')} --> {_clock(stop, ',')}\n{text}\n\n"


def _clock(milliseconds: int, point: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{rest:03}"


def _open_vtt(target: Target) -> Sink:
    info = target.info
    return VttSubtitles(target.path, info.path, origin=info.players_origin_seconds, publish=target.publish)


def _open_srt(target: Target) -> Sink:
    info = target.info
    return SrtSubtitles(target.path, info.path, origin=info.players_origin_seconds, publish=target.publish)


VTT = Format("vtt", "subtitles", _open_vtt)
SRT = Format("srt", "subtitles", _open_srt)
