"""Crops of a face for the models, computed on first use.

For videos this is in the classifiers' threads, which run in parallel: faces are tracked from picture to
picture, and all other stages wait for that.
"""

from collections.abc import Sequence
from typing import overload

import numpy as np

from emotion.models.faces.picture import Landmarks, Picture
from emotion.models.lazy import Lazy
from emotion.models.regions import Crop, Image, Points, Regions, align, crop
from emotion.realtime.messages import Parts, VideoFrame
from emotion.realtime.stages.face_boxes import corners, side

# Crops are black outside a face's outline. They are computed from pixels so far around all landmarks at most,
# in sizes of the face and in pixels.
_MARGIN, _MARGIN_PIXELS = 0.15, 16
# Pixels from which on a picture is large: what is kept of it would take more memory than time is saved.
_LARGE = 1_500_000


def cut(rgb: Image, points: Points, regions: Regions) -> tuple[Crop, ...]:
    """An aligned crop of each region.

    Args:
        rgb: uint8 (h, w, 3).
        points: float32 (478, 2), landmarks in its pixels.
        regions: in order.
    """
    placed = align(points)
    return tuple(crop(rgb, points, region, rgb=True, placed=placed) for region in regions)


def crops_of(
    frame: VideoFrame, whole: Picture, faces: Sequence[Landmarks], regions: Regions
) -> list[Sequence[Crop]]:
    """The crops of each face of a video's picture, which are cut on first access.

    Those of a large picture that was looked at are cut at once.

    Args:
        frame: of the video.
        whole: its picture, as it was looked at.
        faces: in its pixels.
        regions: in order.
    """
    if whole.looked_at and whole.width * whole.height >= _LARGE:
        return [cut(whole.rgb, face.points, regions) for face in faces]
    pixels = Surroundings(frame, whole, faces)
    return [LazyCrops(pixels, face.points, regions) for face in faces]


class Surroundings:
    """The pixels that crops of a picture's faces are computed from; in one thread at a time.

    Of a picture that was looked at they are kept, and no others; of another they are made when they are asked
    for, and no others.

    Args:
        frame: of a video.
        whole: its picture, as it was looked at.
        faces: in its pixels.
    """

    def __init__(self, frame: VideoFrame, whole: Picture, faces: Sequence[Landmarks]) -> None:
        self._frame = frame
        self._parts = _around(faces, whole)
        self._rgb = _only(whole.rgb, self._parts) if whole.looked_at else None

    def rgb(self) -> Image:
        """uint8 (height, width, 3) of the whole picture, which may be anything elsewhere."""
        if self._rgb is None:
            self._rgb = self._frame.rgb(self._parts)
        return self._rgb


class LazyCrops(Sequence[Crop]):
    """The crops of a face, cut on first access.

    Args:
        pixels: of the picture, shared by its faces.
        points: float32 (478, 2), landmarks in its pixels.
        regions: in order.
    """

    def __init__(self, pixels: Surroundings, points: Points, regions: Regions) -> None:
        self._count = len(regions)
        # The last of a picture's faces frees its pixels.
        self._crops = Lazy(lambda: cut(pixels.rgb(), points, regions))

    @overload
    def __getitem__(self, index: int) -> Crop: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Crop]: ...
    def __getitem__(self, index: int | slice) -> Crop | Sequence[Crop]:
        return self._crops()[index]

    def __len__(self) -> int:
        return self._count


def _around(faces: Sequence[Landmarks], picture: Picture) -> Parts:
    """Where in a picture its faces are, with all that crops of them are computed from."""
    parts = []
    for face in faces:
        box = corners(face)
        away = _MARGIN * side(box) + _MARGIN_PIXELS
        left, top = np.maximum(box[:2] - away, 0).astype(int).tolist()
        right, bottom = np.minimum(box[2:] + away, [picture.width, picture.height]).astype(int).tolist()
        if left < right and top < bottom:
            parts.append((left, top, right, bottom))
    return parts


def _only(rgb: Image, parts: Parts) -> Image:
    """These parts of a picture, each at its place in an array of the picture's size."""
    image: Image = np.empty_like(rgb)
    for left, top, right, bottom in parts:
        image[top:bottom, left:right] = rgb[top:bottom, left:right]
    return image
