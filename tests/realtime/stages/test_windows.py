"""Small faces, each followed in a window of the picture: how often they are looked at, and by whom."""

import threading

import pytest

from emotion.realtime.stages import face_follower
from tests.fakes.painted_faces import Rig, picture


def test_a_small_face_that_sits_still_is_looked_at_in_some_pictures_as_a_large_one_is():
    rig = Rig(stride=2)
    shown = [picture((50, 50, 150), (400 + n // 4, 300, 36)) for n in range(80)]
    for n, (large, small) in enumerate(rig.see_all(shown)):
        assert large == 50
        assert abs(small - (400 + n // 4)) <= 1
    group, single = rig.landmarkers
    assert max(group.looks, single.looks) < 0.6 * 80


def test_a_small_face_that_walks_is_looked_at_in_every_picture():
    rig = Rig(stride=2)
    shown = [picture((20 + 5 * n, 20 + 3 * n, 36)) for n in range(80)]
    assert rig.see_all(shown) == [[20 + 5 * n] for n in range(80)]
    assert rig.landmarkers[0].looks >= 80


@pytest.mark.parametrize("comes", range(24, 32))
def test_who_comes_in_the_middle_of_a_batch_puts_no_small_face_into_another_picture(comes):
    rig = Rig(stride=2)
    shown = [picture((400 + n // 4, 300, 36), *[(50, 50, 150)] * (n >= comes)) for n in range(64)]
    found = rig.see_all(shown)
    assert all(abs(edges[-1] - (400 + n // 4)) <= 1 for n, edges in enumerate(found))
    assert [len(edges) for edges in found[comes + 16 :]] == [2] * (48 - comes)


def test_a_small_face_that_is_lost_is_looked_for_in_every_picture():
    rig = Rig(stride=2)
    rig.see_all([picture((400, 300, 36))] * 16)
    (single,) = rig.landmarkers
    looks = single.looks
    assert rig.see_all([picture()] * 8) == [[]] * 8
    assert rig.see_all([picture((400, 300, 36))] * 2, batch=1) == [[400]] * 2
    assert single.looks > looks + 4


def test_faces_with_windows_are_looked_at_side_by_side(monkeypatch):
    monkeypatch.setattr(face_follower, "available_cores", lambda: 2)
    rig = Rig()
    shown = picture((50, 50, 150), (300, 300, 36), (500, 300, 36))
    assert rig.see(shown) == [50, 300, 500]
    together = threading.Barrier(2, timeout=20)

    class Slow:
        turns = 1

        def __init__(self, team):
            self.team = team

        def detect_all(self, pictures, seconds):
            together.wait()
            return self.team.detect_all(pictures, seconds)

        def close(self):
            self.team.close()

    for single in rig.follower._busy:
        single._team = Slow(single._team)
    assert [rig.see(shown) for _ in range(3)] == [[50, 300, 500]] * 3


def test_what_fails_in_a_window_reaches_the_caller():
    rig = Rig()
    shown = picture((50, 50, 150), (300, 300, 36), (500, 300, 36))
    rig.see(shown)

    def fail(part, seconds):
        raise OSError("no more memory")

    rig.landmarkers[-1].detect = fail
    with pytest.raises(OSError, match="no more memory"):
        rig.see(shown)
    rig.follower.close()
