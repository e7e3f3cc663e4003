from fractions import Fraction

import pytest

from emotion.realtime.media import Joint, VideoInfo
from emotion.realtime.sinks.audio_clock import AudioClock

MILLISECONDS = Fraction(1, 1000)
LENGTH = 20


def heard(stamps, **about):
    """When packets of 20 ms are heard, in milliseconds, and the clock."""
    about = {"duration_seconds": 3.0} | about
    clock = AudioClock(MILLISECONDS, VideoInfo(path=None, width=2, height=2, time_base=MILLISECONDS, **about))
    times = [time for n, stamp in enumerate(stamps) for time, _ in clock.feed(stamp, LENGTH, n)]
    return times + [time for time, _ in clock.flush()], clock


@pytest.mark.parametrize(
    "stamps",
    [
        [0, 20, 40, 60],
        [0, 21, 43, 64],  # rounded
        [1000, 1020, 1040, 1060],  # late
        [0, 20, 40, 2000, 2020, 2040],  # a pause within the video's time
        [-40, -20, 0, 20],
    ],
)
def test_good_stamps_pass_unchanged(stamps):
    times, clock = heard(stamps)
    assert times == stamps
    assert (clock.guessed, clock.closed, clock.dropped) == (0, 0, 0)


@pytest.mark.parametrize(
    "stamps",
    [
        [0, 20, 9_000_000, 60, 80],
        [0, 20, 3, 60, 80],
        [0, 20, None, 60, 80],
        [0, 0, 0, 0, 0],
        [80, 60, 40, 20, 0],
        [0, 20, 90_000_000, 90_000_020, 90_000_040],
        [0, 1000, 2000, 3000, 4000],
        [9_000_000, 20, 40, 60, 80],
    ],
)
def test_stamps_that_cannot_be_follow_the_samples(stamps):
    assert heard(stamps)[0] == [0, 20, 40, 60, 80]


def test_sound_is_moved_with_the_pictures():
    # The pictures of the second part end 30 ms later than its sound.
    joint = Joint(before=0.09, after=500.0, at=0.13, offset=0.13 - 500.0)
    times, clock = heard([0, 20, 40, 60, 500_000, 500_020, 500_040], joints=[joint])
    assert times == [0, 20, 40, 60, 130, 150, 170]
    assert clock.closed == 0


def test_what_sounds_at_a_time_that_others_have_is_left_out():
    joint = Joint(before=0.06, after=0.0, at=0.08, offset=0.08)
    times, clock = heard([0, 20, 40, 60, 80, 100, 120, 0, 20, 40, 60, 80], joints=[joint])
    assert times == [0, 20, 40, 60, 80, 100, 120, 140, 160]
    assert clock.dropped == 3


def test_times_always_grow():
    stamps = [0, 20, 19, 41, 41, 1_000, 5, None, 2_000_000, 60, 61, 62, 200, -5, 220]
    times, _ = heard(stamps)
    assert times == sorted(set(times))


HOUR = 3_600_000


@pytest.mark.parametrize(("begin", "kept"), [(27 * HOUR, False), (27 * HOUR + 1, True)])
def test_a_clock_that_begins_later_than_any_broadcast_is_set_to_the_videos(begin, kept):
    """Before that a clock far behind the video's time is no clock at all: its samples are counted."""
    times, clock = heard([begin, begin + 20, begin + 40])
    assert times == [0, 20, 40]
    assert (clock.guessed == 0) is kept
    assert clock.closed == 1


@pytest.mark.parametrize(("pause", "kept"), [(9_980, True), (10_000, False)])
def test_in_a_video_of_unknown_length_sound_pauses_for_less_than_ten_seconds(pause, kept):
    first = [0, 20, 40]
    last = [60 + pause, 80 + pause, 100 + pause]
    times, clock = heard([*first, *last], duration_seconds=None)
    assert times == (first + last if kept else [0, 20, 40, 60, 80, 100])
    assert clock.closed == (not kept)


@pytest.mark.parametrize(("late", "kept"), [(3_980, True), (4_000, False)])
def test_sound_may_begin_until_a_second_behind_the_videos_end(late, kept):
    times, _ = heard([late, late + 20, late + 40])
    assert times == ([late, late + 20, late + 40] if kept else [0, 20, 40])


@pytest.mark.parametrize(("off", "believed"), [(30, True), (31, False)])
def test_others_say_that_a_clock_runs_on_where_they_are_near(off, believed):
    """A leap within the video's time is a pause where the packets behind it follow one another."""
    stamps = [0, 20, 40, 2000, 2020 + off, 2040 + 2 * off, 2060 + 3 * off]
    times, _ = heard(stamps)
    assert (times[3] == 2000) is believed
