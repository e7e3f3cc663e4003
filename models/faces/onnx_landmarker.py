"""MediaPipe's FaceLandmarker rebuilt around its own nets in ONNX Runtime: for all cores, or for a GPU.

What surrounds the nets follows MediaPipe's graphs step by step (face_detector_graph.cc,
face_landmarks_detector_graph.cc, face_landmarker_graph.cc), with their constants. All faces of a
picture, or of several, go through a net side by side, on a GPU in one batch.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from emotion.models.cores import available_cores
from emotion.models.engines.landmark_nets import CROP_SIDE, DETECTOR_SIDE, LANDMARKS, LandmarkNets
from emotion.models.engines.session import Batch, Net, Outputs
from emotion.models.faces.boxes import overlaps
from emotion.models.faces.one_euro import OneEuroFilter
from emotion.models.faces.picture import Blendshapes, Landmarks, Picture
from emotion.models.lazy import Lazy
from emotion.models.parallel import ThreadPool, parallel_map
from emotion.models.regions import Image, Points

Floats = npt.NDArray[np.float32]
Rects = npt.NDArray[np.float32]
"""float32 (n, 5): centre x and y, width and height in pixels, and an angle, clockwise in radians."""
Detections = npt.NDArray[np.float32]
"""float32 (n, 16): left, top, right, bottom, and x and y of six key points, in pixels; best first."""
_Item = TypeVar("_Item")
_Wanted: TypeAlias = tuple[Picture, Rects]

# How much of their union two boxes have in common that are the same face: in the landmarker's own
# search, and where the detector is asked alone.
_SAME_IN_SEARCH = 0.5
_SAME_ALONE = 0.3
# A crop's side in sides of what it is made around.
_MARGIN = 1.5
_EYES = (4, 6)  # columns of the eyes' key points in a detection
_EYE_CORNERS = (33, 263)
# The landmarks that are inputs of the blendshape net.
_SUBSET_NUMBERS = """
    0 1 4 5 6 7 8 10 13 14 17 21 33 37 39 40 46 52 53 54 55 58 61 63 65 66 67 70 78 80 81 82 84 87 88
    91 93 95 103 105 107 109 127 132 133 136 144 145 146 148 149 150 152 153 154 155 157 158 159 160 161
    162 163 168 172 173 176 178 181 185 191 195 197 234 246 249 251 263 267 269 270 276 282 283 284 285
    288 291 293 295 296 297 300 308 310 311 312 314 317 318 321 323 324 332 334 336 338 356 361 362 365
    373 374 375 377 378 379 380 381 382 384 385 386 387 388 389 390 397 398 400 402 405 409 415 454 466
    468 469 470 471 472 473 474 475 476 477
