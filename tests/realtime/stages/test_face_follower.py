"""The follower with painted faces: bright squares in a dark picture, found by fakes of MediaPipe."""

import itertools

import cv2
import numpy as np
import pytest

from emotion.models.faces.mediapipe_landmarker import FaceDetector, FaceLandmarker, Picture
from emotion.models.regions import eye_distance
from emotion.realtime.stages import face_follower
from emotion.realtime.stages.face_follower import FaceFollower
from emotion.realtime.stages.tile_search import LOOK_SECONDS, SCAN_SECONDS, tiles
from tests.fakes.painted_faces import STEP, FakeDetector, FakeLandmarker, Rig, picture
from tests.helpers.clips import beginning_of_demo


def test_as_many_faces_as_there_are_are_requested_and_seldom_is_looked_for_more():
    rig = Rig()
    for n in range(91):
        assert rig.see(picture((100 + n, 100, 120), (400, 100, 120))) == [100 + n, 400]
    (landmarker,) = rig.landmarkers
    assert (landmarker.count, landmarker.looks, landmarker.searches) == (2, 91, 1)
    whole, in_tiles = 3 / LOOK_SECONDS, 3 / SCAN_SECONDS * len(tiles(640, 480))
    assert rig.detector.looks <= 1 + len(tiles(640, 480)) + whole + in_tiles


def test_whoever_stays_away_is_not_searched_for_any_more():
    rig = Rig()
    for _ in range(3):
        rig.see(picture((50, 50, 120), (400, 300, 120)))
    for _ in range(60):
        assert rig.see(picture((50, 50, 120))) == [50]
    two, one = rig.landmarkers
    assert (two.count, one.count) == (2, 1)
    assert two.searches < 20
    assert one.searches == 1


@pytest.mark.parametrize(("side", "within"), [(120, LOOK_SECONDS), (40, SCAN_SECONDS)])
def test_a_newcomer_is_found_within_the_stated_time(side, within):
    for delay in range(12):
        rig = Rig()
        for _ in range(20 + delay):
            rig.see(picture((50, 50, 150)))
        waited = next(n for n in range(99) if len(rig.see(picture((50, 50, 150), (400, 300, side)))) == 2)
        assert waited * STEP <= within + STEP


def test_the_first_and_whoever_comes_back_are_found_at_once():
    rig = Rig()
    assert rig.see(picture((100, 100, 120), (400, 300, 40))) == [100, 400]
    assert rig.see(picture()) == []
    assert rig.see(picture((300, 200, 120))) == [300]


def test_one_of_two_who_is_out_of_sight_for_a_moment_is_back_at_once():
    rig = Rig()
    both = picture((50, 50, 120), (400, 300, 120))
    rig.see(both)
    for _ in range(5):
        assert rig.see(picture((50, 50, 120))) == [50]
    assert rig.see(both) == [50, 400]


def test_no_more_than_requested():
    rig = Rig(max_faces=2)
    shown = picture((0, 0, 90), (150, 0, 140), (350, 0, 110), (500, 300, 40))
    assert len(rig.see(shown)) == 2
    looks = rig.detector.looks
    assert len(rig.see(shown)) == 2
    assert rig.detector.looks == looks  # there is no room for anybody else


def test_more_faces_than_there_is_room_for_are_counted_once_a_second():
    rig = Rig(max_faces=2)
    shown = picture((0, 0, 90), (150, 0, 140), (350, 0, 110), (500, 300, 90))
    counts = []
    for _ in range(75):
        rig.see(shown)
        counts += rig.follower.left_out
    looked = [number for number, count in enumerate(counts) if count]
    assert looked[0] == 0
    assert {after - before for before, after in itertools.pairwise(looked)} <= {30, 31}
    assert len(looked) == 3
    assert set(counts) == {0, 2}
    rig.see_all([shown] * 32)
    assert len(rig.follower.left_out) == 8


