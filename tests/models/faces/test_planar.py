"""Squares cut from a decoded picture's planes: as from an image of it."""

import cv2
import numpy as np
import pytest

from emotion.models.faces.picture import Picture
from emotion.models.faces.planar import PlanarImage
from emotion.realtime.media import Colours

# Rounded twice: to YUV, and back.
NEAR = 4
COLOURS = Colours(1, 1, 1)
HEIGHT, WIDTH = 72, 96


@pytest.fixture(scope="module")
def image():
    """Smooth, with every colour: uint8 (h, w, 3), red first."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    return np.stack([40 + 2 * x, 30 + 2.5 * y, 230 - x - y], axis=2).astype(np.uint8)


@pytest.fixture(scope="module")
def planar(image):
    y, u, v = cv2.split(cv2.transform(image[..., ::-1], COLOURS.from_bgr))
    half = WIDTH // 2, HEIGHT // 2
    small = [cv2.resize(plane, half, interpolation=cv2.INTER_AREA) for plane in (u, v)]
    return PlanarImage(y, *small, COLOURS.to_rgb)


def pictures(image, planar):
    """The picture by its image, and by its planes alone."""

    def never():
        raise AssertionError("an image was made")

    return Picture.of_rgb(image), Picture.lazy(never, WIDTH, HEIGHT, planar)


def placed(scale, turn, left, top):
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    return np.array([[cos, -sin, left], [sin, cos, top]])


def difference(one, other):
    return np.abs(one.astype(int) - other.astype(int)).max()


@pytest.mark.parametrize("border", [cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE])
@pytest.mark.parametrize(
    "matrix", [placed(1.7, 0.3, 20, 5), placed(0.6, -0.2, 10, 20), placed(2.5, 0, -8, -4)], ids=str
)
def test_a_square_is_the_one_of_the_image(image, planar, matrix, border):
    of_image, of_planes = (picture.cut(matrix, 32, border) for picture in pictures(image, planar))
    assert of_planes.shape == (32, 32, 3)
    assert of_planes.dtype == np.uint8
    off = np.abs(of_image.astype(int) - of_planes.astype(int))
    # Where black begins, four pixels that share a colour lie on both sides.
    assert np.percentile(off, 94) <= NEAR
    assert off.max() <= (NEAR if border == cv2.BORDER_REPLICATE else 130)


def test_outside_is_black_where_it_is_constant(image, planar):
    cut = pictures(image, planar)[1].cut(placed(1, 0, -200, -200), 32, cv2.BORDER_CONSTANT)
    assert cut.max() <= 1


@pytest.mark.parametrize("corner", [(0, 0), (10, 6), (11, 6), (10, 7), (31, 13)])
@pytest.mark.parametrize("size", [(40, 40), (39, 41)])
def test_a_part_begins_and_ends_anywhere(image, planar, corner, size):
    rectangle = (*corner, corner[0] + size[0], corner[1] + size[1])
    of_image, of_planes = (
        picture.part(*rectangle).cut(placed(1.1, 0.05, 2, 1), 32, cv2.BORDER_REPLICATE)
        for picture in pictures(image, planar)
    )
    assert difference(of_image, of_planes) <= NEAR


@pytest.mark.parametrize("rectangle", [(0, 0, 96, 72), (7, 4, 60, 61), (8, 5, 61, 60)])
def test_turned_over_it_is_the_image_turned_over(image, planar, rectangle):
    of_image, of_planes = (
        picture.part(*rectangle).turned_over().cut(placed(1.2, 0.1, 3, 2), 32, cv2.BORDER_REPLICATE)
        for picture in pictures(image, planar)
    )
    assert difference(of_image, of_planes) <= NEAR


def test_all_but_a_part_of_it_is_black(image, planar):
    of_image, of_planes = (
        picture.only(20, 10, 60, 50).cut(placed(1, 0, 0, 0), 72, cv2.BORDER_CONSTANT)
        for picture in pictures(image, planar)
    )
    assert difference(of_image[12:48, 22:58], of_planes[12:48, 22:58]) <= NEAR
    outside = np.ones((72, 72), bool)
    outside[9:51, 19:61] = False
    assert of_planes[outside].max() <= 1


def test_a_picture_too_long_for_opencv_is_cut_from_its_image(monkeypatch, image, planar):
    monkeypatch.setattr("emotion.models.regions.LONGEST_SIDE", 64)
    whole = Picture.lazy(lambda: image, WIDTH, HEIGHT, planar)
    whole.cut(placed(1, 0, 0, 0), 8, cv2.BORDER_REPLICATE)
    assert whole.looked_at


@pytest.mark.parametrize("matrix", [1, 4, 5, 6, 7, 9])
def test_colours_come_back(matrix):
    colours = Colours(matrix, matrix, matrix)
    bgr = np.random.default_rng(matrix).uniform(0, 255, (100, 3)).astype(np.float32)
    yuv = np.column_stack([bgr, np.ones(100)]) @ colours.from_bgr.T
    rgb = np.column_stack([yuv, np.ones(100)]) @ colours.to_rgb.T
    assert rgb[:, ::-1] == pytest.approx(bgr, abs=0.01)
