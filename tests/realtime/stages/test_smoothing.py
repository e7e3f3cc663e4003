import math

import numpy as np
import pytest

from emotion.realtime.stages.smoothing import (
    OLD_SECONDS,
    UNKNOWN,
    Smoothed,
    Smoother,
    both_ways,
    both_ways_of_all,
    steady,
)

A, B = np.array([0.8, 0.2], np.float32), np.array([0.2, 0.8], np.float32)
TAU = 0.3


NOBODY = np.full((1, 2), np.nan, np.float32)


def causal(steps, tau=TAU):
    smoother = Smoother(tau)
    return [smoother.update(seconds, vote) for seconds, vote in steps]


def two_sided(steps, ahead=0.75, tau=TAU):
    past = causal(steps, tau)
    times = np.array([seconds for seconds, _ in steps])
    votes = np.array([np.full(2, np.nan) if vote is None else vote for _, vote in steps], np.float32)
    reported = []
    for now, seconds in enumerate(times):
        end = int(np.searchsorted(times, seconds + ahead, side="right"))
        near = np.flatnonzero(np.abs(times - seconds) <= 0.1)
        before = past[now - 1] if now else UNKNOWN
        around = votes[near], now - near[0]
        reported.append(both_ways(past[now], before, *around, seconds, times[now:end], votes[now:end], tau))
    return reported


def uneven(rng, seconds=6.0):
    times, now = [], 0.0
    while now < seconds:
        times.append(now)
        now += float(rng.uniform(0.008, 0.12))
    return times


def even(fps):
    return [n / fps for n in range(int(6 * fps))]


GRIDS = [even(24), even(30), even(60), *(uneven(np.random.default_rng(seed)) for seed in range(5))]


@pytest.mark.parametrize("times", GRIDS)
@pytest.mark.parametrize("step", [0.35, 2.0, 5.6])
@pytest.mark.parametrize("ahead", [0.2, 0.75])
def test_a_step_of_the_votes_is_half_way_at_its_very_picture(times, step, ahead):
    reported = two_sided([(t, A if t < step else B) for t in times], ahead)
    leads = [int(one.shares.argmax()) for one in reported]
    assert leads == [0 if t < step else 1 for t in times]


@pytest.mark.parametrize("times", GRIDS)
@pytest.mark.parametrize(("first", "then"), [((0.97, 0.03), (0.45, 0.55)), ((0.55, 0.45), (0.05, 0.95))])
def test_a_step_stays_where_it_is_whichever_side_is_surer(times, first, then):
    rng = np.random.default_rng(3)
    votes = [np.array(first if t < 2 else then) + rng.normal(0, 0.01) * np.array([1, -1]) for t in times]
    reported = two_sided([(t, vote.astype(np.float32)) for t, vote in zip(times, votes, strict=True)])
    leads = [int(one.shares.argmax()) for one in reported]
    assert leads == [int(t >= 2) for t in times]


def test_by_what_was_alone_a_step_is_late():
    reported = causal([(t, A if t < 2 else B) for t in even(30)])
    late = even(30)[[int(one.shares.argmax()) for one in reported].index(1)] - 2
    assert late == pytest.approx(TAU * math.log(2), abs=1 / 30)


def test_what_was_seen_last_stands_for_a_second_and_grows_old():
    reported = causal([(0.0, A), (0.5, None), (0.9, None), (1.1, None), (1.2, None)])
    assert [one.age for one in reported] == [0.0, 0.5, 0.9, math.inf, math.inf]
    assert [one.shares is None for one in reported] == [False, False, False, True, True]


def test_after_that_the_next_vote_counts_in_full():
    reported = causal([(0.0, A), (1.5, None), (1.6, B)])
    np.testing.assert_array_equal(reported[-1].shares, B)


def test_what_comes_stands_for_a_beginning_in_which_nothing_is_seen():
    reported = two_sided([(0.0, None), (0.1, None), (0.2, B), (0.3, B)])
    np.testing.assert_allclose([one.shares for one in reported], [B] * 4, rtol=1e-6)
    assert [one.age for one in reported] == pytest.approx([0.2, 0.1, 0, 0])


def test_what_comes_too_late_stands_for_nothing():
    (first, *_) = two_sided([(0.0, None), (1.0 + OLD_SECONDS, B)], ahead=9)
    assert first.shares is None


def test_between_two_votes_the_nearer_counts_more():
    reported = two_sided([(0.0, A), *((n / 10, None) for n in range(1, 6)), (0.6, B), (0.9, B)])
    shares = [float(one.shares[1]) for one in reported]
    assert shares[:7] == sorted(shares[:7])
    assert shares[1] < 0.5 < shares[5]


def test_without_smoothing_each_vote_is_its_own():
    votes = [(0.0, A), (0.1, B), (0.2, A)]
    for reported in (causal(votes, 0), two_sided(votes, tau=0)):
        assert [int(one.shares.argmax()) for one in reported] == [0, 1, 0]


def test_a_flicker_is_smoothed_away():
    votes = [(n / 30, B if n == 30 else A) for n in range(60)]
    assert all(one.shares.argmax() == 0 for one in two_sided(votes))


def test_a_negative_tau_is_refused():
    with pytest.raises(ValueError, match="not negative"):
        Smoother(-1)


