"""Hidden faces: what is left of them, and for how long they stay hidden."""

from dataclasses import replace

import numpy as np
import pytest

from emotion.realtime.drawing.anonymise import Anonymiser
from emotion.realtime.messages import Box, EmotionFrame
from tests.fakes.decoded import DecodedPicture
from tests.helpers.results import face, video_frame

BOX = Box(60, 40, 60, 80)


def noisy(index, pts=None, size=(180, 200)):
    picture = np.random.default_rng(index).integers(0, 255, (*size, 3), np.uint8)
    return replace(video_frame(index, pts, size), picture=picture)


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
    one = Anonymiser("blur").hide(with_face(replace(frame, picture=image))).frame.image
    assert detail(one) < 1


def test_landmarks_are_drawn_on_what_is_hidden():
    points = np.array([[70.0, 60.0], [100.0, 90.0], [np.float32(5000), 7.0]], np.float32)
    blurred = Anonymiser("blur").hide(with_face(noisy(0))).frame.image.astype(int)
    drawn = Anonymiser("landmarks").hide(with_face(noisy(0), points=points)).frame.image.astype(int)
    ys, xs = np.nonzero(np.abs(drawn - blurred).sum(axis=2))
    assert {(70, 60), (100, 90)} <= set(zip(xs.tolist(), ys.tolist(), strict=True))
    assert len(xs) < 40


def covered(image, hidden):
    """Where two pictures differ: bool (h, w)."""
    return (image.astype(int) != hidden.astype(int)).any(axis=2)


def test_what_is_hidden_is_an_oval_larger_than_the_box_and_reaches_further_up():
    picture = noisy(0, size=(400, 500))
    box = Box(200, 150, 100, 120)
    changed = covered(picture.image, Anonymiser("blur").hide(with_face(picture, box)).frame.image)
    # 1.4 times as wide, 1.45 times as high, its middle 6% of the height above the box's middle.
    rows, columns = np.mgrid[:400, :500]
    away = np.hypot((columns - 250) / 70, (rows - 202.8) / 87)
    assert not changed[away > 1.03].any()
    assert changed[away < 0.97].mean() > 0.98


def test_a_hidden_face_is_the_averages_of_six_by_six_cells():
    picture = noisy(0, size=(400, 500))
    box = Box(200, 150, 100, 120)
    hidden = Anonymiser("blur").hide(with_face(picture, box)).frame.image
    # The rectangle around the oval, columns 180 to 320 and rows 115 to 289, in six by six parts.
    for row in (2, 3):
        for column in (2, 3):
            top, left = 115 + row * 175 / 6, 180 + column * 141 / 6
            middle = hidden[round(top + 175 / 12), round(left + 141 / 12)]
            cell = picture.image[round(top) : round(top + 175 / 6), round(left) : round(left + 141 / 6)]
            np.testing.assert_allclose(middle, cell.mean(axis=(0, 1)), atol=6)


def test_every_face_is_hidden_and_in_the_colours_of_its_own_place():
    red, blue = np.array((20, 20, 200)), np.array((200, 20, 20))
    image = np.empty((200, 400, 3), np.uint8)
    image[:, :200], image[:, 200:] = red, blue
    image[60:140:2, ::2] //= 2  # something to hide
    boxes = Box(60, 60, 60, 80), Box(280, 60, 60, 80)
    faces = tuple(face("fear", track, box=box) for track, box in enumerate(boxes, 1))
    frame = replace(video_frame(0), picture=image)
    hidden = Anonymiser("blur").hide(EmotionFrame(frame, faces)).frame.image.astype(float)
    for box, colour in zip(boxes, (red, blue), strict=True):
        part = hidden[box.top : box.top + box.height, box.left : box.left + box.width]
        assert np.abs(np.diff(part, axis=1)).mean() < 1
        mean = part.mean(axis=(0, 1))
        assert mean.argmax() == colour.argmax()
        assert mean.max() > 2.5 * np.sort(mean)[1]


@pytest.mark.parametrize(("width", "radius"), [(60, 0), (320, 2), (1600, 10)])
def test_dots_grow_with_the_face(width, radius):
    box = Box(10, 10, width, width)
    points = np.array([[10 + width / 2, 10 + width / 2]], np.float32)
    frame = replace(video_frame(0), picture=np.zeros((width + 20, width + 20, 3), np.uint8))
    drawn = Anonymiser("landmarks").hide(with_face(frame, box, points)).frame.image
    rows, columns = np.nonzero(drawn.max(axis=2) > 100)
    assert np.ptp(rows) == np.ptp(columns) == pytest.approx(2 * radius, abs=1)
    assert (rows.mean(), columns.mean()) == pytest.approx((10 + width / 2, 10 + width / 2))
    assert drawn.max(axis=(0, 1)).tolist() == [214, 206, 198]


def test_landmarks_that_are_not_known_leave_a_blurred_face():
    blurred = Anonymiser("blur").hide(with_face(noisy(0))).frame.image
    shown = Anonymiser("landmarks").hide(with_face(noisy(0), points=None)).frame.image
    np.testing.assert_array_equal(shown, blurred)


def test_a_face_that_moved_is_hidden_where_it_is_and_not_where_it_was():
    anonymiser = Anonymiser("blur")
    anonymiser.hide(with_face(noisy(0, pts=0)))
    moved = Box(130, 90, 40, 60)
    frame = noisy(1, pts=40)
    changed = covered(frame.image, anonymiser.hide(with_face(frame, moved)).frame.image)
    assert changed[95:145, 135:165].mean() > 0.98
    assert not changed[40:75, 60:90].any()


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


def test_a_hidden_face_cannot_be_made_visible_again():
    seen = noisy(0)
    result = with_face(replace(seen, picture=DecodedPicture(seen.image)))
    hidden = Anonymiser("blur").hide(result).frame
    assert detail(hidden.image) < 3
    assert detail(hidden.canvas()) < 3
    assert np.array_equal(hidden.rgb()[..., ::-1], hidden.image)
    assert hidden.planes is None


def test_what_covers_a_face_is_made_of_what_lies_around_it_alone():
    low, other = noisy(0, size=(360, 400)), noisy(1, size=(360, 400))
    box = Box(160, 120, 60, 80)
    mixed = other.image.copy()
    mixed[90:240, 130:250] = low.image[90:240, 130:250]
    one = Anonymiser("blur").hide(with_face(low, box)).frame.image
    two = Anonymiser("blur").hide(with_face(replace(other, picture=mixed), box)).frame.image
    np.testing.assert_array_equal(one[120:200, 160:220], two[120:200, 160:220])
