"""Which faces are upside down, and whether the whole picture is.

The landmarker reads a face that leans by 90 degrees as well as an upright one. In one that is turned by more
than 100 it sees an upright face all the same, with a chin for a forehead, and what is read of that says
nothing. The detector is surer of a face that is upright: so it is shown each face as it is and turned by 180
degrees. Of 1,089 upright faces of four sets it takes none for one that stands on its head, and of those that
do it notices 97 to 100 of 100.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from emotion.models.faces.boxes import overlaps
from emotion.models.faces.picture import Detector, Landmarks, Picture
from emotion.realtime.stages.face_boxes import SAME, Corners, corners, side

# So sure the detector has to be of the turned face, and so much surer than of the one as it is.
_SURE, _SURER = 0.7, 0.05
# Where nobody is found in the picture as it is, it has to be surer still.
_SURE_ALONE = 0.8
# What it is shown of a face, in sizes of the face.
_AROUND = 2.0
# Seconds until a face is looked at again: one that is upright, and one about which there is doubt; and until
# a picture with nobody in it is.
_AGAIN, _SOON = 1.0, 0.2
_EMPTY_AGAIN = 0.5
# So many seconds most faces have to stand on their heads before a picture that was upright is turned.
_PERSISTS = 0.5


@dataclass(slots=True, eq=False)
class _Judged:
    """A face, and what was found of it when it was looked at last."""

    box: Corners
    seconds: float
    over: bool
    doubted: bool = False

    def due(self, seconds: float) -> bool:
        return not 0 <= seconds - self.seconds < (_SOON if self.over or self.doubted else _AGAIN)


class UpsideDown:
    """Judges the faces of one stream.

    Args:
        detector: shared with whoever looks for faces, in the same thread.
    """

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._judged: list[_Judged] = []
        self._known = False
        self._since: float | None = None
        self._empty_looked = -inf
        self._trying = False

    def faces(
        self, picture: Picture, seconds: float, faces: Sequence[Landmarks], deferred: bool = False
    ) -> list[bool]:
        """Which faces of the stream's next picture stand on their heads, in their order.

        Each is looked at when it comes, and then every second. A face that has been one way is the other
        when two looks in a row say so.

        Args:
            picture: as it was looked at.
            seconds: its time.
            faces: what was found in it.
            deferred: only those that come are looked at now, and the others when `look_again` is called.
        """
        boxes = [corners(face) for face in faces]
        known = _same(boxes, self._judged)
        self._judged = [
            self._judge(picture, seconds, box, old, deferred) for box, old in zip(boxes, known, strict=True)
        ]
        return [one.over for one in self._judged]

    def look_again(self, picture: Picture, seconds: float) -> bool:
        """Look once more at one of the faces that `faces` told of last; whether one was due.

        Args:
            picture: the same.
            seconds: its time.
        """
        due = [one for one in self._judged if one.due(seconds)]
        if due:
            self._look_again(min(due, key=lambda one: one.seconds), picture, seconds)
        return bool(due)

    def picture(self, picture: Picture, seconds: float, over: Sequence[bool]) -> bool:
        """Whether this picture, and all from it on, is to be looked at the other way round.

        It is where most faces stand on their heads, at once in the first picture with faces, later when that
        has been so for half a second; and where nobody is found unless it is turned.

        Args:
            picture: as it was looked at.
            seconds: its time.
            over: what `faces` said of it.
        """
        if self._trying and not over:  # the other way round there is nobody either
            self._trying = False
            return True
        self._trying = False
        if not (2 * sum(over) > len(over) if over else self._empty(picture, seconds)):
            self._known, self._since = self._known or bool(over), None
            return False
        if self._since is None or seconds < self._since:
            self._since = seconds
        if self._known and seconds - self._since < _PERSISTS:
            return False
        self._known, self._since, self._trying = True, None, not over
        self._judged = []
        return True

    def _judge(
        self, picture: Picture, seconds: float, box: Corners, old: _Judged | None, deferred: bool
    ) -> _Judged:
        if old is None:
            return _Judged(box, seconds, is_upside_down(self._detector, picture, box))
        judged = _Judged(box, old.seconds, old.over, old.doubted)
        if not deferred and judged.due(seconds):
            self._look_again(judged, picture, seconds)
        return judged

    def _look_again(self, judged: _Judged, picture: Picture, seconds: float) -> None:
        says = is_upside_down(self._detector, picture, judged.box)
        over = says if judged.doubted else judged.over
        judged.seconds, judged.over, judged.doubted = seconds, over, says != over

    def _empty(self, picture: Picture, seconds: float) -> bool:
        """Whether somebody is seen in a picture without faces when it is turned; looked now and then."""
        if 0 <= seconds - self._empty_looked < _EMPTY_AGAIN:
            return self._since is not None
        self._empty_looked = seconds
        return shows_one_turned(self._detector, picture)


def _same(boxes: Sequence[Corners], judged: Sequence[_Judged]) -> list[_Judged | None]:
    """The faces that have these boxes now; None: one is new."""
    if not boxes or not judged:
        return [None] * len(boxes)
    shares = overlaps(np.array(boxes)[:, None], np.array([one.box for one in judged]))
    best = shares.argmax(axis=1).tolist()
    return [judged[index] if share[index] > SAME else None for share, index in zip(shares, best, strict=True)]


def is_upside_down(detector: Detector, picture: Picture, box: Corners) -> bool:
    """Whether a face in a picture is turned by about 180 degrees.

    Args:
        detector: is shown the face as it is and turned.
        picture: as it was looked at.
        box: where its landmarks are.
    """
    middle, half = (box[:2] + box[2:]) / 2, _AROUND * side(box) / 2
    left, top, right, bottom = (round(float(at)) for at in (*(middle - half), *(middle + half)))
    if min(right, picture.width) - max(left, 0) < 1 or min(bottom, picture.height) - max(top, 0) < 1:
        return False
    part = picture.part(left, top, right, bottom)
    turned = detector.surest(part.turned_over())
    return turned >= _SURE and turned - detector.surest(part) >= _SURER


def shows_one_turned(detector: Detector, picture: Picture) -> bool:
    """Whether somebody is seen in a picture when it is turned by 180 degrees; for one without faces."""
    return detector.surest(picture.turned_over()) >= _SURE_ALONE
