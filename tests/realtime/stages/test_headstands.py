"""Faces that stand on their heads, with a detector that is sure of what is bright at the top."""

import numpy as np
import pytest

from emotion.models.faces.picture import Landmarks, Picture
from emotion.realtime.messages import FaceFrame
from emotion.realtime.stages import faces as stage
from emotion.realtime.stages.faces import FaceFinder
from emotion.realtime.stages.headstands import Headstands
from tests.helpers.landmarks import landmarks
from tests.helpers.results import video_frame

STEP = 0.1


def picture(*heads, height=240, width=320):
    """A face at each place (x): 60 pixels wide, its brow white; "v" stands on its head."""
    image = np.zeros((height, width, 3), np.uint8)
    for x, way in heads:
        image[90:150, x : x + 60] = 60
        image[90 : 110 if way == "^" else 90, x : x + 60] = 255
        image[130 if way == "v" else 150 : 150, x : x + 60] = 255
    return image


def bright(part):
    return part.rgb[..., 0]


class FakeDetector:
    """Sure of a face by how much brighter its upper half is; sees where any is."""

    def __init__(self):
        self.looks = 0

    def surest(self, part):
        self.looks += 1
        gray = bright(part)
        rows = np.flatnonzero((gray > 50).any(axis=1))
        if not len(rows):
            return 0.0
        half = (rows[0] + rows[-1] + 1) // 2
        up, down = (int((side == 255).sum()) for side in (gray[:half], gray[half:]))
        return 0.95 if up > down else 0.6

    def detect(self, part):
        columns = np.flatnonzero((bright(part) > 50).any(axis=0))
        starts = [x for x in columns if x - 1 not in columns]
        rows = np.flatnonzero((bright(part) > 50).any(axis=1))
        return np.array([(x, rows[0], x + 60, rows[-1] + 1) for x in starts], np.float32).reshape(-1, 4)

    def close(self):
        pass


def found(*places):
    return [
        Landmarks(np.array([(x, 90), (x + 60, 150)], np.float32), np.zeros(2, np.float32), np.zeros(52))
        for x in places
    ]


class Stream:
    """Pictures that come one by one, the first at 0."""

    def __init__(self):
        self.detector = FakeDetector()
        self.headstands = Headstands(self.detector)
        self.seconds = -STEP

    def see(self, image, *places):
        self.seconds += STEP
        shown = Picture(image)
        over = self.headstands.faces(shown, self.seconds, found(*places))
        return over, self.headstands.picture(shown, self.seconds, over)


def test_upright_faces_are_looked_at_when_they_come_and_every_second():
    stream = Stream()
    for _ in range(25):
        assert stream.see(picture((40, "^")), 40) == ([False], False)
    assert stream.detector.looks == 3  # the turned ones are asked first


def test_the_first_picture_with_faces_says_which_way_it_stands():
    assert Stream().see(picture((40, "v")), 40) == ([True], True)
    assert Stream().see(picture((40, "v"), (200, "v")), 40, 200) == ([True, True], True)


def test_one_who_stands_on_the_head_among_others_does_not_turn_the_picture():
    stream = Stream()
    for _ in range(20):
        assert stream.see(picture((40, "v"), (200, "^")), 40, 200) == ([True, False], False)


def test_a_picture_that_was_upright_is_turned_when_it_lasts_and_a_single_look_changes_nothing():
    stream = Stream()
    for _ in range(10):
        stream.see(picture((40, "^")), 40)
    assert stream.see(picture((40, "v")), 40) == ([False], False)  # one look, and doubt
    for _ in range(8):
        assert stream.see(picture((40, "^")), 40) == ([False], False)
    turned = [stream.see(picture((40, "v")), 40) for _ in range(20)]
    assert [over for over, _ in turned].index([True]) > 0
    assert any(turn for _, turn in turned)


def test_where_nobody_is_found_a_face_that_stands_on_its_head_turns_the_picture():
    stream = Stream()
    assert stream.see(picture((40, "v"))) == ([], True)
    stream.seconds -= STEP  # the same picture once more, turned
    assert stream.see(picture((220, "^")), 220) == ([False], False)


def test_a_picture_that_was_turned_for_nobody_is_turned_back():
    stream = Stream()
    assert stream.see(picture((40, "v"))) == ([], True)
    stream.seconds -= STEP
    assert stream.see(picture((220, "^"))) == ([], True)
    stream.seconds -= STEP
    assert stream.see(picture((40, "v"))) == ([], False)


def test_an_empty_picture_costs_two_looks_a_second():
    stream = Stream()
    for _ in range(20):
        assert stream.see(picture()) == ([], False)
    assert stream.detector.looks <= 4


class FakeLandmarker:
    """Sees every face as if it were upright, as MediaPipe does."""

    turns = 1

    def __init__(self, detector):
        self.detector = detector

    def detect(self, part, seconds):
        return tuple(
            Landmarks(landmarks(60 / 128, 0.0, tuple(box[:2])), np.zeros(478, np.float32), np.zeros(52))
            for box in self.detector.detect(part)
        )

    def close(self):
        pass


@pytest.fixture
def finder(monkeypatch):
    detector = FakeDetector()
    fakes = (lambda _: FakeLandmarker(detector)), (lambda: detector)
    monkeypatch.setattr(stage, "_mediapipe", lambda *_: fakes)
    return FaceFinder


def look(finder, images, batch=1):
    frames = [video_frame(index, 100 * index, size=(240, 320)) for index in range(len(images))]
    frames = [
        type(frame)(frame.index, frame.pts, frame.time_base, 0.0, image)
        for frame, image in zip(frames, images, strict=True)
    ]
    found: list[FaceFrame] = []
    for at in range(0, len(frames), batch):
        found += finder.process(frames[at : at + batch])
    return found


@pytest.mark.parametrize("batch", [1, 4])
def test_a_video_that_stands_on_its_head_is_read_upright_from_its_first_picture_on(finder, batch):
    results = look(finder(), [picture((40, "v"))] * 6, batch)
    for index, result in enumerate(results):
        (face,) = result.faces
        assert result.frame.index == index
        assert (face.turn, face.readable) == (180.0, True)
        # The eyes are below, in the picture as it came.
        assert face.points[33, 1] > face.points[2, 1]
        assert face.box.left + face.box.width / 2 == pytest.approx(70, abs=6)


def test_a_face_that_alone_stands_on_its_head_cannot_be_read(finder):
    results = look(finder(), [picture((40, "v"), (200, "^"), (130, "^"))] * 3)
    for result in results:
        faces = sorted(result.faces, key=lambda face: face.box.left)
        assert [(face.turn, face.readable) for face in faces] == [(180.0, False), (0.0, True), (0.0, True)]