@pytest.mark.parametrize("deferred", [False, True])
def test_small_faces_that_there_is_no_room_for_are_counted_now_and_then(deferred):
    rig = Rig(max_faces=2, deferred=deferred)
    shown = picture(*((left, top, 40) for left in (40, 300, 560) for top in (40, 400)))
    counts = []
    for _ in range(30 * 25):
        rig.see(shown)
        counts += rig.follower.left_out
        if deferred:
            afterwards(rig, shown)
    reported = [number for number, count in enumerate(counts) if count]
    assert reported[0] <= 1
    assert [round((after - before) * STEP) for before, after in itertools.pairwise(reported)] == [10, 10]
    assert [counts[number] for number in reported] == [4, 4, 4]


def test_what_the_landmarker_does_not_see_is_not_counted():
    def no_face_in_tiles(part):
        found = [[300, 200, 340, 240]] if part.width < 640 else []
        return np.array(found, np.float32).reshape(-1, 4)

    rig = Rig(max_faces=2)
    shown = picture((40, 40, 40), (560, 400, 40))
    for step in range(30 * 3):
        if step == 1:
            rig.detector.detect = no_face_in_tiles
        assert rig.see(shown) == [40, 560]
        assert rig.follower.left_out == [0]


@pytest.mark.parametrize("faces", [1, 3])
def test_room_for_six_costs_nothing_where_fewer_are_there(faces):
    work = []
    for room in (4, 6):
        rig = Rig(max_faces=room)
        for _ in range(40):
            rig.see(picture(*((150 * number, 50, 100) for number in range(faces))))
        landmarkers = [(one.count, one.looks, one.searches) for one in rig.landmarkers]
        work.append((rig.detector.looks, landmarkers))
    assert work[0] == work[1]


def test_two_landmarkers_on_one_face_give_one_face():
    rig = Rig()
    for n in range(100):  # the second grows until the first landmarker could see it, too
        assert rig.see(picture((100, 100, 120), (300, 100, 40 + n))) == [100, 300]
    rig.landmarkers[0].last.append(rig.landmarkers[1].last[0])
    assert rig.see(picture((100, 100, 120), (300, 100, 139))) == [100, 300]
    assert rig.see(picture((100, 100, 120), (300, 100, 139))) == [100, 300]


def test_a_face_with_a_window_that_is_found_once_more_is_one_face():
    rig = Rig()
    rig.see(picture((300, 100, 60)))  # small: only a tile shows it
    for n in range(60):  # it grows, and then a large one comes
        assert rig.see(picture((300, 100, 60 + n))) == [300]
    for _ in range(30):
        seen = rig.see(picture((300, 100, 120), (50, 50, 150)))
        assert seen in ([300], [50, 300])
    assert seen == [50, 300]


def test_a_small_face_is_followed_across_the_picture():
    rig = Rig()
    for n in range(120):
        assert rig.see(picture((20 + 5 * n, 20 + 3 * n, 36))) == [20 + 5 * n]
    assert len(rig.landmarkers) == 1
    assert rig.landmarkers[0].looks < 1.3 * 120


