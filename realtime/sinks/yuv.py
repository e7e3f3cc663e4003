"""Converts drawn pictures to YUV with a quarter of the pixels for colours (4:2:0), for encoders.

A picture of a file is decoded from such planes, and most of it is not drawn on. So its own planes are copied
and only what was drawn is converted: of 1920x1080 a conversion takes as long as four copies of all that is
decoded, and what is not drawn on stays exactly as it was.
"""

from collections.abc import Sequence

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, VideoReformatter

from emotion.models.regions import Image
from emotion.realtime.media import Colours, pixels
from emotion.realtime.messages import Drawn, Planes

# So many pixels are converted at a time: what is made on the way stays in the processor's cache, and its
# memory is used again.
_BAND = 32_000


class YuvConverter:
    """Makes pictures for an encoder; one a thread.

    Args:
        colours: how values become colours.
    """

    def __init__(self, colours: Colours) -> None:
        self._conversion = colours.conversion
        self._matrix = colours.from_bgr
        self._reformatter = VideoReformatter()

    def convert(self, image: Image, own: Planes | None = None) -> av.VideoFrame:
        """A picture in the format yuv420p, brightness from 16 to 235, with even sides.

        Args:
            image: uint8 (h, w, 3), BGR. An odd width or height is padded by its last column or row.
            own: of the very picture that it was drawn on, where they are known; kept where nothing was drawn.
        """
        if own is not None and isinstance(image, Drawn) and image.parts is not None:
            return self._patched(image, own, image.parts)
        height, width = image.shape[:2]
        if height % 2 or width % 2:
            border = cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
            image = np.asarray(border, dtype=np.uint8)
        return self._reformatter.reformat(
            # It is only read, and before this returns: no copy is needed.
            av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(image), format="bgr24"),
            format="yuv420p",
            dst_colorspace=self._conversion,
            dst_color_range=ColorRange.MPEG,
            threads=1,
        )

    def _patched(
        self, image: Image, own: Planes, parts: Sequence[tuple[int, int, int, int]]
    ) -> av.VideoFrame:
        picture = av.VideoFrame(image.shape[1], image.shape[0], "yuv420p")
        mine = [pixels(plane) for plane in picture.planes]
        for plane, theirs in zip(mine, own, strict=True):
            plane[:] = theirs
        for part in parts:
            self._convert_part(image, mine, part)
        return picture

    def _convert_part(self, image: Image, planes: Sequence[Image], part: tuple[int, int, int, int]) -> None:
        # Four pixels share a colour.
        left, top, right, bottom = part[0] & -2, part[1] & -2, (part[2] + 1) & -2, (part[3] + 1) & -2
        high = max(2, _BAND // (right - left) & -2)
        for begin in range(top, bottom, high):
            self._convert_band(image, planes, left, right, begin, min(begin + high, bottom))

    def _convert_band(
        self, image: Image, planes: Sequence[Image], left: int, right: int, top: int, bottom: int
    ) -> None:
        y, *colours = cv2.split(cv2.transform(image[top:bottom, left:right], self._matrix))
        planes[0][top:bottom, left:right] = y
        half = (right - left) // 2, (bottom - top) // 2
        for plane, colour in zip(planes[1:], colours, strict=True):
            small = cv2.resize(colour, half, interpolation=cv2.INTER_AREA)
            plane[top // 2 : bottom // 2, left // 2 : right // 2] = small
