"""How faces of photographs are looked for: what the finder asks its detectors for."""

from contextlib import closing
from fractions import Fraction

import numpy as np
import pytest

from emotion.models.faces.picture import Landmarks
from emotion.models.regions import eye_distance
from emotion.realtime.messages import VideoFrame
from emotion.realtime.stages import photographs, tile_search
from emotion.realtime.stages.face_boxes import corners
from emotion.realtime.stages.tile_search import tiles
from tests.helpers.clips import beginning_of_demo


class Closing:
    """A detector that finds nobody."""

    def __init__(self, closed):
        self._closed = closed

    def close(self):
        self._closed.append(self)


@pytest.fixture
def asked(monkeypatch):
    """What the detectors are made for: thresholds, pose, numbers of faces; and which were closed."""
    found = {"closed": []}

    def make(min_confidence, pose):
        found.update(min_confidence=min_confidence, pose=pose, faces=[])

        def landmarker(count, min_presence=None):
            found["faces"].append((count, min_presence))
            return Closing(found["closed"])

        return Closing(found["closed"]), landmarker

    monkeypatch.setattr(photographs, "_mediapipe", make)
    return found


# By the maximum of faces: those that are asked for, and from which score of the landmark net.
ASKED_FOR = {most: [(most, None), (1, None), (1, 0.0)] for most in (4, 7)}


def test_by_default_no_pose_is_requested_and_four_faces_at_most(asked):
    photographs.PhotographFinder().close()
    assert (asked["min_confidence"], asked["pose"], asked["faces"]) == (0.5, False, ASKED_FOR[4])
    assert len(asked["closed"]) == 4


def test_what_is_requested_arrives(asked):
    photographs.PhotographFinder(7, 0.3, pose=True).close()
    assert (asked["min_confidence"], asked["pose"], asked["faces"]) == (0.3, True, ASKED_FOR[7])


def at(left, top, right, bottom):
    """A face whose landmarks fill a box."""
    points = np.array([(left, top), (right, bottom)], np.float32)
    return Landmarks(points, np.zeros(2, np.float32), np.zeros(52, np.float32))


class Photograph:
    """640x480, of which each part is told apart by where it is."""

    width, height = 640, 480

    @staticmethod
    def part(*where):
        return Part(where)

    @classmethod
    def turned_over(cls):
        return cls


class Part(tuple):
    """Where a part is."""

    def turned_over(self):
        return self


class Sees:
    """Tells what is there, whole or by part, and keeps what it was shown."""

    def __init__(self, by_part):
        self.by_part, self.shown = by_part, []

    def detect(self, part, seconds=None):
        self.shown.append(part if isinstance(part, tuple) else "all")
        return self.by_part.get(self.shown[-1], ())

    def surest(self, part):
        return 0.0


@pytest.fixture
def finder(asked):
    def made(whole=(), boxes=None, near=None, most=4):
        made = photographs.PhotographFinder(most)
        made._many, made._detector, made._one = Sees({"all": whole}), Sees(boxes or {}), Sees(near or {})
        return made

    return made


FIRST = tiles(640, 480)[0]
SMALL = np.array([100, 110, 140, 160], np.float32)
# As much around it as it is high, on each side.
AROUND = (50, 60, 190, 210)


def test_a_small_face_is_looked_at_with_as_much_around_it_as_it_is_large(finder):
    face = at(100, 110, 140, 160)
    one = finder(boxes={FIRST: [SMALL]}, near={AROUND: [face]})
    assert one._find(Photograph, None) == ([face], 0)
    assert one._one.shown == [AROUND]
    assert one._detector.shown == tiles(640, 480)


@pytest.mark.parametrize(("width", "same"), [(9, True), (7, False)])
def test_landmarks_that_share_a_fifth_with_a_box_are_of_its_face(finder, width, same):
    # The box is 40 wide; of as high a face `width` columns are in it and none beside it.
    face = at(100, 110, 100 + width, 160)
    found = finder(near={AROUND: [at(300, 300, 340, 350), face]})._near(Photograph, SMALL)
    assert found is (face if same else None)


