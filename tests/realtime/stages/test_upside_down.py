"""Faces that stand on their heads, with a detector that is sure of what is bright at the top."""

import numpy as np
import pytest

from emotion.models.faces.picture import Landmarks, Picture
from emotion.realtime.messages import FaceFrame
from emotion.realtime.stages import faces as stage
from emotion.realtime.stages.faces import FaceFinder
from emotion.realtime.stages.upside_down import UpsideDown
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
        self.upside_down = UpsideDown(self.detector)
        self.seconds = -STEP

    def see(self, image, *places):
        self.seconds += STEP
        shown = Picture(image)
        over = self.upside_down.faces(shown, self.seconds, found(*places))
        return over, self.upside_down.picture(shown, self.seconds, over)


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


class Scripted:
    """As sure of a face as it is told, and of the turned one; keeps which parts it was shown."""

    width, height = 640, 480

    def __init__(self, turned=0.0, upright=0.0):
        self.turned, self.upright, self.parts, self.looks = turned, upright, [], 0

    def part(self, *where):
        self.parts.append(where)
        return self

    def turned_over(self):
        return "turned"

    def surest(self, part):
        self.looks += part == "turned"
        return self.turned if part == "turned" else self.upright


def square(left, top, size=40):
    points = np.array([(left, top), (left + size, top + size)], np.float32)
    return Landmarks(points, np.zeros(2, np.float32), np.zeros(52))


@pytest.mark.parametrize(
    ("turned", "upright", "over"),
    [
        (0.7, 0.5, True),
        (0.69, 0.1, False),
        (0.75, 0.7, True),
        (0.75, 0.71, False),
        (0.95, 0.99, False),
        (0.5, 0.9, False),
    ],
)
def test_a_face_stands_on_its_head_where_the_turned_one_is_sure_and_surer(turned, upright, over):
    scripted = Scripted(turned, upright)
    assert UpsideDown(scripted).faces(scripted, 0.0, [square(100, 80)]) == [over]


def test_a_face_is_shown_twice_as_wide_as_it_is():
    scripted = Scripted()
    UpsideDown(scripted).faces(scripted, 0.0, [square(100, 80)])
    assert scripted.parts == [(80, 60, 160, 140)]


@pytest.mark.parametrize(
    ("left", "top", "looks"),
    [
        (658, 80, 1),
        (659, 80, 1),
        (660, 80, 0),
        (-59, 80, 1),
        (-60, 80, 0),
        (80, 499, 1),
        (80, 500, 0),
        (80, -60, 0),
    ],
)
def test_a_face_outside_the_picture_is_not_looked_at(left, top, looks):
    scripted = Scripted(0.9)
    assert UpsideDown(scripted).faces(scripted, 0.0, [square(left, top)]) == [bool(looks)]
    assert scripted.looks == looks


@pytest.mark.parametrize(
    ("turned", "times", "looks"),
    [
        (0.0, [0.0, 0.99], 1),
        (0.0, [0.0, 1.0], 2),
        (0.9, [0.0, 0.19], 1),
        (0.9, [0.0, 0.2], 2),
        (0.0, [5.0, 4.9], 2),
    ],
)
def test_an_upright_face_is_looked_at_each_second_and_one_on_its_head_five_times_as_often(
    turned, times, looks
):
    scripted = Scripted(turned)
    upside_down = UpsideDown(scripted)
    for seconds in times:
        upside_down.faces(scripted, seconds, [square(100, 80)])
    assert scripted.looks == looks


def test_a_face_is_the_other_way_when_two_looks_in_a_row_say_so():
    scripted = Scripted()
    upside_down = UpsideDown(scripted)
    reported = []
    for seconds, turned in [(0, 0), (1, 0.9), (1.25, 0), (2.25, 0.9), (2.5, 0.9), (2.75, 0), (3.0, 0)]:
        scripted.turned = turned
        reported += upside_down.faces(scripted, seconds, [square(100, 80)])
    assert reported == [False, False, False, False, True, True, False]
    assert scripted.looks == 7


