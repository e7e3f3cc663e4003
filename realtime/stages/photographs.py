"""Stages for photographs, which are independent: without tracking and smoothing.

Without a limit on time, several attempts are made: the whole photograph, tiles for small faces, and,
if no face is detected, enlarged, with a border and rotated; at last as a face that fills a small picture.
Landmarks of upside-down faces
(`stages.upside_down`) are detected in the photograph rotated by 180 degrees.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

import cv2
import numpy as np

from emotion.models.engines.landmark_nets import LandmarkNets
from emotion.models.faces.onnx_landmarker import OnnxDetector, OnnxLandmarker
from emotion.models.faces.picture import Detector, Landmarker, Landmarks, Picture
from emotion.models.faces.portrait import find_cut_out, looks_again
from emotion.models.regions import REGIONS, Image, Regions
from emotion.models.voting.vote import VoteWeights
from emotion.realtime.messages import EmotionFrame, FaceFrame, PredictionFrame, VideoFrame
from emotion.realtime.stages.face_boxes import Corners, among, corners, overlap, side
from emotion.realtime.stages.faces import face_frame
from emotion.realtime.stages.options import VoteOptions
from emotion.realtime.stages.people import People
from emotion.realtime.stages.tile_search import Tile, finer_tiles, is_cut, tiles
from emotion.realtime.stages.upside_down import is_upside_down, shows_one_turned

# The window of a small face for the landmarker, in sizes of the face.
_SURROUNDINGS = 1.0
# The intersection over union from which a box and landmarks are of the same face.
_SAME_FACE = 0.2
# The maximum number of faces that are counted in a photograph: more would only cost time.
_MOST_SEEN = 100

_Found: TypeAlias = tuple[list[Landmarks], int]
"""Faces, and the number of faces beyond the maximum."""


class PhotographFinder:
    """The stage that detects the faces of photographs. It has no state; several workers can share it.

    Args:
        max_faces: maximum number of faces in a photograph; the largest are kept, and the others counted.
        min_confidence: in [0, 1].
        nets: the landmark nets; None: MediaPipe is used.
        regions: to cut out of each face.

    Raises:
        ModelFileError: the landmark model is missing or damaged.
        MissingDependencyError: MediaPipe, which was requested, cannot be loaded.
    """

    name = "faces"
    batch = 1

    def __init__(
        self,
        max_faces: int = 4,
        min_confidence: float = 0.5,
        nets: LandmarkNets | None = None,
        regions: Regions = REGIONS,
        pose: bool = False,
    ) -> None:
        self._regions = regions
        self._max_faces = max_faces
        looks = _mediapipe(min_confidence, pose) if nets is None else _onnx(nets, min_confidence)
        self._detector, make = looks
        self._many: Landmarker = make(max_faces)
        self._one: Landmarker = make(1)
        # For cut-out faces, which are judged by more than the landmark net's score.
        self._likeliest: Landmarker = make(1, min_presence=0.0)

    def process(self, items: Sequence[VideoFrame]) -> Iterable[FaceFrame]:
        """The photographs with their faces, in order; the largest face first."""
        pictures = [Picture.of_rgb(frame.rgb()) for frame in items]
        return [
            face_frame(frame, picture.rgb, *self._find(picture, frame.image), self._regions)
            for frame, picture in zip(items, pictures, strict=True)
        ]

    def largest(self, image: Image) -> Landmarks | None:
        """The largest face of a photograph; None if it shows none.

        Args:
            image: uint8 (h, w, 3), BGR.
        """
        found, _ = self._find(Picture(image), image)
        return max(found, key=_area, default=None)

    def close(self) -> None:
        """Free the landmarkers."""
        self._many.close()
        self._one.close()
        self._likeliest.close()
        self._detector.close()

    def _find(self, picture: Picture, image: Image) -> _Found:
        found, left_out = self._find_sure(picture, image)
        if found:
            return found, left_out
        face = find_cut_out(lambda copy: self._likeliest.detect(Picture(copy), 0.0), image)
        return ([] if face is None else [face]), 0

    def _find_sure(self, picture: Picture, image: Image) -> _Found:
        found, left_out = self._look(picture)
        found = found or self._again(image)
        over = self._over(picture, found)
        if found and 2 * sum(over) <= len(over):
            return self._each_turned(picture, found, over), left_out
        if not found and not shows_one_turned(self._detector, picture):
            return [], 0
        turned = picture.turned_over()
        found_turned, left_out_turned = self._look(turned)
        each = self._each_turned(turned, found_turned, self._over(turned, found_turned))
        if not each:
            return found, left_out
        return [face.turned_over(picture.width, picture.height) for face in each], left_out_turned

    def _look(self, picture: Picture) -> _Found:
        found = _each_once(self._many.detect(picture, 0.0))
        # Tiles show smaller faces than the whole picture: if the maximum is reached, they would not be kept.
        is_full = len(found) >= self._max_faces
        squares = tiles(picture.width, picture.height)
        boxes = self._whole(picture) if is_full else self._small(picture, squares)
        found += self._others(picture, boxes, found)
        for length, finer in finer_tiles(picture.width, picture.height):
            # Beside a face that is larger than a tile, those that only tiles show are in the background.
            if len(found) >= self._max_faces or any(_size(face) > length for face in found):
                break
            found += self._others(picture, self._small(picture, finer), found)
        found = _each_once(found)
        return self._largest(found), max(0, len(found) - self._max_faces)

    def _over(self, picture: Picture, faces: Sequence[Landmarks]) -> list[bool]:
        return [is_upside_down(self._detector, picture, corners(face)) for face in faces]

    def _each_turned(
        self, picture: Picture, faces: Sequence[Landmarks], over: Sequence[bool]
    ) -> list[Landmarks]:
        """The same faces; upside-down ones as they are in the rotated picture."""
        if not any(over):
            return list(faces)
        turned, size = picture.turned_over(), (picture.width, picture.height)
        each: list[Landmarks] = []
        for face, is_over in zip(faces, over, strict=True):
            seen = self._near(turned, corners(face.turned_over(*size))) if is_over else None
            each.append(seen.turned_over(*size) if seen else face)
        return each

    def _whole(self, picture: Picture) -> Iterator[Corners]:
        yield from self._detector.detect(picture)

    def _small(self, picture: Picture, squares: Sequence[Tile]) -> Iterator[Corners]:
        """The faces in tiles of the picture, each from every tile that contains it completely."""
        for tile in squares:
            for box in self._detector.detect(picture.part(*tile)):
                if not is_cut(box, tile, picture):
                    yield box

    def _others(
        self, picture: Picture, boxes: Iterable[Corners], known: Sequence[Landmarks]
    ) -> list[Landmarks]:
        """The faces in new boxes, also beyond the maximum."""
        found: list[Landmarks] = []
        for box in boxes:
            if len(known) + len(found) >= _MOST_SEEN:
                break
            if among(box, [*known, *found]):
                continue
            face = self._near(picture, box)
            if face is not None and not among(corners(face), [*known, *found]):
                found.append(face)
        return found

    def _largest(self, faces: list[Landmarks]) -> list[Landmarks]:
        """At most the maximum number; in their order if that is all."""
        if len(faces) <= self._max_faces:
            return faces
        return sorted(faces, key=_size, reverse=True)[: self._max_faces]

    def _near(self, picture: Picture, box: Corners) -> Landmarks | None:
        around = _SURROUNDINGS * float((box[2:] - box[:2]).max())
        low, high = np.round(box[:2] - around).astype(int), np.round(box[2:] + around).astype(int)
        faces = self._one.detect(picture.part(*low.tolist(), *high.tolist()), 0.0)
        return next((face for face in faces if overlap(box, corners(face)) > _SAME_FACE), None)

    def _again(self, image: Image) -> list[Landmarks]:
        looks = looks_again(lambda copy: self._many.detect(Picture(copy), 0.0), image)
        return _each_once(next((found for look in looks if (found := look())), ()))[: self._max_faces]


class PhotographPeople:
    """The stage that computes the result of each face of a photograph.

    Faces are numbered within the photograph, the largest first.

    Args:
        weights: of the vote.
        options: `VoteOptions()` by default. Those on time are ignored.
    """

    name = "people"
    batch = 8

    def __init__(self, weights: VoteWeights, options: VoteOptions | None = None) -> None:
        self._make = partial(People, weights, replace(options or VoteOptions(), baseline=0.0))

    def process(self, items: Sequence[PredictionFrame]) -> Iterable[EmotionFrame]:
        """The photographs with the results of their faces, in order."""
        for item in items:
            yield from self._make().process([item])

    def close(self) -> None:
        """Nothing to free."""


def _area(face: Landmarks) -> float:
    return float(np.ptp(face.points, axis=0).prod())


def _size(face: Landmarks) -> float:
    return side(corners(face))


def _each_once(faces: Sequence[Landmarks]) -> list[Landmarks]:
    """The faces without those that are found twice, and without an eye or a mouth that is taken for a face.

    The largest are kept: they are the least truncated. They come first.
    """
    kept: list[Landmarks] = []
    for face in sorted(faces, key=_size, reverse=True):
        box = corners(face)
        if not among(box, kept) and not any(_is_inside(box, other) for other in kept):
            kept.append(face)
    return kept


def _is_inside(box: Corners, face: Landmarks) -> bool:
    """Whether a box lies within a face's outline. One that is beside the chin may be of somebody behind."""
    around = corners(face)
    if (box[:2] < around[:2]).any() or (box[2:] > around[2:]).any():
        return False
    outline = cv2.convexHull(face.points)
    places = [(x, y) for x in box[::2].tolist() for y in box[1::2].tolist()]
    return all(cv2.pointPolygonTest(outline, place, False) >= 0 for place in places)


def _mediapipe(min_confidence: float, pose: bool) -> tuple[Detector, Callable[..., Landmarker]]:
    # Imported here: it takes seconds, a hundred megabytes and system libraries.
    from emotion.models.faces.mediapipe_landmarker import FaceDetector, FaceLandmarker  # noqa: PLC0415

    return FaceDetector(min_confidence), partial(FaceLandmarker, min_confidence=min_confidence, pose=pose)


def _onnx(nets: LandmarkNets, min_confidence: float) -> tuple[Detector, Callable[..., Landmarker]]:
    detector = OnnxDetector(nets, min_confidence)
    return detector, partial(OnnxLandmarker, nets, min_confidence=min_confidence)
