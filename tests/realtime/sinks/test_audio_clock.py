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


def clock(**about):
    about = {"duration_seconds": 3.0} | about
    return AudioClock(MILLISECONDS, VideoInfo(path=None, width=2, height=2, time_base=MILLISECONDS, **about))


def given(one, *packets):
    """For each packet, a stamp or a stamp and a length, the times that are clear by then."""
    reported = [packet if isinstance(packet, tuple) else (packet, LENGTH) for packet in packets]
    return [[time for time, _ in one.feed(stamp, length, None)] for stamp, length in reported]


def test_three_packets_behind_it_tell_what_the_first_means_and_then_none_waits():
    assert given(clock(), 0, 20, 40, 60, 80) == [[], [], [], [0, 20, 40, 60], [80]]


@pytest.mark.parametrize(
    ("stamp", "at_once"), [(580, True), (581, False), (61, True), (60, False), (59, False), (None, False)]
)
def test_a_packet_less_than_half_a_second_late_and_behind_the_last_is_in_no_doubt(stamp, at_once):
    one = clock()
    given(one, 0, 20, 40, 60)
    assert given(one, stamp) == [[stamp] if at_once else []]


def test_long_packets_may_be_off_by_their_length():
    """A leap within the video's time, behind which the others lie 80 ms from where they should."""
    leap = [(2000, 100), (2180, 100), (2360, 100), (2540, 100)]
    one = clock()
    given(one, (0, 100), (100, 100), (200, 100), (300, 100))
    assert given(one, *leap) == [[], [], [], [2000, 2180, 2360, 2540]]


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        (1.99, 500.0, True),
        (2.0, 500.0, False),
        (0.5, 501.49, True),
        (0.5, 501.5, False),
        (-0.99, 498.51, True),
    ],
)
def test_sound_and_pictures_leap_within_a_second_and_a_half_of_each_other(before, after, moved):
    joint = Joint(before=before, after=after, at=0.0, offset=0.6 - 500.0)
    times, one = heard([440, 460, 480, 500, 500_000, 500_020, 500_040], joints=[joint])
    assert times[4:] == ([600, 620, 640] if moved else [520, 540, 560])
    assert one.closed == (not moved)


def test_of_two_joints_at_one_place_the_later_counts():
    joints = [Joint(before=0.5, after=500.0, at=0.0, offset=offset - 500.0) for offset in (0.6, 0.7)]
    assert heard([440, 460, 480, 500, 500_000, 500_020, 500_040], joints=joints)[0][4:] == [700, 720, 740]


@pytest.mark.parametrize(
    ("begin", "length", "first"),
    # The last packet begins at 120 and ends at 140; pictures move the next one to `begin`.
    [(130, 20, 130), (121, 20, 121), (120, 20, None), (130, 60, 130), (110, 60, 121), (109, 60, None)],
)
def test_what_begins_before_another_has_begun_is_left_out_unless_most_of_it_follows(begin, length, first):
    joint = Joint(before=0.12, after=500.0, at=0.0, offset=begin / 1000 - 500.0)
    one = clock(joints=[joint])
    given(one, *range(0, 140, 20))
    moved = given(one, *((500_000 + length * n, length) for n in range(4)))
    times = [time for some in moved for time in some]
    if first is None:
        assert one.dropped >= 1
        assert begin not in times
    else:
        assert (times[0], one.dropped) == (first, 0)


@pytest.mark.parametrize(
    ("stamps", "times", "guessed"),
    [
        ([40], [40], 0),  # nothing contradicts it
        ([None], [0], 0),
        ([None, 20, 40, 60], [0, 20, 40, 60], 0),
        ([4000], [0], 1),  # behind the video's end
        ([40, 4000, 5000, 6000, 7000], [0, 20, 40, 60, 80], 5),
        ([0, 20, 40, 60, None, 100], [0, 20, 40, 60, 80, 100], 0),
        ([0, 20, 40, 60, 9000, 100, 120], [0, 20, 40, 60, 80, 100, 120], 1),
    ],
)
def test_what_is_worked_out_is_counted(stamps, times, guessed):
    found, one = heard(stamps)
    assert found == times
    assert one.guessed == guessed


@pytest.mark.parametrize(
    ("first_pts", "late", "kept"), [(500, 4490, True), (500, 4500, False), (-500, 3490, True)]
)
def test_sound_without_good_stamps_begins_with_the_pictures(first_pts, late, kept):
    stamps = [late, late + 20, late + 40]
    times, _ = heard(stamps, first_pts=first_pts)
    assert times == (stamps if kept else [first_pts, first_pts + 20, first_pts + 40])


def test_a_packet_of_no_length_takes_the_shortest_time():
    assert given(clock(), (0, 0), (None, 0), (None, -5), (None, 0)) == [[], [], [], [0]]
    one = clock()
    given(one, (0, 0), (None, 0), (None, -5), (None, 0))
    assert [time for time, _ in one.flush()] == [1, 2, 3]
