"""Crops that are cut when somebody looks at them."""

import weakref

import numpy as np
import pytest

from emotion.models.faces.picture import Landmarks, Picture
from emotion.models.regions import REGIONS
from emotion.realtime.stages.crops import LazyCrops, Surroundings, crops_of, cut
from tests.helpers.landmarks import gradient, landmarks
from tests.helpers.results import video_frame


def seen():
    points = landmarks().astype(np.float32)
    return Landmarks(points, np.zeros(len(points), np.float32), np.zeros(52, np.float32))


def test_crops_that_are_cut_later_are_the_same():
    whole, face = Picture.of_rgb(gradient(480, 640)), seen()
    pixels = Surroundings(video_frame(0), whole, [face])
    later = LazyCrops(pixels, face.points, REGIONS)
    assert len(later) == len(REGIONS)
    for one, other in zip(later, cut(whole.rgb, face.points, REGIONS), strict=True):
        np.testing.assert_array_equal(one.image, other.image)
        assert one.visible == other.visible


@pytest.mark.parametrize(
    ("size", "looked", "at_once"),
    [((480, 640), True, False), ((1080, 1920), True, True), ((1080, 1920), False, False)],
)
def test_those_of_a_large_picture_that_was_looked_at_are_cut_at_once(size, looked, at_once):
    height, width = size
    whole = Picture.lazy(lambda: gradient(height, width), width, height)
    if looked:
        assert whole.rgb.shape == (height, width, 3)
    (crops,) = crops_of(video_frame(0), whole, [seen()], REGIONS)
    assert isinstance(crops, LazyCrops) != at_once


def test_of_a_picture_that_was_looked_at_only_what_is_cut_from_is_kept():
    whole, face = Picture.of_rgb(gradient(480, 640)), seen()
    looked = weakref.ref(whole.rgb)
    pixels = Surroundings(video_frame(0), whole, [face])
    del whole
    assert looked() is None
    assert pixels.rgb().shape == (480, 640, 3)


def test_pixels_are_freed_when_the_last_face_is_cut():
    whole, face = Picture.of_rgb(gradient(480, 640)), seen()
    pixels = Surroundings(video_frame(0), whole, [face, face])
    kept = weakref.ref(pixels)
    faces = [LazyCrops(pixels, face.points, REGIONS) for _ in range(2)]
    del pixels
    assert faces[0][0] is faces[0][:1][0]
    assert kept() is not None
    assert faces[1][-1].image.shape == list(REGIONS)[-1].size
    assert kept() is None
