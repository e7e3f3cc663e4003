"""Pictures that are no photographs of a face: looked at without asking for all memory."""

import numpy as np
import pytest

from emotion.models.faces.portrait import find_portrait


class Blind:
    """Finds nothing, and counts the pixels it was shown at most."""

    most = 0

    def detect(self, image):
        self.most = max(self.most, image.shape[0] * image.shape[1])
        return ()


@pytest.mark.parametrize("size", [(2, 5000), (5000, 2), (1, 1), (1, 30_000), (300, 20_000), (256, 4096)])
def test_a_thin_picture_is_not_made_a_huge_square(size):
    landmarker = Blind()
    assert find_portrait(landmarker, np.zeros((*size, 3), np.uint8)) is None
    assert landmarker.most <= 100_000_000
