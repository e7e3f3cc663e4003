"""The follower with painted faces: bright squares in a dark picture, found by fakes of MediaPipe."""

import itertools

import av
import cv2
import numpy as np
import pytest

from emotion.models.faces.mediapipe_landmarker import (
    FaceDetector,
    FaceLandmarker,
    Landmarks,
    Picture,
)
from emotion.models.regions import eye_distance
from emotion.realtime.messages import Box
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.stages import face_follower
from emotion.realtime.stages.face_follower import (
    FaceFollower,
    RoundRobinLandmarkers,
    _Group,
    _Single,
    _window,
)
from emotion.realtime.stages.stride import Between
from emotion.realtime.stages.tile_search import LOOK_SECONDS, SCAN_SECONDS, tiles

STEP = 1 / 30


def picture(*squares, size=(480, 640)):
    """Squares are (left, top, side)."""
    image = np.zeros((*size, 3), np.uint8)
    for left, top, side in squares:
        image[top : top + side, left : left + side] = 255
    return Picture(image)


def blobs(part):
    """What is bright in a part of the picture: left, top, right, bottom in the whole."""
    gray = np.ascontiguousarray(part.rgb[..., 0])
    stats = cv2.connectedComponentsWithStats(gray)[2][1:]
    shift = np.array([part.left, part.top] * 2, np.float32)
    return [np.array([x, y, x + w, y + h], np.float32) + shift for x, y, w, h, _ in stats]


def large(part):
    """As MediaPipe's detector, the fake misses what is small in the part that it is shown."""
    least = max(part.width, part.height) / 8
    return [box for box in blobs(part) if (box[2:] - box[:2]).max() >= least]


class FakeDetector:
    def __init__(self):
        self.looks = 0
        self.closed = 0

    def surest(self, part):
        raise AssertionError("the follower asks where, not how sure")

    def detect(self, part):
        self.looks += 1
        found = sorted(large(part), key=lambda box: box[0] - box[2])
        return np.array(found, np.float32).reshape(-1, 4)

    def close(self):
        self.closed += 1


class FakeLandmarker:
    """Follows what is near its last boxes; while it has too few, it searches, for large ones."""

    def __init__(self, count):
        self.count = count
        self.last = []
        self.shown = []
        self.looks = 0
        self.searches = 0
        self.closed = 0

    def detect(self, part, seconds):
        self.looks += 1
        self.shown.append(Box(part.left, part.top, part.width, part.height))
        self.searches += len(self.last) < self.count
        seen = [box for box in blobs(part) if any((np.abs(box - old) < 40).all() for old in self.last)]
        if len(self.last) < self.count:
            seen += [box for box in large(part) if not any((box == other).all() for other in seen)]
        self.last = seen[: self.count]
        return tuple(
            Landmarks(box.reshape(2, 2), np.zeros(2, np.float32), np.zeros(52, np.float32))
            for box in self.last
        )

    def close(self):
        self.closed += 1


class Rig:
    def __init__(self, max_faces=4, threads=1, stride=1):
        self.detector = FakeDetector()
        self.landmarkers = []
        self.follower = FaceFollower(
            self.make,
            self.detector,
            max_faces,
            lambda count: self.team(count, threads, stride),
        )
        self.time = 0.0

    def team(self, count, threads, stride):
        looking = RoundRobinLandmarkers([self.make(count) for _ in range(threads)])
        return looking if stride == 1 else Between(looking, stride)

    def make(self, count):
        self.landmarkers.append(FakeLandmarker(count))
        return self.landmarkers[-1]

    def see(self, shown):
        """The left edges of the faces in the next picture of a stream of 30 a second."""
        self.time += STEP
        return sorted(int(face.points[0, 0]) for face in self.follower.find(shown, self.time))

    def see_all(self, shown, batch=8):
        """The same for many pictures, so many at once."""
        edges = []
        for start in range(0, len(shown), batch):
            part, times = shown[start : start + batch], []
            for _ in part:
                self.time += STEP
                times.append(self.time)
            for faces in self.follower.find_all(part, times):
                edges.append(sorted(int(face.points[0, 0]) for face in faces))
        return edges


def test_as_many_faces_as_there_are_are_asked_for_and_seldom_is_looked_for_more():
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


def test_no_more_than_asked_for():
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
    """Sixteen pictures of the bundled clip, as (seconds, picture)."""
    with av.open(str(DEMO)) as container:
        frames = [next(container.decode(video=0)) for _ in range(16)]
    return [(frame.time, frame.to_ndarray(format="bgr24")) for frame in frames]


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


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("stride", [2, 3])
def test_faces_lie_between_those_that_are_looked_at(threads, stride):
    shown = [picture((100 + 2 * n, 100, 120), (400, 300 - n, 120)) for n in range(48)]
    alone, sparing = Rig(), Rig(threads=threads, stride=stride)
    assert sparing.see_all(shown, 12) == alone.see_all(shown, 1)
    looks = sum(one.looks for one in sparing.landmarkers)
    assert looks < 1.3 * len(shown) / stride < sum(one.looks for one in alone.landmarkers)
    sparing.follower.close()
    assert all(one.closed for one in sparing.landmarkers)


