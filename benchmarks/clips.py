"""Clips to measure with, made on the spot: the bundled clip's face, once or several times, in any size."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from emotion.models.regions import Image

RATE = 30
# Where the bundled clip has its face, and where its plain background, as shares of its width.
_FACE = (0.4375, 1.0)  # a square
_BACKGROUND = (0.0, 0.38)
# Each face begins this many frames after the one before, so that no two are alike.
_SHIFT = 40


@dataclass(frozen=True, slots=True)
class ClipSpec:
    """What a clip looks like.

    Attributes:
        width, height: pixels.
        faces: how many at once.
        frames: how many, at `RATE` a second.
    """

    width: int = 640
    height: int = 480
    faces: int = 1
    frames: int = 300

    @property
    def name(self) -> str:
        """For tables and file names."""
        return f"{self.width}x{self.height}, {self.faces} face{'s' if self.faces > 1 else ''}"


def make_clip(source: Path, target: Path, spec: ClipSpec) -> Path:
    """Write an H.264 clip in which the source's face is seen `spec.faces` times.

    The faces stand in a grid, as large as there is room for, before the source's background. The
    source is played to and fro, so that any number of frames has no cut.

    Args:
        source: the bundled clip.
        target: an mp4; replaced where it exists.
        spec: what it is to look like.
    """
    pictures = _pictures(source)
    with av.open(str(target), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "18", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = spec.width, spec.height, "yuv420p"
        for index in range(spec.frames):
            frame = av.VideoFrame.from_ndarray(_compose(pictures, index, spec), format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target


def _pictures(source: Path) -> list[Image]:
    with av.open(str(source)) as container:
        return [np.asarray(f.to_ndarray(format="bgr24"), np.uint8) for f in container.decode(video=0)]


def _compose(pictures: list[Image], index: int, spec: ClipSpec) -> Image:
    picture = _resized(_part(pictures[0], _BACKGROUND), (spec.width, spec.height))
    for number, (left, top, size) in enumerate(_places(spec)):
        face = _part(pictures[_to_and_fro(index + number * _SHIFT, len(pictures))], _FACE)
        face = _resized(face[:, ::-1] if number % 2 else face, (size, size))
        picture[top : top + size, left : left + size] = face
    return picture


def _places(spec: ClipSpec) -> Iterator[tuple[int, int, int]]:
    """Left, top and side of the largest squares that the picture has room for, one a face."""
    columns = max(range(1, spec.faces + 1), key=lambda columns: _side(spec, columns))
    side = _side(spec, columns)
    rows = math.ceil(spec.faces / columns)
    for number in range(spec.faces):
        row, column = divmod(number, columns)
        yield (
            (spec.width * (2 * column + 1) // columns - side) // 2,
            (spec.height * (2 * row + 1) // rows - side) // 2,
            side,
        )


def _side(spec: ClipSpec, columns: int) -> int:
    return min(spec.width // columns, spec.height // math.ceil(spec.faces / columns))


def _to_and_fro(index: int, count: int) -> int:
    place = index % (2 * count)
    return min(place, 2 * count - 1 - place)


def _part(picture: Image, shares: tuple[float, float]) -> Image:
    width = picture.shape[1]
    return picture[:, round(shares[0] * width) : round(shares[1] * width)]


def _resized(picture: Image, size: tuple[int, int]) -> Image:
    return np.array(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
