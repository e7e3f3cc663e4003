"""A picture as a decoder would give it, which notes what is made of it."""

import numpy as np

from emotion.realtime.media import Colours


class DecodedPicture:
    def __init__(self, image, planes=None):
        self._image = np.array(image)
        self.planes = planes
        self.to_rgb = Colours(1, 1, 1).to_rgb
        self.made = []

    @property
    def shape(self):
        return self._image.shape

    @property
    def nbytes(self):
        return self._image.nbytes // 2

    def image(self, parts=None):
        self.made.append("bgr" if parts is None else "part of bgr")
        return self._image.copy() if parts is None else self._only(parts)

    def rgb(self, parts=None):
        self.made.append("rgb" if parts is None else "part of rgb")
        return (self._image if parts is None else self._only(parts))[..., ::-1].copy()

    def _only(self, parts):
        """Just these; elsewhere a colour that nobody should ever see."""
        image = np.full_like(self._image, (255, 0, 255))
        for left, top, right, bottom in parts:
            image[top:bottom, left:right] = self._image[top:bottom, left:right]
        return image
