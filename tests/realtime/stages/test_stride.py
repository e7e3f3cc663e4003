"""Faces of frames that are not looked at, with painted faces and with real ones."""

import numpy as np
import pytest

from emotion.models.faces.mediapipe_landmarker import FaceLandmarker
from emotion.models.faces.picture import Landmarks, Picture
from emotion.models.lazy import Lazy
from emotion.models.regions import eye_distance
from emotion.realtime.stages.face_follower import RoundRobinLandmarkers
from emotion.realtime.stages.stride import LONGEST_GAP, MOST_FRAMES, Between
from emotion.realtime.stages.tile_search import LOOK_SECONDS
from tests.fakes.painted_faces import STEP, Rig, Script, picture
from tests.helpers.clips import beginning_of_demo


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


@pytest.mark.parametrize("stride", [2, 3, None])
def test_real_landmarks_between_are_nearly_those_that_are_looked_for(stride):
    def team():
        return RoundRobinLandmarkers([FaceLandmarker(1, video=True)])

    clip = beginning_of_demo(16)
    pictures, times = [Picture(image) for _, image in clip], [seconds for seconds, _ in clip]
    plain, sparing = team(), Between(team(), stride)
    for (face,), (other,) in zip(
        plain.detect_all(pictures, times), sparing.detect_all(pictures, times), strict=True
    ):
        away = np.linalg.norm(face.points - other.points, axis=1)
        assert away.mean() < 0.03 * eye_distance(face.points)
        assert np.abs(face.blendshapes - other.blendshapes).mean() < 0.03
    plain.close()
    sparing.close()


def test_blendshapes_between_wait_for_who_asks():
    asked = []

    class Team:
        turns = 1

        def detect_all(self, pictures, seconds):
            return [(self.face(time),) for time in seconds]

        def face(self, time):
            def shapes():
                asked.append(time)
                return np.full(52, time, np.float32)

            return Landmarks(np.eye(2, dtype=np.float32), np.zeros(2, np.float32), Lazy(shapes))

    found = Between(Team(), 2).detect_all([picture()] * 3, [0.0, 0.25, 1.0])
    assert asked == []
    assert found[1][0].blendshapes == pytest.approx(0.25)
    assert found[0][0].blendshapes == pytest.approx(0.0)
    assert found[2][0].blendshapes == pytest.approx(1.0)
    assert asked == [0.0, 1.0]


@pytest.mark.parametrize(("leap", "between"), [(59, [[129]]), (60, [[]]), (-59, [[70]])])
def test_a_face_that_moves_by_half_its_size_between_two_looks_is_another_one(leap, between):
    script = Script({0.0: [100], 2.0: [100 + leap]})
    found = look(script, [0.0, 1.0, 2.0])[1:2]
    assert [[int(left) for left in faces] for faces in found] == between


def looked_at(times, stride=None):
    """Which pictures of one batch are looked at."""
    script = Script({time: [100] for time in times})
    Between(script, stride).detect_all([picture()] * len(times), times)
    return [times.index(time) for time in script.asked]


@pytest.mark.parametrize(
    ("rate", "every"),
    [(5, 1), (15, 1), (24, 1), (25, 2), (30, 2), (36, 2), (40, 3), (50, 4), (60, 4), (240, 4)],
)
def test_without_a_stride_time_decides_how_many_are_passed_over(rate, every):
    times = [number / rate for number in range(25)]
    assert looked_at(times) == list(range(0, 25, every))
    assert every == MOST_FRAMES or (every + 1) / rate > LONGEST_GAP


def test_uneven_times_are_looked_at_as_they_come():
    times = [0.0, 0.03, 0.06, 0.2, 0.5, 0.53, 0.57, 0.61, 0.65]
    assert looked_at(times) == [0, 2, 3, 4, 6, 8]
    assert looked_at(times, 2) == [0, 2, 4, 6, 8]


def test_a_batch_goes_on_where_the_one_before_ended():
    times = [number / 30 for number in range(9)]
    script = Script({time: [100] for time in times})
    team = Between(script)
    for part in (times[:4], times[4:]):
        assert len(team.detect_all([picture()] * len(part), part)) == len(part)
    assert script.asked == [times[at] for at in (0, 2, 3, 5, 7, 8)]