def test_a_step_is_63_per_cent_there_after_tau():
    (_, after) = causal([(0.0, np.array([1, 0], np.float32)), (0.5, np.array([0, 1], np.float32))], 0.5)
    assert after.shares[1] == pytest.approx(1 - np.exp(-1), abs=1e-6)


def test_votes_that_are_far_apart_are_smoothed_by_their_times_alone():
    reported = causal([(0.0, A), (2.0, B)], 4.0)
    np.testing.assert_allclose(reported[-1].shares, A + (1 - np.exp(-0.5)) * (B - A), atol=1e-6)


def test_dropped_pictures_change_nothing():
    often = causal([(0.0, A), *((n / 30, B) for n in range(1, 31))])
    seldom = causal([(0.0, A), (1.0, B)])
    np.testing.assert_allclose(often[-1].shares, seldom[-1].shares, atol=1e-5)


@pytest.mark.parametrize("wrong", [0, 1, 58, 59])
def test_a_flicker_at_a_beginning_or_an_end_is_smoothed_away(wrong):
    votes = [(n / 30, B if n == wrong else A) for n in range(60)]
    assert all(one.shares.argmax() == 0 for one in two_sided(votes))


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("fps", [24, 30, 60])
def test_the_first_and_the_last_are_like_those_beside_them(backwards, fps):
    """Votes that go from one emotion to another in half a second, from the first picture on."""
    count = fps
    shares = np.clip(np.arange(count) / fps / 0.5, 0, 1)
    votes = [np.array([1 - share, share], np.float32) for share in shares]
    reported = two_sided([(n / fps, vote) for n, vote in enumerate(votes[::-1] if backwards else votes)])
    steps = np.abs(np.diff([one.shares[0] for one in reported]))
    assert steps[0] <= steps[1] + 0.01
    assert steps[-1] <= steps[-2] + 0.01


def test_two_that_stand_alone_are_smoothed_away():
    votes = [(n / 30, B if n in (30, 31) else A) for n in range(60)]
    assert all(one.shares.argmax() == 0 for one in two_sided(votes))


def test_the_steady_vote_is_the_median_of_as_many_on_either_side():
    votes = np.array([[0.0], [0.9], [0.1], [np.nan], [0.8]], np.float32)
    assert steady(votes, 0) == pytest.approx([0.0])  # nothing precedes it
    assert steady(votes, 1) == pytest.approx([0.1])
    assert steady(votes, 2) == pytest.approx([(0.1 + 0.8) / 2])
    assert steady(votes, 3) is None


@pytest.mark.parametrize("gaps", [0.0, 0.02, 0.5])
@pytest.mark.parametrize("ends", [True, False])
def test_all_that_is_said_of_a_person_is_smoothed_together_as_one_by_one(gaps, ends):
    rng = np.random.default_rng(round(100 * gaps) + ends)
    for _ in range(60):
        count, rows = int(rng.integers(1, 30)), int(rng.integers(1, 5))
        times = np.sort(rng.uniform(0, 1, count))
        votes = rng.dirichlet(np.ones(6), (count, rows)).astype(np.float32)
        votes[rng.random((count, rows)) < gaps] = np.nan
        now = int(rng.integers(0, count))
        around = slice(max(0, now - 3), now + 4)
        pasts, befores = (
            [
                Smoothed(rng.dirichlet(np.ones(6)).astype(np.float32), float(rng.uniform(0, 0.3)))
                if rng.random() > gaps
                else UNKNOWN
                for _ in range(rows)
            ]
            for _ in range(2)
        )
        clock = (float(times[now]), times[now:])
        place = now - around.start
        together = both_ways_of_all(pasts, befores, votes[around], place, *clock, votes[now:], TAU, ends)
        for row, found in enumerate(together):
            near = votes[around, row], place
            alone = both_ways(pasts[row], befores[row], *near, *clock, votes[now:, row], TAU, ends)
            assert found.age == alone.age
            assert (found.shares is None) == (alone.shares is None)
            if alone.shares is not None:
                np.testing.assert_array_equal(found.shares, alone.shares)
                assert found.shares.dtype == np.float32


@pytest.mark.parametrize(("later", "stands"), [(1.0, True), (1.001, False)])
def test_what_is_a_second_away_still_stands_before_and_behind(later, stands):
    (_, after) = causal([(5.0, A), (5.0 + later, None)])
    assert (after.shares is not None) is stands
    times, votes = np.array([5.0 + later]), B[None]
    before = both_ways(UNKNOWN, UNKNOWN, NOBODY, 0, 5.0, times, votes, TAU)
    assert (before.shares is not None) is stands
    assert before.age == pytest.approx(later if stands else math.inf)


def test_where_nothing_follows_that_is_seen_the_past_stays_as_it_is():
    past = Smoothed(A, 0.25)
    for votes in (np.full((2, 2), np.nan, np.float32), np.zeros((0, 2), np.float32)):
        reported = both_ways(past, past, NOBODY, 0, 1.0, np.array([1.0, 1.1])[: len(votes)], votes, TAU)
        assert reported is past


def test_the_older_and_the_further_count_alike_at_the_same_distance():
    times, votes = np.array([1.0, 1.2]), np.array([[np.nan, np.nan], B], np.float32)
    reported = both_ways(Smoothed(A, 0.2), Smoothed(A, 0.1), NOBODY, 0, 1.0, times, votes, TAU)
    np.testing.assert_allclose(reported.shares, (A + B) / 2, rtol=1e-6)
    assert reported.age == pytest.approx(0.2)
