"""Each person's sharpest frontal picture, in one sheet: biometric data, made only on request."""

import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from emotion.models.regions import Image
from emotion.realtime.errors import SinkError
from emotion.realtime.messages import Box, EmotionFrame, FaceEmotion
from emotion.realtime.sinks.base import Sink
from emotion.realtime.sinks.format import Format, Target
from emotion.realtime.sinks.partial_file import PartialFile, Publish
from emotion.realtime.sinks.whole_document import WholeDocument

_WIDTH, _HEIGHT, _TEXT = 160, 200, 24
_A_ROW = 8
_MOST = 400
_QUALITY = 90
# Landmarks: the outer corners of the eyes, and the tip of the nose.
_CORNERS, _NOSE = (33, 263), 1
# Faces are compared at this width, so that larger ones do not seem less sharp.
_COMPARED = 96
# Hair and chin are outside the landmarks' box.
_MARGIN = 0.3
# What of the picture a tile shows at most, around the box and in shares of its longer side.
_AROUND = 1.0


@dataclass(slots=True)
class _Portrait:
    worth: float
    image: Image


class Portraits(WholeDocument):
    """A sheet with the best picture of each person, by number; in memory until the end, 0.1 MB per person.

    Args:
        path: of the file, a JPEG.
        source: the video being read, which is never written over.
        publish: gives the complete file its final name.

    Raises:
        SinkError: it cannot be written.
    """

    def __init__(self, path: Path, source: Path | None = None, *, publish: Publish = os.replace) -> None:
        super().__init__(PartialFile(path, source, publish))
        self._people: dict[int, _Portrait] = {}

    def write(self, result: EmotionFrame, image: Image) -> None:
        """Compare each face with the best so far; see `Sink.write`."""
        if not result.faces:
            return
        frame = result.frame.image_at([face.box for face in result.faces])
        for face in result.faces:
            best = self._people.get(face.track_id)
            if best is None and len(self._people) >= _MOST:
                continue
            worth = _worth(face, frame)
            if best is None or worth > best.worth:
                self._people[face.track_id] = _Portrait(
                    worth, _cut(result.frame.image_at([face.box], _AROUND), face.box)
                )

    def _is_worth_keeping(self) -> bool:
        return bool(self._people)

    def _document(self, part: bool) -> bytes:
        tiles = [_tile(track, one.image) for track, one in sorted(self._people.items())] or [
            _tile(None, None)
        ]
        across = min(_A_ROW, len(tiles))
        empty = np.full_like(tiles[0], 255)
        tiles += [empty] * (-len(tiles) % across)
        rows = [np.hstack(tiles[first : first + across]) for first in range(0, len(tiles), across)]
        return bytes(cv2.imencode(".jpg", np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1])


def _worth(face: FaceEmotion, frame: Image) -> float:
    """A score of sharpness and frontal pose, from 0."""
    box = face.box
    left, top = max(0, int(box.left)), max(0, int(box.top))
    part = frame[top : max(top, int(box.top + box.height)), left : max(left, int(box.left + box.width))]
    if min(part.shape[:2]) < 2:
        return 0.0
    size = (_COMPARED, max(2, round(part.shape[0] * _COMPARED / part.shape[1])))
    gray = cv2.resize(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), size, interpolation=cv2.INTER_AREA)
    return _straight(face) * float(cv2.Laplacian(gray, cv2.CV_64F).std())


def _straight(face: FaceEmotion) -> float:
    """1 if the nose is midway between the eyes, along the line through them; towards 0 as the face turns."""
    if face.points is None or not np.isfinite(face.points[[*_CORNERS, _NOSE]]).all():
        return 0.1
    one, other = (np.asarray(face.points[corner], float) for corner in _CORNERS)
    along = other - one
    length = float(along @ along)
    if length <= 0:
        return 0.1
    place = float((np.asarray(face.points[_NOSE], float) - one) @ along) / length
    return max(0.1, 1 - 2 * abs(place - 0.5))


def _cut(frame: Image, box: Box) -> Image:
    """The face with hair and chin, black outside the picture; uint8 (200, 160, 3)."""
    high = (1 + 2 * _MARGIN) * max(box.height, box.width * _HEIGHT / _WIDTH)
    scale = _HEIGHT / high if high > 0 else 1.0
    x, y = box.left + box.width / 2, box.top + box.height / 2
    move = np.array([[scale, 0, _WIDTH / 2 - scale * x], [0, scale, _HEIGHT / 2 - scale * y]])
    return np.asarray(cv2.warpAffine(frame, move, (_WIDTH, _HEIGHT), flags=cv2.INTER_AREA), np.uint8)


def _tile(track: int | None, image: Image | None) -> Image:
    """A picture with the person's number below it; uint8 (224, 160, 3)."""
    tile = np.full((_HEIGHT + _TEXT, _WIDTH, 3), 255, np.uint8)
    if image is not None:
        tile[:_HEIGHT] = image
    text = "no face" if track is None else f"Person {track}"
    where = (6, _HEIGHT + _TEXT - 7)
    cv2.putText(tile, text, where, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
    return tile


def _open(target: Target) -> Sink:
    if target.hidden is not None:
        raise SinkError("Portraits show faces, which --privacy hides: leave one out.")
    return Portraits(target.path, target.info.path, publish=target.publish)


PORTRAITS = Format("portraits", "portraits", _open, ending="portraits.jpg")