@pytest.mark.parametrize("stride", [2, 3])
def test_who_comes_or_goes_is_there_from_the_next_look_on(stride):
    def scene(n):
        return picture((100, 100, 120), *[(400, 300, 120)] * (20 <= n < 45))

    edges = Rig(stride=stride).see_all([scene(n) for n in range(60)], 6)
    assert [found[0] for found in edges] == [100] * 60
    assert all(len(found) == 1 for found in edges[:20] + edges[45:])
    assert all(len(found) == 2 for found in edges[20 + round(LOOK_SECONDS / STEP) + stride : 45 - stride])


def landmarks(left):
    return Landmarks(
        np.array([[left, 100], [left + 120, 220]], np.float32),
        np.zeros(2, np.float32),
        np.full(52, left, np.float32),
    )


class Script:
    """A team that says what is in its script for the times that it is asked about."""

    turns = 1

    def __init__(self, faces):
        self.faces = faces
        self.asked = []

    def detect_all(self, pictures, seconds):
        self.asked += seconds
        return [tuple(landmarks(left) for left in self.faces[time]) for time in seconds]

    def close(self):
        pass


def look(script, times, stride=2):
    """The left edges in the first picture, and then in the others, looked at together."""
    team, pictures = Between(script, stride), [picture()] * len(times)
    found = team.detect_all(pictures[:1], times[:1]) + team.detect_all(pictures[1:], times[1:])
    return [[float(face.points[0, 0]) for face in faces] for faces in found]


def test_uneven_times_put_faces_where_they_are_then():
    script = Script({0.0: [100], 4.0: [120]})
    assert look(script, [0.0, 1.0, 3.0, 4.0], 3) == [[100], [105], [115], [120]]
    assert script.asked == [0.0, 4.0]


def test_faces_are_paired_with_themselves_whatever_their_order():
    script = Script({0.0: [100, 400], 2.0: [402, 102]})
    assert look(script, [0.0, 1.0, 2.0])[1] == [101, 401]


def test_who_leaps_is_nowhere_between():
    script = Script({0.0: [100, 400], 2.0: [250, 402]})
    assert look(script, [0.0, 1.0, 2.0])[1] == [401]


def test_time_that_goes_back_does_no_harm_between():
    times = [5.0, 4.0, 3.0]
    script = Script({5.0: [100], 3.0: [120]})
    assert look(script, times)[1] == [120]


@pytest.mark.parametrize("stride", [2, 3])
def test_real_landmarks_between_are_nearly_those_that_are_looked_for(clip, stride):
    def team():
        return RoundRobinLandmarkers([FaceLandmarker(1, video=True)])

    pictures, times = [Picture(image) for _, image in clip], [float(seconds) for seconds, _ in clip]
    plain, sparing = team(), Between(team(), stride)
    for (face,), (other,) in zip(
        plain.detect_all(pictures, times), sparing.detect_all(pictures, times), strict=True
    ):
        away = np.linalg.norm(face.points - other.points, axis=1)
        assert away.mean() < 0.03 * eye_distance(face.points)
        assert np.abs(face.blendshapes - other.blendshapes).mean() < 0.03
    plain.close()
    sparing.close()


def test_an_error_of_any_thread_reaches_the_caller():
    rig = Rig(threads=2)
    rig.see_all([picture((100, 100, 120))] * 8)
    second = rig.landmarkers[1]
    second.detect = lambda part, seconds: 1 / 0
    with pytest.raises(ZeroDivisionError):
        rig.see_all([picture((100, 100, 120))] * 8)
    rig.follower.close()


@pytest.mark.parametrize(("leap", "between"), [(59, [[129]]), (60, [[]]), (-59, [[70]])])
def test_a_face_that_moves_by_half_its_size_between_two_looks_is_another_one(leap, between):
    script = Script({0.0: [100], 2.0: [100 + leap]})
    found = look(script, [0.0, 1.0, 2.0])[1:2]
    assert [[int(left) for left in faces] for faces in found] == between


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
    """A landmarker that sees what it is told; it keeps what it was shown."""

    def __init__(self, *faces):
        self.faces, self.shown = list(faces), []

    def detect(self, part, seconds):
        self.shown.append(part)
        return self.faces.pop(0) if self.faces else ()


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
    assert single.follow(picture(), 10.0 + away) is None
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
    single.follow(picture(), 0.1)
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
