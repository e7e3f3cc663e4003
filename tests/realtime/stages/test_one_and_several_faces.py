"""What follows one small face in a window, and what follows a group of large ones."""

import numpy as np
import pytest

from emotion.models.faces.mediapipe_landmarker import Landmarks
from emotion.realtime.stages.face_follower import _Group, _Single, _window
from tests.fakes.painted_faces import Script, picture


@pytest.mark.parametrize(
    ("box", "window"),
    [
        ((300, 200, 340, 230), (220, 115, 420, 315)),
        ((10, 20, 50, 60), (0, 0, 130, 140)),
        ((600, 440, 640, 480), (520, 360, 640, 480)),
        ((100, 100, 101, 140), (0, 20, 200, 220)),
    ],
)
def test_a_window_is_a_square_of_five_sizes_cut_to_the_picture(box, window):
    made = _window(np.array(box, np.float32), picture())
    assert made.tolist() == list(window)


class Blind:
    """A team that sees what it is told; it keeps what it was shown."""

    turns = 1

    def __init__(self, *faces):
        self.faces, self.shown = list(faces), []

    def detect_all(self, parts, seconds):
        self.shown += parts
        return [self.faces.pop(0) if self.faces else () for _ in parts]


def follow(single, seconds):
    single.look([picture()], [seconds])
    return single.follow(seconds)


def filling(left, top, right, bottom):
    points = np.array([(left, top), (right, bottom)], np.float32)
    return Landmarks(points, np.zeros(2, np.float32), np.zeros(52, np.float32))


BOX = np.array([300, 200, 340, 230], np.float32)


def test_a_new_face_is_shown_alone_with_half_of_its_size_around_it():
    shown = picture((0, 0, 640))
    blind = Blind()
    assert _Single(blind).start(shown, BOX, 0.0) is None
    assert len(blind.shown) == 2  # one that follows another face loses it first
    part = blind.shown[0]
    assert (part.left, part.top, part.width, part.height) == (220, 115, 200, 200)
    ys, xs = np.nonzero(part.rgb[..., 0])
    assert (xs.min() + 220, ys.min() + 115, xs.max() + 221, ys.max() + 116) == (280, 180, 360, 250)


@pytest.mark.parametrize(("tries", "found"), [(0, True), (1, True), (2, False)])
def test_a_new_face_is_found_at_the_second_try_at_the_latest(tries, found):
    blind = Blind(*[()] * tries, [filling(*BOX)])
    single = _Single(blind)
    assert (single.start(picture(), BOX, 1.0) is not None) is found
    assert single.gone(1.25) is not found


def test_another_face_in_the_window_is_passed_over():
    other, own = filling(230, 120, 270, 150), filling(302, 201, 341, 231)
    single = _Single(Blind([other, own]))
    assert single.start(picture(), BOX, 0.0) is own


@pytest.mark.parametrize(("away", "gone"), [(0.49, False), (0.5, True), (-0.01, True)])
def test_a_small_face_is_waited_for_half_a_second(away, gone):
    single = _Single(Blind([filling(*BOX)]))
    single.start(picture(), BOX, 10.0)
    assert follow(single, 10.0 + away) is None
    assert single.gone(10.0 + away) is gone


@pytest.mark.parametrize(
    ("face", "cramped"),
    [
        ((300, 200, 340, 230), False),
        ((236, 200, 276, 230), False),  # 16 pixels to the left edge: four tenths of 40
        ((235, 200, 275, 230), True),
        ((364, 200, 404, 230), False),
        ((365, 200, 405, 230), True),
        ((300, 131, 340, 161), False),
        ((300, 130, 340, 160), True),
        ((300, 269, 340, 299), False),
        ((300, 270, 340, 300), True),
        ((280, 180, 360, 250), False),  # twice as large
        ((280, 180, 361, 250), True),
    ],
)
def test_a_window_is_made_anew_near_its_edge_or_for_a_face_of_twice_the_size(face, cramped):
    single = _Single(Blind([filling(*BOX)], [filling(*face)]))
    single.start(picture(), BOX, 0.0)
    follow(single, 0.1)
    assert single._cramped(picture()) is cramped


def test_edges_of_the_picture_are_no_edges_of_a_window():
    box = np.array([0, 0, 40, 30], np.float32)
    single = _Single(Blind([filling(*box)]))
    single.start(picture(), box, 0.0)
    assert not single._cramped(picture())


@pytest.mark.parametrize(("away", "teams"), [(0.49, [2]), (0.5, [2, 1]), (-0.1, [2, 1])])
def test_one_of_a_group_is_waited_for_half_a_second(away, teams):
    made = []

    def team(count):
        made.append(count)
        return Script({0.0: [100, 400], 1.0: [100], 1.0 + away: [100]})

    group = _Group(team)
    group.start(2, picture(), 0.0)
    for time in (1.0, 1.0 + away):
        (faces,) = group.look([picture()], [time])
        group.follow(faces, picture(), time)
    assert made == teams
    assert (group.count, group.started) == (teams[-1], len(teams))


def test_a_team_that_comes_back_into_use_has_forgotten_its_faces():
    scripts = {}

    def team(count):
        scripts[count] = Script({time: [100 * n + 50 for n in range(count)] for time in (0.0, 1.0, 2.0)})
        return scripts[count]

    group = _Group(team)
    for time, count in ((0.0, 2), (1.0, 1), (2.0, 2)):
        assert len(group.start(count, picture(), time)) == count
    assert scripts[2].asked == [0.0, 2.0, 2.0]  # nothing is shown to it first
    assert group.start(0, picture(), 3.0) == ()
    assert group.look([picture()], [4.0]) == [()]
    group.forget()
    assert (group.count, group.started) == (0, 5)
