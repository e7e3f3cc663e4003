"""A picture as landmarkers take it: red first, whole, in parts, and with all but a part blackened."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from emotion.models.faces.picture import BLENDSHAPES, Picture
from tests.helpers.two_colours import BLUE, RED, assert_red_then_blue, red_and_blue


def noise(height=40, width=60):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def test_landmarkers_get_red_first():
    picture = Picture(red_and_blue())
    assert_red_then_blue(picture.rgb, order="RGB", tolerance=0)
    assert picture.rgb[0, 0].tolist() == list(RED[::-1])
    assert picture.rgb[0, -1].tolist() == list(BLUE[::-1])


def test_mediapipe_is_told_the_order_it_gets():
    from mediapipe import ImageFormat

    from emotion.models.faces.mediapipe_landmarker import _native

    native = _native(Picture(red_and_blue()))
    assert native.image_format == ImageFormat.SRGB
    assert_red_then_blue(native.numpy_view(), order="RGB", tolerance=0)


def test_a_picture_knows_its_size_and_place():
    picture = Picture(noise())
    assert (picture.width, picture.height, picture.left, picture.top) == (60, 40, 0, 0)


@pytest.mark.parametrize(
    ("rectangle", "inside"),
    [
        ((5, 7, 25, 30), (5, 7, 25, 30)),
        ((-5, -7, 25, 30), (0, 0, 25, 30)),
        ((50, 30, 100, 100), (50, 30, 60, 40)),
    ],
)
def test_a_part_holds_the_pixels_of_its_rectangle_and_knows_where_it_is(rectangle, inside):
    image = noise()
    left, top, right, bottom = inside
    part = Picture(image).part(*rectangle)
    np.testing.assert_array_equal(part.rgb, image[top:bottom, left:right, ::-1])
    assert (part.left, part.top, part.width, part.height) == (left, top, right - left, bottom - top)
    assert part.rgb.flags.c_contiguous


def test_a_part_of_a_part_is_reported_in_pixels_of_the_whole():
    image = noise()
    part = Picture(image).part(10, 5, 50, 35).part(3, 4, 20, 20)
    np.testing.assert_array_equal(part.rgb, image[9:25, 13:30, ::-1])
    assert (part.left, part.top) == (13, 9)


@pytest.mark.parametrize("rectangle", [(5, 7, 25, 30), (-5, -7, 25, 30), (50, 30, 100, 100)])
def test_only_a_part_is_left_and_the_rest_is_black(rectangle):
    image = noise()
    whole = Picture(image)
    left, top, right, bottom = np.maximum(rectangle, 0)
    shown = whole.only(*rectangle)
    expected = np.zeros_like(image)
    expected[top:bottom, left:right] = image[top:bottom, left:right, ::-1]
    np.testing.assert_array_equal(shown.rgb, expected)
    assert (shown.left, shown.top, shown.width, shown.height) == (0, 0, 60, 40)
    np.testing.assert_array_equal(whole.rgb, image[..., ::-1], "the picture itself stays as it is")


def test_blendshapes_are_mediapipes_52():
    assert len(BLENDSHAPES) == len(set(BLENDSHAPES)) == 52
    assert (BLENDSHAPES[0], BLENDSHAPES[25], BLENDSHAPES[-1]) == ("neutral", "jaw_open", "nose_sneer_right")


@pytest.mark.parametrize("size", [(480, 640), (3, 1), (1, 4), (7, 5)])
def test_a_picture_is_turned_over_by_both_axes_into_one_of_its_own(size):
    image = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    image.flags.writeable = False
    turned = Picture.of_rgb(image).turned_over()
    assert np.array_equal(turned.rgb, image[::-1, ::-1])
    assert turned.rgb.flags.c_contiguous
    assert not np.shares_memory(turned.rgb, image)
    assert (turned.width, turned.height, turned.left, turned.top) == (size[1], size[0], 0, 0)


def test_parts_that_several_threads_look_at_make_their_picture_once():
    made, together = [], threading.Barrier(4, timeout=20)

    def make():
        made.append(True)
        time.sleep(0.05)
        return np.arange(48, dtype=np.uint8).reshape(4, 4, 3)

    whole = Picture.lazy(make, 4, 4)
    parts = [whole.part(left, 1, left + 1, 9) for left in range(4)]
    assert (whole.looked_at, parts[3].width, parts[3].height, parts[3].left) == (False, 1, 3, 3)

    def look(part):
        together.wait()
        return part.rgb

    with ThreadPoolExecutor(4) as threads:
        seen = list(threads.map(look, parts))
    assert np.array_equal(np.concatenate(seen, axis=1), whole.rgb[1:])
    assert len(made) == 1
