"""Events for scripts: one JSON object per line, whenever a person appears, changes emotion or leaves."""

import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from emotion.models.regions import Image
from emotion.realtime.errors import SinkError
from emotion.realtime.media import WallClock
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.sinks.base import Sink
from emotion.realtime.sinks.columns import WALL_CLOCK
from emotion.realtime.sinks.spans import Change, SpanTracker


class EventSink(Sink):
    """Writes each change of a person's label at once; see `sinks.spans.Change`.

    Each line is flushed. If the reader of a pipe has left, `write` raises `BrokenPipeError`, which
    a fan-out treats as a normal end.

    Args:
        clock: of a live stream, for the date and time of events.
        descriptor: of an open file, which stays open; by default standard output.
    """

    def __init__(self, *, clock: WallClock | None = None, descriptor: int | None = None) -> None:
        self._clock = clock
        self._runs = SpanTracker()
        if descriptor is None:
            with suppress(OSError):  # if its reader has left, the first event fails
                sys.stdout.flush()  # keeps the order of earlier output
            descriptor = sys.stdout.fileno()
        self._descriptor = descriptor
        self._done = False

    def write(self, result: EmotionFrame, image: Image) -> None:
        """Write the changes that are final with this frame; see `Sink.write`. The picture is not needed."""
        self._put(self._runs.add(result))

    def close(self) -> None:
        """Write that all people leave; see `Sink.close`."""
        if not self._done:
            self._done = True
            self._put(self._runs.finish())

    def abort(self) -> Path | None:
        """Write that all people leave; see `Sink.abort`."""
        with suppress(OSError):
            self.close()
        return None

    def _put(self, changes: list[Change]) -> None:
        data = memoryview("".join(_line(change, self._clock) for change in changes).encode())
        try:
            while data:
                # Not through sys.stdout: a thread that waits for a slow reader would hold its lock at exit.
                data = data[os.write(self._descriptor, data) :]
        except BrokenPipeError:
            self._done = True
            raise
        except OSError as error:
            self._done = True
            raise SinkError(
                f"Events cannot be written ({error.strerror}): send standard output elsewhere."
            ) from error


def _line(change: Change, clock: WallClock | None) -> str:
    event = {
        "event": change.kind,
        "track_id": change.track_id,
        "seconds": round(change.seconds, 3),
        **({WALL_CLOCK: clock.text(change.seconds)} if clock else {}),
        "emotion": change.emotion,
        "confidence": None if change.confidence is None else round(change.confidence, 4),
        "previous": change.previous,
        "lasted": None if change.lasted is None else round(change.lasted, 3),
    }
    return json.dumps(event) + "\n"