def test_a_face_that_is_cut_known_or_lost_hides_no_other(finder):
    known, other = at(10, 20, 60, 80), at(100, 110, 140, 160)
    cut = np.array([250, 100, 288, 140], np.float32)
    again = np.array([12, 20, 60, 80], np.float32)
    lost = np.array([200, 200, 220, 220], np.float32)
    one = finder([known], {FIRST: [cut, again, lost, SMALL]}, {AROUND: [other]})
    assert one._find(Photograph, None) == ([known, other], 0)
    assert one._one.shown == [(180, 180, 240, 240), AROUND], "what is cut or known is not looked at closer"


def test_what_turns_out_to_be_a_known_face_is_not_found_twice(finder):
    known, box = at(100, 110, 140, 190), np.array([100, 110, 140, 125], np.float32)
    one = finder([known], {FIRST: [box]}, {(60, 70, 180, 165): [at(100, 110, 140, 150)]})
    assert one._find(Photograph, None) == ([known], 0)


def outlined(left, top, right, bottom):
    """A face whose landmarks are on an ellipse in a box."""
    angles = np.linspace(0, 2 * np.pi, 40)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1) / 2 + 0.5
    points = (left, top) + circle * (right - left, bottom - top)
    return Landmarks(points.astype(np.float32), np.zeros(40, np.float32), np.zeros(52, np.float32))


@pytest.mark.parametrize(
    ("box", "found"),
    [((110, 120, 290, 330), 1), ((160, 240, 240, 320), 1), ((105, 330, 145, 380), 2)],
    ids=["found twice", "its mouth", "somebody behind, beside the chin"],
)
def test_a_face_is_found_once_and_its_mouth_is_none(finder, box, found):
    large, other = outlined(100, 100, 300, 380), outlined(*box)
    one = finder([other, large], most=4)
    assert one._find(Photograph, None) == ([large, other][:found], 0)


def test_a_mouth_in_a_tile_is_no_face(finder):
    large, mouth = outlined(50, 50, 250, 330), at(100, 190, 140, 240)
    box = np.array([100, 190, 140, 240], np.float32)
    one = finder([large], {FIRST: [box]}, {(50, 140, 190, 290): [mouth]})
    assert one._find(Photograph, None) == ([large], 0)


class Large(Photograph):
    """As a telephone's camera takes it."""

    width, height = 4000, 3000


@pytest.mark.parametrize(
    ("side", "most", "levels"),
    [(300, 4, 3), (500, 4, 2), (800, 4, 1), (300, 1, 0)],
    ids=["small", "larger than a small tile", "larger than any finer tile", "no room"],
)
def test_large_photographs_are_searched_for_small_faces_unless_there_is_a_much_larger_one(
    finder, side, most, levels
):
    known = at(10, 20, 10 + side, 20 + side)
    one = finder([known], most=most)
    one._find(Large, None)
    finer = [squares for _, squares in tile_search.finer_tiles(4000, 3000)]
    expected = [tiles(4000, 3000), *finer][:levels] or [["all"]]
    assert one._detector.shown == [tile for squares in expected for tile in squares]


def test_a_small_face_in_a_large_photograph_is_found(finder):
    (_, first), (_, second) = tile_search.finer_tiles(4000, 3000)
    box, other = (np.array([x, 110, x + 60, 180], np.float32) for x in (100, 200))
    near = {(30, 40, 230, 250): [at(*box)], (130, 40, 330, 250): [at(*other)]}
    one = finder(boxes={first[0]: [box], second[0]: [box, other]}, near=near)
    found, _ = one._find(Large, None)
    assert [corners(face).tolist() for face in found] == [box.tolist(), other.tolist()]


@pytest.mark.parametrize("most", [2, 3, 4])
def test_of_more_faces_than_are_wanted_the_largest_are_kept_and_the_others_counted(finder, most):
    known, boxes, near = at(10, 20, 60, 70), [], {}
    for left, size in ((100, 30), (160, 50), (220, 40)):
        boxes.append(np.array([left, 110, left + size, 110 + size], np.float32))
        around = (left - size, 110 - size, left + 2 * size, 110 + 2 * size)
        near[around] = [at(*boxes[-1])]
    found, left_out = finder([known], {FIRST: boxes}, near, most)._find(Photograph, None)
    sizes = [face.points[1, 0] - face.points[0, 0] for face in found]
    assert sorted(sizes, reverse=True) == [50, 50, 40, 30][:most]
    assert left_out == 4 - most


