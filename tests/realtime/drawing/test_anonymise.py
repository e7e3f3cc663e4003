"""Hidden faces: what is left of them, and for how long they stay hidden."""

from dataclasses import replace

import numpy as np
import pytest

from emotion.realtime.drawing.anonymise import Anonymiser
from emotion.realtime.messages import Box, EmotionFrame
from tests.helpers.results import face, video_frame

BOX = Box(60, 40, 60, 80)


def noisy(index, pts=None, size=(180, 200)):
    picture = np.random.default_rng(index).integers(0, 255, (*size, 3), np.uint8)
    return replace(video_frame(index, pts, size), image=picture)


def with_face(frame, box=BOX, points=None):
    return EmotionFrame(frame, (replace(face("fear", box=box), points=points),))


def detail(image, box=BOX):
    """How much neighbouring pixels differ inside of a box."""
    part = image[box.top : box.top + box.height, box.left : box.left + box.width].astype(int)
    return np.abs(np.diff(part, axis=1)).mean()


def test_blur_leaves_nothing_of_a_face_and_everything_else():
    result = with_face(noisy(0))
    hidden = Anonymiser("blur").hide(result)
    assert detail(result.frame.image) > 50
    assert detail(hidden.frame.image) < 3
    assert hidden.faces is result.faces
    outside = np.ones((180, 200), bool)
    outside[5:150, 40:140] = False
    np.testing.assert_array_equal(hidden.frame.image[outside], result.frame.image[outside])
    assert hidden.frame.image is not result.frame.image


def test_two_faces_of_the_same_averages_look_the_same():
    frame = noisy(0)
    image = frame.image.copy()
    # Mirrored inside of each cell, so that only what a cell averages is the same.
    image[40:120, 60:120] = image[40:120, 60:120].reshape(-1, 3).mean(axis=0)
    one = Anonymiser("blur").hide(with_face(replace(frame, image=image))).frame.image
    assert detail(one) < 1


def test_landmarks_are_drawn_on_what_is_hidden():
    points = np.array([[70.0, 60.0], [100.0, 90.0], [np.float32(5000), 7.0]], np.float32)
    blurred = Anonymiser("blur").hide(with_face(noisy(0))).frame.image.astype(int)
    drawn = Anonymiser("landmarks").hide(with_face(noisy(0), points=points)).frame.image.astype(int)
    ys, xs = np.nonzero(np.abs(drawn - blurred).sum(axis=2))
    assert {(70, 60), (100, 90)} <= set(zip(xs.tolist(), ys.tolist(), strict=True))
    assert len(xs) < 40


def test_none_hides_nothing():
    result = with_face(noisy(0))
    assert Anonymiser("none").hide(result) is result


def test_whoever_was_just_lost_stays_hidden_for_half_a_second():
    anonymiser = Anonymiser("blur")
    anonymiser.hide(with_face(noisy(0, pts=0)))
    for index, pts, hidden in ((1, 100, True), (2, 500, True), (3, 700, False)):
        shown = anonymiser.hide(EmotionFrame(noisy(index, pts), ()))
        assert (detail(shown.frame.image) < 3) == hidden
        assert shown.faces == ()


def test_after_a_jump_back_in_time_the_past_is_forgotten():
    anonymiser = Anonymiser("blur")
    anonymiser.hide(with_face(noisy(0, pts=5000)))
    assert detail(anonymiser.hide(EmotionFrame(noisy(1, pts=10), ())).frame.image) > 50


@pytest.mark.parametrize(
    "box",
    [
        Box(-30, -30, 60, 60),
        Box(190, 170, 60, 60),
        Box(5000, 5000, 60, 60),
        Box(50, 50, 0, 0),
        Box(float("nan"), 0, 10, 10),
        Box(-500, -500, 2000, 2000),
    ],
)
def test_boxes_at_and_beyond_the_border(box):
    for mode in ("blur", "landmarks"):
        hidden = Anonymiser(mode).hide(with_face(noisy(0), box, np.full((478, 2), np.nan, np.float32)))
        assert hidden.frame.image.shape == (180, 200, 3)
