import itertools
import math
import sys

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from emotion.realtime.messages import Box
from emotion.realtime.stages.tracker import MEMORY_SECONDS, Tracker, _assign, _distance, _Track


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
    for step in range(1, 4):
        tracks.assign([], (0.9 + 0.3 * step) * MEMORY_SECONDS)
    assert tracks.assign([box(5)], 3 * MEMORY_SECONDS) == [2]


def test_in_a_time_lapse_pictures_count_not_seconds():
    tracks = Tracker()
    assert [tracks.assign([box(5 * n)], 30.0 * n) for n in range(12)] == [[1]] * 12
    # Missed in two pictures, not in three.
    assert [tracks.assign([], 360.0), tracks.assign([], 390.0)] == [[], []]
    assert tracks.assign([box(60)], 420.0) == [1]
    assert [tracks.assign([], 450.0 + 30 * n) for n in range(3)] == [[]] * 3
    assert tracks.assign([box(60)], 540.0) == [2]


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
        # Where nobody was before.
        boxes = [box(float(x) + 10_000 * step) for x in rng.uniform(0, 5000, 4)]
        ids = tracks.assign(boxes, step * 10.0)
        seen.extend(ids)
    assert len(seen) == len(set(seen)) == 400


def kept(seen, back, seconds):
    """Between which places a face keeps its number: seen at (seconds, box), `back` makes its box later."""

    def keeps(x):
        tracks = Tracker()
        for time, shown in seen:
            (number,) = tracks.assign([shown], time)
        return tracks.assign([back(x)], seconds) == [number]

    def edge(inside, outside):
        assert keeps(inside)
        assert not keeps(outside)
        while abs(outside - inside) > 0.1:
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if keeps(middle) else (inside, middle)
        return inside

    start = next(x for x in range(-400, 1200, 20) if keeps(x))
    middle = next(x for x in range(start + 20, 1400, 20) if not keeps(x)) - 20
    return edge(float(start), start - 500.0), edge(float(middle), middle + 500.0)


@pytest.mark.parametrize(
    ("away", "reach"),
    [
        (0.0, 0.6 + 0.03 / 2),
        # Its speed may be 3 sizes a second, and has become as much more uncertain.
        (0.25, 0.6 + np.sqrt(0.03**2 + 3**2 * (0.25**2 + 0.25**3 / 3)) / 2),
        (0.5, 0.6 + np.sqrt(0.03**2 + 3**2 * (0.5**2 + 0.5**3 / 3)) / 2),
        (1.0, 1.8),
        (1.99, 1.8),
    ],
)
def test_a_face_is_looked_for_the_further_the_longer_it_was_away(away, reach):
    low, high = kept([(0.0, box(300))], box, away)
    assert (low + high) / 2 == pytest.approx(300, abs=0.5)
    assert (high - low) / 2 == pytest.approx(100 * reach, abs=0.5)


@pytest.mark.parametrize("speed", [-150.0, 120.0, 250.0])
@pytest.mark.parametrize("away", [0.2, 0.5, 1.0, 1.5])
def test_a_walking_face_is_looked_for_where_it_would_be_by_now(speed, away):
    """It slows down out of sight: after a second and a half to 37%."""
    seen = [(0.04 * n, box(300 + speed * 0.04 * n)) for n in range(51)]
    low, high = kept(seen, box, 2.0 + away)
    expected = 300 + 2 * speed + speed * 1.5 * (1 - np.exp(-away / 1.5))
    assert (low + high) / 2 == pytest.approx(expected, abs=0.05 * abs(speed) * away + 1)


def test_a_face_that_is_seen_all_the_time_is_surely_near_where_it_is_expected():
    """Where it goes is known much better than at first sight."""
    at_first = kept([(0.0, box(300))], box, 0.3)
    later = kept([(0.04 * n, box(300)) for n in range(51)], box, 2.3)
    shorter = (later[1] - later[0]) / (at_first[1] - at_first[0])
    assert 0.6 < shorter < 0.8


@pytest.mark.parametrize(("factor", "same"), [(1.95, True), (2.05, False), (0.52, True), (0.48, False)])
def test_twice_the_size_is_the_largest_change(factor, same):
    tracks = Tracker()
    tracks.assign([Box(200, 200, 100, 80)], 0.0)
    side = 100 * factor
    found = tracks.assign([Box(250 - side / 2, 240 - 0.4 * side, side, 0.8 * side)], 0.04)
    assert found == [1 if same else 2]


@pytest.mark.parametrize(("apart", "number"), [(0.52, 2), (0.66, 1)])
def test_a_change_of_the_size_by_two_counts_as_much_as_a_distance_of_one_size(apart, number):
    """One face is where the box is, but half as large again (log2 1.5 = 0.58); the other as large, apart."""
    tracks = Tracker()
    tracks.assign([box(200 - 25, -25, 150.0), box(200 + 100 * apart)], 0.0)
    # Away for a while, so that both are within reach.
    assert tracks.assign([box(200)], 0.3) == [number]


def test_memory_lasts_two_seconds():
    assert MEMORY_SECONDS == 2.0
    for away, number in ((1.99, 1), (2.01, 2)):
        tracks = Tracker()
        tracks.assign([box(0)], 0.0)
        for step in range(1, 4):
            tracks.assign([], 0.1 * step)
        assert tracks.assign([box(0)], away) == [number]


def test_who_may_come_back_is_alive():
    tracks = Tracker()
    assert tracks.alive == ()
    tracks.assign([box(0), box(500)], 0.0)
    tracks.assign([box(0)], 1.5)
    assert tracks.alive == (1, 2)
    for seconds in (1.6, 1.7, 2.5):
        tracks.assign([box(0)], seconds)
    assert tracks.alive == (1,)


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (5, 1), (3, 4), (4, 2), (6, 7)])
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


