"""A picture as a decoder would give it, which notes what is made of it."""

import numpy as np


class DecodedPicture:
    def __init__(self, image, planes=None):
        self._image = np.array(image)
        self.planes = planes
        self.made = []

    @property
    def shape(self):
        return self._image.shape

    @property
    def nbytes(self):
        return self._image.nbytes // 2

    def image(self):
        self.made.append("bgr")
        return self._image.copy()

    def rgb(self):
        self.made.append("rgb")
        return self._image[..., ::-1].copy()
