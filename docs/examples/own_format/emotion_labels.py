"""A custom format: one line each time a person's label changes."""

from pathlib import Path

from emotion.realtime.sinks.base import Sink
from emotion.realtime.sinks.format import Format, Target
from emotion.realtime.sinks.partial_file import PartialFile


class Labels(Sink):
    """Lines such as ``1.25  person 2: happiness``."""

    def __init__(self, target: Target) -> None:
        self._draft = PartialFile(target.path, target.info.path, target.publish)
        self._said: dict[int, str] = {}
        self._done: Path | None = None

    def write(self, result, image):
        """Write one line for each person whose label has changed."""
        for face in result.faces:
            if self._said.get(face.track_id) != face.label:
                self._said[face.track_id] = face.label
                line = f"{result.frame.seconds:.2f}\tperson {face.track_id}: {face.label}\n"
                self._draft.append(line.encode())

    def close(self):
        """Give the file its name."""
        self._done = self._done or self._draft.publish()
        return self._done

    def abort(self):
        """Leave what there is, as a part."""
        self._done = self._done or self._draft.keep()
        return self._done


LABELS = Format("labels", "labels", Labels)
