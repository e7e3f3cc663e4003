"""What goes to the encoder: the decoder's own planes where nothing is drawn, and what is drawn."""

import av
import cv2
import numpy as np
import pytest

from emotion.realtime.media import Colours, pixels
from emotion.realtime.messages import Drawn
from emotion.realtime.sinks.yuv import YuvConverter

BT709, BT601, BT2020 = Colours(1, 1, 1), Colours(6, 6, 6), Colours(9, 9, 1)


def soft(height=96, width=160, seed=0):
    small = np.random.default_rng(seed).integers(0, 255, (height // 16, width // 16, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def planes_of(picture):
    return tuple(pixels(plane).copy() for plane in picture.planes)


def image_of(picture, colours):
    return picture.to_ndarray(format="bgr24", src_colorspace=colours.conversion)


@pytest.mark.parametrize("colours", [BT709, BT601, BT2020])
def test_what_is_drawn_has_the_colours_of_a_conversion_as_a_whole(colours):
    image = soft()
    whole = planes_of(YuvConverter(colours).convert(image))
    nothing = tuple(np.zeros_like(plane) for plane in whole)
    drawn = Drawn.on(image.copy(), [(0, 0, 160, 96)])
    parts = planes_of(YuvConverter(colours).convert(drawn, nothing))
    for one, other in zip(parts, whole, strict=True):
        assert np.abs(one.astype(int) - other).mean() < 1
        assert np.abs(one.astype(int) - other).max() <= 4


def test_what_is_not_drawn_on_stays_the_decoders_to_the_last_bit():
    rng = np.random.default_rng(0)
    own = tuple(rng.integers(16, 235, size, np.uint8) for size in ((96, 160), (48, 80), (48, 80)))
    image = soft()
    # Odd places: the four pixels that share a colour are converted together.
    drawn = Drawn.on(image, [(21, 11, 40, 34), (100, 50, 101, 96)])
    found = planes_of(YuvConverter(BT709).convert(drawn, own))
    touched = np.zeros((96, 160), bool)
    touched[10:34, 20:40] = touched[50:96, 100:102] = True
    whole = planes_of(YuvConverter(BT709).convert(image))
    for plane, theirs, mine, part in zip(
        found, own, whole, (touched, touched[::2, ::2], touched[::2, ::2]), strict=True
    ):
        np.testing.assert_array_equal(plane[~part], theirs[~part])
        assert np.abs(plane[part].astype(int) - mine[part]).mean() < 2


def test_large_parts_are_converted_like_small_ones():
    image = soft(480, 640)
    own = tuple(np.zeros(size, np.uint8) for size in ((480, 640), (240, 320), (240, 320)))
    at_once = YuvConverter(BT709).convert(Drawn.on(image, [(0, 0, 640, 480)]), own)
    tiles = [(x, y, x + 64, y + 32) for x in range(0, 640, 64) for y in range(0, 480, 32)]
    in_tiles = YuvConverter(BT709).convert(Drawn.on(image, tiles), own)
    np.testing.assert_array_equal(at_once.to_ndarray(), in_tiles.to_ndarray())


def test_a_picture_of_which_nothing_is_known_is_converted_whole():
    image, own = soft(), tuple(np.zeros(size, np.uint8) for size in ((96, 160), (48, 80), (48, 80)))
    expected = YuvConverter(BT709).convert(image).to_ndarray()
    for other, planes in ((image, own), (Drawn.on(image, []), None), (Drawn.on(image, [])[:], own)):
        np.testing.assert_array_equal(YuvConverter(BT709).convert(other, planes).to_ndarray(), expected)


def test_an_odd_size_is_padded():
    picture = YuvConverter(BT601).convert(soft()[:95, :159])
    assert (picture.width, picture.height, picture.format.name) == (160, 96, "yuv420p")
    back = image_of(picture, BT601)
    assert np.abs(back[:95, 158].astype(int) - back[:95, 159]).max() <= 2
    assert isinstance(picture, av.VideoFrame)


def test_a_part_that_is_wider_than_a_band_is_converted_line_by_line():
    image = np.tile(soft(16, 400), (1, 101, 1))
    assert image.shape == (16, 40_400, 3)
    own = tuple(np.zeros(size, np.uint8) for size in ((16, 40_400), (8, 20_200), (8, 20_200)))
    wide = YuvConverter(BT709).convert(Drawn.on(image, [(0, 0, 40_400, 16)]), own)
    tiles = [(x, 0, x + 400, 16) for x in range(0, 40_400, 400)]
    in_tiles = YuvConverter(BT709).convert(Drawn.on(image, tiles), own)
    np.testing.assert_array_equal(wide.to_ndarray(), in_tiles.to_ndarray())


@pytest.mark.parametrize("part", [(3, 5, 4, 6), (158, 94, 160, 96), (1, 1, 2, 2), (0, 0, 3, 3)])
def test_of_a_small_part_the_four_pixels_that_share_a_colour_are_converted(part):
    own = tuple(np.zeros(size, np.uint8) for size in ((96, 160), (48, 80), (48, 80)))
    found = planes_of(YuvConverter(BT709).convert(Drawn.on(soft(), [part]), own))
    left, top, right, bottom = part[0] // 2, part[1] // 2, -(-part[2] // 2), -(-part[3] // 2)
    wanted = np.zeros((48, 80), bool)
    wanted[top:bottom, left:right] = True
    np.testing.assert_array_equal(found[0] > 0, wanted.repeat(2, 0).repeat(2, 1))
    np.testing.assert_array_equal(found[1] > 0, wanted)
