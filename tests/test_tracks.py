import numpy as np

from realtime.frames import Box
from realtime.tracks import MEMORY_SECONDS, TrackAssigner


def box(x, y=0.0, size=100.0):
    return Box(x, y, size, size)


def test_faces_keep_their_numbers_whatever_their_order():
    tracks = TrackAssigner()
    assert tracks.assign([box(0), box(300)], 0.0) == [1, 2]
    assert tracks.assign([box(310), box(10)], 0.1) == [2, 1]


def test_two_faces_that_pass_close_by_are_matched_as_a_whole():
    tracks = TrackAssigner()
    tracks.assign([box(0), box(60)], 0.0)
    # Each alone is nearest to the other's place; together only one matching is least.
    assert tracks.assign([box(40), box(100)], 0.04) == [1, 2]


def test_a_short_absence_is_forgiven_and_a_long_one_is_not():
    tracks = TrackAssigner()
    tracks.assign([box(0)], 0.0)
    assert tracks.assign([], 0.5) == []
    assert tracks.assign([box(5)], 0.9 * MEMORY_SECONDS) == [1]
    assert tracks.assign([box(5)], 3 * MEMORY_SECONDS) == [2]


def test_a_face_elsewhere_or_of_another_size_is_another_one():
    tracks = TrackAssigner()
    tracks.assign([box(0)], 0.0)
    assert tracks.assign([box(500)], 0.04) == [2]
    assert tracks.assign([box(-100, -100, 300.0)], 0.08) == [3]


def test_time_that_jumps_back_ends_all_tracks():
    tracks = TrackAssigner()
    tracks.assign([box(0)], 10.0)
    assert tracks.assign([box(0)], 2.0) == [2]


def test_numbers_are_never_given_twice():
    tracks, seen = TrackAssigner(), []
    rng = np.random.default_rng(0)
    for step in range(100):
        boxes = [box(float(x)) for x in rng.uniform(0, 5000, 4)]
        ids = tracks.assign(boxes, step * 10.0)
        seen.extend(ids)
    assert len(seen) == len(set(seen)) == 400
