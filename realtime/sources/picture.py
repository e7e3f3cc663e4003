"""From a decoded picture to an image: upright, with square pixels, of the first one's size."""

import threading
from dataclasses import dataclass, field
from fractions import Fraction
from typing import cast

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.buffer import Buffer
from av.video.reformatter import ColorRange, VideoReformatter

from emotion.models.regions import Image
from emotion.realtime.media import Colours, letterboxed, pixels
from emotion.realtime.messages import Decoded, Parts, Planes

# Parts of a picture are converted by themselves where they, with what each costs beside its pixels, take less
# than the whole. Where they begin and end the whole is computed alike: in steps of so many columns.
_PART_COSTS, _MOST_OF_IT = 100_000, 0.6
_STEP = 16
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
        to_rgb: as of `Decoded`.
    """

    def __init__(self, first: av.VideoFrame, aspect: Fraction | None) -> None:
        self._aspect = aspect if aspect and Fraction(1, 8) <= aspect <= 8 else Fraction(1)
        self._orientation = Orientation.of(first)
        self._bgr, self._rgb = _Conversion("bgr24"), _Conversion("rgb24")
        width, height = self._square(first)
        self.size = (height, width) if self._orientation.transpose else (width, height)
        self.colours = Colours.resolve(first.colorspace, first.color_primaries, first.color_trc, self.size[1])
        self.to_rgb = self.colours.to_rgb

    def keep(self, picture: av.VideoFrame) -> Image | Decoded:
        """The picture as it is, where that is half as large as its image; else the image."""
        return _Kept(picture, self) if picture.format.name in _HALF_AS_LARGE else self.image(picture)

    def image(self, picture: av.VideoFrame, parts: Parts | None = None) -> Image:
        """The image, uint8 (height, width, 3), BGR, as of `Decoded`; in any thread."""
        return self._made(picture, self._bgr, parts)

    def rgb(self, picture: av.VideoFrame, parts: Parts | None = None) -> Image:
        """The same with red first."""
        return self._made(picture, self._rgb, parts)

    def planes(self, picture: av.VideoFrame) -> Planes | None:
        """As of `Decoded`."""
        known = picture.format.name == "yuv420p" and picture.color_range != ColorRange.JPEG
        if not known or self._orientation != Orientation() or (picture.width, picture.height) != self.size:
            return None
        if self.size[0] % 2 or self.size[1] % 2 or any(plane.line_size < 0 for plane in picture.planes):
            return None
        y, u, v = (pixels(plane) for plane in picture.planes)
        return y, u, v

    def _made(self, picture: av.VideoFrame, conversion: "_Conversion", parts: Parts | None) -> Image:
        if parts is not None and self._pays(parts) and (planes := self.planes(picture)) is not None:
            return conversion.some(planes, parts, self.colours)
        converted = conversion(picture, *self._square(picture), self.colours)
        image = self._orientation.apply(converted)
        return image if (image.shape[1], image.shape[0]) == self.size else letterboxed(image, self.size)

    def _pays(self, parts: Parts) -> bool:
        cost = sum((right - left) * (bottom - top) + _PART_COSTS for left, top, right, bottom in parts)
        return cost < _MOST_OF_IT * self.size[0] * self.size[1]

    def _square(self, picture: av.VideoFrame) -> tuple[int, int]:
        return max(1, round(picture.width * self._aspect)), picture.height


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """See `Decoded`."""

    picture: av.VideoFrame
    converter: PictureConverter

    @property
    def shape(self) -> tuple[int, int, int]:
        width, height = self.converter.size
        return height, width, 3

    @property
    def nbytes(self) -> int:
        return self.picture.width * self.picture.height * 3 // 2

    @property
    def planes(self) -> Planes | None:
        return self.converter.planes(self.picture)

    @property
    def to_rgb(self) -> npt.NDArray[np.float32]:
        return self.converter.to_rgb

    def image(self, parts: Parts | None = None) -> Image:
        return self.converter.image(self.picture, parts)

    def rgb(self, parts: Parts | None = None) -> Image:
        return self.converter.rgb(self.picture, parts)


@dataclass(slots=True, eq=False)
class _Conversion:
    """To one format, by one reformatter with one thread: libswscale's own cost more than they gain."""

    format: str
    reformatter: VideoReformatter = field(default_factory=VideoReformatter)
    for_parts: VideoReformatter = field(default_factory=VideoReformatter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, picture: av.VideoFrame, width: int, height: int, colours: Colours) -> Image:
        with self.lock:
            converted = self.reformatter.reformat(
                picture,
                width=width,
                height=height,
                format=self.format,
                src_colorspace=colours.conversion,
                threads=1,
            )
        return _as_image(converted.to_ndarray())

    def some(self, planes: Planes, parts: Parts, colours: Colours) -> Image:
        """Parts of a picture, each at its place in an array of the picture's size."""
        height, width = planes[0].shape
        image: Image = np.empty((height, width, 3), np.uint8)
        for left, top, right, bottom in parts:
            # Four pixels share a colour.
            x, y = left // _STEP * _STEP, top & -2
            end, below = min(-(-right // _STEP) * _STEP, width), min(bottom + 1 & -2, height)
            part = av.VideoFrame(end - x, below - y, "yuv420p")
            for mine, own, of in zip(part.planes, planes, (1, 2, 2), strict=True):
                pixels(mine)[:] = own[y // of : below // of, x // of : end // of]
            with self.lock:
                converted = self.for_parts.reformat(
                    part, format=self.format, src_colorspace=colours.conversion, threads=1
                )
            image[y:below, x:end] = converted.to_ndarray()
        return image


def _as_image(array: npt.NDArray[np.generic] | cv2.Mat) -> Image:
    image: Image = np.ascontiguousarray(array, dtype=np.uint8)
    return image