"""
_SUBSET = np.array(_SUBSET_NUMBERS.split(), dtype=np.int64)


class OnnxLandmarker:
    """Finds faces and their landmarks, as `emotion.models.faces.mediapipe_landmarker.FaceLandmarker` does.

    Not thread-safe in video mode: one instance a thread. The nets may be shared.

    Args:
        nets: from `LandmarkNets.load`.
        max_faces: the most faces returned for a picture.
        video: follow faces from picture to picture; then it wants increasing times.
        min_confidence: in [0, 1], for detection, presence and following alike.
        turns: a face is followed from the picture so many pictures before, so that as many pictures go
            through a net in one batch.
        min_presence: of the landmark net's score; by default `min_confidence`.
    """

    def __init__(
        self,
        nets: LandmarkNets,
        max_faces: int = 1,
        video: bool = False,
        min_confidence: float = 0.5,
        turns: int = 1,
        min_presence: float | None = None,
    ) -> None:
        self.turns = turns
        self._nets = nets
        self._max_faces = max_faces
        self._min_confidence = min_confidence
        self._min_presence = min_confidence if min_presence is None else min_presence
        # MediaPipe smooths one face and no more.
        self._trails = [_Trail(max_faces == 1) for _ in range(turns)] if video else None
        self._pool = ThreadPool(available_cores(), "landmarks")

    def detect(self, image: Image | Picture, seconds: float = 0.0) -> tuple[Landmarks, ...]:
        """All faces in a picture, at most `max_faces`.

        Args:
            image: uint8 (h, w, 3), BGR; or what was made of it.
            seconds: the picture's time; used in video mode only, where time may not go back.
        """
        picture = image if isinstance(image, Picture) else Picture(image)
        (faces,) = self.detect_all([picture], [seconds])
        return faces

    def detect_all(
        self, pictures: Sequence[Picture], seconds: Sequence[float] = ()
    ) -> list[tuple[Landmarks, ...]]:
        """The faces of each of several pictures.

        In video mode as many as there are turns go through a net in one batch, else all of them.

        Args:
            pictures: the stream's next ones in video mode; their first has the first turn.
            seconds: their times, in video mode.
        """
        if self._trails is None:
            return self._in_words(pictures, self._landmarks(pictures, self._search(pictures)))
        found: list[Floats] = []
        for start in range(0, len(pictures), self.turns):
            some = slice(start, start + self.turns)
            found += self._follow(pictures[some], seconds[some], self._trails)
        # At the end: no next picture depends on them, and several go side by side.
        return self._in_words(pictures, found)

    def close(self) -> None:
        """Stop its threads; the nets are shared."""
        self._pool.shutdown()

    def _follow(
        self, pictures: Sequence[Picture], seconds: Sequence[float], trails: Sequence["_Trail"]
    ) -> list[Floats]:
        """The faces of a picture of each turn."""
        turns = range(len(pictures))
        short = [turn for turn in turns if len(trails[turn].rects) < self._max_faces]
        found = self._look_on(pictures, [trails[turn].rects for turn in turns], short)
        # Who is lost, as at a cut, is searched for in the same picture.
        lost = [turn for turn in turns if turn not in short and len(found[turn]) < self._max_faces]
        if lost:
            left = [_rects_around(found[turn]) for turn in lost]
            again = self._look_on([pictures[turn] for turn in lost], left, range(len(lost)))
            for turn, points in zip(lost, again, strict=True):
                found[turn] = points
        kept = zip(trails, found, seconds, strict=False)
        return [trail.keep(points, time) for trail, points, time in kept]

    def _look_on(
        self, pictures: Sequence[Picture], known: Sequence[Rects], searched: Sequence[int]
    ) -> list[Floats]:
        """The landmarks of the faces that are known in each picture, and of new ones in those searched."""
        new = iter(self._search([pictures[place] for place in searched]) if searched else ())
        rects = []
        for place, old in enumerate(known):
            some = _without_doubles(old, self._min_confidence)
            if place in searched:
                some = _without_doubles(np.concatenate([some, next(new)]), self._min_confidence)
            rects.append(some[: self._max_faces])
        return self._landmarks(pictures, rects)

    def _search(self, pictures: Sequence[Picture]) -> list[Rects]:
        """Regions of interest in each picture, the most confident first."""
        found = _detect(self._nets, pictures, self._min_confidence, _SAME_IN_SEARCH)
        return [_rects_of(detections[: self._max_faces]) for detections in found]

    def _landmarks(self, pictures: Sequence[Picture], rects: Sequence[Rects]) -> list[Floats]:
        """float32 (n, 478, 3) for each picture: the landmarks in its pixels, where there is a face."""
        wanted = [(picture, rect) for picture, some in zip(pictures, rects, strict=True) for rect in some]
        if not wanted:
            return [np.zeros((0, LANDMARKS, 3), np.float32) for _ in pictures]
        outputs = np.stack(self._all(self._nets.landmarks, _crop, wanted))
        counts = [len(some) for some in rects]
        aspects = np.repeat([picture.width / picture.height for picture in pictures], counts)
        points = _project(outputs[:, :-1].reshape(-1, LANDMARKS, 3), np.concatenate(rects), aspects)
        present = _sigmoid(outputs[:, -1]) > self._min_presence
        ends = np.cumsum(counts)[:-1]
        return [
            some[seen] for some, seen in zip(np.split(points, ends), np.split(present, ends), strict=True)
        ]

    def _in_words(self, pictures: Sequence[Picture], found: Sequence[Floats]) -> list[tuple[Landmarks, ...]]:
        shapes = iter(self._shapes(list(np.concatenate(found))))
        return [
            tuple(Landmarks(face[:, :2] + _place(picture), face[:, 2], next(shapes)) for face in faces)
            for picture, faces in zip(pictures, found, strict=True)
        ]

    def _shapes(self, faces: Sequence[Floats]) -> Sequence[Blendshapes | Lazy[Blendshapes]]:
        """Each face's blendshapes, on which nothing in the next picture depends."""
        net = self._nets.blendshapes
        if self._nets.batches:
            return self._all(net, _subset, faces)

        def of(face: Floats) -> Blendshapes:
            return np.asarray(net(_subset(face)[None])[0], np.float32)

        return [Lazy(partial(of, face)) for face in faces]

    def _all(self, net: Net, make: Callable[[_Item], Batch], items: Sequence[_Item]) -> Sequence[Outputs]:
        """The outputs of a net for the input that is made of each item.

        On a CPU each goes through it alone, and all side by side: there a batch costs as much as its items.
        """
        if self._nets.batches and len(items):
            return list(net(np.stack([make(item) for item in items])))
        return parallel_map(self._pool, lambda item: net(make(item)[None])[0], items)


