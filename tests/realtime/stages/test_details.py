"""What is measured of a face's picture, and where it is cut."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from emotion.models.errors import OptionError
from emotion.realtime.details import detail_columns
from emotion.realtime.messages import Box, EmotionFrame
from emotion.realtime.stages.details import Details
from emotion.realtime.stages.options import VoteOptions
from tests.helpers.results import face, video_frame


def quality(image, box):
    """What is told of a face in that box: by the names of the columns."""
    item = EmotionFrame(replace(video_frame(0), picture=image), (face("fear", box=box),))
    (told,) = Details(("quality",), 0.5).process([item])
    return told.faces[0].details


def gray(levels):
    return np.repeat(np.asarray(levels, np.uint8)[:, :, None], 3, axis=2)


@pytest.mark.parametrize("edge", [np.s_[0, :], np.s_[-1, :], np.s_[:, 0], np.s_[:, -1]])
@pytest.mark.parametrize("beyond", [0, 3])
def test_light_is_the_mean_of_all_of_a_face_that_lies_in_the_picture(edge, beyond):
    levels = np.zeros((6, 8))
    levels[edge] = 255
    box = Box(-beyond, -beyond, 8 + 2 * beyond, 6 + 2 * beyond)
    assert quality(gray(levels), box)["light"] == pytest.approx(levels.mean() / 255)


def test_only_the_box_counts_to_the_nearest_pixel():
    levels = np.full((20, 30), 255.0)
    levels[5:9, 10:17] = 51
    assert quality(gray(levels), Box(9.6, 5.4, 7.0, 4.0))["light"] == pytest.approx(0.2)


def test_sharpness_is_the_spread_of_the_laplacian_of_a_face_128_pixels_wide():
    levels = np.random.default_rng(0).integers(0, 255, (300, 256)).astype(np.uint8)
    small = cv2.resize(levels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    told = quality(gray(levels), Box(0, 0, 256, 300))["sharpness"]
    assert told == pytest.approx(cv2.Laplacian(small, cv2.CV_32F).std(), rel=1e-5)
    told = quality(gray(levels[:100, :100]), Box(0, 0, 100, 100))["sharpness"]
    assert told == pytest.approx(cv2.Laplacian(levels[:100, :100], cv2.CV_32F).std(), rel=1e-5)


def test_outside_of_the_picture_nothing_is_measured():
    told = quality(gray(np.zeros((6, 8))), Box(8, 0, 4, 4))
    assert (told["light"], told["sharpness"]) == (None, None)


def test_bounds_that_are_alike_are_in_order():
    same = VoteOptions(lead=0.1, margin=0.1, doubtful=0.4, certain=0.4)
    assert (same.lead, same.doubtful) == (same.margin, same.certain)
    for wrong in ({"lead": 0.11, "margin": 0.1}, {"doubtful": 0.41, "certain": 0.4}):
        with pytest.raises(OptionError):
            VoteOptions(**wrong)


def test_blendshapes_are_told_by_their_names_and_nothing_where_they_are_not_known():
    shapes = np.arange(52, dtype=np.float32) / 64
    item = EmotionFrame(video_frame(0), (face("fear", shapes=shapes), face("fear", track=2)))
    (told,) = Details(("blendshapes",), 0.5).process([item])
    known, unknown = (one.details for one in told.faces)
    assert tuple(known) == tuple(unknown) == detail_columns(["blendshapes"])
    assert list(known.values()) == shapes.tolist()
    assert set(unknown.values()) == {None}
