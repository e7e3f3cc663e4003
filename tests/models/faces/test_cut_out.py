"""A face that fills a small picture, about which the landmark net is in doubt."""

import numpy as np
import pytest

from emotion.models.faces.picture import Landmarks
from emotion.models.faces.portrait import find_cut_out


class Copies:
    """Finds in each copy of a picture a square face: its middle and side in shares of the picture."""

    def __init__(self, *faces, border=(0.6, 0.3, 0.6, 0.3)):
        self.faces, self.border, self.shown = faces, border, []

    def __call__(self, copy):
        place = len(self.shown)
        self.shown.append(tuple(copy[0, 0]))
        if self.faces[place] is None:
            return ()
        middle, side = self.faces[place]
        inside = copy.shape[0] / (1 + 2 * self.border[place])
        low = copy.shape[0] / 2 + (middle - 0.5 - side / 2) * inside
        points = np.stack(np.meshgrid(*[np.linspace(low, low + side * inside, 5)] * 2), -1).reshape(-1, 2)
        return (Landmarks(points.astype(np.float32), np.zeros(25, np.float32), np.zeros(52, np.float32)),)


PICTURE = np.full((100, 100, 3), 50, np.uint8)
THERE = (0.5, 0.6)


def test_a_face_that_is_the_same_whatever_surrounds_it_is_found_in_pixels_of_the_picture():
    copies = Copies(*[THERE] * 4)
    face = find_cut_out(copies, PICTURE)
    np.testing.assert_allclose(face.points.min(axis=0), [20, 20], atol=0.5)
    np.testing.assert_allclose(face.points.max(axis=0), [80, 80], atol=0.5)
    assert copies.shown == [(128,) * 3, (128,) * 3, (0,) * 3, (0,) * 3], "gray and black borders"


@pytest.mark.parametrize(
    "faces",
    [
        (THERE, THERE, THERE, None),
        (THERE, THERE, THERE, (0.64, 0.6)),
        [(0.5, 0.3)] * 4,
        [(0.8, 0.6)] * 4,
    ],
    ids=["lost in one copy", "elsewhere in one copy", "small", "at the edge"],
)
def test_what_depends_on_the_surroundings_or_does_not_fill_the_picture_is_no_face(faces):
    assert find_cut_out(Copies(*faces), PICTURE) is None


def test_the_first_copy_without_a_face_is_the_last():
    copies = Copies(None)
    assert find_cut_out(copies, PICTURE) is None
    assert len(copies.shown) == 1


@pytest.mark.parametrize("size", [(100, 160), (600, 600), (160, 100)])
def test_a_large_or_long_picture_is_no_cut_out(size):
    copies = Copies()
    assert find_cut_out(copies, np.zeros((*size, 3), np.uint8)) is None
    assert not copies.shown