class _Trail:
    """Where the faces of a stream were seen last, and how they moved.

    Attributes:
        rects: to look for them in the next picture.
    """

    def __init__(self, smooth: bool) -> None:
        self.rects = _NO_RECTS
        self._filter = OneEuroFilter() if smooth else None
        self._last_ms = -1

    def keep(self, points: Floats, seconds: float) -> Floats:
        """Remember faces, float32 (n, 478, 3); the same, smoothed."""
        self._last_ms = max(self._last_ms + 1, round(seconds * 1000))
        self.rects = _rects_around(points)
        if self._filter is None:
            return points
        if not len(points):
            self._filter.reset()
            return points
        size = float(np.ptp(points[0, :, :2], axis=0).mean())
        return self._filter(points[0], self._last_ms / 1000, size)[None]


class OnnxDetector:
    """Says where faces are, and nothing more, as `mediapipe_landmarker.FaceDetector` does.

    Args:
        nets: from `LandmarkNets.load`.
        min_confidence: in [0, 1].
    """

    def __init__(self, nets: LandmarkNets, min_confidence: float = 0.5) -> None:
        self._nets = nets
        self._min_confidence = min_confidence

    def detect(self, picture: Picture) -> npt.NDArray[np.float32]:
        """Where faces are: float32 (n, 4), left, top, right, bottom in pixels, the largest first.

        A box reaches from the brows to the chin. Faces below an eighth of the picture's longer side
        are missed.
        """
        (found,) = _detect(self._nets, [picture], self._min_confidence, _SAME_ALONE)
        boxes = found[:, :4]
        largest = np.argsort(-(boxes[:, 2:] - boxes[:, :2]).prod(axis=1), kind="stable")
        return np.asarray(boxes[largest] + np.tile(_place(picture), 2))

    def surest(self, picture: Picture) -> float:
        """How sure the surest of them is, in [0, 1]; 0 where there is none."""
        outputs = self._nets.detector(np.stack([_shown(picture, _whole(picture))]))
        surest = float(_sigmoid(outputs[0][:, 16]).max())
        return surest if surest >= self._min_confidence else 0.0

    def close(self) -> None:
        """Nothing is held; the nets are shared."""


def _detect(
    nets: LandmarkNets, pictures: Sequence[Picture], min_confidence: float, same: float
) -> list[Detections]:
    whole = [_whole(picture) for picture in pictures]
    shown = [_shown(picture, rect) for picture, rect in zip(pictures, whole, strict=True)]
    outputs = nets.detector(np.stack(shown))
    return [_decode(output, rect, min_confidence, same) for output, rect in zip(outputs, whole, strict=True)]


def _shown(picture: Picture, square: Rects) -> Image:
    """What the detector is shown of a picture."""
    return _cut(picture, square, DETECTOR_SIDE, cv2.BORDER_CONSTANT)


def _place(picture: Picture) -> Floats:
    """Where a part begins in the whole."""
    return np.array([picture.left, picture.top], np.float32)


def _whole(picture: Picture) -> Rects:
    """The smallest square with a picture in its middle."""
    side = max(picture.width, picture.height)
    return np.array([picture.width / 2, picture.height / 2, side, side, 0], np.float32)


def _decode(output: Floats, square: Rects, min_confidence: float, same: float) -> Detections:
    """The detections in a picture, from the detector's output for a square with the picture in its middle."""
    scores = _sigmoid(output[:, 16])
    likely = np.flatnonzero(scores >= min_confidence)
    likely = likely[np.argsort(-scores[likely], kind="stable")]
    raw = output[likely, :16] / DETECTOR_SIDE
    at = np.tile(_ANCHORS[likely], 8)
    at[:, 2:4] = 0  # width and height
    values = raw + at
    middle, half = values[:, :2].copy(), values[:, 2:4] / 2
    values[:, :2], values[:, 2:4] = middle - half, middle + half
    corner = square[:2] - square[2:4] / 2
    return _merge(values * square[2] + np.tile(corner, 8), scores[likely], same)


