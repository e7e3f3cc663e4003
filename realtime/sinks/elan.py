"""Annotations for ELAN, the annotation tool of the Max Planck Institute: one tier per person."""

import os
import re
from mimetypes import guess_type
from pathlib import Path
from xml.etree import ElementTree

import pympi

from emotion.models.names import escaped
from emotion.models.regions import Image
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.sinks.base import Sink
from emotion.realtime.sinks.format import Format, Target
from emotion.realtime.sinks.partial_file import PartialFile, Publish
from emotion.realtime.sinks.spans import Change, SpanTracker
from emotion.realtime.sinks.whole_document import WholeDocument

_AUTHOR = "emotion-live"


class ElanAnnotations(WholeDocument):
    """An annotation for each interval with the same label of a person; its value is the label.

    The file names the video, also by its relative path, so that ELAN shows both. Times are those of players.

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
        self._source = source
        self._origin = origin
        self._runs = SpanTracker()
        self._spans: list[tuple[int, float, float, str]] = []
        self._frames = 0

    def write(self, result: EmotionFrame, image: Image) -> None:
        """Add the labels that end with this frame; see `Sink.write`. The picture is not needed."""
        self._frames += 1
        self._take(self._runs.add(result))

    def _take(self, changes: list[Change]) -> None:
        for change in changes:
            if change.previous is not None and change.lasted is not None:
                begin = change.seconds - change.lasted
                self._spans.append((change.track_id, begin, change.seconds, change.previous))

    def _is_worth_keeping(self) -> bool:
        return self._frames > 0

    def _document(self, part: bool) -> bytes:
        self._take(self._runs.finish())
        document = pympi.Eaf(author=_AUTHOR)
        document.remove_tier("default")
        if self._source is not None:
            self._link(document, self._source)
        for track in sorted({track for track, *_ in self._spans}):
            document.add_tier(f"Person {track}")
        for track, begin, end, label in self._spans:
            start, stop = (round(1000 * max(0.0, time - self._origin)) for time in (begin, end))
            if stop > start:
                document.add_annotation(f"Person {track}", start, stop, label)
        tree = pympi.Elan.to_adocument(document, pretty=True)
        return bytes(ElementTree.tostring(tree, encoding="UTF-8", xml_declaration=True))

    def _link(self, document: pympi.Eaf, source: Path) -> None:
        try:
            beside = f"./{Path(os.path.relpath(source, self._draft.path.parent)).as_posix()}"
        except ValueError:  # another drive on Windows
            beside = None
        kind = guess_type(source.name)[0] or "video/*"
        where = source.absolute().as_uri()
        document.add_linked_file(where, relpath=beside and _as_reference(escaped(beside)), mimetype=kind)


def _as_reference(path: str) -> str:
    """A relative path in ELAN's form: letters as they are, other characters percent-encoded."""
    return re.sub(r"[%#\[\]]", lambda found: f"%{ord(found[0]):02X}", path)


def _open(target: Target) -> Sink:
    info = target.info
    return ElanAnnotations(target.path, info.path, origin=info.players_origin_seconds, publish=target.publish)


EAF = Format("eaf", "tiers of ELAN", _open)
