import itertools

import numpy as np
import pytest

from emotion.realtime.messages import Box
from emotion.realtime.stages.tracker import MEMORY_SECONDS, Tracker, _assign


def box(x, y=0.0, size=100.0):
    return Box(x, y, size, size)


def test_faces_keep_their_numbers_whatever_their_order():
    tracks = Tracker()
    assert tracks.assign([box(0), box(300)], 0.0) == [1, 2]
    assert tracks.assign([box(310), box(10)], 0.1) == [2, 1]


def test_two_faces_that_pass_close_by_are_matched_as_a_whole():
    tracks = Tracker()
    tracks.assign([box(0), box(60)], 0.0)
    # Each alone is nearest to the other's place; together only one matching is least.
    assert tracks.assign([box(40), box(100)], 0.04) == [1, 2]


def test_a_short_absence_is_forgiven_and_a_long_one_is_not():
    tracks = Tracker()
    tracks.assign([box(0)], 0.0)
    assert tracks.assign([], 0.5) == []
    assert tracks.assign([box(5)], 0.9 * MEMORY_SECONDS) == [1]
    assert tracks.assign([box(5)], 3 * MEMORY_SECONDS) == [2]


def follow(steps):
    """The ids of people in a scene: steps are (seconds, {person: box})."""
    tracks, ids = Tracker(), {}
    for seconds, shown in steps:
        for person, number in zip(shown, tracks.assign(list(shown.values()), seconds), strict=True):
            ids.setdefault(person, []).append(number)
    return {person: set(numbers) for person, numbers in ids.items()}


@pytest.mark.parametrize("speed", [150, 300, 500])
@pytest.mark.parametrize("rate", [10, 25, 60])
def test_two_who_cross_keep_their_numbers_though_one_hides_the_other(speed, rate):
    rng = np.random.default_rng(speed)

    def scene():
        for step in range(int(900 / speed * rate)):
            there, back = 50 + speed * step / rate, 950 - speed * step / rate
            shake = rng.normal(0, 1.5, 4)
            shown = {"in front": box(there + shake[0], shake[1])}
            if abs(there - back) > 80:
                shown["behind"] = box(back + shake[2], 15 + shake[3])
            yield step / rate, shown

    assert follow(scene()) == {"in front": {1}, "behind": {2}}


@pytest.mark.parametrize("away", [0.3, 0.6, 1.0])
def test_whoever_walks_on_behind_something_keeps_the_number(away):
    def scene():
        for step in range(75):
            seconds = step / 25
            hidden = 1.0 < seconds < 1.0 + away
            yield seconds, {"standing": box(900)} | ({} if hidden else {"walking": box(250 * seconds)})

    assert follow(scene()) == {"standing": {1}, "walking": {2}}


def test_a_head_that_turns_away_for_a_while_keeps_its_number():
    def scene():
        for step in range(100):
            seconds = step / 25
            shown = {"still": box(520 + 15 * np.cos(3 * seconds))}
            if not 1.0 < seconds < 2.5:
                shown["turning"] = box(300 + 20 * np.sin(2 * seconds))
            yield seconds, shown

    assert follow(scene()) == {"still": {1}, "turning": {2}}


def test_a_newcomer_does_not_inherit_the_number_of_one_who_left_elsewhere():
    steps = [(0.04 * n, {"first": box(0)}) for n in range(10)]
    steps += [(1.0 + 0.04 * n, {"second": box(400)}) for n in range(10)]
    assert follow(steps) == {"first": {1}, "second": {2}}


def test_a_face_elsewhere_or_of_another_size_is_another_one():
    tracks = Tracker()
    tracks.assign([box(0)], 0.0)
    assert tracks.assign([box(500)], 0.04) == [2]
    assert tracks.assign([box(-100, -100, 300.0)], 0.08) == [3]


def test_time_that_jumps_back_ends_all_tracks():
    tracks = Tracker()
    tracks.assign([box(0)], 10.0)
    assert tracks.assign([box(0)], 2.0) == [2]


def test_numbers_are_never_given_twice():
    tracks, seen = Tracker(), []
    rng = np.random.default_rng(0)
    for step in range(100):
        boxes = [box(float(x)) for x in rng.uniform(0, 5000, 4)]
        ids = tracks.assign(boxes, step * 10.0)
        seen.extend(ids)
    assert len(seen) == len(set(seen)) == 400


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (5, 1), (3, 4), (4, 2)])
def test_faces_and_tracks_are_paired_at_the_least_cost(shape):
    for seed in range(20):
        costs = np.random.default_rng(seed).random(shape)
        pairs = _assign(costs)
        few, many = sorted(shape)
        ways = itertools.permutations(range(many), few)
        table = costs if shape[0] <= shape[1] else costs.T
        least = min(sum(table[row, column] for row, column in enumerate(way)) for way in ways)
        assert sum(costs[pair] for pair in pairs) == pytest.approx(least)
        assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == few
