from fractions import Fraction

import pytest

from emotion.realtime.sources.timeline import Timeline, clock

MILLISECONDS = Fraction(1, 1000)


def placed(stamps, longest=600.0, start=0):
    """The times of stamps in milliseconds, 40 apart on average, and the timeline."""
    timeline = Timeline(MILLISECONDS, 40, longest, start)
    return [time for time, _ in timeline.place(iter(stamps), lambda stamp: stamp)], timeline


@pytest.mark.parametrize(
    "stamps",
    [
        [0, 40, 80, 120],
        [-80, -40, 0, 40],
        [7000, 7033, 7066, 7100],
        [0, 1, 2, 2000, 2001, 90_000],
        [0, 17, 500, 510, 599_000],
        [95_000_000, 95_000_040, 95_000_080],
        [5],
        [],
    ],
)
def test_good_stamps_pass_unchanged(stamps):
    times, timeline = placed(stamps)
    assert times == stamps
    assert timeline.mends.sentences() == []


@pytest.mark.parametrize(
    ("stamps", "times"),
    [
        ([0, 40, 40, 120, 160], [0, 40, 80, 120, 160]),  # one comes again
        ([0, 40, None, 120, 160], [0, 40, 80, 120, 160]),
        ([0, 40, 9_000, 120, 160], [0, 40, 80, 120, 160]),
        ([0, 40, 3, 120, 160], [0, 40, 80, 120, 160]),
        ([None] * 4, [0, 40, 80, 120]),
        ([0] * 4, [0, 40, 80, 120]),
        ([900, 860, 820, 780], [0, 40, 80, 120]),
        ([0, 40, 80, 0, 40, 80], [0, 40, 80, 120, 160, 200]),
        ([1000, 1040, 1080, 500, 540, 580], [1000, 1040, 1080, 1120, 1160, 1200]),
        ([0, 40, 80, 7_000_000, 7_000_040, 7_000_080], [0, 40, 80, 120, 160, 200]),
        ([400_000_000, 400_000_040, 400_000_080], [0, 40, 80]),
    ],
)
def test_doubtful_stamps_become_a_timeline_without_breaks(stamps, times):
    assert placed(stamps)[0] == times


def test_a_leap_up_to_the_longest_gap_is_kept():
    stamps = [0, 40, 500_040, 500_080]
    assert placed(stamps)[0] == stamps
    assert placed(stamps, longest=400.0)[0] == [0, 40, 80, 120]


def test_a_joint_says_by_how_much_what_follows_is_moved():
    _, timeline = placed([0, 40, 80, 10_000_000, 10_000_040, 10_000_080])
    (joint,) = timeline.mends.joints
    assert (joint.before, joint.after, joint.at) == (0.08, 10_000.0, 0.12)
    assert joint.offset == pytest.approx(0.12 - 10_000)
    assert timeline.mends.sentences() == ["its clock is reset at 0:00.1: later frames continue without a gap"]


def test_a_joint_is_behind_the_last_stamp_that_there_was():
    _, timeline = placed([0, 40, 80, None, 10_000_000, 10_000_040, 10_000_080])
    (joint,) = timeline.mends.joints
    assert (joint.before, joint.after, joint.at) == (0.08, 10_000.0, 0.16)


def test_no_picture_waits_for_others_where_stamps_are_good():
    taken = []

    def pictures():
        for stamp in range(0, 4000, 40):
            taken.append(stamp)
            yield stamp

    timeline = Timeline(MILLISECONDS, 40, 600.0)
    times = timeline.place(pictures(), lambda stamp: stamp)
    for index in range(20):
        next(times)
        assert len(taken) <= max(2, index + 1)


def test_times_are_reported_in_minutes_and_seconds():
    assert [clock(seconds) for seconds in (0, 5.24, 59.96, 61, 3725.5)] == [
        "0:00.0", "0:05.2", "1:00.0", "1:01.0", "62:05.5",
    ]  # fmt: skip
