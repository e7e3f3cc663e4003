"""From a decoded picture to an image: upright, with square pixels, in BGR, of the first one's size."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import cast

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.buffer import Buffer
from av.video.reformatter import VideoReformatter

from emotion.models.regions import Image
from emotion.realtime.media import Colours, letterboxed

# Formats of 12 bits a pixel; an image has 24.
_HALF_AS_LARGE = frozenset({"yuv420p", "yuvj420p", "nv12"})


@dataclass(frozen=True, slots=True)
class Orientation:
    """How a stored picture is turned to stand upright: transposed first, then mirrored."""

    transpose: bool = False
    flip_columns: bool = False
    flip_rows: bool = False

    @classmethod
    def of(cls, picture: av.VideoFrame) -> "Orientation":
        """Read the display matrix that phones write, rounded to quarter turns and mirrorings."""
        data = picture.side_data.get("DISPLAYMATRIX")
        if data is None:
            return cls()
        a, b, _, c, d = np.frombuffer(bytes(cast(Buffer, data)), dtype=np.int32)[:5].tolist()
        if abs(b) > abs(a):
            return cls(transpose=True, flip_columns=c < 0, flip_rows=b < 0)
        return cls(flip_columns=a < 0, flip_rows=d < 0)

    def apply(self, image: Image) -> Image:
        """The upright picture, contiguous."""
        if self.transpose:
            image = _as_image(cv2.transpose(image))
        if self.flip_columns or self.flip_rows:
            code = {(True, True): -1, (True, False): 1, (False, True): 0}
            image = _as_image(cv2.flip(image, code[self.flip_columns, self.flip_rows]))
        return image


class PictureConverter:
    """Makes images of decoded pictures, all of the first one's size.

    One that has another size is letterboxed: nothing is stretched.

    Args:
        first: the first picture.
        aspect: width of a pixel over its height.

    Attributes:
        size: (width, height) in pixels of what comes out.
        colours: of the first picture.
    """

    def __init__(self, first: av.VideoFrame, aspect: Fraction | None) -> None:
        self._aspect = aspect if aspect and Fraction(1, 8) <= aspect <= 8 else Fraction(1)
        self._orientation = Orientation.of(first)
        self._reformatter = VideoReformatter()
        self._later, self._one_at_a_time = VideoReformatter(), threading.Lock()
        width, height = self._square(first)
        self.size = (height, width) if self._orientation.transpose else (width, height)
        self.colours = Colours.resolve(first.colorspace, first.color_primaries, first.color_trc, self.size[1])

    def image(self, picture: av.VideoFrame) -> Image:
        """The image, uint8 (height, width, 3), BGR."""
        return self._made(picture, self._reformatter)

    def remake(self, picture: av.VideoFrame) -> Callable[[], Image] | None:
        """Makes the same image anew, in whatever thread; None where the picture is not half as large."""
        return partial(self._made_later, picture) if picture.format.name in _HALF_AS_LARGE else None

    def _made_later(self, picture: av.VideoFrame) -> Image:
        with self._one_at_a_time:
            return self._made(picture, self._later)

    def _made(self, picture: av.VideoFrame, reformatter: VideoReformatter) -> Image:
        width, height = self._square(picture)
        # One reformatter with one thread: libswscale's own threads cost more than they gain.
        converted = reformatter.reformat(
            picture,
            width=width,
            height=height,
            format="bgr24",
            src_colorspace=self.colours.conversion,
            threads=1,
        )
        image = self._orientation.apply(_as_image(converted.to_ndarray()))
        return image if (image.shape[1], image.shape[0]) == self.size else letterboxed(image, self.size)

    def _square(self, picture: av.VideoFrame) -> tuple[int, int]:
        return max(1, round(picture.width * self._aspect)), picture.height


def _as_image(array: npt.NDArray[np.generic] | cv2.Mat) -> Image:
    image: Image = np.ascontiguousarray(array, dtype=np.uint8)
    return image