@pytest.mark.parametrize("shape", [(2, 3), (4, 4), (5, 3), (4, 6)])
def test_nobody_is_paired_out_of_reach_and_as_many_as_can_be_within(shape):
    for seed in range(40):
        random = np.random.default_rng(seed)
        costs = np.where(random.random(shape) < 0.5, np.inf, random.random(shape))
        pairs = _assign(costs.tolist())
        rows, columns = linear_sum_assignment(np.minimum(costs, 1e3))
        expected = [pair for pair in zip(rows, columns, strict=True) if costs[pair] < np.inf]
        assert len(pairs) == len(expected)
        assert sum(costs[pair] for pair in pairs) == pytest.approx(sum(costs[pair] for pair in expected))
        assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)


def test_two_pairs_are_preferred_to_one_however_far_they_are_within_reach():
    farthest = math.hypot(1.8, 1.0)
    assert _assign([[0.0, farthest], [farthest, math.inf]]) == [(0, 1), (1, 0)]


def test_no_solver_is_loaded_for_a_crowd_that_stands_apart(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    tracks = Tracker()
    people = [box(200 * place) for place in range(20)]
    assert tracks.assign(people, 0.1) == [*range(1, 21)]
    assert tracks.assign(people[::-1], 0.2) == [*range(20, 0, -1)]


def test_no_solver_is_loaded_while_a_few_faces_are_followed(monkeypatch):
    """That takes half a second, in which a live picture would stand still."""
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    tracks = Tracker()
    people = [box(200 * place) for place in range(6)]
    for number in range(1, 7):
        assert tracks.assign(people[:number], number / 10) == [*range(1, number + 1)]
    assert tracks.assign(people[::-1], 0.8) == [6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize(("moved", "same"), [(66, True), (67, False), (-66, True), (-67, False)])
def test_from_a_picture_to_the_next_a_face_moves_by_two_thirds_of_its_size_at_most(moved, same):
    for across, down in ((moved, 0), (0, moved)):
        tracks = Tracker()
        tracks.assign([box(0)], 1.0)
        assert tracks.assign([box(across, down)], 1.04) == [1 if same else 2]


@pytest.mark.parametrize(("moved", "same"), [(179, True), (181, False)])
def test_who_was_away_for_long_comes_back_within_less_than_two_sizes(moved, same):
    tracks = Tracker()
    tracks.assign([box(0)], 0.0)
    assert tracks.assign([box(moved)], 1.9) == [1 if same else 2]


@pytest.mark.parametrize(("size", "same"), [(200, True), (202, False), (50, True), (49, False)])
def test_a_face_becomes_no_more_than_twice_or_half_as_large_at_once(size, same):
    tracks = Tracker()
    tracks.assign([box(0)], 0.0)
    middle = 50 - size / 2
    assert tracks.assign([box(middle, middle, size)], 0.04) == [1 if same else 2]


def test_twice_the_size_is_as_far_as_a_size_away():
    track = _Track(1, box(0), 0.0)
    assert _distance(box(-50, -50, 200), track, 0.0) == pytest.approx(1.0)
    assert _distance(box(30), track, 0.0) == pytest.approx(0.3)
    assert _distance(box(0, 40), track, 0.0) == pytest.approx(0.4)
    # Both at once, the distance in units of the mean size.
    assert _distance(box(-50 + 45, -50, 200), track, 0.0) == pytest.approx(np.hypot(0.3, 1.0))
    assert _distance(box(100), track, 0.0) == np.inf


def test_a_long_face_is_as_large_as_its_longer_side_and_none_is_smaller_than_a_pixel():
    track = _Track(1, Box(0, 0, 50, 100), 0.0)
    assert _distance(Box(0, 25, 50, 50), track, 0.0) == pytest.approx(1.0)
    assert _distance(Box(25, 50, 0.5, 0.5), _Track(1, Box(25, 50, 1, 1), 0.0), 0.0) == pytest.approx(
        0.35, abs=0.01
    )


@pytest.mark.parametrize(("away", "kept"), [(2.0, True), (2.01, False)])
def test_a_face_is_remembered_for_two_seconds(away, kept):
    tracks = Tracker()
    tracks.assign([box(0)], 1.0)
    for step in range(3):
        tracks.assign([], 1.1 + step / 10)
    assert tracks.assign([box(0)], 1.0 + away) == [1 if kept else 2]
    assert tracks.alive == ((1,) if kept else (2,))


def test_where_time_goes_back_all_are_new():
    tracks = Tracker()
    assert [tracks.assign([box(0)], seconds) for seconds in (1.0, 1.0, 0.99)] == [[1], [1], [2]]


@pytest.mark.parametrize("speed", [(120.0, -40.0), (0.0, 90.0)])
def test_who_walks_evenly_is_expected_where_they_will_be(speed):
    track = _Track(1, box(0), 0.0)
    for step in range(1, 60):
        track.see(box(*(np.multiply(speed, step / 25))), step / 25)
    # A little less, because whoever walks is taken to come to a stop.
    assert track.velocity == pytest.approx(0.95 * complex(*speed), rel=0.005)
    now = complex(*speed) * 59 / 25 + (50 + 50j)
    assert track.expected(59 / 25) == pytest.approx(now)
    # Out of sight a walk comes to its end: after a second and a half 63% of the way are done.
    ahead = track.expected(59 / 25 + 1.5) - now
    assert ahead == pytest.approx(track.velocity * 1.5 * (1 - math.exp(-1)))