def _merge(found: Detections, scores: Floats, same: float) -> Detections:
    """One detection for each face: the mean of those that overlap the best, weighted by their scores."""
    merged = []
    while len(found):
        one = overlaps(found[0, :4], found[:, :4]) > same
        one[0] = True
        merged.append(np.average(found[one], axis=0, weights=scores[one]))
        found, scores = found[~one], scores[~one]
    return np.array(merged, np.float32).reshape(-1, 16)


def _rects_of(found: Detections) -> Rects:
    """Regions of interest around detections, upright by the eyes."""
    right, left = (found[:, at : at + 2] for at in _EYES)
    return _rects(found[:, :2], found[:, 2:4], right, left)


def _rects_around(faces: Floats) -> Rects:
    """Regions of interest in the next picture, from float32 (n, 478, 3) of this one: squares."""
    # NumPy takes fifteen times as long where the landmarks are not next to one another.
    along = np.ascontiguousarray(faces[..., :2].transpose(0, 2, 1))
    low, high = along.min(axis=2), along.max(axis=2)
    rects = _rects(low, high, *(faces[:, corner, :2] for corner in _EYE_CORNERS))
    rects[:, 2:4] = rects[:, 2:4].max(axis=1, keepdims=True)
    return rects


def _rects(low: Points, high: Points, right_eye: Points, left_eye: Points) -> Rects:
    across = left_eye - right_eye
    angle = np.arctan2(across[:, 1], across[:, 0])
    return np.column_stack([(low + high) / 2, (high - low) * _MARGIN, angle]).astype(np.float32)


def _without_doubles(rects: Rects, same: float) -> Rects:
    """Of rectangles that overlap, the last."""
    if len(rects) < 2:
        return rects
    boxes = _boxes(rects)
    shares = overlaps(boxes[:, None], boxes).tolist()
    kept: list[int] = []
    for index, share in enumerate(shares):
        kept = [other for other in kept if share[other] <= same]
        kept.append(index)
    return rects[kept]


def _boxes(rects: Rects) -> Floats:
    """Rectangles as if they were not turned, float32 (n, 4)."""
    return np.concatenate([rects[:, :2] - rects[:, 2:4] / 2, rects[:, :2] + rects[:, 2:4] / 2], axis=1)


def _crop(wanted: _Wanted) -> Image:
    """What the landmark net is shown of a picture, uint8 (256, 256, 3)."""
    picture, rect = wanted
    return _cut(picture, rect, CROP_SIDE, cv2.BORDER_REPLICATE)


def _cut(picture: Picture, rect: Rects, side: int, border: int) -> Image:
    """A rectangle of a picture as a square of so many pixels, uint8 (side, side, 3)."""
    x, y, width, height, angle = rect.tolist()
    cos, sin = np.cos(angle), np.sin(angle)
    # From a pixel of the square to the picture. Pixels are points here, as MediaPipe has them.
    across, down = np.array([cos, sin]) * width / side, np.array([-sin, cos]) * height / side
    corner = np.array([x, y]) - (across + down) * side / 2
    return picture.cut(np.column_stack([across, down, corner]), side, border)


def _subset(face: Floats) -> Floats:
    """The landmarks that are inputs of the blendshape net, float32 (146, 2)."""
    return face[_SUBSET, :2]


def _project(points: Floats, rects: Rects, aspects: npt.NDArray[np.float64]) -> Floats:
    """Landmarks in pixels of their crops, float32 (n, 478, 3), to pixels of pictures of n aspects."""
    x, y = (points[..., axis] / CROP_SIDE - 0.5 for axis in (0, 1))
    left, top, width, height, angle = (column[:, None] for column in rects.T)
    cos, sin = np.cos(angle), np.sin(angle)
    # MediaPipe measures depth by the crop's upper edge, in a picture stretched to a square.
    unit = width * np.hypot(cos, sin * aspects[:, None])
    return np.stack(
        [
            cos * x * width - sin * y * height + left,
            sin * x * width + cos * y * height + top,
            points[..., 2] / CROP_SIDE * unit,
        ],
        axis=-1,
    ).astype(np.float32)


def _sigmoid(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -100, 100).astype(np.float64))), np.float32)


def _anchors() -> Floats:
    """float32 (896, 2): the middles, in shares of the picture, that the detector measures from."""
    grids = []
    for cells, anchors in ((16, 2), (8, 6)):
        middles = (np.arange(cells) + 0.5) / cells
        y, x = np.meshgrid(middles, middles, indexing="ij")
        grids.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), anchors, axis=0))
    return np.concatenate(grids).astype(np.float32)


_ANCHORS = _anchors()
_NO_RECTS = np.zeros((0, 5), np.float32)
