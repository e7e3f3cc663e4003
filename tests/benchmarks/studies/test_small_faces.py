"""The study of small faces makes pictures in which a face has the width that was asked for."""

import numpy as np
import pytest

from emotion.benchmarks.studies.small_faces import small


@pytest.mark.parametrize(("wanted", "height", "width"), [(50, 300, 150), (400, 480, 640)])
def test_a_face_gets_its_width_and_what_is_beyond_the_picture_is_cut(wanted, height, width):
    picture = small(np.zeros((600, 300, 3), np.uint8), 100, wanted)
    assert picture.shape == (480, 640, 3)
    assert (picture[:height, :width] == 0).all()
    assert (picture[height:] != 0).all()
    assert (picture[:, width:] != 0).all()
