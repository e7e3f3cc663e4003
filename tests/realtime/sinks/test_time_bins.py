from dataclasses import replace

import numpy as np
import pytest

from emotion.models.classes import EMOTIONS
from emotion.realtime.sinks.time_bins import TimeBins
from tests.helpers.results import face, result, sure

FEAR, ANGER = EMOTIONS.index("fear"), EMOTIONS.index("anger")


def fill(bins, frames, step=40, start=0):
    for number, faces in enumerate(frames):
        bins.add(result(number, *faces, pts=start + step * number))
    return bins.finish()


def test_a_bin_is_the_mean_of_its_frames():
    bins = TimeBins(seconds=0.08)
    (person,) = fill(bins, [[face("fear", 1, 1.0)], [face("anger", 1, 1.0)]] * 2, start=7000)
    assert (bins.begin, bins.count) == (7.0, 2)
    assert person.bins == (0, 1)
    assert person.means.shape == (2, 4, 6)
    means = person.means[:, :3]
    assert means[:, :, FEAR] == pytest.approx(np.full((2, 3), 0.5))
    assert means.sum(axis=2) == pytest.approx(np.ones((2, 3)))
    assert np.isnan(person.means[:, 3]).all()


def test_a_frame_lasts_until_the_next_and_counts_for_its_time():
    bins = TimeBins(seconds=0.1)
    for pts, emotion in ((0, "fear"), (30, "anger"), (100, "anger")):
        bins.add(result(0, face(emotion, 1, 1.0), pts=pts))
    (person,) = bins.finish()
    assert person.means[0, 0, [FEAR, ANGER]] == pytest.approx([0.3, 0.7])


def test_long_frames_fill_all_their_bins():
    (person,) = fill(TimeBins(seconds=0.1), [[face("fear")]] * 3, step=500)
    assert person.bins == tuple(range(15))


def test_a_region_that_is_not_seen_has_no_mean():
    (person,) = fill(TimeBins(), [[face("fear", lips=False)]] * 3)
    assert np.isnan(person.means[:, 2]).all()
    assert not np.isnan(person.means[:, :2]).any()


def test_a_third_prediction_has_its_mean():
    frames = [[face("fear", blendshapes=sure("anger", share))] for share in (0.4, 0.6)]
    (person,) = fill(TimeBins(seconds=0.08), frames)
    assert person.means[0, 3, ANGER] == pytest.approx(0.5)


def test_a_bin_has_the_label_of_most_of_its_time():
    named, unnamed = [face("fear")], [face("fear", label="uncertain")]
    (person,) = fill(TimeBins(seconds=0.12), [named, named, unnamed, unnamed, unnamed, named])
    assert person.labels.tolist() == [FEAR, len(EMOTIONS)]


def test_where_nothing_is_known_there_is_no_mean():
    (person,) = fill(TimeBins(), [[replace(face("fear"), probabilities=None, label="uncertain")]] * 3)
    assert np.isnan(person.means[:, 0]).all()
    assert person.labels.tolist() == [len(EMOTIONS)] * 3


def test_who_is_away_has_no_bins():
    here, away = [face("fear", 1)], []
    (person,) = fill(TimeBins(), [here, here, away, away, here])
    assert person.bins == (0, 1, 4)


def test_memory_is_bounded_and_nothing_is_lost():
    fine = fill(TimeBins(limit=10_000), [[face("fear" if n < 600 else "anger", 1, 0.8)] for n in range(1000)])
    bins = TimeBins(limit=64)
    coarse = fill(bins, [[face("fear" if n < 600 else "anger", 1, 0.8)] for n in range(1000)])
    assert bins.seconds == pytest.approx(0.64)
    assert bins.count <= 64
    assert len(coarse[0].bins) <= 64 < len(fine[0].bins)
    assert coarse[0].means[:, :3].mean(axis=0) == pytest.approx(fine[0].means[:, :3].mean(axis=0), abs=0.01)


def test_people_are_apart_and_in_order():
    people = fill(TimeBins(), [[face("fear", 5), face("anger", 2)]] * 3)
    assert [person.track_id for person in people] == [2, 5]


def test_time_that_stands_still_or_goes_back_is_passed_over():
    bins = TimeBins()
    for pts in (0, 40, 40, 20, 80):
        bins.add(result(0, face("fear"), pts=pts))
    assert bins.finish()[0].bins == (0, 1, 2)


def test_nothing_is_nobody():
    assert TimeBins().finish() == ()
    assert fill(TimeBins(), [[]] * 3) == ()


@pytest.mark.parametrize(
    ("stamps", "filled"), [((), 1), ((0,), 1), ((0, 40), 1), ((0, 40, 80), 2), ((0, 90), 3)]
)
def test_while_frames_come_bins_reach_to_the_last_of_them(stamps, filled):
    bins = TimeBins()
    for pts in stamps:
        bins.add(result(0, face("fear"), pts=7000 + pts))
    assert bins.count == filled


def test_a_frame_that_comes_twice_at_the_end_lasts_as_long_as_the_one_before():
    bins = TimeBins()
    for pts in (0, 40, 40):
        bins.add(result(0, face("fear"), pts=pts))
    assert bins.finish()[0].bins == (0, 1)


def test_164_seconds_have_bins_as_short_as_a_picture_and_what_is_longer_has_longer_ones():
    bins = TimeBins()
    for pts in (0, 163_800, 163_840):
        bins.add(result(0, face("fear"), pts=pts))
    assert (bins.seconds, bins.count) == (0.04, 4096)
    (person,) = bins.finish()
    assert (bins.seconds, bins.count) == (0.08, 2049)
    assert person.bins == tuple(range(2049))


def test_a_frame_counts_for_no_longer_than_is_said():
    bins = TimeBins(longest=0.1)
    for pts in (0, 1000, 1040):
        bins.add(result(0, face("fear"), pts=pts))
    assert bins.finish()[0].bins == (0, 1, 2, 25, 26)