def test_a_small_face_that_comes_near_stays_followed():
    rig = Rig()
    for n in range(150):
        assert rig.see(picture((200 - n, 150 - n // 2, 36 + 2 * n))) == [200 - n]
    assert len(rig.landmarkers) == 1


def test_what_is_no_face_to_the_landmarker_is_nobody_and_costs_one_landmarker():
    made = []

    def blind(count):
        made.append(FakeLandmarker(count))
        made[-1].detect = lambda part, seconds: ()
        return made[-1]

    follower = FaceFollower(blind, FakeDetector(), 4)
    for n in range(60):
        assert follower.find(picture((100, 100, 120), (400, 300, 40)), n * STEP) == ()
    assert [landmarker.count for landmarker in made] == [1, 1]


def windows(rig):
    """The windows through which the landmarker of a small face looked, each once, in order."""
    return list(dict.fromkeys(rig.landmarkers[-1].shown))


def large_picture(*squares):
    """Of its faces those of 68 to 240 pixels are found by tiles alone."""
    return picture(*squares, size=(1080, 1920))


def test_a_small_face_is_seen_through_a_window_of_five_times_its_size_around_it():
    rig = Rig()
    for _ in range(10):
        assert rig.see(large_picture((900, 500, 70))) == [900]
    (window,) = windows(rig)
    assert (window.width, window.height) == (350, 350)
    assert (window.left + 175, window.top + 175) == (935, 535)


def test_a_window_is_made_anew_when_its_face_has_doubled():
    rig, shares = Rig(), []
    for step in range(40):
        side = round(70 * 1.03**step)
        assert len(rig.see(large_picture((900 - side // 2, 500 - side // 2, side)))) == 1
        shares.append(windows(rig)[-1].width / side)
    # It grows from 70 to 222, and passes 140 once.
    assert len(windows(rig)) == 2
    assert min(shares) == pytest.approx(2.5, abs=0.15)
    assert max(shares) == pytest.approx(5, abs=0.15)


def test_a_window_moves_when_little_is_left_between_the_face_and_its_edge():
    rig, rooms = Rig(), []
    for step in range(60):
        left = 600 + 6 * step
        assert rig.see(large_picture((left, 500, 70))) == [left]
        window = windows(rig)[-1]
        rooms.append(window.left + window.width - (left + 70))
    assert 3 <= len(windows(rig)) <= 5
    # Four tenths of the face, and a step or two.
    assert 16 <= min(rooms) <= 28


def test_at_the_pictures_own_edge_a_window_stays():
    rig = Rig()
    for step in range(30):
        assert rig.see(large_picture((max(0, 60 - 4 * step), 500, 70))) != []
    assert len(windows(rig)) <= 3
    assert windows(rig)[-1].left == 0


def test_time_that_jumps_back_does_no_harm():
    rig = Rig()
    rig.see(picture((100, 100, 120)))
    rig.time = -100.0
    assert rig.see(picture((100, 100, 120), (400, 300, 120))) == [100, 400]


def test_all_is_closed():
    rig = Rig()
    rig.see(picture((50, 50, 120), (400, 300, 40)))
    rig.see(picture((50, 50, 120)))
    rig.follower.close()
    assert rig.detector.closed == 1
    assert [landmarker.closed for landmarker in rig.landmarkers] == [1, 1]


def held(rig):
    assert max(landmarker.closed for landmarker in rig.landmarkers) <= 1
    return len([landmarker for landmarker in rig.landmarkers if not landmarker.closed])


def test_what_is_held_depends_on_who_is_there_not_on_who_was():
    rig = Rig(max_faces=6)
    large_ones = [(20 + 200 * n, 30, 110) for n in range(3)] + [(20 + 200 * n, 300, 110) for n in range(3)]
    small_ones = [(40 + 100 * n, 200, 36) for n in range(6)]
    for count in (1, 2, 3, 4, 5, 6, 3, 0, 2):
        for _ in range(40):
            edges = rig.see(picture(*large_ones[:count]))
        assert edges == sorted(left for left, _, _ in large_ones[:count])
        assert held(rig) <= 2  # for as many, and for as many as before
    for count in (6, 4, 1, 0):
        for _ in range(40):
            edges = rig.see(picture(*small_ones[:count]))
        assert edges == [left for left, _, _ in small_ones[:count]]
        assert held(rig) <= 2 + count + 1
    made = len(rig.landmarkers)
    rig.see(picture(small_ones[0]))
    assert len(rig.landmarkers) == made  # the next small face finds one that was kept
    rig.follower.close()
    assert held(rig) == 0


def test_memory_of_landmarkers_that_are_closed_on_the_way_is_given_back(monkeypatch):
    closed = []
    rig = Rig(max_faces=6)
    monkeypatch.setattr(face_follower, "give_back", lambda: closed.append(made() - held(rig)))

    def made():
        return len(rig.landmarkers)

    for count in (1, 2, 3):
        for _ in range(40):
            rig.see(picture(*[(20 + 200 * n, 30, 110) for n in range(count)]))
    assert closed == [1]  # when it was closed, and before the next was made


def test_two_numbers_of_faces_in_turn_need_two_landmarkers():
    rig = Rig()
    for _ in range(3):
        for count in (1, 2):
            for _ in range(20):
                rig.see(picture(*[(50 + 300 * n, 50, 120) for n in range(count)]))
    assert len(rig.landmarkers) == 2


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (1920, 1080), (480, 270), (1280, 300)])
def test_tiles_cover_the_picture_so_that_a_small_face_is_whole_in_one(size):
    width, height = size
    made = tiles(width, height)
    side = made[0][2] - made[0][0]
    small = side // 3 - 1
    for left in range(0, width - small, 13):
        for top in range(0, height - small, 13):
            assert any(
                a <= left and b <= top and left + small <= c and top + small <= d for a, b, c, d in made
            )


def test_a_picture_of_a_tiles_size_needs_none():
    assert tiles(288, 288) == []
    assert tiles(120, 60) == []


@pytest.fixture(scope="module")
def clip():
    """As (seconds, picture)."""
    return beginning_of_demo(16)


def follow(clip):
    follower = FaceFollower(lambda count: FaceLandmarker(count, video=True), FaceDetector(), 4)
    faces = [follower.find(Picture(image), seconds) for seconds, image in clip]
    follower.close()
    return faces


def test_real_landmarks_agree_with_the_plain_landmarker(clip):
    with FaceLandmarker(4) as plain:
        for (face,), (_, image) in zip(follow(clip), clip, strict=True):
            (expected,) = plain.detect(image)
            away = np.linalg.norm(face.points - expected.points, axis=1)
            assert np.median(away) < 0.05 * eye_distance(expected.points)


def test_the_same_clip_gives_the_same_faces(clip):
    for (one,), (other,) in zip(follow(clip[:6]), follow(clip[:6]), strict=True):
        np.testing.assert_array_equal(one.points, other.points)


def test_a_face_too_small_for_the_plain_landmarker_is_found(clip):
    small = [
        (seconds, cv2.copyMakeBorder(cv2.resize(image, (240, 135)), 420, 165, 260, 140, cv2.BORDER_REPLICATE))
        for seconds, image in clip[:4]
    ]
    with FaceLandmarker(4) as plain:
        assert plain.detect(small[0][1]) == ()
    assert all(len(faces) == 1 for faces in follow(small))


@pytest.mark.parametrize("threads", [2, 3])
def test_several_threads_see_what_one_sees(threads):
    """People come, go and move; a small one is among them."""

    def scene(n):
        faces = [(100 + n, 100, 120)] * (n >= 10) + [(400, 300, 120)] * (30 <= n < 75) + [(500, 40, 40)]
        return picture(*faces)

    shown = [scene(n) for n in range(120)]
    alone, together = Rig(), Rig(threads=threads)
    expected, found = alone.see_all(shown, 1), together.see_all(shown)
    assert found == Rig(threads=threads).see_all(shown)
    assert found == expected
    # Each looked through its share of the pictures.
    looks = [sum(one.looks for one in together.landmarkers[turn::threads]) for turn in range(threads)]
    assert min(looks) > 0.2 * max(looks)
    together.follower.close()
    assert all(one.closed for one in together.landmarkers)


def test_an_error_of_any_thread_reaches_the_caller():
    rig = Rig(threads=2)
    rig.see_all([picture((100, 100, 120))] * 8)
    second = rig.landmarkers[1]
    second.detect = lambda part, seconds: 1 / 0
    with pytest.raises(ZeroDivisionError):
        rig.see_all([picture((100, 100, 120))] * 8)
    rig.follower.close()


def afterwards(rig, shown):
    """What is done between two pictures: everything that is due."""
    for work in (rig.follower.settle, rig.follower.search_large, rig.follower.search_small):
        work(shown, rig.time)


@pytest.mark.parametrize("side", [120, 40])
def test_deferred_nobody_waits_for_the_search_while_somebody_is_there(side):
    rig = Rig(deferred=True)
    alone, together = picture((50, 50, 150)), picture((50, 50, 150), (400, 300, side))
    assert rig.see(alone) == [50]  # the first one is looked for at once
    afterwards(rig, alone)
    waited = 0
    while len(rig.landmarkers) == 1:
        looks = rig.detector.looks
        assert rig.see(together) == [50]
        assert rig.detector.looks == looks
        afterwards(rig, together)
        waited += 1
    assert rig.see(together) == [50, 400]  # what is found is reported from the next picture on
    assert waited * STEP <= (LOOK_SECONDS if side == 120 else SCAN_SECONDS) + 2 * STEP


def test_deferred_the_first_of_all_is_found_at_once_and_so_is_whoever_comes_back():
    rig = Rig(deferred=True)
    for shown, seen in [
        (picture((100, 100, 120), (400, 300, 120)), [100, 400]),
        (picture(), []),
        (picture((300, 200, 120)), [300]),
    ]:
        assert rig.see(shown) == seen
        afterwards(rig, shown)


def test_deferred_the_first_picture_waits_neither_for_a_landmarker_nor_for_the_tiles():
    rig = Rig(deferred=True)
    assert [landmarker.count for landmarker in rig.landmarkers] == [1]
    shown = picture((100, 100, 120), (400, 300, 40))
    assert rig.see(shown) == [100]
    assert (len(rig.landmarkers), rig.detector.looks) == (1, 1)
    while rig.see(shown) == [100]:
        assert rig.time < SCAN_SECONDS + 2 * STEP
        looks = rig.detector.looks
        afterwards(rig, shown)
        assert rig.detector.looks - looks <= 2
    assert rig.see(shown) == [100, 400]


def test_deferred_where_nobody_is_near_the_first_picture_is_searched_for_small_faces():
    assert Rig(deferred=True).see(picture((400, 300, 40))) == [400]


def test_deferred_nobody_waits_until_whoever_has_gone_is_given_up():
    rig = Rig(deferred=True)
    both, one = picture((50, 50, 120), (400, 300, 120)), picture((50, 50, 120))
    rig.see(both)
    afterwards(rig, both)
    for _ in range(20):
        made = len(rig.landmarkers)
        assert rig.see(one) == [50]
        assert len(rig.landmarkers) == made
        afterwards(rig, one)
    assert [landmarker.count for landmarker in rig.landmarkers] == [1, 2]
    assert rig.see(one) == [50]
    assert not rig.follower.settle(one, rig.time)
    rig.see(picture())  # who was the last is given up at once, since that costs nothing
    rig.time += 1.0
    rig.see(picture())
    looks = rig.detector.looks
    assert rig.see(picture()) == []
    assert rig.detector.looks > looks


def test_deferred_more_faces_than_there_is_room_for_are_reported_with_the_next_picture():
    rig = Rig(max_faces=2, deferred=True)
    shown = picture((0, 0, 90), (150, 0, 140), (350, 0, 110))
    counts = []
    for _ in range(65):
        rig.see(shown)
        counts += rig.follower.left_out
        afterwards(rig, shown)
    counted = [number for number, count in enumerate(counts) if count]
    # The first picture waits for no count.
    assert counted[0] == 1
    assert {after - before for before, after in itertools.pairwise(counted)} <= {30, 31, 32}
    assert set(counts) == {0, 1}
