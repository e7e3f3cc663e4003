"""Boxes that go with their faces, between pictures that were analysed."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from emotion.models.classes import Classes
from emotion.models.schema import Schema
from emotion.realtime.messages import Box, EmotionFrame
from emotion.realtime.playback import interpolation
from emotion.realtime.playback.interpolation import BoxTracker, between
from emotion.realtime.playback.result_index import IndexedResult
from tests.fakes.decoded import DecodedPicture
from tests.helpers.results import face, video_frame


def scene(index, *places, size=(480, 640), side=120):
    """A noisy ground with a pattern, another one for each place (left, top)."""
    picture = np.random.default_rng(9).integers(60, 90, (*size, 3), np.uint8)
    for number, (left, top) in enumerate(places):
        coarse = np.random.default_rng(number).integers(0, 255, (8, 8, 3), np.uint8)
        pattern = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
        x, y = max(0, left), max(0, top)
        part = pattern[y - top : size[0] - top, x - left : size[1] - left]
        picture[y : y + part.shape[0], x : x + part.shape[1]] = part
    return replace(video_frame(index, size=size), picture=picture)


def found(frame, *places, side=120, points=None):
    faces = (
        replace(face("happiness", track, box=Box(*place, side, side)), points=points)
        for track, place in enumerate(places, start=1)
    )
    return EmotionFrame(frame, tuple(faces))


@pytest.mark.parametrize("to", [(230, 190), (170, 215), (203, 201), (200, 200)])
def test_a_box_goes_with_its_face_to_a_hundredth_of_its_size(to):
    result = found(scene(0, (200, 200)), (200, 200))
    moved = BoxTracker().move(result, scene(1, to))
    (box,) = (one.box for one in moved.faces)
    assert (box.left, box.top) == pytest.approx(to, abs=1.2)
    assert (box.width, box.height) == (120, 120)
    assert moved.frame.index == 1


def test_each_face_goes_its_own_way_and_landmarks_go_along():
    points = np.full((478, 2), 50, np.float32)
    result = found(scene(0, (40, 40), (400, 300)), (40, 40), (400, 300), points=points)
    mover = BoxTracker()
    for index, step in enumerate((8, 16, 24), start=1):
        moved = mover.move(result, scene(index, (40 + step, 40), (400, 300 - step)))
        first, second = moved.faces
        assert (first.box.left, first.box.top) == pytest.approx((40 + step, 40), abs=1.2)
        assert (second.box.left, second.box.top) == pytest.approx((400, 300 - step), abs=1.2)
        np.testing.assert_allclose(first.points[0], (50 + step, 50), atol=1.2)
    assert [one.track_id for one in moved.faces] == [1, 2]


@pytest.mark.parametrize("size", [(240, 320), (480, 640), (720, 1280), (1080, 1920), (1088, 2050)])
def test_of_a_decoded_picture_its_brightness_is_enough(size):
    def decoded(frame):
        luma = cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY)
        return replace(
            frame, picture=DecodedPicture(frame.image, (16 + (luma * 0.86).astype(np.uint8), None, None))
        )

    before, now = (decoded(scene(index, (60 + 8 * index, 60), size=size)) for index in range(2))
    (face,) = BoxTracker().move(found(before, (60, 60)), now).faces
    assert (face.box.left, face.box.top) == pytest.approx((68, 60), abs=2)
    assert [frame.picture.made for frame in (before, now)] == [[], []]


def test_a_picture_that_was_shown_is_not_made_small_again_when_its_result_comes(monkeypatch):
    made = []
    small = interpolation._small_gray
    monkeypatch.setattr(
        interpolation, "_small_gray", lambda *what: made.append(what[0].index) or small(*what)
    )
    mover, frames = BoxTracker(), [scene(index, (200 + index, 200)) for index in range(20)]
    for index in range(2, 20):
        (face,) = mover.move(found(frames[index - 2], (198 + index, 200)), frames[index]).faces
        assert face.box.left == pytest.approx(200 + index, abs=1.2)
    assert sorted(made) == list(range(20))
    # Of another stream pictures have the same numbers.
    other = replace(scene(19, (240, 200)), captured_at=5.0)
    (face,) = mover.move(found(frames[18], (218, 200)), other).faces
    assert made[-1] == 19
    assert face.box.left == pytest.approx(240, abs=1.2)


def test_whoever_is_not_found_stays():
    result = found(scene(0, (200, 200)), (200, 200))
    moved = BoxTracker().move(result, scene(1))
    assert moved.faces[0].box == result.faces[0].box


def test_at_the_border_of_the_picture():
    result = found(scene(0, (560, 400)), (560, 400))
    moved = BoxTracker().move(result, scene(1, (580, 412)))
    assert (moved.faces[0].box.left, moved.faces[0].box.top) == pytest.approx((580, 412), abs=3)


@pytest.mark.parametrize(
    "box", [Box(9000, 9000, 50, 50), Box(10, 10, 0, 0), Box(10, 10, 1, 400), Box(float("nan"), 1, 5, 5)]
)
def test_a_box_that_makes_no_sense_is_left_alone(box):
    result = EmotionFrame(scene(0), (face("fear", box=box),))
    assert BoxTracker().move(result, scene(1)).faces[0].box == box or np.isnan(box.left)


def test_a_picture_of_another_size_has_no_known_faces():
    result = found(scene(0, (200, 200)), (200, 200))
    assert BoxTracker().move(result, scene(1, size=(240, 320))).faces == ()


def test_in_between_by_time():
    before = found(video_frame(0, pts=0), (0, 0), side=10)
    after = found(video_frame(4, pts=400), (40, 80), side=30)
    (moved,) = between(IndexedResult.of(before), IndexedResult.of(after), video_frame(1, pts=100)).faces
    assert moved.box == Box(10, 20, 15, 15)
    points = np.zeros((478, 2), np.float32)
    before, after = (found(one.frame, (0, 0), points=points + n) for n, one in enumerate((before, after)))
    (moved,) = between(IndexedResult.of(before), IndexedResult.of(after), video_frame(3, pts=300)).faces
    np.testing.assert_allclose(moved.points, 0.75)


def test_in_between_those_who_come_and_go_are_both_there():
    before = IndexedResult(0.0, (face("fear", 1), face("anger", 2)))
    after = IndexedResult(0.08, (face("neutral", 2), face("surprise", 3)))
    shown = between(before, after, video_frame(1))
    assert [(one.track_id, one.emotion) for one in shown.faces] == [
        (1, "fear"),
        (2, "anger"),
        (3, "surprise"),
    ]
    assert between(before, after, video_frame(2)).faces == after.faces
    assert between(before, None, video_frame(1)).faces == before.faces
    assert between(None, after, video_frame(1)).faces == after.faces
    assert between(None, None, video_frame(1)).faces == ()


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.2])
def test_a_picture_in_between_has_the_classes_of_the_results_around_it(seconds):
    own = Schema(classes=Classes(("calm", "excited")))
    before, after = (
        IndexedResult.of(EmotionFrame(video_frame(index, pts=100 * index), (), own)) for index in (0, 2)
    )
    frame = video_frame(1, pts=round(1000 * seconds))
    for pair in ((before, after), (before, None), (None, after)):
        assert between(*pair, frame).schema is own
