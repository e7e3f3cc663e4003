"""A decoded picture's own planes, from which small squares are cut without an image of the whole.

The networks look at squares of 128 and 256 pixels. To make an image of 3840x2160 for them takes longer than
they do.
"""

from dataclasses import dataclass, replace
from typing import Self

import cv2
import numpy as np
import numpy.typing as npt

from emotion.models.regions import Image

Plane = npt.NDArray[np.uint8]

# Black.
_BLACK = 16, 128, 128


@dataclass(frozen=True, slots=True, eq=False)
class PlanarImage:
    """A picture or a part of one as YUV, four pixels of which share a colour (4:2:0).

    Attributes:
        y: brightness, uint8 (h, w), from 16 to 235.
        u, v: colours, uint8, of all pixels in `y`, from 16 to 240.
        to_rgb: what makes red, green and blue of Y, U, V and 1: float32 (3, 4).
        left, top: by how many columns and rows the first colour begins before `y`: 0 or 1.
    """

    y: Plane
    u: Plane
    v: Plane
    to_rgb: npt.NDArray[np.float32]
    left: int = 0
    top: int = 0

    def part(self, left: int, top: int, right: int, bottom: int) -> Self:
        """A rectangle inside of it; a view."""
        rows, columns = slice(top, bottom), slice(left, right)
        wide = slice((left + self.left) // 2, (right + self.left + 1) // 2)
        high = slice((top + self.top) // 2, (bottom + self.top + 1) // 2)
        return replace(
            self,
            y=self.y[rows, columns],
            u=self.u[high, wide],
            v=self.v[high, wide],
            left=(left + self.left) % 2,
            top=(top + self.top) % 2,
        )

    def turned_over(self) -> Self:
        """The same turned by 180 degrees."""
        (height, width), (high, wide) = self.y.shape, self.u.shape
        y, u, v = (np.asarray(cv2.flip(plane, -1), np.uint8) for plane in (self.y, self.u, self.v))
        left, top = 2 * wide - width - self.left, 2 * high - height - self.top
        return replace(self, y=y, u=u, v=v, left=left, top=top)

    def only(self, left: int, top: int, right: int, bottom: int) -> Self:
        """The same, black outside a rectangle inside of it."""
        planes = (self.y, self.u, self.v)
        y, u, v = (np.full_like(plane, value) for plane, value in zip(planes, _BLACK, strict=True))
        masked = replace(self, y=y, u=u, v=v)
        mine, theirs = masked.part(left, top, right, bottom), self.part(left, top, right, bottom)
        mine.y[:], mine.u[:], mine.v[:] = theirs.y, theirs.u, theirs.v
        return masked

    def cut(self, matrix: npt.NDArray[np.float64], side: int, border: int) -> Image:
        """A square of it.

        Args:
            matrix: float64 (2, 3), from a pixel of the square to one of the picture.
            side: of the square in pixels.
            border: what lies outside of the picture, as OpenCV's constants say; black where constant.

        Returns:
            uint8 (side, side, 3), red first.
        """
        # A colour lies in the middle of its four pixels.
        colour = matrix / 2
        colour[:, 2] += np.array([self.left, self.top]) / 2 - 0.25
        planes = ((self.y, matrix), (self.u, colour), (self.v, colour))
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cut = [
            cv2.warpAffine(plane, place, (side, side), flags=flags, borderMode=border, borderValue=value)
            for (plane, place), value in zip(planes, _BLACK, strict=True)
        ]
        return np.asarray(cv2.transform(cv2.merge(cut), self.to_rgb), np.uint8)