def test_deferred_known_faces_are_looked_at_again_one_by_one_the_longest_due_first():
    scripted = Scripted()
    upside_down = UpsideDown(scripted)
    first, second = square(100, 80), square(300, 80)
    upside_down.faces(scripted, 0.0, [first], deferred=True)
    upside_down.faces(scripted, 0.5, [second, first], deferred=True)  # who comes is looked at at once
    assert scripted.looks == 2
    assert not upside_down.recheck(scripted, 0.5)
    scripted.turned = 0.9
    looks = [(1.25, first, 0), (1.5, second, 0), (1.5, first, 0), (1.75, second, 1), (1.75, first, 2)]
    for seconds, which, over in looks:
        assert sum(upside_down.faces(scripted, seconds, [second, first], deferred=True)) == over
        scripted.parts = []
        assert upside_down.recheck(scripted, seconds)
        (left, top), (right, bottom) = which.points.tolist()
        assert scripted.parts == [(left - 20, top - 20, right + 20, bottom + 20)]
    assert not upside_down.recheck(scripted, 1.75)
    assert upside_down.faces(scripted, 1.8, [second, first], deferred=True) == [True, True]


def test_deferred_a_live_picture_is_turned_over_as_well(finder):
    stage = finder(deferred=True)
    turns = []
    for index in range(40):
        (frame,) = [video_frame(index, 100 * index, size=(240, 320))]
        image = picture((40, "^" if index < 5 else "v"))
        (result,) = stage.process([type(frame)(index, frame.pts, frame.time_base, 0.0, image)])
        stage.after_results()
        turns.append([face.turn for face in result.faces])
    assert turns[:5] == [[0.0]] * 5
    assert turns[-1] == [180.0]


@pytest.mark.parametrize(("overlap", "looks"), [(13, 1), (12, 1), (9, 2)])
def test_a_face_that_has_moved_by_most_of_its_size_is_another_one(overlap, looks):
    # Of two squares of 20 that share s columns the common share is s / (40 - s): 0.3 of 9.2 columns.
    scripted = Scripted()
    upside_down = UpsideDown(scripted)
    upside_down.faces(scripted, 0.0, [square(100, 80, 20)])
    upside_down.faces(scripted, 0.1, [square(120 - overlap, 80, 20)])
    assert scripted.looks == looks


@pytest.mark.parametrize(
    ("over", "turns"), [([True, False], False), ([True, True, False], True), ([True], True), ([False], False)]
)
def test_most_faces_say_which_way_the_first_picture_stands(over, turns):
    assert UpsideDown(Scripted()).picture(Scripted(), 0.0, over) is turns


@pytest.mark.parametrize(("lasts", "turns"), [(0.49, False), (0.5, True)])
def test_a_picture_that_was_upright_is_turned_after_half_a_second(lasts, turns):
    upside_down, shown = UpsideDown(Scripted()), Scripted()
    assert not upside_down.picture(shown, 9.0, [False])
    assert not upside_down.picture(shown, 10.0, [True])
    assert upside_down.picture(shown, 10.0 + lasts, [True]) is turns


def test_the_half_second_begins_anew_when_most_stand_upright_or_time_goes_back():
    upside_down, shown = UpsideDown(Scripted()), Scripted()
    for seconds, over in [(0.0, False), (1.0, True), (1.25, False), (1.5, True), (1.75, True)]:
        assert not upside_down.picture(shown, seconds, [over])
    assert not upside_down.picture(shown, 1.0, [True])  # time goes back
    assert not upside_down.picture(shown, 1.25, [True])
    assert upside_down.picture(shown, 1.5, [True])


@pytest.mark.parametrize(("sure", "turns"), [(0.8, True), (0.79, False)])
def test_where_nobody_is_found_the_turned_picture_has_to_be_surer(sure, turns):
    scripted = Scripted(sure)
    assert UpsideDown(scripted).picture(scripted, 0.0, []) is turns


@pytest.mark.parametrize(("seconds", "looks"), [(0.49, 1), (0.5, 2), (-1.0, 2)])
def test_an_empty_picture_is_looked_at_each_half_second(seconds, looks):
    scripted = Scripted(0.1)
    upside_down = UpsideDown(scripted)
    for time in (0.0, seconds):
        assert not upside_down.picture(scripted, time, [])
    assert scripted.looks == looks


def test_an_empty_picture_behind_an_upright_one_is_turned_after_half_a_second_too():
    scripted = Scripted(0.9)
    upside_down = UpsideDown(scripted)
    assert not upside_down.picture(scripted, 0.0, [False])
    assert [upside_down.picture(scripted, 1 + n / 4, []) for n in range(3)] == [False, False, True]