def test_larger_faces_take_the_place_of_those_that_the_landmarker_chose(finder):
    # It takes those it is surest of.
    chosen, larger, no_face = at(10, 20, 50, 70), at(100, 110, 190, 200), [300, 300, 320, 320]
    boxes = [np.array(box, np.float32) for box in ([10, 20, 50, 70], [100, 110, 190, 200], no_face)]
    one = finder([chosen], {"all": boxes}, {(10, 20, 280, 290): [larger]}, most=1)
    assert one._find(Photograph, None) == ([larger], 1)
    assert one._detector.shown == ["all"], "small faces are not looked for where there is no room for them"


def test_a_crowd_is_counted_up_to_a_hundred(finder):
    places = [(12 * column + 10, 12 * row + 10) for row in range(6) for column in range(20)]
    boxes = [np.array([x, y, x + 10, y + 10], np.float32) for x, y in places]
    one = finder(boxes={FIRST: boxes})
    one._near = lambda picture, box: at(*box)
    found, left_out = one._find(Photograph, None)
    assert (len(found), left_out) == (4, 96)


def test_where_nobody_is_found_it_is_looked_again(finder, monkeypatch):
    one = finder()
    face = at(100, 110, 140, 160)
    monkeypatch.setattr(one, "_again", lambda image: [face] if image == "the picture" else [])
    assert one._find(Photograph, "the picture") == ([face], 0)


@pytest.mark.parametrize("most", [1, 4])
def test_whoever_several_parts_show_is_found_once(finder, monkeypatch, most):
    cut, whole, other = at(102, 120, 140, 160), at(100, 110, 140, 160), at(300, 110, 330, 150)
    monkeypatch.setattr(
        photographs, "looks_again", lambda detect, image: [tuple, lambda: (cut, other, whole)]
    )
    assert finder(most=most)._again(None) == [whole, other][:most]


def test_of_several_faces_the_largest_is_asked_for_alone(finder, monkeypatch):
    small, large = at(10, 20, 50, 70), at(100, 110, 160, 190)
    one = finder()
    monkeypatch.setattr(one, "_find", lambda picture, image: ([small, large], 0))
    assert one.largest(np.zeros((200, 200, 3), np.uint8)) is large
    monkeypatch.setattr(one, "_find", lambda picture, image: ([], 0))
    assert one.largest(np.zeros((200, 200, 3), np.uint8)) is None


@pytest.fixture(scope="module")
def upright():
    """The first frame of the included clip, BGR."""
    return beginning_of_demo(1)[0][1]


@pytest.fixture(scope="module")
def real():
    with closing(photographs.PhotographFinder()) as made:
        yield made


def read(finder, image):
    """The faces of a photograph, from the left: their landmarks."""
    (found,) = finder.process([VideoFrame(0, 0, Fraction(1, 25), 0.0, image)])
    return sorted((face.points for face in found.faces), key=lambda points: points[:, 0].mean())


def assert_close(points, expected):
    away = np.linalg.norm(points - expected, axis=1)
    assert np.median(away) < 0.06 * eye_distance(expected)


def test_a_photograph_on_its_head_is_read_as_it_would_be_upright(real, upright):
    (expected,) = read(real, upright)
    (points,) = read(real, np.ascontiguousarray(upright[::-1, ::-1]))
    assert_close(np.array(upright.shape[1::-1]) - points, expected)


def test_whoever_alone_stands_on_their_head_is_looked_at_closely_the_other_way_round(finder, monkeypatch):
    upright, wrong = at(300, 300, 340, 350), at(100, 110, 140, 160)
    # Turned over, 100 from the left is 540 from there.
    right = at(502, 318, 542, 372)
    one = finder([upright, wrong], near={(450, 270, 590, 420): [right]}, most=2)
    monkeypatch.setattr(photographs, "is_upside_down", lambda detector, picture, box: box[0] == 100)
    (same, turned), _ = one._find(Photograph, None)
    assert same is upright
    np.testing.assert_array_equal(turned.points, [(138, 162), (98, 108)])


@pytest.mark.parametrize("sure", [[], ["sure"]])
def test_a_cut_out_face_is_looked_for_only_where_no_other_face_is_found(finder, monkeypatch, sure):
    one, looked = finder(), []
    monkeypatch.setattr(one, "_find_sure", lambda picture, image: (sure, 0))
    monkeypatch.setattr(photographs, "find_cut_out", lambda detect, image: looked.append(image) or "cut out")
    assert one._find(Photograph, "it") == (sure or ["cut out"], 0)
    assert looked == ([] if sure else ["it"])
